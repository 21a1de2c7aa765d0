"""A variable that holds a label in place of a value, so that values which count as one can be told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from raspc import values as V
from raspc.graph import nodes as N
from raspc.graph.evidence import Evidence
from raspc.graph.store import Store
from raspc.graph.tabulate import tabulate
from raspc.graph.unlisted import picked as values_of_pick
from raspc.numbers.arithmetic import mean

COUNTS = 1 << 14
"""The most combinations of counts over which a mean is listed."""

Label = Callable[[Any], int]


class Builder(Protocol):
    """What is needed of the builder of a graph."""

    store: Store
    index: int
    evidence: Evidence

    def gate(self, op: str, args: Sequence[int]) -> int:
        """A conjunction or disjunction."""

    def put_select(self, key: int, query: int, cells: N.Bits) -> int:
        """A selector."""

    def width_of(self, selector: int) -> int:
        """How many keys a selector selects."""


def split(builder: Builder, place: int, labels: Sequence[int], name: str) -> int | None:
    """The variable that holds, for each exact value of the one at `place`, its label; None if it cannot be computed."""
    store, view = builder.store, builder.store.exactly(place)
    known = {V.typed(value): label for value, label in zip(view.values, labels, strict=True)}
    node = store.nodes[place]
    if view.roots != (place,):
        return tabulate(store, _label(known), (place,), name)
    if not isinstance(node, N.Aggregate):
        return None
    picked = _pick(builder, node, known, name) if node.pick else None
    return _counted(builder, node, known, name) if picked is None else picked


def _label(known: Mapping[Any, int]) -> Label:
    return lambda value: known[V.typed(value)]


def _pick(builder: Builder, node: N.Aggregate, known: Mapping[Any, int], name: str) -> int | None:
    """A pick of labels, where it is proved that each query selects one exact value."""
    store, label = builder.store, _label(known)
    places = {V.typed(value): place for place, value in enumerate(store.exactly(node.source).values)}
    apart = tabulate(store, _label(places), (node.source,), name)
    single = node.single
    pick, proof = (True, node.proof) if single else builder.evidence.single(node.selector, apart, store.domain(apart))
    if not pick or proof == "assumption":
        return None
    source = tabulate(store, label, (node.source,), name)
    default = label(node.default) if node.may_be_empty else None
    domain, exact = values_of_pick(store, source, default, node.may_be_empty)
    moved = N.Aggregate(
        domain=domain, selector=node.selector, source=source, default=default, may_be_empty=node.may_be_empty,
        pick=True, proof=proof, single=single,
    )  # fmt: skip
    return store.put(moved, exact=exact)


def _counted(builder: Builder, node: N.Aggregate, known: Mapping[Any, int], name: str) -> int | None:
    """The label of a mean, from how many of the selected keys hold each number."""
    store, numbers = builder.store, builder.store.exactly(node.source).values
    if not all(map(V.is_number, numbers)) or (store.max_len + 1) ** len(numbers) > COUNTS:
        return None
    source = node.source
    if source in store.exact:
        found = store.split(source, range(len(numbers)), name)
        if found is None:
            return None
        source = found

    widths = [_holding(builder, node.selector, source, value) for value in store.listed(source).values]
    every = np.ndindex(*(store.max_len + 1,) * len(numbers))
    labels = {counts: _label_of(node, numbers, counts, store.max_len, known) for counts in every}
    if None in labels.values() or len(widths) != len(numbers):
        return None
    return tabulate(store, lambda *counts: labels[counts], widths, name)


def _label_of(
    node: N.Aggregate, numbers: Sequence[Any], counts: Sequence[int], most: int, known: Mapping[Any, int]
) -> int | None:
    """The label of the mean of so many keys of each number; any label where there are not so many."""
    if sum(counts) > most or not (any(counts) or node.may_be_empty):
        return 0
    chosen = [x for x, count in zip(numbers, counts, strict=True) for _ in range(count)]
    return known.get(V.typed(V.whole(mean(chosen, node.default))))


def _holding(builder: Builder, selector: int, source: int, value: Any) -> int:
    """How many of the selected keys hold a value."""
    number = builder.store.listed(source).id(value)
    size, queries = len(builder.store.listed(source)), len(builder.store.listed(builder.index))
    cells = np.repeat((np.arange(size) == number)[:, None], queries, axis=1).astype(np.int8)
    return builder.width_of(builder.gate("and", [selector, builder.put_select(source, builder.index, cells)]))
