"""The selector of a head, as a conjunction of tables."""

from __future__ import annotations

import numpy as np

from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Select, Variable


def selects_of(graph: Graph, node: Variable) -> tuple[Select, ...]:
    """The conjuncts of a head's selector."""
    if isinstance(node, N.Length):
        return ()
    assert isinstance(node, N.Width | N.Aggregate)
    selector = graph[node.selector]
    if isinstance(selector, Select):
        return (selector,)
    assert isinstance(selector, N.Gate)
    if selector.op == "or":
        return (_nothing(graph),)
    conjuncts = [graph[arg] for arg in selector.args]
    assert all(isinstance(c, Select) for c in conjuncts)
    return tuple(c for c in conjuncts if isinstance(c, Select))


def _nothing(graph: Graph) -> Select:
    """A table that selects no key, for what remains of a disjunction of none."""
    token = next(place for place, node in enumerate(graph.nodes) if isinstance(node, N.Token))
    size = len(graph.variable(token).listed)
    return Select(key=token, query=token, cells=np.zeros((size, size), np.int8))
