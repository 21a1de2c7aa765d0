"""What neurons write that are surely open: a number of which not less than so much is known has few digits below.

A number of float32 from 2 on is a multiple of 2⁻²², whatever it is. So where 3.25 + e and 2.25 + e fire, their
difference is 1 to the last digit, though the error e itself may have many digits.
"""

from __future__ import annotations

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.rounding import ANY, grain_of
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision

PRODUCTS = 1 << 22
"""The most pairs of a cell and a weight that are looked at."""


def grain_in_cells(
    least: Matrix, most: Matrix, known: Floats, matrix: Matrix, base: Floats, precision: Precision
) -> Matrix | None:  # fmt: skip
    """[cells, dims]: of which power of two all terms of what is written are multiples in each cell; 0 if of none.

    `least`, `most` [cells, neurons]: between what each neuron writes; `known`: of what it reads, whatever that is.
    None where there is too much to look at.
    """
    rows, column = np.nonzero(matrix)
    if len(least) * len(rows) > PRODUCTS:
        return None
    digits = np.where(least > 0, 2.0 ** (np.floor(np.log2(np.where(least > 0, least, 1.0))) + 1 - precision.bits), 0.0)
    own = np.where(most > 0, np.maximum(digits, known), ANY)
    found: Matrix = np.broadcast_to(grain_of(base), (len(least), matrix.shape[1])).copy()
    order = np.argsort(column, kind="stable")
    rows, column = rows[order], column[order]
    used, starts = np.unique(column, return_index=True)
    if len(rows):
        terms = np.minimum(own[:, rows] * grain_of(np.abs(matrix[rows, column])), ANY)
        found[:, used] = np.minimum(found[:, used], np.minimum.reduceat(terms, starts, axis=1))
    return found
