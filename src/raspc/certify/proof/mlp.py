"""Neurons, from their weights: what they write for every combination of values that they read, and what it is off by.

Two neurons side by side that read alike, one of them less by δ, and write with opposite signs are halves of a step:
together they write what clip(z, 0, δ) makes of their read z, which an error of z does not change where a step is flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import BOS, Matrix, Neurons
from raspc.certify.proof.bounds import ANY, Reading, fits, grain_of, swept_up
from raspc.certify.proof.grids import over_grid
from raspc.certify.proof.meaning import Axes, where
from raspc.graph.nodes import Floats, Ids
from raspc.graph.rows import distinct_rows
from raspc.numbers.precision import Precision

READS = 1 << 25
"""The most reads (cell, neuron) that are looked at."""
AT_ONCE = 1 << 20
"""How many of these at once."""
LINE = 1 << 20
"""From so many reads on, cells whose reads are equal are looked at once, where all neurons read along one line."""
DENSE = 1 << 22
"""From this many products on, only those with weights that are not 0 are taken."""
UNBOUNDED = 1e30
"""The error of what is not known: no margin is as large."""


@dataclass(frozen=True, eq=False)
class Written:
    """What neurons write to a space: the error [values, dims] or [1, dims], the grain, and the error at BOS [dims]."""

    error: Matrix
    grain: Floats
    at_bos: Floats


@dataclass(frozen=True)
class Step:
    """The step that is nearest to its ramp: how far off it may be read, how far away the ramp is, and in which cell."""

    needed: float
    present: float
    at: Mapping[int, int]

    @property
    def used(self) -> float:
        """The part of the distance that errors take."""
        if self.needed == 0:
            return np.inf if self.present < 0 else 0.0
        return self.needed / max(self.present, 1e-300)


@dataclass(frozen=True, eq=False)
class Cells:
    """Combinations of values that occur: what the neurons read there without their bias [cells, neurons].

    `value`: which value of the variable each one gives. `passed`, `rounding`: errors, [cells, neurons] or the same for
    all cells. `places` [cells]: where they lie in the grid `ids` over `axes`; None where several are one.
    """

    reads: Matrix
    value: Ids
    passed: Matrix
    rounding: Matrix
    axes: Axes = ()
    ids: Ids | None = None

    def __len__(self) -> int:
        return len(self.reads)

    def pieces(self) -> Iterator[Cells]:
        """The same, some at once."""
        step = max(1, AT_ONCE // max(1, self.reads.shape[1]))
        for start in range(0, len(self), step):
            cut = slice(start, start + step)
            yield replace(
                self, reads=self.reads[cut], value=self.value[cut], passed=_cut(self.passed, cut),
                rounding=_cut(self.rounding, cut),
            )  # fmt: skip


def _cut(rows: Matrix, cut: slice) -> Matrix:
    return rows if len(rows) == 1 else rows[cut]


def cells_of(read: Reading, ids: Ids | None) -> Cells | None:
    """Every combination of the values that are read; `ids`: the value that each gives, −1 for none.

    None where there are too many.
    """
    if ids is None:
        return None
    axes, width = tuple(read.seen), len(read.bias)
    parts = [one.values for one in read.seen.values()]
    if ids.size * width > (READS if _err_apart(read) else LINE) and ids.ndim > 1:
        line = _along_a_line(ids, parts, read)
        if line is not None and line.reads.size <= READS:
            return line
    if ids.size * width > READS:
        return None
    known = ids >= 0
    passed = read.passed[None]
    rounding = read.rounding[None]
    if parts and any(one.error.any() for one in read.seen.values()):
        passed = over_grid([one.error for one in read.seen.values()], ids.shape, width)[known]
    if read.rounded_rows is not None:
        rounding = read.rounded_rows[known]
    return Cells((over_grid(parts, ids.shape, width) + read.bias)[known], ids[known], passed, rounding, axes, ids)


def _err_apart(read: Reading) -> bool:
    """Whether some values come with larger errors than others."""
    return any((one.error != one.error[:1]).any() for one in read.seen.values())


def _along_a_line(ids: Ids, parts: Sequence[Matrix], read: Reading) -> Cells | None:
    """The different sums, where all neurons read multiples of one sum; None where they do not."""
    slopes = slopes_of(parts)
    if slopes is None:
        return None
    sums = over_grid([part[:, :1] for part in parts], ids.shape, 1)[..., 0]
    known = ids >= 0
    pairs, _ = distinct_rows(np.stack([sums[known], ids[known].astype(float)], axis=1))
    reads = pairs[:, :1] * slopes + read.bias
    return Cells(reads, pairs[:, 1].astype(np.int32), read.passed[None], read.rounding[None])


def slopes_of(parts: Sequence[Matrix]) -> Floats | None:
    """How many times what the first neuron reads each one does; None where they do not read along one line."""
    first = next((part for part in parts if part[:, :1].any()), None)
    if first is None:
        return None
    row = int(np.abs(first[:, 0]).argmax())
    found = first[row] / first[row, 0]
    return None if any(not np.array_equal(part, part[:, :1] * found) for part in parts) else np.asarray(found)


@dataclass(frozen=True, eq=False)
class Steps:
    """Halves of steps: the first neuron of each, which the next one belongs to, and by how much that one reads less."""

    first: NDArray[np.intp]
    height: Floats

    @cached_property
    def second(self) -> NDArray[np.intp]:
        """The other halves."""
        return self.first + 1

    def others(self, size: int) -> NDArray[np.intp]:
        """The neurons that are halves of none."""
        found = np.ones(size, bool)
        found[self.first] = found[self.second] = False
        return np.flatnonzero(found)


def steps_of(block: Neurons) -> Steps:
    """The steps among neurons, by their weights."""
    one, other = slice(None, -1), slice(1, None)
    height = block.read.bias[one] - block.read.bias[other]
    alike = height > 0
    for matrix in (matrix for space, matrix in block.read.maps.items() if space != BOS):
        alike = alike & (matrix[:, one] == matrix[:, other]).all(axis=0)
    for matrix in block.write.maps.values():
        alike = alike & (matrix[one] == -matrix[other]).all(axis=1)
    first, free = [], 0
    for place in np.flatnonzero(alike).tolist():
        if place >= free:
            first.append(place)
            free = place + 2
    places = np.array(first, np.intp)
    return Steps(places, height[places])


@dataclass(frozen=True, eq=False)
class Sums:
    """Of one space, for each cell: what is written, its error, and the sizes and the number of its terms."""

    numbers: Matrix
    error: Matrix
    larger_side: Matrix
    total: Matrix
    terms: Matrix

    @classmethod
    def of(cls, pieces: Sequence[Sums]) -> Sums:
        """One for all cells."""
        return cls(*(np.concatenate([getattr(p, name) for p in pieces]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Fired:
    """What neurons do in each cell. `positive_grain`: of all reads above 0. `weakest`: the step nearest to its ramp."""

    sums: Mapping[str, Sums]
    positive_grain: Floats
    weakest: Step | None


def fire(block: Neurons, read: Reading, cells: Cells, precision: Precision) -> Fired:
    """All neurons, in all cells."""
    steps = steps_of(block)
    found: dict[str, list[Sums]] = {space: [] for space in block.write.maps}
    exact, weakest, start = np.ones(len(read.bias), bool), None, 0
    for given in cells.pieces():
        piece, sure = _rounded_twice(given, read, precision) if precision.narrow else (given, None)
        exact &= sure if sure is not None else False
        nearest = _nearest(piece, steps, cells, start)
        weakest = max((one for one in (weakest, nearest) if one is not None), key=lambda one: one.used, default=None)
        for space, matrix in block.write.maps.items():
            found[space].append(_sums(piece, steps, matrix, precision))
        start += len(piece)
    grain = np.where(exact, read.sums, read.positive_grain) if len(cells) else read.positive_grain
    return Fired({space: Sums.of(pieces) for space, pieces in found.items() if pieces}, grain, weakest)


def _rounded_twice(cells: Cells, read: Reading, precision: Precision) -> tuple[Cells, NDArray[np.bool_]]:
    """The cells of a narrow format: where nothing errs before it is stored, it is known how each sum is rounded.

    It is stored once without the bias and once with it. Also: which neurons then read multiples of one number only.
    """
    sure = (read.sums > 0) & ~(read.passed > 0)
    stored = precision.round(precision.round(cells.reads - read.bias) + read.bias)
    rounding = np.where(sure, np.abs(stored - cells.reads), cells.rounding)
    found = replace(cells, rounding=rounding)
    return found, np.asarray(sure & ((rounding == 0) | _shut(found)).all(axis=0))


def _shut(cells: Cells) -> NDArray[np.bool_]:
    """Which neurons are far below their thresholds, so that nothing depends on their ramps."""
    return np.asarray(cells.reads + cells.passed + cells.rounding <= 0)


def _nearest(cells: Cells, steps: Steps, whole: Cells, start: int) -> Step | None:
    """The weakest of the steps; None if there are none. They are flat where z ≤ 0 or z ≥ δ; in units of δ."""
    if not len(steps.first) or not len(cells):
        return None
    height = steps.height
    present = np.abs(cells.reads[:, steps.first] / height - 0.5) - 0.5
    rounding = np.maximum(cells.rounding[:, steps.first], cells.rounding[:, steps.second])
    error = np.broadcast_to((cells.passed[:, steps.first] + rounding) / height, present.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.where(error == 0, np.where(present < 0, np.inf, 0.0), error / np.maximum(present, 0.0))
    shut = _shut(cells)
    used = np.where(shut[:, steps.first] & shut[:, steps.second], 0.0, used)
    cell, step = np.unravel_index(used.argmax(), used.shape)
    at = {} if whole.ids is None else where(whole.axes, whole.ids, start + int(cell))
    return Step(float(error[cell, step]), float(present[cell, step]), at)


def _sums(cells: Cells, steps: Steps, matrix: Matrix, precision: Precision) -> Sums:
    """What is written to one space, cell by cell; without what is always added."""
    error = cells.passed + cells.rounding
    fires = cells.reads + error > 0
    height = np.where(fires, np.maximum(cells.reads, 0.0) + error, 0.0)
    weights, others = np.abs(matrix), steps.others(len(matrix))
    numbers = _times(np.maximum(cells.reads[:, others], 0.0), matrix[others])
    off = _times(np.where(fires, error, 0.0)[:, others], weights[others])
    if len(steps.first):
        along, flawed = _steps(cells, steps, fires)
        numbers = numbers + _times(along, matrix[steps.first])
        off = off + _times(flawed, weights[steps.first])
    if precision.weight_error:
        off = off + precision.weight_error * (height @ weights)
    up, down = _times(height, np.maximum(matrix, 0.0)), _times(height, np.maximum(-matrix, 0.0))
    terms = _times(fires.astype(float), (weights > 0).astype(float))
    return Sums(numbers, off, np.maximum(up, down), up + down, terms)


def _steps(cells: Cells, steps: Steps, fires: NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
    """What each step comes to, and what that is off by: where it is flat, by what its halves round."""
    z, height = cells.reads[:, steps.first], steps.height
    passed = np.broadcast_to(cells.passed, cells.reads.shape)[:, steps.first]
    rounding = np.where(fires, cells.rounding, 0.0)
    error = passed + np.maximum(
        *(np.broadcast_to(cells.rounding, fires.shape)[:, h] for h in (steps.first, steps.second))
    )
    flat = (z + error <= 0) | (z - error >= height)
    return np.clip(z, 0.0, height), np.where(flat, 0.0, passed) + rounding[:, steps.first] + rounding[:, steps.second]


def _times(rows: Matrix, matrix: Matrix) -> Matrix:
    """rows @ matrix; of a large one with few weights in a column, column by column of these."""
    most = int((matrix != 0).sum(axis=0).max(initial=0)) if len(rows) * matrix.size > DENSE else len(matrix)
    if 2 * most >= len(matrix):
        return rows @ matrix
    places = np.argsort(matrix == 0, axis=0, kind="stable")[:most]
    found: Matrix = np.zeros((len(rows), matrix.shape[1]))
    for place in places:
        found += rows[:, place] * matrix[place, np.arange(matrix.shape[1])]
    return found


def written(
    block: Neurons, space: str, code: Matrix, read: Reading, fired: Fired, value: Ids, precision: Precision
) -> Written:
    """What the neurons write to a space, held against the code that each value of the variable should have there."""
    matrix, base = block.write.maps[space], block.write.bias[space]
    sums = fired.sums[space]
    off = np.abs(sums.numbers + base - code[value]) + sums.error + precision.weight_error * np.abs(base)
    grain = _grain(fired.positive_grain, matrix, base) * (not precision.weight_error)
    exact = fits(grain, sums.larger_side.max(axis=0, initial=0.0) + np.abs(base), precision.sum_bits)
    size = sums.total + np.abs(base)
    off = off + np.where(exact, 0.0, precision.sum_unit * (precision.roundings(sums.terms) + 1) * size)
    off = off + _storing(exact, grain, np.abs(sums.numbers) + sums.error, base, size, precision)
    rows = np.zeros_like(code)
    np.maximum.at(rows, value, off)
    known = np.where(exact & (rows.max(axis=0, initial=0.0) == 0), grain, 0.0)
    shaken = precision.weight_error * np.abs(base)
    return Written(rows, known, shaken + fired_at_bos(read, matrix, base, precision))


def fired_at_bos(read: Reading, matrix: Matrix, base: Floats, precision: Precision) -> Floats:
    """What neurons that fire at BOS add there, and what the sum with them rounds; they should not fire."""
    height = np.maximum(read.there + read.there_error, 0.0)
    weights = np.abs(matrix)
    added: Floats = height @ (weights * (1 + precision.weight_error))
    terms = (height > 0).astype(float) @ (weights > 0)
    rounding = (precision.sum_unit * (precision.roundings(terms) + 1) + 2 * precision.unit) * (added + np.abs(base))
    return np.where(added > 0, added + np.minimum(rounding, swept_up(added, terms + 1)), 0.0)


def _grain(positive: Floats, matrix: Matrix, base: Floats) -> Floats:
    product = positive[:, None] * grain_of(np.where(matrix != 0, matrix, 1.0))
    found: Floats = np.minimum(np.where(matrix != 0, product, ANY).min(axis=0, initial=ANY), grain_of(base))
    return found


def _storing(
    exact: NDArray[np.bool_], grain: Floats, sums: Matrix, base: Floats, size: Matrix, precision: Precision
) -> Matrix:
    """What a narrow format loses when the sum is stored, before and after the bias is added."""
    if precision.bits >= precision.sum_bits:
        return np.zeros_like(size)
    plain = exact & fits(grain, sums + np.abs(base), precision.bits)
    lost: Matrix = np.where(plain, 0.0, precision.unit * (1.0 + (base != 0)) * size)
    return lost
