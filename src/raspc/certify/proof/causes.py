"""Errors with a common cause: a step that is half open moves all directions that it writes to, each by its weight.

What reads several of these directions sees the cause once. In the numbers 1 … 9 as directions of their own the step
from 4 to 5 takes from the direction of 4 what it gives to that of 5; whoever reads 4 for the one and 5 for the other is
off by the difference, which is small, and not by the sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix

WORK = 1 << 26
"""The most products that are formed to see what causes come to; beyond that, errors are added up as they are."""


@dataclass(frozen=True, eq=False)
class Causes:
    """Numbers between −size and size, [rows, causes], each of which moves what is read by a row of `moves`.

    The error of the row r of what is read is Σ_c e[r, c] · moves[c], with |e| ≤ size: so its entry j is at most
    Σ_c size[r, c] · |moves[c, j]|, and that of the difference of its entries j and k at most
    Σ_c size[r, c] · |moves[c, j] − moves[c, k]|.
    """

    size: Matrix
    moves: Matrix

    def through(self, matrix: Matrix) -> Causes:
        """What a linear read makes of them."""
        return Causes(self.size, self.moves @ matrix)

    def at(self, rows: NDArray[Any] | slice) -> Causes:
        """Those of some rows, in this order."""
        return replace(self, size=self.size[rows])

    def gathered(self) -> Causes:
        """The same bounds with few causes: all that move one direction, and nothing else, are one cause.

        Σ_c e[r, c]·a_c in the direction d is at most Σ_c size[r, c]·|a_c| there, and is one number for whoever reads d.
        """
        lone = np.count_nonzero(self.moves, axis=1) == 1
        directions = np.flatnonzero(self.moves[lone].any(axis=0))
        if lone.sum() <= len(directions):
            return self
        sizes = self.size[:, lone] @ np.abs(self.moves[lone][:, directions])
        moves = np.eye(self.moves.shape[1])[directions]
        return Causes(np.hstack([self.size[:, ~lone], sizes]), np.vstack([self.moves[~lone], moves]))

    def total(self) -> Matrix:
        """[rows, width]: the greatest error of each number."""
        found: Matrix = self.size @ np.abs(self.moves)
        return found

    def along(self, directions: Matrix) -> Matrix:
        """[rows, directions]: the greatest error of the sum of all numbers with these factors [directions, width]."""
        found: Matrix = self.size @ np.abs(self.moves @ directions.T)
        return found

    def between(self, one: int, others: NDArray[Any]) -> Matrix:
        """[rows, others]: the greatest error of the differences of some entries from one of them."""
        found: Matrix = self.size @ np.abs(self.moves[:, others] - self.moves[:, [one]])
        return found


@dataclass(frozen=True, eq=False)
class Alone(Causes):
    """Each number errs by itself: `moves` is the identity, by which nothing is multiplied."""

    def total(self) -> Matrix:
        """[rows, width]: the greatest error of each number."""
        return self.size

    def along(self, directions: Matrix) -> Matrix:
        """[rows, directions]: the greatest error of the sum of all numbers with these factors [directions, width]."""
        found: Matrix = self.size @ np.abs(directions.T)
        return found

    def between(self, one: int, others: NDArray[Any]) -> Matrix:
        """[rows, others]: the greatest error of the differences of some other entries from one of them."""
        found: Matrix = self.size[:, others] + self.size[:, [one]]
        return found


def used(causes: Sequence[Causes]) -> tuple[Causes, ...]:
    """Those that are not 0 in every row."""
    return tuple(_used(causes))


def _used(causes: Sequence[Causes]) -> Iterator[Causes]:
    for one in causes:
        some = one.size.any(axis=0)
        if some.all() or (isinstance(one, Alone) and some.any()):
            yield one
        elif some.any():
            yield Causes(one.size[:, some], one.moves[some])


def work(causes: Sequence[Causes], directions: int) -> int:
    """How many products `along` takes."""
    return sum(len(one.moves) * (one.size.shape[0] + one.moves.shape[1]) * directions for one in causes)
