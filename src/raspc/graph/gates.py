"""Selectors made of selectors, in normal form: conjunctions and disjunctions that are flat and sorted, complements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from raspc.errors import InternalError
from raspc.graph.nodes import Bits, Gate, Node, Select
from raspc.graph.selectors import COMBINE, FALSE, TRUE, negated
from raspc.graph.store import Store


class Builder(Protocol):
    """What is used of the builder of a graph. `complements`: of each selector that was negated its complement."""

    store: Store
    complements: dict[int, int]

    def as_tables(self, place: int) -> int: ...
    def put_select(self, key: int, query: int, cells: Bits) -> int: ...


def joined(builder: Builder, op: str, args: Sequence[int]) -> int:
    """An and / or in normal form: flat, sorted, tables over the same two variables merged."""
    store, flat = builder.store, list[int]()
    for arg in map(builder.as_tables, args):
        node = store.nodes[arg]
        flat.extend(node.args if isinstance(node, Gate) and node.op == op else [arg])
    merged: dict[tuple[int, int], Bits] = {}
    rest: set[int] = set()
    for arg in flat:
        node = store.nodes[arg]
        if isinstance(node, Select):
            pair = (node.key, node.query)
            merged[pair] = COMBINE[op](merged[pair], node.cells) if pair in merged else node.cells
        else:
            rest.add(arg)
    rest.update(builder.put_select(key, query, cells) for (key, query), cells in merged.items())
    neutral, absorbing = (TRUE, FALSE) if op == "and" else (FALSE, TRUE)
    rest.discard(store.put(neutral))
    absorbed = store.put(absorbing) in rest and not any(map(store.may_raise, rest))
    if store.does("fold", absorbed):
        return store.put(absorbing)
    return rest.pop() if len(rest) == 1 else store.put(Gate(op, tuple(sorted(rest))))


def complement(builder: Builder, place: int) -> int:
    """The complement of a selector. Each gate in it is negated once, however many gates read it."""
    place = builder.as_tables(place)
    waiting = [place]
    while waiting:
        node = builder.store.nodes[waiting[-1]]
        args = node.args if isinstance(node, Gate) else ()
        if ahead := [arg for arg in args if arg not in builder.complements]:
            waiting.extend(ahead)
        else:
            builder.complements[waiting.pop()] = _opposite(builder, node)
    return builder.complements[place]


def _opposite(builder: Builder, node: Node) -> int:
    """The complement of a table, or of a gate whose parts have theirs."""
    if isinstance(node, Gate):
        return joined(builder, "or" if node.op == "and" else "and", [builder.complements[arg] for arg in node.args])
    if not isinstance(node, Select):
        raise InternalError(f"a {type(node).__name__} is no part of a gate; this is a fault of raspc, please report it")
    return builder.put_select(node.key, node.query, negated(node.cells))
