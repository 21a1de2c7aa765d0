"""Sums of features that put combinations of values in order.

What is asked of a line is computed once: several functions of the same variables are tried along the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Ids

REMEMBERED = 1 << 15
"""Of lines over at most so many cells the order is remembered."""


def where_known(cells: Ids) -> NDArray[np.intp] | None:
    """The cells that can occur, of all in a row; None if all can."""
    found = np.flatnonzero(cells >= 0)
    return None if len(found) == cells.size else found


@dataclass(frozen=True, eq=False)
class Line:
    """One sum Σ positions_i[value_i] over the combinations of a grid that can occur, which it puts in order.

    `shape`, `known`: of the grid. `noise`: how far the sum may be off, always or for each value of one variable.
    `given`: what the sum can be, where that is known without the combinations.
    """

    axes: tuple[int, ...]
    positions: Sequence[Floats]
    noise: float | Floats
    shape: tuple[int, ...] = ()
    known: NDArray[np.intp] | None = None
    given: Floats | None = None

    @cached_property
    def reads(self) -> tuple[tuple[int, ...], tuple[Matrix, ...]]:
        """Which features of which variables are added."""
        used = [axis for axis, position in enumerate(self.positions) if position.any()]
        return tuple(self.axes[axis] for axis in used), tuple(self.positions[axis][:, None] for axis in used)

    @cached_property
    def sums(self) -> Floats:
        """The sum at each of these cells."""
        if self.given is not None:
            return self.given
        total: Floats = np.zeros([1] * len(self.shape))
        for axis, position in enumerate(self.positions):
            total = total + position.reshape([-1 if a == axis else 1 for a in range(len(self.shape))])
        return self.at_points(total)

    def sums_at(self, some: NDArray[np.intp]) -> Floats:
        """The sum at some of these cells."""
        if self.given is not None or "sums" in vars(self):
            return self.sums[some]
        total: Floats = np.zeros(len(some))
        cells = np.unravel_index(some if self.known is None else self.known[some], self.shape)
        for position, values in zip(self.positions, cells, strict=True):
            total = total + position[values]
        return total

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """The cells in ascending order; of few cells remembered from one design of a program to the next."""
        if self.given is not None or prod(self.shape) > REMEMBERED:
            return np.argsort(self.sums)
        known = None if self.known is None else self.known.tobytes()
        return _ordered(tuple(position.tobytes() for position in self.positions), self.shape, known)

    @cached_property
    def ascending(self) -> Floats:
        """The sums in this order."""
        return self.sums[self.order]

    @cached_property
    def noises(self) -> float | Floats:
        """The noise, in this order where it is not always the same."""
        return self.noise if isinstance(self.noise, float) else self.at_points(self.noise)[self.order]

    def at_points(self, numbers: Floats) -> Floats:
        """What an array that broadcasts to the grid has at these cells."""
        flat = np.broadcast_to(numbers, self.shape).ravel()
        return flat if self.known is None else flat[self.known]


@lru_cache(maxsize=32)
def _ordered(positions: tuple[bytes, ...], shape: tuple[int, ...], known: bytes | None) -> NDArray[np.intp]:
    """The order of the cells of a line, which is given by the bytes of its arrays."""
    cells = None if known is None else np.frombuffer(known, np.intp)
    return np.argsort(Line((), [np.frombuffer(position) for position in positions], 0.0, shape, cells).sums)
