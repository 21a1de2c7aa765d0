"""What a pick asks of the variable that it copies."""

from __future__ import annotations

import numpy as np

from raspc import values as V
from raspc.blocks.spaces import Matrix
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph


def moved(graph: Graph, node: N.Aggregate, code: Matrix) -> Matrix:
    """A code of a pick's values, as a code of the values of the variable that it copies.

    Those that are never picked can be anything: a number goes on along the line of the others, if they lie on one.
    """
    source, index = graph.variable(node.source).listed, node.listed.index
    own = np.array([index.get(V.key(value), -1) for value in source.values])
    found: Matrix = code[np.maximum(own, 0)]
    if (own >= 0).all() or not (source.all_numbers and node.listed.all_numbers):
        return found
    numbers, picked = source.numbers, node.listed.numbers
    wide = np.ptp(picked)
    slope = (code[picked.argmax()] - code[picked.argmin()]) / (wide or 1.0)
    line = code[picked.argmin()] + np.outer(numbers - picked.min(), slope)
    straight = np.isclose(line[own >= 0], code[own[own >= 0]]).all(axis=0)
    return np.asarray(np.where((own < 0)[:, None] & straight, line, found))
