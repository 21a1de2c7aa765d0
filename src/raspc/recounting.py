"""Which model stands for a program: one that is proved, if its means have to be counted for it; else one that holds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

from raspc.certify.proof.certificate import NUMBER, refusal
from raspc.errors import UncertainProgram
from raspc.graph.nodes import Aggregate, Graph
from raspc.plan.alternatives import Refused, attempt
from raspc.weights.model import Model


def settled(make: Callable[[Graph], Model], graph: Graph, recount: Callable[[], Graph]) -> Model:
    """The model of a graph where it is proved; else that of `recount`, the same program with counts for its means.

    Where neither is proved, the first that holds, with a warning that it was measured.

    Raises the refusal of the graph where none holds.
    """
    first = attempt(partial(make, graph))
    if isinstance(first, Model) and _is_proved(first):
        return first
    found = [first, *([attempt(lambda: make(recount()))] if _has_means(graph) else [])]
    held = sorted((one for one in found if isinstance(one, Model)), key=lambda one: not _is_proved(one))
    if not held:
        assert isinstance(first, Refused)
        raise first.error
    if held[0].certificate is not None and _doubts_numbers(held[0]):
        note = f"measured, not proved: {refusal(held[0].certificate)}"
        warnings.warn(note, UncertainProgram, stacklevel=3)
    return held[0]


def _doubts_numbers(model: Model) -> bool:
    """Whether a number may be off by more than is promised, as far as bounds show; other decisions are discrete."""
    links = model.certificate.links if model.certificate is not None else ()
    return any(link.kind == NUMBER and not link.holds for link in links)


def _is_proved(found: Model | Refused) -> bool:
    """Whether there is nothing to ask for beyond it; of a model that nobody wants certified, too."""
    return isinstance(found, Model) and (found.certificate is None or found.certificate.proved)


def _has_means(graph: Graph) -> bool:
    return any(isinstance(node, Aggregate) and not node.pick for node in graph.nodes)
