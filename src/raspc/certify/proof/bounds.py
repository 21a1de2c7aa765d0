"""What the residual stream holds and what is read of it: numbers, how far off they can be, and their grain.

For each direction of each space: the values it can take (its code), and for each value a bound on the error. A
sum of n terms of total size S errs by at most (r + 1)·u·S, u the unit roundoff of the accumulator and r the
roundings that a term goes through: n in any order of summation (Higham, "Accuracy and Stability of Numerical
Algorithms", section 4.2). Sums of multiples of one power of two (the grain) whose total fits the significand
do not err at all. What is stored in a narrow format is rounded once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import BOS, Matrix, Read
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision

ANY = 2.0**200
"""The grain of zero, which is a multiple of everything; its products stay finite."""


@dataclass(frozen=True, eq=False)
class Held:
    """One space at real positions: code and error [rows, dims], a row for each value of the variable `place`.

    The grain is a power of two of which every number that is stored there is a multiple, right or not; 0 where none
    is known. `at_bos` [dims]: how far from what the plan says that is which the space holds at BOS.
    """

    place: int
    code: Matrix
    error: Matrix
    grain: Floats
    at_bos: Floats


@dataclass(frozen=True, eq=False)
class Seen:
    """What a read sees of one variable, for each of its values: numbers, their errors, the size of the terms."""

    values: Matrix
    error: Matrix
    size: Matrix


@dataclass(frozen=True, eq=False)
class Reading:
    """A read: what it sees of each variable, its constant, and bounds over all values [width].

    `passed`: error that comes with what is read, the same for all who read with the same weights. `rounding`: error of
    this read alone, of its sums and of its weights; `rounded_rows` [rows, width] the same for each value, where one
    variable alone is read. `grain`: of what is stored; `positive_grain`: of what is above 0; `sums`: of a sum
    that errs nowhere before it is stored, else 0. `there`: what it is at BOS, and `there_error` how far off that is.
    """

    seen: Mapping[int, Seen]
    bias: Floats
    size: Floats
    passed: Floats
    rounding: Floats
    rounded_rows: Matrix | None
    grain: Floats
    positive_grain: Floats
    sums: Floats
    there: Floats
    there_error: Floats

    @property
    def error(self) -> Floats:
        """Both errors together."""
        return self.passed + self.rounding

    @property
    def at_bos(self) -> Floats:
        """How far from 0 it can be at BOS."""
        return np.abs(self.there) + self.there_error

    @property
    def only(self) -> int | None:
        """The one variable that is read, if there is but one."""
        return next(iter(self.seen)) if len(self.seen) == 1 else None

    @property
    def width(self) -> int:
        """How many numbers are read."""
        return len(self.bias)

    def columns(self, cut: slice) -> Reading:
        """Some of the numbers, and the variables that these are read off."""
        seen = {
            place: Seen(one.values[:, cut], one.error[:, cut], one.size[:, cut])
            for place, one in self.seen.items()
            if one.size[:, cut].any()
        }
        rows = self.rounded_rows[:, cut] if self.rounded_rows is not None and seen else None
        rest = {f.name: getattr(self, f.name)[cut] for f in fields(self) if f.name not in ("seen", "rounded_rows")}
        return Reading(seen=seen, rounded_rows=rows, **rest)

    def rows(self) -> Matrix | None:
        """[rows, width] where one variable alone is read; None else."""
        if len(self.seen) == 1:
            return next(iter(self.seen.values())).values + self.bias
        return None if self.seen else self.bias[None, :]

    def row_errors(self) -> Matrix:
        """The errors for each row of `rows`, or for all together."""
        if self.rounded_rows is None:
            return self.error[None, :]
        return next(iter(self.seen.values())).error + self.rounded_rows


def grain_of(numbers: Matrix) -> Matrix:
    """For each number the largest power of two that it is a multiple of; `ANY` for 0."""
    mantissa, exponent = np.frexp(np.asarray(numbers, np.float64))
    whole = np.abs(mantissa * 2.0**53).astype(np.int64)
    lowest = (whole & -whole).astype(np.float64)
    return np.where(whole == 0, ANY, np.ldexp(lowest, exponent - 53))


def fits(grain: Matrix, size: Matrix, bits: int) -> NDArray[np.bool_]:
    """Where sums of multiples of the grain, of that size in all, have at most so many digits."""
    return np.asarray((grain > 0) & (size <= np.where(grain > 0, grain, 1.0) * 2.0**bits))


def embedded(place: int, code: Matrix, actual: Matrix, precision: Precision) -> Held:
    """A space that an embedding writes; `actual`: what the weights say, before they are rounded."""
    stored = precision.round(actual)
    error = np.abs(stored - code) + precision.weight_error * np.abs(stored)
    grain = grain_of(stored) if not precision.weight_error else np.where(stored != 0, 0.0, ANY)
    return Held(place, code, error, grain.min(axis=0, initial=ANY), np.zeros(code.shape[1]))


def read_stream(
    read: Read, stream: Mapping[str, Held], at_bos: Mapping[str, Floats], precision: Precision, fired: bool = False
) -> Reading:
    """What a read of the stream can be, and how far off, by the weights that are stored.

    `at_bos`: what the spaces hold at BOS. `fired`: by neurons, for which it does not matter how what is not positive
    rounds.
    """
    seen: dict[int, Seen] = {}
    shaken = precision.weight_error
    grain = grain_of(read.bias) if not shaken else np.where(read.bias != 0, 0.0, ANY)
    terms, own = np.zeros(read.width), shaken * np.abs(read.bias)
    alone = _single_products(read) & (not shaken)
    for space, matrix in read.maps.items():
        if space == BOS:
            continue
        held = stream[space]
        factor = precision.round(matrix, precision.factor_bits) if precision.factor_unit else matrix
        seen[held.place] = _joined(seen.get(held.place), _see(held, factor, precision))
        if shaken:
            own = own + shaken * ((np.abs(held.code) + held.error) @ np.abs(factor)).max(axis=0, initial=0.0)
        used = matrix != 0
        terms = terms + (((held.code != 0) | (held.error > 0)).astype(float) @ used).max(axis=0, initial=0.0)
        product = held.grain[:, None] * grain_of(np.where(used, matrix, 1.0)) * (not shaken)
        grain = np.minimum(grain, np.where(used, product, ANY).min(axis=0, initial=ANY))
    size, passed = _over_values(read.width, seen)
    total = size + np.abs(read.bias)
    reach = _reach(seen, read.bias, own)
    exact = fits(grain, reach, precision.sum_bits) | alone
    if fired:
        exact = exact | _scaled_and_shifted(read, stream, precision)
    per_size = np.where(exact, 0.0, precision.sum_unit * (precision.roundings(terms) + 1))
    unrounded = np.where(fits(grain, reach, precision.sum_bits) & (own == 0), grain, 0.0)
    rounding, rows, stored, positive = _rounding(seen, read.bias, grain, (exact, alone), per_size, precision)
    return Reading(
        seen, read.bias, total, passed, rounding + own, None if rows is None else rows + own,
        np.where(stored, grain, 0.0), np.where(positive, grain, 0.0), unrounded,
        *_at_bos(read, stream, at_bos, precision),
    )  # fmt: skip


def _rounding(
    seen: Mapping[int, Seen], bias: Floats, grain: Floats,
    exact: tuple[NDArray[np.bool_], NDArray[np.bool_]], per_size: Floats, precision: Precision,
) -> tuple[Floats, Matrix | None, NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """(rounding, the same for each value, where all is stored as it is, where all that is positive is).

    `exact`: which sums do not round in the accumulator, and which are products that round nowhere.
    """
    summed, alone = exact
    if len(seen) == 1:
        one = next(iter(seen.values()))
        size, value = one.size, one.values + bias
        top, before = np.abs(value) + one.error, np.abs(one.values) + one.error
    else:
        size = np.sum([one.size.max(axis=0, initial=0.0) for one in seen.values()] or [np.zeros_like(bias)], axis=0)[
            None
        ]
        high, low = _range(seen, bias)
        value, top = high[None], np.maximum(np.abs(high), np.abs(low))[None]
        before = np.maximum(np.abs(high - bias), np.abs(low - bias))[None]
    total = size + np.abs(bias)
    rounding = per_size * total
    plain = np.broadcast_to(summed, total.shape)
    if precision.bits < precision.sum_bits:
        plain = alone | (summed & fits(grain, top, precision.bits))
        first = (bias != 0) & ~fits(grain, before, precision.bits)
        rounding = (
            rounding + np.where(plain, 0.0, precision.unit * total) + np.where(first, precision.unit * before, 0.0)
        )
        plain = plain & ~first
    rows = rounding if len(seen) == 1 else None
    everywhere, above = np.asarray(plain.all(axis=0)), np.asarray((plain | (value <= 0)).all(axis=0))
    return rounding.max(axis=0, initial=0.0), rows, everywhere, above


def _range(seen: Mapping[int, Seen], bias: Floats) -> tuple[Floats, Floats]:
    """The greatest and the least that a read of several variables can be."""
    high, low = bias.astype(np.float64), bias.astype(np.float64)
    for one in seen.values():
        high = high + (one.values + one.error).max(axis=0, initial=0.0)
        low = low + (one.values - one.error).min(axis=0, initial=0.0)
    return high, low


def _single_products(read: Read) -> NDArray[np.bool_]:
    """Which numbers are one number of the stream times a power of two, and nothing else: these do not round."""
    count, total = np.zeros(read.width, np.intp), np.zeros(read.width)  # of one weight, the total is that weight
    for space, matrix in read.maps.items():
        if space != BOS:
            count, total = count + np.count_nonzero(matrix, axis=0), total + matrix.sum(axis=0)
    power = (total == 0) | (grain_of(total) == np.abs(total))
    return np.asarray((count <= 1) & power & (read.bias == 0))


def _see(held: Held, matrix: Matrix, precision: Precision) -> Seen:
    used = np.abs(matrix)
    error = held.error @ used
    size = np.abs(held.code) @ used + error
    if precision.factor_unit:
        rounded = ~fits(held.grain, np.abs(held.code).max(axis=0, initial=0.0), precision.factor_bits)
        error = error + precision.factor_unit * (np.abs(held.code) * rounded) @ used
    return Seen(held.code @ matrix, error, size)


def _reach(seen: Mapping[int, Seen], bias: Floats, own: Floats) -> Floats:
    """How far from 0 a sum of some of the terms can be: no further than all that are positive, or all that are not."""
    up, down = np.maximum(bias, 0.0) + own, np.maximum(-bias, 0.0) + own
    for one in seen.values():
        up = up + ((one.size + one.values + one.error) / 2).max(axis=0, initial=0.0)
        down = down + ((one.size - one.values + one.error) / 2).max(axis=0, initial=0.0)
    return np.asarray(np.maximum(up, down))


def _joined(one: Seen | None, other: Seen) -> Seen:
    """Two spaces of one variable, read together."""
    if one is None:
        return other
    return Seen(one.values + other.values, one.error + other.error, one.size + other.size)


def _over_values(width: int, seen: Mapping[int, Seen]) -> tuple[Floats, Floats]:
    size, passed = np.zeros(width), np.zeros(width)
    for one in seen.values():
        size = size + one.size.max(axis=0, initial=0.0)
        passed = passed + one.error.max(axis=0, initial=0.0)
    return size, passed


def _scaled_and_shifted(read: Read, stream: Mapping[str, Held], precision: Precision) -> NDArray[np.bool_]:
    """Which numbers are σ·x − c, positive, of one x ≥ 0: these do not round, or round to something not positive.

    σ a power of two and c ≥ 0 a multiple of σ·ulp(x): then σ·x − c is a multiple of σ·ulp(x) too, and where it
    is positive it is at most σ·x, so that it has no more digits than x.
    """
    spaces = [space for space in read.maps if space != BOS]
    if len(spaces) != 1 or precision.bits != precision.sum_bits:
        return np.zeros(read.width, bool)
    held, matrix, bias = stream[spaces[0]], read.maps[spaces[0]], read.bias
    one = (matrix != 0).sum(axis=0) == 1
    slope = matrix.sum(axis=0)
    top = np.where(matrix != 0, np.abs(held.code).max(axis=0, initial=0.0)[:, None], 0.0).max(axis=0, initial=0.0)
    positive = np.where(matrix != 0, np.asarray((held.code >= 0).all(axis=0))[:, None], True).all(axis=0)
    power = (slope > 0) & (grain_of(slope) == slope)
    aligned = (bias <= 0) & (grain_of(bias) >= slope * top * 2.0 ** (1 - precision.bits))
    return np.asarray(one & power & positive & aligned & (not precision.weight_error))


def _at_bos(
    read: Read, stream: Mapping[str, Held], at_bos: Mapping[str, Floats], precision: Precision
) -> tuple[Floats, Floats]:
    """What the read is at BOS, by the weights, and how far off that can be."""
    there, size, off = read.bias.astype(np.float64), np.abs(read.bias), np.zeros(read.width)
    grain, terms = grain_of(read.bias), np.ones(read.width)
    for space, matrix in read.maps.items():
        factor = precision.round(matrix, precision.factor_bits) if precision.factor_unit else matrix
        if space != BOS and (left := stream[space].at_bos).any():
            off, terms = off + left @ np.abs(factor), terms + ((left > 0) @ (factor != 0))
        if not at_bos[space].any():
            continue
        cut = precision.round(at_bos[space], precision.factor_bits) if precision.factor_unit else at_bos[space]
        products = cut[:, None] * factor
        off = off + np.abs(at_bos[space] - cut) @ np.abs(factor)
        there, size = there + products.sum(axis=0), size + np.abs(products).sum(axis=0)
        grain = np.minimum(grain, grain_of(products).min(axis=0, initial=ANY))
        terms = terms + (products != 0).sum(axis=0)
    exact = fits(grain, size, min(precision.bits, precision.sum_bits)) & (not precision.weight_error)
    unit = precision.sum_unit * (terms + 2) + precision.weight_error
    unit = unit + (2 * precision.unit if precision.bits < precision.sum_bits else 0.0)
    rounding = unit * (size + off)
    return there, off + np.where(exact, np.minimum(rounding, swept_up(off, terms)), rounding)


def swept_up(off: Floats, terms: Floats) -> Floats:
    """What rounding makes of small terms beside a sum that is exact without them: each addition may double them.

    For without them the sum is a number of the format, so that the nearest one is no further away than they are large.
    """
    return np.asarray(off * 2.0 ** np.minimum(terms, 100.0))
