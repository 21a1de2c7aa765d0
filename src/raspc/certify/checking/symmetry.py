"""Tokens that can be exchanged without a check noticing: proved of the program's graph and of the weights.

A program that only asks which tokens are equal answers an input and the same input with two tokens exchanged
alike, or with the same exchange in the answer. If the weights do so too, one of such inputs need be run for all.
Both are proved, exchange by exchange; for weights the proof is of exact arithmetic in which a key that has less
than e^−110 of the attention of another has none. Rounding may differ between inputs that are exchanged, so a
check runs every input after all where an answer is decided by a small lead (`raspc.certify.checking.judging.LEAD`).

Exchanges of two tokens that are proved generate all permutations within classes of tokens. Of the inputs that
are permutations of each other the first, in the order of `raspc.certify.checking.inputs`, stands for all: in each class
the tokens of smaller number occur first.
"""

from __future__ import annotations

from math import perm

import numpy as np
from numpy.typing import NDArray

from raspc.certify.checking.symmetric_graph import actions
from raspc.certify.checking.symmetric_weights import weights_allow
from raspc.graph.nodes import Graph, Ids
from raspc.weights.model import Model

Classes = tuple[tuple[int, ...], ...]
"""Ids of tokens, ascending, at least two in each class."""

MOST_TOKENS = 32
"""Exchanges are tried among so many tokens; larger vocabularies are not enumerated anyway."""


def exchangeable(model: Model) -> Classes:
    """The classes of tokens that are proved to be exchangeable, in the program and in the weights."""
    graph = model.graph
    if graph is None:
        return ()
    classes: list[list[int]] = []
    for token in range(min(len(graph.vocab), MOST_TOKENS)):
        home = next((members for members in classes if exchange_proved(model, graph, members[0], token)), None)
        classes.append([token]) if home is None else home.append(token)
    return tuple(tuple(members) for members in classes if len(members) > 1)


def exchange_proved(model: Model, graph: Graph, a: int, b: int) -> bool:
    """True if exchanging two tokens makes no difference to whether the model is right."""
    program = actions(model.as_written, a, b)
    if program is None:
        return False
    hints = actions(graph, a, b) if graph is not model.as_written else program
    return weights_allow(model, graph, hints or {}, program[model.as_written.output], a, b)


def is_representative(ids: Ids, classes: Classes) -> NDArray[np.bool_]:
    """[B]: which inputs stand for those that are like them."""
    chosen = np.ones(len(ids), bool)
    for members in classes:
        first = np.stack([_first(ids, token) for token in members])
        absent = first[1:] == ids.shape[1]
        chosen &= (absent | (first[:-1] < first[1:])).all(axis=0)
    return chosen


def orbit_sizes(ids: Ids, classes: Classes) -> NDArray[np.int64]:
    """[B, T]: how many inputs the tokens up to each position stand for."""
    sizes = np.ones(ids.shape, np.int64)
    for members in classes:
        used = sum(np.logical_or.accumulate(ids == token, axis=1).astype(int) for token in members)
        # More tokens than positions do not occur, and would be too many to count in 64 bits.
        most = min(len(members), ids.shape[1])
        sizes *= np.array([perm(len(members), k) for k in range(most + 1)], np.int64)[used]
    return sizes


def _first(ids: Ids, token: int) -> Ids:
    """[B]: where a token occurs first; the length where it does not."""
    here = ids == token
    found: Ids = np.where(here.any(axis=1), here.argmax(axis=1), ids.shape[1])
    return found
