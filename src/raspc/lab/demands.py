"""What each block of a plan reads, by the names of variables: features of them, whichever space they are read off.

A block reads numbers of the stream, and each is a sum of features of variables. Where a variable is stored nowhere,
what it is a function of is read instead. What is *meant* is told here: so a variable can be forced at its readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import outputs_of
from raspc.blocks.reading.moving import moved
from raspc.blocks.reading.selectors import best_of
from raspc.blocks.scores.selection import Conjunct
from raspc.blocks.spaces import Head, Matrix, Neurons
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Variable
from raspc.lab.permuting import neuron_order
from raspc.plan.plan import Plan
from raspc.weights.align import alignment
from raspc.weights.model import Model

Columns = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Part:
    """Features of one variable: `columns` [features of it, numbers that are read]; the read is the sum over parts."""

    place: int
    columns: Matrix


@dataclass(frozen=True, eq=False)
class Demand:
    """What a block reads in one way: "q", "k", "v", "in" or "out". `at`: which numbers of the model these are.

    At the positions of tokens these numbers are the sum over `parts` of the features of what the variables are there.
    """

    channel: str
    parts: tuple[Part, ...]
    at: Columns


@dataclass(frozen=True, eq=False)
class Site:
    """A block in the model: the variable that it computes, its layer, what it reads.

    Of a head: `head`, its number; `mixed`: its columns of all that the heads of the layer mix; `conjuncts`: for each
    selector that is scored which of the numbers of q and k score it; `scale`: a step of its scores.
    """

    place: int
    layer: int
    demands: tuple[Demand, ...]
    head: int | None = None
    mixed: Columns | None = None
    conjuncts: tuple[tuple[int, int, int], ...] = ()
    scale: float = 0.0


def sites_of(model: Model, plan: Plan) -> tuple[Site, ...]:
    """Where each block of a plan is in a model, in the order in which they run; last the unembedding, of layer −1."""
    facts = model.alignment.variables if model.alignment.variables else alignment(plan).variables
    orders = neuron_order(model)
    found: list[Site] = []
    computed: set[int] = set()
    for number, (place, block) in enumerate(zip(plan.lowered.place_of_block, plan.lowered.blocks, strict=True)):
        stage = plan.schedule.stages[number]
        if isinstance(block, Neurons) and (place in computed or plan.storage[place].design is None):
            continue  # what restores a variable reads nothing but what was left of it before
        if isinstance(block, Neurons):
            computed.add(place)
            found.append(_neurons(plan, number, place, stage // 2, orders[stage // 2]))
        else:
            parts = [part for part in facts[plan.graph.labels[place]].heads if part.layer == stage // 2]
            for part in parts:
                low, high = part.moved or (0, block.value.width)
                first = part.head * model.config.widths[stage // 2].d_head
                start = first + (part.column or 0)
                mixed = np.arange(start, start + high - low)
                found.append(_head(plan, place, block, stage // 2, part.head, first, mixed, (low, high)))
    found.sort(key=lambda site: (site.layer, site.head is None))
    answer = Demand("out", (Part(plan.graph.output, plan.storage.answer),), np.arange(plan.storage.answer.shape[1]))
    return (*found, Site(plan.graph.output, -1, (answer,)))


def _neurons(plan: Plan, number: int, place: int, layer: int, order: Columns) -> Site:
    """The neurons of a block stand behind those of earlier blocks of their layer, before any permutation."""
    start = sum(
        block.read.width
        for i, block in enumerate(plan.lowered.blocks[:number])
        if isinstance(block, Neurons) and plan.schedule.stages[i] == 2 * layer + 1
    )
    design = plan.storage[place].design
    assert design is not None
    axes = zip(design.axes, design.features, design.weights, strict=True)
    parts = [Part(axis, features @ weights) for axis, features, weights in axes]
    if parts:
        parts[0] = Part(parts[0].place, parts[0].columns + design.bias)
    at = order[start : start + design.size]
    return Site(place, layer, (Demand("in", tuple(parts), at),))


def _head(
    plan: Plan, place: int, block: Head, layer: int, head: int, first: int, mixed: Columns, span: tuple[int, int]
) -> Site:  # fmt: skip
    node, selection, scale = plan.graph.variable(place), plan.storage.selection(place), block.scale(plan.divisor(layer))
    queries, keys, conjuncts, start = list[Demand](), list[Demand](), list[tuple[int, int, int]](), 0
    for i, conjunct in enumerate(selection.conjuncts):
        at = first + np.arange(start, start + conjunct.factors.rank)
        factor = scale * selection.weight
        queries.append(Demand("q", (Part(conjunct.query, factor * conjunct.factors.queries),), at))
        keys.append(Demand("k", (Part(conjunct.key, conjunct.factors.keys),), at))
        conjuncts.append((i, start, start + conjunct.factors.rank))
        start += conjunct.factors.rank
    if (ranking := selection.ranking) is not None:
        at = first + np.arange(start, start + 1)
        queries.append(Demand("q", (Part(ranking.score, scale * np.ones_like(ranking.keys)),), at))
        keys.append(Demand("k", (Part(ranking.score, ranking.keys),), at))
    values = [
        Demand("v", tuple(Part(p.place, p.columns[:, slice(*span)]) for p in parts), mixed)
        for parts in _moved(plan, place, node)
    ]
    return Site(place, layer, (*queries, *keys, *values), head, mixed, tuple(conjuncts), scale * selection.weight)


def _moved(plan: Plan, place: int, node: Variable) -> Iterator[tuple[Part, ...]]:
    """What a head moves of its source; nothing where it counts."""
    graph, stored = plan.graph, plan.storage[place]
    if isinstance(node, N.Sum) and stored.raised is not None:
        yield (Part(node.source, stored.raised.at_key * F.number(graph.variable(node.source).domain)[:, None]),)
    elif isinstance(node, N.Aggregate) and stored.left is not None:
        yield (Part(node.source, _averaged(graph, node, stored.left.code.shape[1])),)
    elif isinstance(node, N.Aggregate):
        kept = [g for steep in (False, True) for g in stored.kept if g.steep == steep]
        yield (Part(node.source, moved(graph, node, outputs_of(kept))),)


def _averaged(graph: Graph, node: N.Aggregate, width: int) -> Matrix:
    """The number of each value of the source, and an indicator for each special one, as a mean leaves them."""
    source = graph.variable(node.source).domain
    columns, own = np.zeros((F.size(source), width)), F.numeric_code(source)
    has_number, offset = width > len(node.domain.specials), own.shape[1] - len(source.specials)
    if has_number and offset:
        columns[:, 0] = own[:, 0]
    for i, special in enumerate(source.specials):
        columns[:, int(has_number) + node.domain.specials.index(special)] = own[:, offset + i]
    return columns


@dataclass(frozen=True)
class Scored:
    """Which selectors a head scores, by their numbers in the graph.

    `whole`: the one that it selects by; `inner`: where it takes the best of some keys, the one of these. `conjuncts`:
    those that it is a conjunction of, and which of its penalties each is.
    """

    whole: int | None = None
    inner: int | None = None
    conjuncts: Mapping[int, int] = field(default_factory=dict)


def scored_by(plan: Plan, place: int) -> Scored:
    """The selectors of a head that computes a variable."""
    graph = plan.graph
    node = graph.variable(place)
    whole = getattr(node, "selector", None)
    if whole is None:
        return Scored()
    best = best_of(graph, node)
    inner = whole if best is None else best.selector
    selector = graph[inner]
    parts = selector.args if isinstance(selector, N.Gate) else (inner,)
    free, found = dict(enumerate(plan.storage.selection(place).conjuncts)), dict[int, int]()
    for part in parts:
        select = graph[part]
        match = next(
            (i for i, conjunct in free.items() if isinstance(select, N.Select) and _is(conjunct, select)), None
        )
        if match is not None:
            found[part] = match
            del free[match]
    return Scored(whole, None if best is None else inner, found)


def _is(conjunct: Conjunct, select: N.Select) -> bool:
    """Whether a penalty is that of a selector."""
    same = (conjunct.key, conjunct.query) == (select.key, select.query)
    return same and np.array_equal(conjunct.cells == 1, select.cells == 1)


def selectors_above(graph: Graph, place: int) -> set[int]:
    """The selector of a head, and all that it is made of."""
    found, waiting = set[int](), [getattr(graph[place], "selector", None)]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in found and isinstance(graph[one], N.Pattern):
            found.add(one)
            waiting += [ref for ref in graph[one].refs if isinstance(graph[ref], N.Pattern)]
    return found
