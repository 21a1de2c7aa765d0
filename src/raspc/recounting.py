"""Which model stands for a program: that of its graph, or one with counts for its means where that is refused."""

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
    """The model of a graph where it holds; else that of `recount`, the same program with counts for its means.

    Where numbers are in doubt, a warning says that they were measured.

    Raises the refusal of the graph where none holds.
    """
    first = attempt(partial(make, graph))
    found = attempt(lambda: make(recount())) if isinstance(first, Refused) and _has_means(graph) else first
    if isinstance(found, Refused):
        assert isinstance(first, Refused)
        raise first.error
    if found.certificate is not None and _doubts_numbers(found):
        warnings.warn(f"measured, not proved: {refusal(found.certificate)}", UncertainProgram, stacklevel=3)
    return found


def _doubts_numbers(model: Model) -> bool:
    """Whether a number may be off by more than is promised, as far as bounds show; other decisions are discrete."""
    links = model.certificate.links if model.certificate is not None else ()
    return any(link.kind == NUMBER and not link.holds for link in links)


def _has_means(graph: Graph) -> bool:
    return any(isinstance(node, Aggregate) and not node.pick for node in graph.nodes)
