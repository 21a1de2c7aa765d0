"""A number laid out on a strip that is folded into rows: straight pieces along one number, which bend at few values.

Features that bend at few values, as the place along a row of a folded strip and the number of the row do, are a chain
of ramps: the tangent at the middle value, and at each bend x_i one neuron that changes the slope by a_i from there on,

    f(x) = f(x_0) + s·(x − x_0) + Σ a_i·relu(x − x_i) above x_0, and its mirror image below.

Steps would need two neurons for each value, and would be off by what saturated ones round; a bend takes one, and what
all ramps add up to rounds little, as they are few.

Requires: columns that bend at few values of one number, which is off by less than the readers bear.
Ensures: an error e of the number moves each column by e times its slope. One neuron for each bend, and one more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.bent import Pieces, bent
from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.lines import Line
from raspc.blocks.neurons.parabolas import rounding
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "folds", "neurons",
    "an answer that is one large count is read by the row and the place of its number on a strip that is folded",
    "level 2; more than 1,400 keys or so, and nobody who reads the count otherwise",
    "one neuron where the strip bends; the two features err as the number does",
)  # fmt: skip

SPARSE = 8
"""There is at most one bend for so many values."""
ROUNDS = 1 / 16
"""By how much what the ramps add up to may round."""


def folds(line: Line, columns: Matrix, borne: float, unit: float) -> Design | None:
    """The ramps; None where the columns bend too often, or this errs too far.

    `line`: along one number, whose values ascend; `columns` [values, c]; `borne`: how far off each column may be;
    `unit`: of rounding.
    """
    x = line.sums
    if len(x) < 2 * SPARSE or not isinstance(line.noise, float) or (np.diff(x) <= 0).any():
        return None
    slopes = np.diff(columns, axis=0) / np.diff(x)[:, None]
    bends = np.flatnonzero((slopes[1:] != slopes[:-1]).any(axis=1)) + 1
    steepest = float(np.abs(slopes).max(initial=0.0))
    if SPARSE * len(bends) > len(x) or line.noise * steepest > borne or 4 * line.noise > np.diff(x).min():
        return None
    found = _ramps(line, x, columns, slopes, bends)
    return found if rounding(found, x, unit) <= ROUNDS else None


def _ramps(line: Line, x: Floats, columns: Matrix, slopes: Matrix, bends: NDArray[np.intp]) -> Design:
    """The tangent at the middle, then each bend, which fires on the side away from there."""
    half, foot = len(x) // 2, float(2 * x[0] - x[1])
    start = int((bends < half).sum())
    pieces = Pieces(x[bends], slopes[np.r_[0, bends]], start, float(x[half]), columns[half])
    return bent(line.reads, pieces, foot, float(np.diff(x).min()))
