"""Disjunctions over several variables: the variables of one side become one variable.

A head scores a pair by Σ u(key)·v(query), one variable on either side of each product. A disjunction over
several key variables is a table over all of them together, so their combination, as far as it matters to
the selector, is computed first, as one variable of classes; likewise the queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np

from raspc.errors import InternalError, UnsupportedProgram
from raspc.graph.nodes import UNDEFINED, Bits, Gate, Graph, Ids, Listed, Node, Select
from raspc.graph.rows import distinct_rows
from raspc.graph.selectors import COMBINE, FALSE
from raspc.numbers.options import DEFAULT, Options
from raspc.passes.conditions import ONLY_CONJUNCTIONS, WELL_FORMED
from raspc.passes.contract import Pass
from raspc.passes.rewriting import Rewriter

PAIR_LIMIT = 1 << 24
"""The most pairs of (joint key, joint query) values of one clause."""


def join_clauses(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with every selector a conjunction of tables."""
    if not any(isinstance(node, Gate) and node.op == "or" for node in graph.nodes):
        return graph
    new = Rewriter(graph, options.without)
    for place, node in enumerate(graph.nodes):
        if not isinstance(node, Gate) or (
            node.op == "and" and all(isinstance(graph[arg], Select) for arg in node.args)
        ):
            new.keep(place)
        elif _is_used(graph, place):
            if _is_false(graph, place) or (node.op == "and" and any(_is_false(graph, arg) for arg in node.args)):
                new.stand_in(place, new.store.put(FALSE))
                continue
            clauses = node.args if node.op == "and" else (place,)
            new.stand_in(place, new.conjunction([_joined(new, graph, clause) for clause in clauses]))
    return new.graph()


def _is_false(graph: Graph, place: int) -> bool:
    """Whether a clause is a disjunction of none."""
    node = graph[place]
    return isinstance(node, Gate) and node.op == "or" and not node.args


def _is_used(graph: Graph, place: int) -> bool:
    return any(place in node.refs and not isinstance(node, Gate) for node in graph.nodes)


def _joined(new: Rewriter, graph: Graph, place: int) -> Select:
    """One clause as a single table over joint variables, in the new graph."""
    node = graph[place]
    if isinstance(node, Select):
        return Select(key=new.place[node.key], query=new.place[node.query], cells=node.cells)
    parts = _selectors_of(graph, place)
    selects = [select for part in parts if isinstance(select := graph[part], Select)]
    keys = sorted({select.key for select in selects})
    queries = sorted({select.query for select in selects})
    extent = [len(graph.variable(p).listed) for p in (*keys, *queries)]
    if np.prod(extent, dtype=float) > PAIR_LIMIT:
        raise UnsupportedProgram.at(
            graph.labels[place], f"a disjunction of selectors over {len(keys)} key and {len(queries)} query variables",
            f"at most {PAIR_LIMIT:,} combinations of their values",
            "compute what the selectors test with maps first, or use fewer distinct values",
        )  # fmt: skip
    grid = np.broadcast_to(_cells(graph, parts, keys, queries), extent)
    table = grid.reshape(int(np.prod(extent[: len(keys)])), -1)
    key, rows = _side(new, graph, keys, table)
    query, columns = _side(new, graph, queries, rows.T)
    return Select(key=key, query=query, cells=np.ascontiguousarray(columns.T))


def _selectors_of(graph: Graph, place: int) -> list[int]:
    """The selectors that a selector is made of, and itself, each once, before those that read them."""
    found, waiting = {place}, [place]
    while waiting:
        node = graph[waiting.pop()]
        new = set(node.args) - found if isinstance(node, Gate) else set()
        found |= new
        waiting += new
    return sorted(found)


def _cells(graph: Graph, parts: Sequence[int], keys: Sequence[int], queries: Sequence[int]) -> Bits:
    """The last of the selectors over all its key variables, then all its query variables, one axis each.

    The table of a part is kept until its last reader has been made.
    """
    last = {arg: place for place in parts if isinstance(node := graph[place], Gate) for arg in node.args}
    held: dict[int, Bits] = {}
    for place in parts:
        held[place] = _part(graph[place], held, keys, queries)
        for part in graph[place].refs:
            if last.get(part) == place:
                held.pop(part, None)
    return held[parts[-1]]


def _part(node: Node, held: Mapping[int, Bits], keys: Sequence[int], queries: Sequence[int]) -> Bits:
    shape = [1] * (len(keys) + len(queries))
    if isinstance(node, Select):
        shape[keys.index(node.key)] = node.cells.shape[0]
        shape[len(keys) + queries.index(node.query)] = node.cells.shape[1]
        return node.cells.reshape(shape)
    if not isinstance(node, Gate):
        raise InternalError(f"{type(node).__name__.lower()} is no selector of tables")
    return reduce(COMBINE[node.op], (held[arg] for arg in node.args), np.full(shape, int(node.op == "and"), np.int8))


def _side(new: Rewriter, graph: Graph, places: Sequence[int], table: Bits) -> tuple[int, Bits]:
    """One variable for several: the variable, and the table over its values."""
    if len(places) == 1:
        return new.place[places[0]], table
    rows, classes = distinct_rows(table)
    sizes = [len(graph.variable(p).listed) for p in places]
    cells: Ids = classes.reshape(sizes).astype(np.int32)
    bad = np.asarray((rows < 0).all(axis=1))
    if bad.any():
        cells = np.where(bad[cells], UNDEFINED, cells).astype(np.int32)
    domain = Listed(tuple(range(len(rows))))
    return new.table([new.place[p] for p in places], cells, domain, raises=bool(bad.any())), rows


JOIN_CLAUSES = Pass(
    "join_clauses",
    "a disjunction over several variables is a table over one variable for all of them",
    join_clauses,
    requires=(WELL_FORMED,),
    ensures=(ONLY_CONJUNCTIONS,),
    optional=False,
)
