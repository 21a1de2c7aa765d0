"""Neurons, from their weights: what they write for every combination of values that they read, and what it is off by.

Two neurons side by side that read alike, one of them less by δ, and write with opposite signs are halves of a step:
together they write what clip(z, 0, δ) makes of their read z, which an error of z does not change where a step is flat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import BOS, Matrix, Neurons
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.causes import Causes
from raspc.certify.proof.cells import Cells
from raspc.certify.proof.rounding import ANY, fits, grain_of, of_sum, swept_up
from raspc.graph.nodes import Floats, Ids
from raspc.numbers.precision import Precision

DENSE = 1 << 20
SPARSE = 512
"""From DENSE products on, only those with weights that are not 0 are taken, if a column has fewer than one in SPARSE:
a product of whole matrices does about that many terms in the time in which one is looked up."""
UNBOUNDED = 1e30
"""The error of what is not known: no margin is as large."""


@dataclass(frozen=True, eq=False)
class Written:
    """What neurons write to a space: the error [values, dims] or [1, dims], the grain, and the error at BOS [dims].

    `common`, `alone`: the error by its causes, as `Held` has it.
    """

    error: Matrix
    grain: Floats
    at_bos: Floats
    common: Causes | None = None
    alone: Matrix | None = None


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
    """Of one space, for each cell: what is written, its error, and the sizes and the number of its terms.

    `alone`: the error without that of steps, which is in `Fired.flaws`.
    """

    numbers: Matrix
    error: Matrix
    alone: Matrix
    larger_side: Matrix
    total: Matrix
    terms: Matrix

    @classmethod
    def of(cls, pieces: Sequence[Sums]) -> Sums:
        """One for all cells."""
        if len(pieces) == 1:
            return pieces[0]
        return cls(*(np.concatenate([getattr(p, name) for p in pieces]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Fired:
    """What neurons do in each cell. `weakest`: the step nearest to its ramp.

    `flaws` [cells, steps]: how far off what each step comes to can be; None where none is.
    """

    steps: Steps
    sums: Mapping[str, Sums]
    flaws: Matrix | None
    weakest: Step | None


def fire(block: Neurons, read: Reading, cells: Cells, precision: Precision) -> Fired:
    """All neurons, in all cells."""
    steps, flaws = steps_of(block), list[Matrix]()
    found: dict[str, list[Sums]] = {space: [] for space in block.write.maps}
    weakest, start = None, 0
    for given in cells.pieces():
        piece = _rounded_twice(given, read, precision) if precision.narrow and cells.whole else given
        open_ = _Open.of(piece, steps)
        nearest = _nearest(piece, steps, cells, start)
        weakest = max((one for one in (weakest, nearest) if one is not None), key=lambda one: one.used, default=None)
        for space, matrix in block.write.maps.items():
            found[space].append(_sums(open_, steps, matrix, precision))
        flaws.append(open_.flaws)
        start += len(piece)
    sums = {space: Sums.of(pieces) for space, pieces in found.items() if pieces}
    flawed = len(steps.first) > 0 and any(part.any() for part in flaws)
    return Fired(steps, sums, np.concatenate(flaws) if flawed else None, weakest)


def _rounded_twice(cells: Cells, read: Reading, precision: Precision) -> Cells:
    """The cells of a narrow format: where nothing errs before it is stored, it is known how each sum is rounded.

    It is stored once without the bias and once with it.
    """
    sure = (read.sums > 0) & ~(read.passed > 0)
    stored = precision.round(precision.round(cells.reads - read.bias) + read.bias)
    return replace(cells, rounding=np.where(sure, np.abs(stored - cells.reads), cells.rounding))


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
    return Step(float(error[cell, step]), float(present[cell, step]), whole.at(start + int(cell)))


@dataclass(frozen=True, eq=False)
class _Open:
    """Which neurons of some cells fire, and how: [cells, neurons], or [cells, steps].

    `height`: how much each can write at most. `along`: what each step comes to, and `flaws` what that is off by: where
    it is flat, by what its halves round. `number`, `error`: of the neurons that are halves of no step.
    """

    fires: NDArray[np.bool_]
    height: Matrix
    along: Matrix
    flaws: Matrix
    others: NDArray[np.intp]
    number: Matrix
    error: Matrix

    @classmethod
    def of(cls, cells: Cells, steps: Steps) -> _Open:
        """All neurons that are not surely shut."""
        error = np.broadcast_to(cells.passed + cells.rounding, cells.reads.shape)
        quiet = not error.any()
        fires = cells.reads > 0 if quiet else cells.reads + error > 0
        height = np.maximum(cells.reads, 0.0) if quiet else np.where(fires, np.maximum(cells.reads, 0.0) + error, 0.0)
        z, top = cells.reads[:, steps.first], steps.height
        flaws = np.zeros_like(z) if quiet else _flaws(cells, steps, z, fires)
        others = steps.others(cells.reads.shape[1])
        off = np.where(fires, error, 0.0)[:, others]
        return cls(fires, height, np.clip(z, 0.0, top), flaws, others, np.maximum(cells.reads[:, others], 0.0), off)


def _flaws(cells: Cells, steps: Steps, z: Matrix, fires: NDArray[np.bool_]) -> Matrix:
    """What steps are off by."""
    passed = np.broadcast_to(cells.passed, cells.reads.shape)[:, steps.first]
    rounding = np.broadcast_to(cells.rounding, cells.reads.shape)
    first, second = (rounding[:, half] for half in (steps.first, steps.second))
    error = passed + np.maximum(first, second)
    flat = (z + error <= 0) | (z - error >= steps.height)
    rounded = np.where(fires[:, steps.first], first, 0.0) + np.where(fires[:, steps.second], second, 0.0)
    return np.asarray(np.where(flat, 0.0, passed) + rounded)


def _sums(open_: _Open, steps: Steps, matrix: Matrix, precision: Precision) -> Sums:
    """What is written to one space, cell by cell; without what is always added."""
    weights, others = np.abs(matrix), open_.others
    numbers = _times(open_.along, matrix[steps.first]) + _times(open_.number, matrix[others])
    alone = _times(open_.error, weights[others])
    if precision.weight_error:
        alone = alone + precision.weight_error * (open_.height @ weights)
    error = alone + _times(open_.flaws, weights[steps.first]) if open_.flaws.any() else alone
    up, down = _times(open_.height, np.maximum(matrix, 0.0)), _times(open_.height, np.maximum(-matrix, 0.0))
    terms = _times(open_.fires.astype(float), (weights > 0).astype(float))
    return Sums(numbers, error, alone, np.maximum(up, down), up + down, terms)


def _times(rows: Matrix, matrix: Matrix) -> Matrix:
    """rows @ matrix; of a large one with few weights in a column, column by column of these."""
    most = int((matrix != 0).sum(axis=0).max(initial=0)) if len(rows) * matrix.size > DENSE else len(matrix)
    if SPARSE * most >= len(matrix):
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
    sums, shaken = fired.sums[space], precision.weight_error
    grain = _grain(read.grain, matrix, base) * (not shaken)
    side = sums.larger_side + np.abs(base)
    exact = fits(grain, side, precision.sum_bits)
    size = sums.total + np.abs(base)
    last = np.abs(sums.numbers + base) + sums.error
    rounding = np.where(exact, 0.0, of_sum(sums.terms + (base != 0), side, size, last, precision))
    rounding = rounding + _cut_products(grain, matrix, sums, precision)
    rounding = rounding + _storing(exact, grain, np.abs(sums.numbers) + sums.error, base, size, precision)
    off = np.abs(sums.numbers + base - code[value]) + rounding + shaken * np.abs(base)
    error = most_of_each(value, off + sums.error, len(code))
    at_bos = shaken * np.abs(base) + fired_at_bos(read, matrix, base, precision)
    if fired.flaws is None or not sums.error.any():
        return Written(error, grain, at_bos)
    common = Causes(most_of_each(value, fired.flaws, len(code)), matrix[fired.steps.first])
    return Written(error, grain, at_bos, common, most_of_each(value, off + sums.alone, len(code)))


def most_of_each(value: Ids, rows: Matrix, count: int) -> Matrix:
    """[values, columns]: the largest entries of the rows of each value; 0 where it has none."""
    found = np.zeros((count, rows.shape[1]))
    if len(value):
        order = np.argsort(value, kind="stable")
        first = np.flatnonzero(np.r_[True, value[order][1:] != value[order][:-1]])
        found[value[order][first]] = np.maximum.reduceat(rows[order], first, axis=0)
    return found


def _cut_products(grain: Floats, matrix: Matrix, sums: Sums, precision: Precision) -> Matrix | float:
    """What products of neurons with weights round: nothing with powers of two, or where all of them have few digits."""
    weights = np.abs(matrix)
    cut = ((weights != 0) & (grain_of(np.where(weights != 0, weights, 1.0)) != weights)).any(axis=0)
    if not cut.any() or 2 * precision.factor_bits <= precision.sum_bits:
        return 0.0
    return np.where(cut & ~fits(grain, sums.larger_side, precision.sum_bits), precision.sum_unit * sums.total, 0.0)


def fired_at_bos(read: Reading, matrix: Matrix, base: Floats, precision: Precision) -> Floats:
    """What neurons that fire at BOS add there, and what the sum with them rounds; they should not fire."""
    height = np.maximum(read.there + read.there_error, 0.0)
    weights = np.abs(matrix)
    added: Floats = height @ (weights * (1 + precision.weight_error))
    terms = (height > 0).astype(float) @ (weights > 0)
    rounding = (precision.sum_unit * (precision.roundings(terms) + 1) + 2 * precision.unit) * (added + np.abs(base))
    return np.where(added > 0, added + np.minimum(rounding, swept_up(added, terms + 1)), 0.0)


def _grain(read: Floats, matrix: Matrix, base: Floats) -> Floats:
    product = read[:, None] * grain_of(np.where(matrix != 0, matrix, 1.0))
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
