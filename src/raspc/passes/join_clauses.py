"""Disjunctions over several variables: the variables of one side become one variable.

A head scores a pair by Σ u(key)·v(query), one variable on either side of each product. A disjunction over
several key variables is a table over all of them together, so their combination, as far as it matters to
the selector, is computed first, as one variable of classes; likewise the queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from raspc.errors import InternalError, UnsupportedProgram
from raspc.graph.nodes import UNDEFINED, Bits, Gate, Graph, Ids, Listed, Select
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
    selects = _leaves(graph, place)
    keys = sorted({select.key for select in selects})
    queries = sorted({select.query for select in selects})
    extent = [len(graph.variable(p).listed) for p in (*keys, *queries)]
    if np.prod(extent, dtype=float) > PAIR_LIMIT:
        raise UnsupportedProgram.at(
            graph.labels[place], f"a disjunction of selectors over {len(keys)} key and {len(queries)} query variables",
            f"at most {PAIR_LIMIT:,} combinations of their values",
            "compute what the selectors test with maps first, or use fewer distinct values",
        )  # fmt: skip
    grid = np.broadcast_to(_cells(graph, place, keys, queries), extent)
    table = grid.reshape(int(np.prod(extent[: len(keys)])), -1)
    key, rows = _side(new, graph, keys, table)
    query, columns = _side(new, graph, queries, rows.T)
    return Select(key=key, query=query, cells=np.ascontiguousarray(columns.T))


def _leaves(graph: Graph, place: int) -> list[Select]:
    node = graph[place]
    if isinstance(node, Select):
        return [node]
    return [leaf for arg in node.refs for leaf in _leaves(graph, arg)]


def _cells(graph: Graph, place: int, keys: Sequence[int], queries: Sequence[int]) -> Bits:
    """The selector over all its key variables, then all its query variables, one axis each."""
    node = graph[place]
    if isinstance(node, Select):
        shape = [1] * (len(keys) + len(queries))
        shape[keys.index(node.key)] = node.cells.shape[0]
        shape[len(keys) + queries.index(node.query)] = node.cells.shape[1]
        return node.cells.reshape(shape)
    if not isinstance(node, Gate):
        raise InternalError(f"%{place} is no selector")
    neutral = np.full([1] * (len(keys) + len(queries)), int(node.op == "and"), np.int8)
    return reduce(COMBINE[node.op], (_cells(graph, arg, keys, queries) for arg in node.args), neutral)


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
