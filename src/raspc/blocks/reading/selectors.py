"""The selector of a head, as a conjunction of tables."""

from __future__ import annotations

import numpy as np

from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Select, Variable
from raspc.graph.selectors import tells_position


def selects_of(graph: Graph, node: Variable) -> tuple[Select, ...]:
    """The conjuncts of a head's selector; of one that selects all keys none. Of the best keys, those that compete.

    Raises UnsupportedProgram for what is no conjunction.
    """
    if isinstance(node, N.Length):
        return ()
    assert isinstance(node, N.Width | N.Aggregate | N.Sum)
    selector = graph[node.selector]
    if isinstance(selector, N.Best):
        selector = graph[selector.selector]
    if isinstance(selector, N.Gate) and selector.op == "or" and not selector.args:
        return (_nothing(graph),)
    is_conjunction = isinstance(selector, N.Gate) and selector.op == "and"
    conjuncts = [graph[arg] for arg in selector.refs] if is_conjunction else [selector]
    tables = tuple(conjunct for conjunct in conjuncts if isinstance(conjunct, Select))
    if len(tables) < len(conjuncts):
        raise UnsupportedProgram.at(
            graph.labels[node.selector], "a selector that the passes have not made a conjunction of tables",
            "a table of one key and one query variable, or some that all must select",
            "compile it without leaving out passes",
        )  # fmt: skip
    return tables


def best_of(graph: Graph, node: Variable) -> N.Best | None:
    """By what a head ranks the keys that compete; None where all of them are selected."""
    selector = graph[node.selector] if isinstance(node, N.Aggregate) else None
    return selector if isinstance(selector, N.Best) else None


def is_single(graph: Graph, node: N.Aggregate) -> bool:
    """Whether at most one key is selected: of best keys the last or first, by some conjunct, or by promise."""

    def places(place: int) -> bool:
        return tells_position(graph.nodes, place, graph.causal)

    best = best_of(graph, node)
    if node.single or (best is not None and places(best.score)):
        return True
    return any(
        places(select.key) and bool(((select.cells == 1).sum(axis=0) <= 1).all()) for select in selects_of(graph, node)
    )


def _nothing(graph: Graph) -> Select:
    """A table that selects no key, for what remains of a disjunction of none."""
    token = next(place for place, node in enumerate(graph.nodes) if isinstance(node, N.Token))
    size = len(graph.variable(token).listed)
    return Select(key=token, query=token, cells=np.zeros((size, size), np.int8))
