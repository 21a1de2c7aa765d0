"""Products with matrices that may be sparse: what neurons of many values write is one or two numbers each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix

SPARSE = 16
"""A matrix with fewer than one in so many entries that are not 0 is multiplied with by these alone: a product of whole
matrices does about that many terms in the time in which one is looked up."""

SMALL = 1 << 12
"""A matrix of no more numbers is multiplied with as it is: to look for what is not 0 would take longer."""


@dataclass(frozen=True, eq=False)
class Columns:
    """A matrix to multiply rows with; where it is sparse, by what is not 0 in each column.

    `rows`, `weights`: where these entries are, and what they are, column by column; `used`: which of the `width`
    columns have some, and `starts` where each of these begins. `whole`: the matrix, where it is not sparse.
    """

    width: int
    rows: NDArray[np.intp]
    weights: Matrix
    used: NDArray[np.intp]
    starts: NDArray[np.intp]
    whole: Matrix | None

    @classmethod
    def of(cls, matrix: Matrix) -> Columns:
        """All of a matrix."""
        if matrix.size <= SMALL:
            none = np.zeros(0, np.intp)
            return cls(matrix.shape[1], none, np.zeros((0, 1)), none, none, matrix)
        rows, column = np.nonzero(matrix)
        whole = matrix if SPARSE * len(rows) >= matrix.size else None
        order = np.argsort(column, kind="stable")
        rows, column = rows[order], column[order]
        used, starts = np.unique(column, return_index=True)
        return cls(matrix.shape[1], rows, matrix[rows, column][:, None], used, starts, whole)

    @property
    def widest(self) -> int:
        """How many numbers are made of each row, at most."""
        return self.width if self.whole is not None else max(len(self.rows), self.width)

    def times(self, given: Matrix) -> Matrix:
        """given @ matrix."""
        if self.whole is not None:
            return given @ self.whole
        found: Matrix = np.zeros((len(given), self.width))
        if len(given) and len(self.rows):
            found[:, self.used] = np.add.reduceat(given.T[self.rows] * self.weights, self.starts, axis=0).T
        return found
