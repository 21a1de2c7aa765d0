"""Counts of many keys are given the index, by which a head may count the keys of each stretch of positions apart.

A head leaves a count of d keys as a number that is off by about d²·u in float32, u being half of the last digit of 1:
each of d equal terms that are added rounds all that were added before it. From about 1,400 keys on that is more than
readers bear. A head that has a value for each stretch of positions adds up the keys of each stretch apart, and then few
numbers; but it must see where keys stand, and the program may read no index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from raspc.graph.nodes import Graph, Index, Listed, Width
from raspc.numbers.options import DEFAULT, Level, Options
from raspc.numbers.shares import as_number
from raspc.passes.conditions import CONJUNCTIONS, ONLY_CONJUNCTIONS, WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter

OFF = 1 / 8
"""A count that is off by more than this is too large for one sum."""


def count_in_stretches(graph: Graph, options: Options = DEFAULT, off: float = OFF) -> Graph:
    """The same program, in which large counts name the index; the graph itself where no count is large.

    `off`: a count is large that would be off by more.
    """
    large = {place: node for place, node in _counts(graph) if _is_large(graph, node, options, off)}
    if not large:
        return graph
    new = Rewriter(graph, options.without)
    size = graph.max_seq_len
    for place in range(len(graph)):
        if (node := large.get(place)) is not None:
            by = new.store.put(Index(domain=Listed(tuple(range(size)))))
            new.keep(place, replace(node, selector=new.place[node.selector], by=by))
        else:
            new.keep(place)
    return new.graph()


def _counts(graph: Graph) -> Iterator[tuple[int, Width]]:
    """All numbers of selected keys, with their places."""
    yield from ((place, node) for place, node in enumerate(graph.nodes) if isinstance(node, Width))


def _is_large(graph: Graph, node: Width, options: Options, off: float = OFF) -> bool:
    """Whether the number of keys would be off too far as one sum, and names no index yet."""
    if node.by is not None or node.free:
        return False
    share = as_number(node.listed.numbers, graph.max_seq_len, options.precision)
    return share is not None and bool(np.max(share.noise) > off)


def _left(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Large counts that name no index."""
    for place, node in _counts(after):
        if _is_large(after, node, options):
            yield f"%{place} counts up to {node.listed.values[-1]} keys by no index"


COUNT_IN_STRETCHES = Pass(
    "count_in_stretches",
    "a count of many keys may be counted in stretches of positions, all of which add to one number",
    count_in_stretches,
    requires=(WELL_FORMED, CONJUNCTIONS),
    ensures=(ONLY_CONJUNCTIONS, Guarantee("counts that are off too far as one sum name the index", _left)),
    level=Level.COMPACT,
    needed=lambda options: options.target == "plain",
)
