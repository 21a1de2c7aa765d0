"""Counts in place of what attention adds up: what the passes for means and for sums share.

A narrow format rounds a mean or a sum of numbers, but it counts: how many selected keys hold one of some values is a
width, and widths are exact. What is wanted is then a table of widths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from raspc.graph.nodes import Aggregate, Graph, Index, Listed, Node, Select, Sum, Width
from raspc.numbers.options import Options
from raspc.passes.rewriting import Rewriter

Counted = TypeVar("Counted", Aggregate, Sum)
Chosen = Callable[[Graph, Node], Counted | None]
"""The node, if it is one that can be counted."""


def in_counts(
    graph: Graph,
    options: Options,
    chosen: Chosen[Counted],
    made: Callable[[Rewriter, Graph, Counted], int],
    numerical: bool | None = None,
) -> Graph:
    """The same program with what is made of counts in place of the chosen nodes; the graph itself where none is.

    `numerical`: how these are kept, whatever was advised for them; None leaves the advice.
    """
    if not any(chosen(graph, node) for node in graph.nodes):
        return graph
    new = Rewriter(graph, options.without)
    for place, node in enumerate(graph.nodes):
        if (counted := chosen(graph, node)) is not None:
            new.stand_in(place, made(new, graph, counted))
            new.store.describe(new.place[place], None, numerical)
        else:
            new.keep(place)
    return new.graph()


def uncounted(chosen: Chosen[Counted], what: str) -> Callable[[Graph, Graph, Options], Iterator[str]]:
    """Those that a pass has left: what it ensures is that there are none."""

    def left(before: Graph, after: Graph, options: Options) -> Iterator[str]:
        places = (place for place, node in enumerate(after.nodes) if chosen(after, node) is not None)
        yield from (f"%{place} is such a {what}" for place in places)

    return left


def holders(new: Rewriter, graph: Graph, node: Aggregate | Sum, holds: NDArray[np.bool_]) -> int:
    """How many of the selected keys hold one of some values of the source; `holds` [values]."""
    n = graph.max_seq_len
    selects, index = new.tables(node.selector), new.store.put(Index(domain=Listed(tuple(range(n)))))
    if not holds.all():
        cells = np.repeat(holds[:, None], n, axis=1).astype(np.int8)
        selects = [*selects, Select(key=new.place[node.source], query=index, cells=cells)]
    return new.store.put(Width(domain=Listed(tuple(range(n + 1))), selector=new.conjunction(selects)))
