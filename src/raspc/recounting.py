"""Which model stands for a program: that of its graph, or where that is refused one that rounds less.

Keys that a head averages must score alike. A table of them that neurons compute as a staircase of many steps rounds, as
the steps are one long sum; without lines it takes more neurons, or a layer more, and rounds less. And a mean can be
computed from how many keys hold each value.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial

from raspc.certify.proof.certificate import NUMBER, refusal
from raspc.errors import UncertainProgram
from raspc.graph.nodes import Aggregate, Graph
from raspc.plan.alternatives import Refused, attempt, best
from raspc.plan.plan import Size
from raspc.weights.model import Model

GIVEN_UP = ("lines",)
"""What a program with means does without where its model is refused."""


def settled(make: Callable[..., Model], graph: Graph, recount: Callable[[], Graph]) -> Model:
    """The model of a graph where it holds; else one without lines, or one of `recount`, with counts for its means.

    Of these two the smaller is taken, so that a higher level gives no larger one. `make`: of a graph, and of what it is
    to do without (`given_up`).

    Where numbers are in doubt, a warning says that they were measured.

    Raises the refusal of the graph where none holds.
    """

    def rounds() -> Iterator[list[Model | Refused]]:
        yield [attempt(partial(make, graph))]
        if _has_means(graph):
            yield [attempt(partial(make, graph, given_up=GIVEN_UP)), attempt(lambda: make(recount()))]

    found = best(rounds(), _size, lambda model: model)
    if found.certificate is not None and _doubts_numbers(found):
        warnings.warn(f"measured, not proved: {refusal(found.certificate)}", UncertainProgram, stacklevel=3)
    return found


def _size(model: Model) -> Size:
    """Layers and parameters."""
    return Size(model.config.n_layers, sum(array.size for array in model.params.values()))


def _doubts_numbers(model: Model) -> bool:
    """Whether a number may be off by more than is promised, as far as bounds show; other decisions are discrete."""
    links = model.certificate.links if model.certificate is not None else ()
    return any(link.kind == NUMBER and not link.holds for link in links)


def _has_means(graph: Graph) -> bool:
    return any(isinstance(node, Aggregate) and not node.pick for node in graph.nodes)
