"""Which model stands for a program: one that is proved, if its means have to be counted for it; else one that holds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Protocol

from raspc.certify.proof.certificate import NUMBER, refusal
from raspc.errors import UncertainProgram
from raspc.graph.nodes import Aggregate, Graph
from raspc.plan.alternatives import Refused, attempt
from raspc.weights.model import Model


class Make(Protocol):
    """How a model is made of a graph; `near`: no bound of its certificate may exceed its margin by far."""

    def __call__(self, graph: Graph, *, near: bool) -> Model: ...


def settled(make: Make, graph: Graph, recount: Callable[[], Graph]) -> Model:
    """The model of a graph where it is proved; else that of `recount`, the same program with counts for its means.

    Where neither is proved, the first that holds, and whose bounds are near; where there is none, one that was right on
    a sample with room to spare. Where numbers are in doubt, a warning says that it was measured.

    Raises the refusal of the graph where none holds.
    """
    first = attempt(partial(make, graph, near=True))
    if isinstance(first, Model) and _is_proved(first):
        return first
    found = [first, *([attempt(lambda: make(recount(), near=True))] if _has_means(graph) else [])]
    held = sorted((one for one in found if isinstance(one, Model)), key=lambda one: not _is_proved(one))
    model = held[0] if held else make(graph, near=False)
    if model.certificate is not None and _doubts_numbers(model):
        warnings.warn(f"measured, not proved: {refusal(model.certificate)}", UncertainProgram, stacklevel=3)
    return model


def _doubts_numbers(model: Model) -> bool:
    """Whether a number may be off by more than is promised, as far as bounds show; other decisions are discrete."""
    links = model.certificate.links if model.certificate is not None else ()
    return any(link.kind == NUMBER and not link.holds for link in links)


def _is_proved(found: Model | Refused) -> bool:
    """Whether there is nothing to ask for beyond it; of a model that nobody wants certified, too."""
    return isinstance(found, Model) and (found.certificate is None or found.certificate.proved)


def _has_means(graph: Graph) -> bool:
    return any(isinstance(node, Aggregate) and not node.pick for node in graph.nodes)
