"""Tables that stand for a chain of tables: the form of a graph by that of the program that it should be.

A chain with too many combinations of what it finally rests on has no normal form of its own. Where a table of a graph
reads variables that the program has too, the program's tables are looked up from these on, and the one that holds the
same values everywhere is what it stands for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from raspc.certify.checking.normal import Class, Root, keys_of
from raspc.certify.proof.counting import Counting
from raspc.certify.proof.meaning import looked_up
from raspc.graph.nodes import Graph, Ids, Interval, Listed, Table, Variable
from raspc.graph.tables import Joint

COMBINATIONS = 1 << 22
"""Over more combinations than this a chain is not looked up."""


class Chained(Counting):
    """Classes as `Counting` gives them, and of tables that stand for a chain of `program` the class of its end."""

    def __init__(self, graph: Graph, known: dict[Any, Class], program: Counting) -> None:
        super().__init__(graph, known, program.pairs, program.apart)
        self.program = program

    @cached_property
    def there(self) -> dict[Root, list[int]]:
        """The variables of the program by class and values."""
        graph, found = self.program.graph, dict[Root, list[int]]()
        for place, (node, its) in enumerate(zip(graph.nodes, self.program.classes, strict=True)):
            if isinstance(node, Variable) and isinstance(node.domain, Listed):
                found.setdefault((its, keys_of(node.domain)), []).append(place)
        return found

    @cached_property
    def seen(self) -> frozenset[Class]:
        """The classes of the program."""
        return frozenset(self.program.classes)

    def table(self, node: Table) -> tuple[Class, Joint | None]:
        found, joint = super().table(node)
        if found in self.seen or node.free or (end := self.end_of_chain(node)) is None:
            return found, joint  # what stands within a chain may be forced in a total graph
        self.raising.discard(found)  # it is undefined only where the chain is, whose classes are there for that
        return self.program.classes[end], joint

    def end_of_chain(self, node: Table) -> int | None:
        """The table of the program that is the same function of the same variables; None if there is none."""
        reads = [self.there.get(root, []) for root in self.roots(node.args)]
        if not all(reads) or len(set(map(min, reads))) < len(reads):
            return None
        graph, axis = self.program.graph, {place: axis for axis, alike in enumerate(reads) for place in alike}
        for place in range(max(map(min, reads), default=-1) + 1, len(graph)):
            end = graph[place]
            if isinstance(end, Table) and keys_of(end.listed) == keys_of(node.listed) and _is(graph, place, axis, node):
                return place
        return None


def _is(graph: Graph, place: int, axis: Mapping[int, int], node: Table) -> bool:
    """Whether a table of a graph is `node` wherever it is defined. `axis`: variables as arguments of that."""
    inside, others = _between(graph, place, axis)
    axes = {**axis, **{other: node.cells.ndim + i for i, other in enumerate(others)}}
    domains = [graph.variable(other).domain for other in others]
    sizes = [0 if isinstance(domain, Interval) else len(domain) for domain in domains]
    if not 0 < prod(sizes) * node.cells.size <= COMBINATIONS:
        return False
    found = _followed(graph, inside, axes, node.cells.ndim + len(others))
    wanted = node.cells.reshape([*node.cells.shape, *[1] * len(others)])
    return bool(((found == wanted) | (found < 0)).all())


def _between(graph: Graph, place: int, reads: Collection[int]) -> tuple[list[int], list[int]]:
    """The tables between some variables and a table, it included, and whatever else these read."""
    found, others, waiting = {place}, set[int](), [place]
    while waiting:
        for ref in set(graph[waiting.pop()].refs) - found - set(reads):
            if isinstance(graph[ref], Table):
                found.add(ref)
                waiting.append(ref)
            else:
                others.add(ref)
    return sorted(found), sorted(others)


def _followed(graph: Graph, inside: Sequence[int], axes: Mapping[int, int], count: int) -> Ids:
    """The last of some tables over so many axes, each table looked up once. `axes`: of the variables that they read."""
    held: dict[int, Ids] = {}
    for place in sorted({*inside, *(ref for table in inside for ref in graph[table].refs)}):
        node = graph[place]
        if place in axes:
            shape = [-1 if axis == axes[place] else 1 for axis in range(count)]
            held[place] = np.arange(len(graph.variable(place).listed), dtype=np.int32).reshape(shape)
        elif isinstance(node, Table):
            held[place] = looked_up(node.cells, [held[arg] for arg in node.args], count)
    return held[inside[-1]]
