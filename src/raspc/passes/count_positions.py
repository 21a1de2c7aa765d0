"""Positions are counted where a target has no table of them: under a causal mask a position sees as many keys.

A Llama tells order by its mask alone, once its RoPE turns nothing. Each query counts the keys that it can see, itself
among them; the index is that number less one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from raspc.errors import UnsupportedProgram
from raspc.graph.nodes import Graph, Index, Listed, Table, Width
from raspc.graph.selectors import TRUE
from raspc.numbers.options import DEFAULT, Options
from raspc.passes.conditions import CONJUNCTIONS, ONLY_CONJUNCTIONS, WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter
from raspc.target.rotation import counts_positions, turns_positions


def count_positions(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with a count in place of the index; the graph itself where nothing reads one, or only picks do
    that a rotation of the target ranks (`raspc.target.rotation`).

    Raises UnsupportedProgram for a program that sees later positions, where all positions count the same.
    """
    if not any(isinstance(node, Index) for node in graph.nodes):
        return graph
    if not graph.causal:
        raise UnsupportedProgram.at(
            "indices", f"positions in a program that sees later ones, for {options.target}, which has no table of them",
            "one that reads none", "compile it for bert, or with causal=True for a family that counts them",
        )  # fmt: skip
    if turns_positions(graph, options):
        return graph
    new = Rewriter(graph, options.without)
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Index):
            n = len(node.listed)
            counted = Width(domain=Listed(tuple(range(1, n + 1))), selector=new.store.put(TRUE))
            seen = new.store.put(counted, bound=True)
            index = Table(domain=node.listed, args=(seen,), cells=np.arange(n, dtype=np.int32))
            new.stand_in(place, new.store.put(index, bound=not node.free))
            if node.free:
                new.store.describe(new.place[place], None, None, graph.labels[place])
        else:
            new.keep(place)
    return new.graph()


def _left(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Indices that are still read from a table, and that no rotation ranks."""
    if turns_positions(after, options):
        return
    yield from (f"%{place} is read from a table" for place, node in enumerate(after.nodes) if isinstance(node, Index))


COUNT_POSITIONS = Pass(
    "count_positions",
    "a position is the number of keys that it sees, less one, where a target has no table of positions",
    count_positions,
    requires=(WELL_FORMED, CONJUNCTIONS),
    ensures=(ONLY_CONJUNCTIONS, Guarantee("no index is left but what a rotation ranks", _left)),
    optional=False,
    needed=counts_positions,
)
