"""Functions that are straight along a count for each value of what else they read: count·index; count where "a" stands.

Such a function needs no step for each count. Where attention leaves the count as a number, one neuron for each value of
the others writes slope·count, and errs by slope times what the count is off by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.reading import features as F
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Ids

MOST = 1 << 20
"""The most numbers that are looked at."""


@dataclass(frozen=True, eq=False)
class Slopes:
    """value = start + slope·(number − origin), for each combination of the other variables, where any can occur.

    `slope`, `start` [combinations, c]; `known` [combinations].
    """

    slope: Matrix
    start: Matrix
    known: NDArray[np.bool_]
    origin: float

    def seen_from(self, origin: float) -> Slopes:
        """The same with another number as the origin."""
        return replace(self, start=self.start + self.slope * (origin - self.origin), origin=origin)

    @property
    def steepest(self) -> float:
        """The greatest slope."""
        return float(np.abs(self.slope).max(initial=0.0))


def straight(cells: Ids, along: int, numbers: Floats, outputs: Matrix) -> Slopes | None:
    """A function as slopes along one axis; None where it is not straight. `outputs` [values, c]: of each of `cells`."""
    rows = np.moveaxis(cells, along, -1).reshape(-1, cells.shape[along])
    if rows.size * outputs.shape[1] > MOST:
        return None
    there = rows >= 0
    known = there.any(axis=1)
    first, last = there.argmax(axis=1), rows.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    every = np.arange(len(rows))
    low, high = (outputs[np.maximum(rows[every, end], 0)] for end in (first, last))
    length = numbers[last] - numbers[first]
    slope = np.where((length != 0)[:, None], (high - low) / np.where(length == 0, 1.0, length)[:, None], 0.0)
    least = float(numbers.min())
    start = low - slope * (numbers[first] - least)[:, None]
    found = start[:, None] + slope[:, None] * (numbers - least)[:, None]
    wanted = outputs[np.maximum(rows, 0)]
    near = np.abs(found - wanted) <= F.TOLERANCE * np.maximum(1.0, np.abs(wanted))
    return Slopes(slope, start, np.asarray(known), least) if bool((near.all(axis=2) | ~there).all()) else None
