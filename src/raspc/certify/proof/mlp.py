"""Neurons, from their weights: what they write for every combination of values that they read, and what it is off by.

Two neurons side by side that read alike, one of them less by δ, and write with opposite signs are halves of a step:
together they write what clip(z, 0, δ) makes of their read z, which an error of z does not change where a step is flat.

Combinations are gone through some at once, and of each piece only the worst for each value is kept, so that a proof
takes memory for what is stored of the values, and not for all combinations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import EllipsisType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import BOS, Matrix, Neurons
from raspc.certify.proof import dusty
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.causes import Causes
from raspc.certify.proof.cells import ALL, Cells, Piece, Some
from raspc.certify.proof.columns import Columns
from raspc.certify.proof.grains import grain_in_cells
from raspc.certify.proof.rounding import ANY, fits, grain_of, of_sum, swept_up
from raspc.graph.nodes import Floats, Ids
from raspc.numbers.precision import Precision

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
    cell: int
    at: Mapping[int, int] = field(default_factory=dict)

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

    def whole(self, neurons: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Some neurons, each half of a step with the other."""
        found = neurons.copy()
        found[self.first] = found[self.second] = neurons[self.first] | neurons[self.second]
        return found

    def among(self, neurons: Some) -> tuple[Steps, Some]:
        """The steps of some neurons, by their places among these; and which of all steps they are."""
        if isinstance(neurons, EllipsisType):
            return self, ALL
        places = np.flatnonzero(np.isin(self.first, neurons, assume_unique=True))
        return Steps(np.searchsorted(neurons, self.first[places]), self.height[places]), places


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

    `alone`: the error without that of steps, which is in `_Open.flaws`.
    """

    numbers: Matrix
    error: Matrix
    alone: Matrix
    larger_side: Matrix
    total: Matrix
    terms: Matrix


@dataclass(frozen=True, eq=False)
class Fired:
    """What neurons do: what they write to each space, and the step that is nearest to its ramp in any cell."""

    writes: Mapping[str, Written]
    weakest: Step | None


class Near(Protocol):
    """Who is shown what neurons read. `reach` [neurons]: how far below 0 it asks for that."""

    @property
    def reach(self) -> Floats:
        """0 for neurons that it knows enough of."""

    def see(self, given: Piece, as_read: Piece) -> None:
        """Look at some cells."""


def fire(
    block: Neurons, read: Reading, cells: Cells, codes: Mapping[str, Matrix], precision: Precision,
    near: Near | None = None,
) -> Fired:  # fmt: skip
    """All neurons, in all cells, held against the code that each value of the variable should have in each space.

    `near`: is shown the cells as well, as they are and once they are stored; of neurons that are shut in all of some
    cells those that it still asks for.
    """
    steps, weakest, start = steps_of(block), None, 0
    spaces = {space: _Space.of(block, space, code, read, steps, precision) for space, code in codes.items()}
    widest = max((space.weights.widest for space in spaces.values()), default=1)

    def open_(most: Floats) -> NDArray[np.bool_]:
        return steps.whole(most > (0.0 if near is None else -near.reach))

    for given in cells.pieces(widest, None if precision.narrow else open_):
        piece = as_read(given, read, cells, precision)
        if near is not None:
            near.see(given, piece)
        own, places = steps.among(piece.neurons)
        fires = _Open.of(piece, own)
        nearest = _nearest(piece, own, start, read.dust is not None)
        weakest = max((one for one in (weakest, nearest) if one is not None), key=lambda one: one.used, default=None)
        for space in spaces.values():
            space.among(piece.neurons, own, places).take(fires, piece.value)
        start += len(piece)
    told = None if weakest is None else replace(weakest, at=cells.at(weakest.cell))
    return Fired({name: space.written() for name, space in spaces.items()}, told)


def as_read(given: Piece, read: Reading, cells: Cells, precision: Precision) -> Piece:
    """Some cells with what is read there once that is stored."""
    if read.dust is not None and cells.whole:
        return _dusted(given, read, read.dust, precision)
    return _rounded_twice(given, read, precision) if precision.narrow and cells.whole else _shifted(given, read)


def _dusted(cells: Piece, read: Reading, dust: Floats, precision: Precision) -> Piece:
    """The cells of a narrow format, where what is stored has no dust but beside 0."""
    lost = cells.passed + dust
    plain = cells.rounding + lost + precision.unit * (np.abs(cells.reads) + lost)
    rounding = np.where(read.sums > 0, dusty.stored(cells.reads, lost, precision), plain)
    return replace(cells, passed=np.zeros_like(dust)[None], rounding=rounding)


def _rounded_twice(cells: Piece, read: Reading, precision: Precision) -> Piece:
    """The cells of a narrow format: where nothing errs before it is stored, it is known how each sum is rounded.

    It is stored once without the bias and once with it.
    """
    sure = (read.sums > 0) & ~(read.passed > 0)
    stored = precision.round(precision.round(cells.reads - read.bias) + read.bias)
    return replace(cells, rounding=np.where(sure, np.abs(stored - cells.reads), cells.rounding))


def _shifted(cells: Piece, read: Reading) -> Piece:
    """The cells with the error of constants among what comes with what is read.

    All are read of one number, which is off by a part of itself; so the halves of a step are off by what makes of its
    height the same part of that, which is one more factor of all that is written (`Loose.common`).
    """
    if read.shifted is None:
        return cells
    shifted = read.shifted[cells.neurons]
    return replace(cells, passed=cells.passed + shifted, rounding=np.maximum(cells.rounding - shifted, 0.0))


def _shut(cells: Piece) -> NDArray[np.bool_]:
    """Which neurons are far below their thresholds, so that nothing depends on their ramps."""
    return np.asarray(cells.reads + cells.passed + cells.rounding <= 0)


def _nearest(cells: Piece, steps: Steps, start: int, has_dust: bool) -> Step | None:
    """The weakest of the steps; None if there are none. They are flat where z ≤ 0 or z ≥ δ; in units of δ.

    `has_dust`: what is read where a ramp begins is off by dust, which it passes on; so a step is far from its middle.
    """
    if not len(steps.first) or not len(cells):
        return None
    height = steps.height
    present = np.abs(cells.reads[:, steps.first] / height - 0.5) - (0.0 if has_dust else 0.5)
    rounding = np.maximum(cells.rounding[:, steps.first], cells.rounding[:, steps.second])
    error = np.broadcast_to((cells.passed[:, steps.first] + rounding) / height, present.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.where(error == 0, np.where(present < 0, np.inf, 0.0), error / np.maximum(present, 0.0))
    shut = _shut(cells)
    used = np.where(shut[:, steps.first] & shut[:, steps.second], 0.0, used)
    cell, step = np.unravel_index(used.argmax(), used.shape)
    return Step(float(error[cell, step]), float(present[cell, step]), start + int(cell))


@dataclass(frozen=True, eq=False)
class _Open:
    """Which neurons of some cells fire, and how: [cells, neurons], or [cells, steps].

    `height`, `least`: how much each can write at most, and at least. `along`: what each step comes to, and `flaws` what
    that is off by: where it is flat, by what its halves round. `number`, `error`: of the neurons that are halves of no
    step.
    """

    fires: NDArray[np.bool_]
    height: Matrix
    least: Matrix
    along: Matrix
    flaws: Matrix
    others: NDArray[np.intp]
    number: Matrix
    error: Matrix

    @classmethod
    def of(cls, cells: Piece, steps: Steps) -> _Open:
        """All neurons that are not surely shut."""
        error = np.broadcast_to(cells.passed + cells.rounding, cells.reads.shape)
        quiet = not error.any()
        fires = cells.reads > 0 if quiet else cells.reads + error > 0
        height = np.maximum(cells.reads, 0.0) if quiet else np.where(fires, np.maximum(cells.reads, 0.0) + error, 0.0)
        least = height if quiet else np.maximum(cells.reads - error, 0.0)
        z, top = cells.reads[:, steps.first], steps.height
        flaws = np.zeros_like(z) if quiet else _flaws(cells, steps, z, fires)
        others = steps.others(cells.reads.shape[1])
        off = np.where(fires, error, 0.0)[:, others]
        number = np.maximum(cells.reads[:, others], 0.0)
        return cls(fires, height, least, np.clip(z, 0.0, top), flaws, others, number, off)


def _flaws(cells: Piece, steps: Steps, z: Matrix, fires: NDArray[np.bool_]) -> Matrix:
    """What steps are off by."""
    passed = np.broadcast_to(cells.passed, cells.reads.shape)[:, steps.first]
    rounding = np.broadcast_to(cells.rounding, cells.reads.shape)
    first, second = (rounding[:, half] for half in (steps.first, steps.second))
    error = passed + np.maximum(first, second)
    flat = (z + error <= 0) | (z - error >= steps.height)
    rounded = np.where(fires[:, steps.first], first, 0.0) + np.where(fires[:, steps.second], second, 0.0)
    return np.asarray(np.where(flat, 0.0, passed) + rounded)


@dataclass(frozen=True, eq=False)
class _Weights:
    """What neurons write with, by steps and by the other neurons: as it is, and its sizes; all that adds, and all that
    takes away; and where there is a weight."""

    steps: Columns
    others: Columns
    step_sizes: Columns
    other_sizes: Columns
    sizes: Columns
    up: Columns
    down: Columns
    some: Columns

    @classmethod
    def of(cls, matrix: Matrix, steps: Steps) -> _Weights:
        """All that is made of one matrix."""
        size, first, others = np.abs(matrix), steps.first, steps.others(len(matrix))
        parts = (matrix[first], matrix[others], size[first], size[others], size)
        signs = np.maximum(matrix, 0.0), np.maximum(-matrix, 0.0), (size > 0).astype(float)
        return cls(*map(Columns.of, (*parts, *signs)))

    @property
    def widest(self) -> int:
        """How many numbers are made of each cell, at most."""
        return self.sizes.widest

    def sums(self, open_: _Open, precision: Precision) -> Sums:
        """What is written to one space, cell by cell; without what is always added."""
        numbers = self.steps.times(open_.along) + self.others.times(open_.number)
        alone = self.other_sizes.times(open_.error)
        if precision.weight_error:
            alone = alone + precision.weight_error * self.sizes.times(open_.height)
        error = alone + self.step_sizes.times(open_.flaws) if open_.flaws.any() else alone
        up, down = self.up.times(open_.height), self.down.times(open_.height)
        return Sums(numbers, error, alone, np.maximum(up, down), up + down, self.some.times(open_.fires.astype(float)))


@dataclass(frozen=True, eq=False)
class _Space:
    """A space that neurons write to: the worst so far, for each value of the variable.

    `error`, `alone` [values, dims], `flaws` [values, all steps]: as `Written` and `_Open` have them; they are raised
    in place, piece by piece. `places`: which of all steps are `steps`. `common`: the part of itself that all that
    neurons write is off by, by one factor.
    """

    steps: Steps
    matrix: Matrix
    weights: _Weights
    base: Floats
    code: Matrix
    grain: Floats
    read_grain: Floats
    cuts: NDArray[np.bool_]
    at_bos: Floats
    precision: Precision
    error: Matrix
    alone: Matrix
    flaws: Matrix
    common: float
    has_dust: bool
    places: Some = ALL

    @classmethod
    def of(
        cls, block: Neurons, space: str, code: Matrix, read: Reading, steps: Steps, precision: Precision
    ) -> _Space:  # fmt: skip
        """Before any cell is looked at."""
        matrix, base, shaken = block.write.maps[space], block.write.bias[space], precision.weight_error
        grain = _grain(read.grain, matrix, base) * (not shaken)
        at_bos = shaken * np.abs(base) + fired_at_bos(read, matrix, base, precision)
        error, alone = np.zeros(code.shape), np.zeros(code.shape)
        cuts, weights = _cuts(matrix, precision), _Weights.of(matrix, steps)
        return cls(steps, matrix, weights, base, code, grain, read.grain, cuts, at_bos, precision, error, alone,
                   np.zeros((len(code), len(steps.first))), read.common, read.dust is not None)  # fmt: skip

    def among(self, neurons: Some, steps: Steps, places: Some) -> _Space:
        """The same for some neurons alone, where all others are shut."""
        if isinstance(neurons, EllipsisType):
            return self
        matrix = self.matrix[neurons]
        return replace(
            self, matrix=matrix, steps=steps, places=places, weights=_Weights.of(matrix, steps),
            read_grain=self.read_grain[neurons],
        )  # fmt: skip

    def take(self, open_: _Open, value: Ids) -> None:
        """What is written in some cells."""
        base, precision = self.base, self.precision
        sums, shaken = self.weights.sums(open_, precision), precision.weight_error
        side = sums.larger_side + np.abs(base)
        grain = self.grain_of(open_, sums, side)
        exact = fits(grain, side, precision.sum_bits)
        size = sums.total + np.abs(base)
        last = np.abs(sums.numbers + base) + sums.error
        if self.has_dust:
            raise_to(self.error, value, self._off_with_dust(sums, side, size, exact, value))
            return
        rounding = np.where(exact, 0.0, of_sum(sums.terms + (base != 0), side, size, last, precision))
        if self.cuts.any():  # products of few digits are not rounded even so
            cut = self.cuts & ~fits(grain, sums.larger_side, precision.sum_bits)
            rounding = rounding + np.where(cut, precision.sum_unit * sums.total, 0.0)
        rounding = rounding + _storing(exact, self.grain, np.abs(sums.numbers) + sums.error, base, size, precision)
        off = np.abs(sums.numbers + base - self.code[value]) + rounding + shaken * np.abs(base)
        if self.common:
            off = off + self.common * (np.abs(sums.numbers) + sums.error)
        raise_to(self.error, value, off + sums.error)
        raise_to(self.alone, value, off + sums.alone)
        if open_.flaws.any():
            raise_to(self.flaws, value, open_.flaws, self.places)

    def _off_with_dust(self, sums: Sums, side: Matrix, size: Matrix, exact: NDArray[np.bool_], value: Ids) -> Matrix:
        """How far what is stored is from its code, where what neurons give has dust."""
        base, precision = self.base, self.precision
        rounds = of_sum(sums.terms + (base != 0), side, size, size, precision)
        lost = sums.error + np.where(exact & (sums.error == 0), 0.0, rounds)
        known = exact & (precision.round(sums.numbers) == sums.numbers)
        once = lost + precision.unit * (1.0 + (base != 0)) * (size + lost)
        off = np.where(known, dusty.twice_stored(sums.numbers, base, lost, precision), once)
        return np.asarray(off + np.abs(sums.numbers + base - self.code[value]))

    def grain_of(self, open_: _Open, sums: Sums, side: Matrix) -> Matrix | Floats:
        """What all terms are multiples of: in each cell, where nothing but their sum may err."""
        precision, plain = self.precision, self.grain
        if (
            precision.narrow
            or precision.weight_error
            or sums.error.any()
            or fits(plain, side, precision.sum_bits).all()
        ):
            return plain
        found = grain_in_cells(open_.least, open_.height, self.read_grain, self.matrix, self.base, precision)
        return plain if found is None else np.maximum(found, plain)

    def written(self) -> Written:
        """What is known after all cells."""
        if not self.flaws.any():
            return Written(self.error, self.grain, self.at_bos)
        common = Causes(self.flaws, self.matrix[self.steps.first]).gathered()
        return Written(self.error, self.grain, self.at_bos, common, self.alone)


def raise_to(worst: Matrix, value: Ids, rows: Matrix, columns: Some = ALL) -> None:
    """Raise the row `worst[v]` of each value v to the largest entries of its `rows`, of which each belongs to one.

    `columns`: those of `worst` that `rows` have.
    """
    if len(value):
        order = np.argsort(value, kind="stable")
        held = value[order]
        first = np.flatnonzero(np.r_[True, held[1:] != held[:-1]])
        met = held[first]
        where = np.ix_(met, np.arange(worst.shape[1])[columns])
        worst[where] = np.maximum(worst[where], np.maximum.reduceat(rows[order], first, axis=0))


def _cuts(matrix: Matrix, precision: Precision) -> NDArray[np.bool_]:
    """Into which columns products with a weight may be rounded: not where all weights are powers of two."""
    if 2 * precision.factor_bits <= precision.sum_bits:
        return np.zeros(matrix.shape[1], bool)
    return np.asarray((np.frexp(np.abs(matrix))[0] % 0.5 != 0).any(axis=0))  # the mantissa of a power of two is ½


def fired_at_bos(read: Reading, matrix: Matrix, base: Floats, precision: Precision) -> Floats:
    """What neurons that fire at BOS add there, and what the sum with them rounds; they should not fire."""
    height, weights = np.maximum(read.there + read.there_error, 0.0), np.abs(matrix)
    added: Floats = height @ (weights * (1 + precision.weight_error + read.common))
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
