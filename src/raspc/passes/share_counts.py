"""Counts that are too large for one head of a narrow format become sums of counts over stretches of positions.

bfloat16 tells about 70 shares of attention apart. A head that counts the selected keys among the positions of a stretch
that is so short has as many; the sums of two, of four … stretches follow in later layers.

Requires: selectors that are tables or conjunctions of tables. Ensures: no width counts more than `most` keys, and its
stand-in has the same value set.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from raspc.graph.nodes import UNDEFINED, Gate, Graph, Index, Length, Listed, Select, Width
from raspc.passes.rewriting import Rewriter


def share_counts(graph: Graph, most: int) -> Graph:
    """The same program with the counting shared out; the graph itself where no count is too large."""
    long = [node for node in graph.nodes if isinstance(node, Width | Length) and node.listed.values[-1] > most]
    if not long or most < 1:
        return graph
    new = Rewriter(graph)
    for place, node in enumerate(graph.nodes):
        if node in long:
            assert isinstance(node, Width | Length)
            new.stand_in(place, _sum(new, _parts(new, graph, node, most), node.listed))
        else:
            new.keep(place)
    return new.graph()


def _parts(new: Rewriter, graph: Graph, node: Width | Length, most: int) -> list[int]:
    """A width for each stretch of positions."""
    size = graph.max_seq_len
    count = -(-size // most)
    ends = [size * i // count for i in range(count + 1)]
    index = new.store.put(Index(domain=Listed(tuple(range(size)))))
    selects = _selects(new, graph, node)
    parts = []
    for start, stop in pairwise(ends):
        inside = (np.arange(size) >= start) & (np.arange(size) < stop)
        cells = np.repeat(inside[:, None], size, axis=1).astype(np.int8)
        selector = new.conjunction([*selects, Select(key=index, query=index, cells=cells)])
        parts.append(new.store.put(Width(domain=Listed(tuple(range(stop - start + 1))), selector=selector)))
    return parts


def _selects(new: Rewriter, graph: Graph, node: Width | Length) -> list[Select]:
    """The tables of a width's selector, in the new graph."""
    if isinstance(node, Length):
        return []
    found = new.store.nodes[new.place[node.selector]]
    places = found.args if isinstance(found, Gate) else [new.place[node.selector]]
    tables = [new.store.nodes[place] for place in places]
    return [table for table in tables if isinstance(table, Select)]


def _sum(new: Rewriter, parts: list[int], domain: Listed) -> int:
    """The sum of all parts, two at a time; the last has the values of `domain`."""
    while len(parts) > 2:
        pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
        parts = [_pair(new, pair, None) if len(pair) == 2 else pair[0] for pair in pairs]
    return _pair(new, parts, domain)


def _pair(new: Rewriter, parts: list[int], domain: Listed | None) -> int:
    """The sum of two counts as a table."""
    sizes = [len(new.store.listed(part)) for part in parts]
    total = np.add.outer(np.arange(sizes[0]), np.arange(sizes[1]))
    values = domain or Listed(tuple(range(int(total.max()) + 1)))
    number = {value: i for i, value in enumerate(values.values)}
    ids = np.array([number.get(count, UNDEFINED) for count in range(int(total.max()) + 1)], np.int32)
    return new.table(parts, ids[total], values)
