"""What neurons read in each combination of values: as many as can occur, or the outermost where they lie on a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import EllipsisType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.grids import over_grid
from raspc.certify.proof.meaning import Axes, where
from raspc.certify.proof.rounding import of_sum
from raspc.graph.nodes import Floats, Ids
from raspc.numbers.precision import Precision

READS = 1 << 26
"""The most reads (cell, neuron) that are looked at."""
AT_ONCE = 1 << 18
"""How many of these at once: what is worked out of them is a few dozen times as many numbers."""
LINE = 1 << 14
"""From so many reads on, cells whose reads are equal are looked at once, where all neurons read along one line."""
MANY = 1 << 7
"""From so many neurons on it is worth asking which of them are shut in all cells that are looked at."""
TOGETHER = 1 << 4
"""As many cells, on average, are looked at together, lest each takes more than it saves."""
Some: TypeAlias = NDArray[np.intp] | EllipsisType
"""Some of the neurons."""
ALL = ...


@dataclass(frozen=True, eq=False)
class Piece:
    """Some cells: what the neurons read there [cells, neurons], and which value of the variable each one gives.

    `passed`, `rounding`: errors, [cells, neurons] or the same for all cells. `neurons`: which these are.
    """

    reads: Matrix
    value: Ids
    passed: Matrix
    rounding: Matrix
    neurons: Some = ALL

    def __len__(self) -> int:
        return len(self.reads)


Read3 = tuple[Matrix, Matrix, Matrix]
"""Of some cells what is read, and the two errors of that, as `Piece` has them."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Combinations of values that occur, and which value of the variable each one gives.

    `reads`: what the `width` neurons read in the cells of a slice. All of them together may be far more numbers than
    the model has weights, so that they are only ever made for some cells at once. `places` [cells]: which of those that
    can occur in the grid `ids` over `axes` they are, where not all are; of several that read alike the first. `whole`:
    whether all sums are there, and not the outermost ones alone. `grid`: what knows more of the same reads, if it is
    there. `starts`: where cells begin that are not looked at together with those before.
    """

    value: Ids
    width: int
    reads: Callable[[slice], Read3]
    axes: Axes = ()
    ids: Ids | None = None
    places: Ids | None = None
    whole: bool = True
    grid: _Grid | None = None
    starts: tuple[int, ...] = (0,)

    def at(self, cell: int) -> Mapping[int, int]:
        """The values of the axes in a cell; none where these are not known."""
        if self.ids is None:
            return {}
        return where(self.axes, self.ids, cell if self.places is None else int(self.places[cell]))

    def __len__(self) -> int:
        return len(self.value)

    @property
    def size(self) -> int:
        """How many reads there are."""
        return len(self) * self.width

    def pieces(self, widest: int = 1, open_: Callable[[Floats], NDArray[np.bool_]] | None = None) -> Iterator[Piece]:
        """All cells, some at once; `widest`: so many numbers are made of each one at most.

        `open_`: of the most that each neuron reads in some cells, errors included, which neurons matter there.
        """
        step = max(1, AT_ONCE // max(1, self.width, widest))
        for cut in self.cuts(step):
            if open_ is None or self.grid is None or self.width < MANY:
                reads, passed, rounding = self.reads(cut)
                yield Piece(reads, self.value[cut], passed, rounding)
                continue
            some = np.flatnonzero(open_(self.grid.most(cut)))
            reads, passed, rounding = self.grid.reads(cut, some)
            yield Piece(reads, self.value[cut], passed, rounding, some)

    def cuts(self, step: int) -> Iterator[slice]:
        """All cells, at most `step` at once."""
        for start, stop in pairwise((*self.starts, len(self))):
            yield from (slice(low, min(low + step, stop)) for low in range(start, stop, step))


def cells_of(read: Reading, ids: Ids | None, precision: Precision, by_line: bool = True) -> Cells | None:
    """Every combination of the values that are read; `ids`: the value that each gives, −1 for none.

    `by_line`: what is done with the reads is straight between two thresholds, so that the outermost ones will do. None
    where there are too many.
    """
    if ids is None:
        return None
    if by_line and ids.size * read.width > LINE and ids.ndim > 1:
        line = _along_a_line(ids, [one.values for one in read.seen.values()], read, precision)
        if line is not None and line.size <= READS:
            return line
    if ids.size * read.width > READS:
        return None
    known, order = np.flatnonzero(ids.ravel() >= 0), None
    starts: tuple[int, ...] = (0,)
    if ids.ndim > 1 and read.width >= MANY and ids.size * read.width > AT_ONCE:
        order, starts = _alike_together(read, np.unravel_index(known, ids.shape))
        known = known[order]
    grid = _Grid(read, ids.shape, known, precision)
    return Cells(ids.ravel()[known], read.width, grid.reads, tuple(read.seen), ids, order, grid=grid, starts=starts)


def _alike_together(read: Reading, rows: Sequence[NDArray[np.intp]]) -> tuple[Ids, tuple[int, ...]]:
    """An order of cells in which few neurons fire in some that follow each other, and where others begin.

    Those come together that have one value of the variable by whose values most neurons are shut, and of the next.
    `rows`: the value of each variable in each cell.
    """
    parts = [one.values + one.error for one in read.seen.values()]
    most = sum((part.max(axis=0) for part in parts), read.bias + read.rounding)
    firing = [float((part - part.max(axis=0) + most > 0).mean()) for part in parts]
    first = sorted(range(len(parts)), key=firing.__getitem__)
    order = np.lexsort([rows[axis] for axis in reversed(first)]).astype(np.int32)
    for told in (first[:2], first[:1]):
        fresh = np.any([np.diff(rows[axis][order]) != 0 for axis in told], axis=0)
        starts = (0, *(np.flatnonzero(fresh) + 1).tolist())
        if len(order) >= TOGETHER * len(starts):
            return order, starts
    return order, (0,)


@dataclass(frozen=True, eq=False)
class _Grid:
    """The cells `known` of a grid over all that is read."""

    read: Reading
    shape: tuple[int, ...]
    known: NDArray[np.intp]
    precision: Precision

    def reads(self, cut: slice, some: Some = ALL) -> Read3:
        """What some neurons read in some of them."""
        read, seen = self.read, list(self.read.seen.values())
        rows = self.rows(cut)

        def of_cells(parts: Sequence[Matrix]) -> Matrix:
            found: Matrix = np.zeros((len(self.known[cut]), len(read.bias[some])))
            for part, row in zip(parts, rows, strict=True):
                found += part[:, some][row]
            return found

        reads = of_cells([one.values for one in seen]) + read.bias[some]
        passed = of_cells([one.error for one in seen]) if read.passed.any() else read.passed[None, some]
        rounding = read.rounding[None] if read.rounded_rows is None else read.rounded_rows[self.known[cut]]
        rounding = rounding[:, some]
        if len(seen) > 1 and read.rounding.any() and not self.precision.narrow:
            up, down = (of_cells(side) for side in self.sides)
            rounding = _rounded_each(read, reads, up, down, passed, self.precision, some)
        return reads, passed, rounding

    @cached_property
    def sides(self) -> tuple[list[Matrix], list[Matrix]]:
        """What `_sides` says of the variables."""
        return _sides(self.read)

    def rows(self, cut: slice) -> tuple[NDArray[np.intp], ...]:
        """The value of each variable in some of the cells."""
        return np.unravel_index(self.known[cut], self.shape) if self.shape else ()

    def most(self, cut: slice) -> Floats:
        """The most that each neuron reads in some of the cells, with all errors.

        It is added up as what is read in one cell is, and rounding keeps the order of numbers: so no cell has more.
        """
        read, rows = self.read, self.rows(cut)
        most, passed = np.zeros(read.width), np.zeros(read.width)
        for one, row in zip(read.seen.values(), rows, strict=True):
            met = np.flatnonzero(np.bincount(row, minlength=len(one.values)))
            most += one.values[met].max(axis=0)
            passed += one.error[met].max(axis=0)
        most, passed, rounding = most + read.bias, passed if read.passed.any() else read.passed, read.rounding
        if read.shifted is not None:
            passed, rounding = passed + read.shifted, np.maximum(rounding - read.shifted, 0.0)
        return np.asarray(most + (passed + rounding))


def _sides(read: Reading) -> tuple[list[Matrix], list[Matrix]]:
    """Of each variable that is read, how much all terms come to that are positive, and all that are negative."""
    seen = list(read.seen.values())
    return (
        [(one.size + one.values + one.error) / 2 for one in seen],
        [(one.size - one.values + one.error) / 2 for one in seen],
    )


def _rounded_each(
    read: Reading, reads: Matrix, up: Matrix, down: Matrix, passed: Matrix, precision: Precision, some: Some = ALL
) -> Matrix:
    """What reads round in each cell; `up`, `down`: the positive and the negative terms there, without the bias."""
    bias, own = read.bias[some], read.own[some]
    up, down = up + np.maximum(bias, 0.0) + own, down + np.maximum(-bias, 0.0) + own
    found = of_sum(read.terms[some], np.maximum(up, down), up + down, np.abs(reads) + passed + own, precision)
    return np.minimum(found + own, read.rounding[some])


def _along_a_line(ids: Ids, parts: Sequence[Matrix], read: Reading, precision: Precision) -> Cells | None:
    """The outermost sums, where all neurons read multiples of one sum; None where they do not.

    Between two thresholds what neurons write is affine, so that of the sums there that give one value no other errs
    more than the least or the greatest. With each come the largest error and the largest terms of all of them.
    """
    slopes = slopes_of(parts)
    if slopes is None:
        return None
    known, sums = ids >= 0, over_grid([part[:, :1] for part in parts], ids.shape, 1)[..., 0]
    along, value = sums[known], ids[known]
    if precision.narrow:  # where each sum is rounded in a way of its own
        piece = np.unique(along, return_inverse=True)[1]
    else:
        piece = np.searchsorted(thresholds(read, slopes), along)
    order = np.lexsort((along, value, piece))
    along, value, piece = along[order], value[order], piece[order]
    fresh = np.flatnonzero(np.r_[True, (piece[1:] != piece[:-1]) | (value[1:] != value[:-1])][: len(order)])
    last = np.r_[fresh[1:], len(order)] - 1
    ends = np.where(along[last] > along[fresh], 2, 1)
    of, kept = np.repeat(np.arange(len(fresh)), ends), np.r_[fresh, last[ends == 2]]
    kept.sort()

    def largest(rows: Sequence[Matrix]) -> Matrix:
        """[cells, 1]: of numbers in proportion to slopes the largest of each cell, for a slope of 1."""
        steep = np.abs(slopes) > 0
        base = [(one[:, steep] / np.abs(slopes[steep])).max(axis=1, initial=0.0, keepdims=True) for one in rows]
        return np.maximum.reduceat(over_grid(base, ids.shape, 1)[..., 0][known][order], fresh)[of][:, None]

    sums, some = along[kept][:, None], len(order) > 0
    passing = largest([one.error for one in read.seen.values()]) if read.passed.any() and some else None
    sides = None
    if read.rounding.any() and some and not precision.narrow and (slopes != 0).all():
        rising = [np.where(slopes > 0, up, down) for up, down in zip(*_sides(read), strict=True)]
        falling = [np.where(slopes > 0, down, up) for up, down in zip(*_sides(read), strict=True)]
        sides = largest(rising), largest(falling)

    def reads(cut: slice) -> Read3:
        found = sums[cut] * slopes + read.bias
        passed = read.passed[None] if passing is None else np.minimum(passing[cut] * np.abs(slopes), read.passed[None])
        if sides is None:
            return found, passed, read.rounding[None]
        one, other = (side[cut] * np.abs(slopes) for side in sides)
        up, down = np.where(slopes > 0, one, other), np.where(slopes > 0, other, one)
        return found, passed, _rounded_each(read, found, up, down, passed, precision)

    return Cells(value[kept], read.width, reads, tuple(read.seen), ids, order[kept].astype(np.int32))


def thresholds(read: Reading, slopes: Floats) -> Floats:
    """Where along a line a neuron begins to fire, and how far before and after that it may."""
    moving = slopes != 0
    at = -read.bias[moving] / slopes[moving]
    width = read.error[moving] / np.abs(slopes[moving])
    return np.unique(np.concatenate([[-np.inf, np.inf], at - width, at, at + width]))


def slopes_of(parts: Sequence[Matrix]) -> Floats | None:
    """How many times what the first neuron reads each one does; None where they do not read along one line."""
    first = next((part for part in parts if part[:, :1].any()), None)
    if first is None:
        return None
    row = int(np.abs(first[:, 0]).argmax())
    found = first[row] / first[row, 0]
    return None if any(not np.array_equal(part, part[:, :1] * found) for part in parts) else np.asarray(found)
