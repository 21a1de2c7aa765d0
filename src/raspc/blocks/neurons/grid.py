"""A function of finitely many values, as a grid of classes; values with equal slices count as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.lines import where_known
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Ids
from raspc.graph.rows import distinct_rows

SAMPLED = 11
"""Of a grid with many points about one of so many is looked at first."""


@dataclass(frozen=True, eq=False)
class Grid:
    """classes[a, b, …]: which row of outputs [classes, c] holds for the values a, b, …; −1: none can.

    `merging`: whether values with equal slices count as one.
    """

    axes: tuple[int, ...]
    classes: Ids
    outputs: Matrix
    merging: bool = True
    _merged: list[tuple[NDArray[np.int64], Ids]] = field(default_factory=list)

    @cached_property
    def known(self) -> NDArray[np.intp] | None:
        """The cells that can occur, of all in a row; None if all can."""
        return where_known(self.classes)

    @cached_property
    def points(self) -> Ids:
        """The classes of these cells."""
        flat = self.classes.ravel()
        return flat if self.known is None else flat[self.known]

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """How many of the points each class has."""
        return np.bincount(self.points)

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """A few of the points: all of the classes that are rare, and every so many of the others."""
        counts = self.counts
        chosen = counts[self.points] <= len(self.points) // (SAMPLED * np.count_nonzero(counts))
        chosen[::SAMPLED] = True
        return np.flatnonzero(chosen)

    @cached_property
    def changes(self) -> int:
        """How many classes occur, but for one: no design has fewer neurons, and no staircase fewer steps."""
        return int(np.count_nonzero(self.counts)) - 1

    def merged(self, axis: int) -> tuple[NDArray[np.int64], Ids]:
        """A number for each value of an axis, after all axes before it, and what is left of the grid then."""
        while len(self._merged) <= axis:
            left = self._merged[-1][1] if self._merged else self.classes
            self._merged.append(_merged_along(left, len(self._merged), self.merging))
        return self._merged[axis]


def merged(classes: Ids, axis: int) -> NDArray[np.int64]:
    """A number for each value of an axis, the same for values whose slices agree wherever both are known."""
    slices = np.moveaxis(classes, axis, 0).reshape(classes.shape[axis], -1)
    distinct, inverse = distinct_rows(slices)
    inverse = inverse.ravel()
    if (distinct < 0).any() and len(distinct) <= 512:
        inverse = _greedy(distinct)[inverse]
    first_seen = {number: i for i, number in enumerate(dict.fromkeys(inverse.tolist()))}
    return np.array([first_seen[number] for number in inverse.tolist()])


def _greedy(rows: Ids) -> NDArray[np.int64]:
    """Merge compatible rows, each into the first group that it does not contradict."""
    groups, count = np.empty_like(rows), 0
    number = np.zeros(len(rows), np.int64)
    for place in np.argsort((rows < 0).sum(axis=1), kind="stable"):
        row, known = rows[place], groups[:count]
        fits = np.flatnonzero(((known == row) | (known < 0) | (row < 0)).all(axis=1))
        if len(fits):
            groups[fits[0]] = np.maximum(known[fits[0]], row)
        else:
            groups[count] = row
            count += 1
        number[place] = fits[0] if len(fits) else count - 1
    return number


def merge(grid: Grid, axes: Sequence[int]) -> tuple[list[NDArray[np.int64]], Ids]:
    """A number for each value of each axis, and the grid over these numbers.

    One axis after the other, each on what the ones before left: two merges that are right on their own can
    contradict each other where combinations are missing.
    """
    numbers, classes, first = [], grid.classes, True
    for place, axis in enumerate(axes):
        first = first and axis == place  # so far these are the first axes in order, which others ask for too
        number, classes = grid.merged(axis) if first else _merged_along(classes, axis, grid.merging)
        numbers.append(number)
    return numbers, classes


def _merged_along(classes: Ids, axis: int, merging: bool) -> tuple[NDArray[np.int64], Ids]:
    """The same along one axis."""
    number = merged(classes, axis) if merging else np.arange(classes.shape[axis])
    moved = np.moveaxis(classes, axis, 0)
    result = np.full((int(number.max()) + 1, *moved.shape[1:]), -1, classes.dtype)
    np.maximum.at(result, number, moved)
    return number, np.moveaxis(result, 0, axis)
