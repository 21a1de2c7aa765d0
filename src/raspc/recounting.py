"""Which model stands for a program: that of its graph, or where that is refused one that rounds less.

Keys that a head averages must score alike. A table of them that neurons compute as a staircase of many steps rounds, as
the steps are one long sum; without lines it takes more neurons, or a layer more, and rounds less. And a mean can be
computed from how many keys hold each value. A number that neurons make of large sums rounds, and is not right to the
last digit where it is small: then the answer is one of a list. Where none of that helps, what is computed a little off
is restored before heads compare it (`raspc.blocks.storage.restoring`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from raspc.blocks.storage import restoring
from raspc.blocks.storage.answer import CATEGORIES
from raspc.errors import CertificateError
from raspc.graph.build import Built
from raspc.graph.nodes import Aggregate, Graph, Listed, Sum
from raspc.plan.alternatives import Refused, attempt, best
from raspc.plan.plan import Size
from raspc.weights.model import Model

GIVEN_UP = ("lines",)
"""What a program with means does without where its model is refused."""
RESTORED = (restoring.CHOICE.name,)
"""What a program does without where that alone is proved: reading what is a little off."""
LISTED = 1 << 11
"""The most values of an answer for which a logit each is tried: the logits are a table of their pairs."""


def settled(make: Callable[..., Model], graph: Graph, tabulate: Callable[..., Built]) -> Model:
    """The model of a graph where it holds; else one without lines, or one with counts for its means.

    Of these two the smaller is taken, so that a higher level gives no larger one. `make`: of a graph, and of what it is
    to do without (`given_up`). `tabulate`: the program again, with counts for its means (`counted`). A number made of
    sums comes as one of a list where it is refused as a number.

    In a narrow format counts that are proved go before means that are measured; elsewhere what is proved with restored
    variables goes before what is measured without lines, or with counts.

    Raises the refusal of the graph where none holds.
    """

    first = attempt(partial(make, graph))

    def recounted() -> Model:
        return make(replace(tabulate(counted=True).graph, notes=graph.notes))

    def restored() -> Model:
        return make(graph, given_up=RESTORED)

    def rounds() -> Iterator[list[Model | Refused]]:
        yield [first]
        if _has_means(graph):
            yield [attempt(partial(make, graph, given_up=GIVEN_UP)), attempt(recounted)]
        if _gives_sums(graph):
            yield [attempt(partial(make, _as_one_of_a_list(graph)))]
        if isinstance(first, Refused) and isinstance(first.error, CertificateError):
            yield [attempt(restored)]

    found = best(rounds(), _size, lambda model: model)
    if found.precision.narrow:
        return _proved_rather(found, recounted) if _has_means(graph) else found
    return found if found is first or _gives_sums(graph) else _proved_rather(found, restored)


def _proved_rather(found: Model, other: Callable[[], Model]) -> Model:
    """The other model where that is proved, and what was found is only measured."""
    made = attempt(other) if _is_measured(found) else found
    return found if isinstance(made, Refused) or _is_measured(made) else made


def _gives_sums(graph: Graph) -> bool:
    """Whether the answer is one of many sums, or a function of sums, and may be given as a number."""
    node = graph.variable(graph.output)
    return (
        isinstance(node.domain, Listed) and CATEGORIES < len(node.domain) <= LISTED and node.domain.all_numbers
        and node.numerical is None and any(isinstance(other, Sum) for other in graph.nodes)
    )  # fmt: skip


def _as_one_of_a_list(graph: Graph) -> Graph:
    """The graph whose answer has a logit for each of its values."""
    nodes = list(graph.nodes)
    nodes[graph.output] = replace(nodes[graph.output], numerical=False)
    return replace(graph, nodes=tuple(nodes))


def _size(model: Model) -> tuple[int, int]:
    """Layers and parameters, by what was to be small."""
    size = Size(model.config.n_layers, sum(array.size for array in model.params.values()))
    return size.cost(model.options.objective)


def _is_measured(model: Model) -> bool:
    """Whether a certificate was asked for, and proves nothing."""
    return model.certificate is not None and model.certificate.verdict != "proved"


def _has_means(graph: Graph) -> bool:
    return any(isinstance(node, Aggregate) and not node.pick for node in graph.nodes)
