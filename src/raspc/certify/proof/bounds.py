"""What the residual stream holds and what is read of it: numbers, how far off they can be, and their grain.

For each direction of each space: the values it can take (its code), and for each value a bound on the error. How
sums round is said in `rounding`. Sums of multiples of one power of two (the grain) whose total fits the significand
do not err at all. Rounding keeps the grain: the nearest number with fewer digits is a multiple of a larger power.
What is stored in a narrow format is rounded once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import BOS, Matrix, Read
from raspc.certify.proof.added import Seen, Summing, some_at_once
from raspc.certify.proof.causes import WORK, Causes, used, work
from raspc.certify.proof.loose import FIRM, Loose
from raspc.certify.proof.rounding import ANY, fits, grain_of, swept_up
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision

WHOLE = ("seen", "rounded_rows", "common", "shifted", "dust")
"""What of a read is not told number by number."""


@dataclass(frozen=True, eq=False)
class Held:
    """One space at real positions: code and error [rows, dims], a row for each value of the variable `place`.

    The grain is a power of two of which every number that is stored there is a multiple, right or not; 0 where none
    is known. `at_bos` [dims]: how far from what the plan says that is which the space holds at BOS. `common`: the part
    of the error that several directions have in common, and `alone` [rows, dims] the rest of it; None where all is.
    """

    place: int
    code: Matrix
    error: Matrix
    grain: Floats
    at_bos: Floats
    common: Causes | None = None
    alone: Matrix | None = None

    def cleaned(self) -> Held:
        """The same without what is off."""
        return replace(
            self, error=np.zeros_like(self.error), at_bos=np.zeros_like(self.at_bos), common=None, alone=None
        )

    def at(self, rows: slice) -> Held:
        """Some values of the variable."""
        common, alone = None if self.common is None else self.common.at(rows), self.alone
        alone = None if alone is None else alone[rows]
        return replace(self, code=self.code[rows], error=self.error[rows], common=common, alone=alone)

    def causes(self, matrix: Matrix) -> tuple[Causes, ...]:
        """All errors of a linear read by their causes; what is stored in one direction is one number, for all."""
        if not self.error.any():
            return ()
        if self.common is None or self.alone is None or work([self.common], matrix.shape[1]) > WORK:
            return used([Causes(self.error, matrix)])
        return used([self.common.through(matrix), Causes(self.alone, matrix)])


@dataclass(frozen=True, eq=False)
class Reading:
    """A read: what it sees of each variable, its constant, and bounds over all values [width].

    `passed`: error that comes with what is read, the same for all who read with the same weights. `rounding`: error of
    this read alone, of its sums and of its weights; `rounded_rows` [rows, width] the same for each value, where one
    variable alone is read. `grain`: of what is read, right or not; `sums`: of a sum that errs nowhere before it is
    stored, else 0. `terms`: how many numbers it is a sum of, and `own`: what these are off by before they are added.
    `there`: what it is at BOS, and `there_error` how far off that is. `common`: the part of itself that all that is
    read at one position is off by besides, by one factor. `shifted` [width]: the part of `own` that is an error of
    constants, which are all read of one number. `dust` [width]: what sums round that have dust among their terms, where
    neurons read them (`dusty`); what comes of it and of `passed` is not known before it is stored.
    """

    seen: Mapping[int, Seen]
    bias: Floats
    size: Floats
    passed: Floats
    rounding: Floats
    rounded_rows: Matrix | None
    grain: Floats
    sums: Floats
    terms: Floats
    own: Floats
    there: Floats
    there_error: Floats
    common: float = 0.0
    shifted: Floats | None = None
    dust: Floats | None = None

    def settled(self) -> Reading:
        """The same, with what the common factor makes of each number as an error of its own."""
        if not self.common:
            return self
        more, rows = self.common * (self.size + self.passed), self.rounded_rows
        if rows is not None:
            one = next(iter(self.seen.values()))
            rows = rows + self.common * (np.abs(one.values + self.bias) + one.error + rows)
            return replace(self, rounding=rows.max(axis=0, initial=0.0), rounded_rows=rows, common=0.0)
        return replace(self, rounding=self.rounding * (1 + self.common) + more, common=0.0)

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
            place: Seen(
                one.values[:, cut], one.error[:, cut], one.size[:, cut],
                tuple(Causes(c.size, c.moves[:, cut]) for c in one.causes),
            )
            for place, one in self.seen.items()
            if one.size[:, cut].any()
        }  # fmt: skip
        rows = self.rounded_rows[:, cut] if self.rounded_rows is not None and seen else None
        rest = {f.name: getattr(self, f.name)[cut] for f in fields(self) if f.name not in WHOLE}
        shifted, dust = (None if part is None else part[cut] for part in (self.shifted, self.dust))
        return Reading(seen=seen, rounded_rows=rows, common=self.common, shifted=shifted, dust=dust, **rest)

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


def grain_of_exact(grain: Floats, code: Matrix, error: Matrix, there: Floats, off_there: Floats) -> Floats:
    """The grain of what is stored, where no number is off: that of the codes of all values, and of what BOS has.

    Steps that are flat write 0 or 1 exactly, however fine the numbers are that they read.
    """
    exact = (error == 0).all(axis=0) & (off_there == 0)
    known = np.minimum(grain_of(code).min(axis=0, initial=ANY), grain_of(there))
    return np.where(exact, np.maximum(grain, known), grain)


def embedded(place: int, code: Matrix, actual: Matrix, precision: Precision) -> Held:
    """A space that an embedding writes; `actual`: what the weights say, before they are rounded."""
    stored = precision.round(actual)
    error = np.abs(stored - code) + precision.weight_error * np.abs(stored)
    grain = grain_of(stored) if not precision.weight_error else np.where(stored != 0, 0.0, ANY)
    return Held(place, code, error, grain.min(axis=0, initial=ANY), np.zeros(code.shape[1]))


def read_stream(
    read: Read, stream: Mapping[str, Held], at_bos: Mapping[str, Floats], precision: Precision, fired: bool = False,
    loose: Loose = FIRM,
) -> Reading:  # fmt: skip
    """What a read of the stream can be, and how far off, by the weights that are stored.

    `at_bos`: what the spaces hold at BOS. `fired`: by neurons, for which it does not matter how what is not positive
    rounds. `loose`: what a family adds; the errors of the numbers that are stored are a part of the stream already.
    """
    seen: dict[int, Seen] = {}
    shaken = precision.weight_error
    grain = grain_of(read.bias) if not shaken else np.where(read.bias != 0, 0.0, ANY)
    terms, own = (read.bias != 0).astype(float), shaken * np.abs(read.bias)
    alone = _single_products(read) & (not shaken) & (loose.mean == 0)
    for space, matrix in read.maps.items():
        if space == BOS:
            continue
        held = stream[space]
        factor = precision.round(matrix, precision.factor_bits) if precision.factor_unit else matrix
        weight = grain_of(np.where(matrix != 0, matrix, 1.0))
        seen[held.place] = joined(seen.get(held.place), _see(held, factor, precision))
        if shaken:
            own = own + shaken * ((np.abs(held.code) + held.error) @ np.abs(factor)).max(axis=0, initial=0.0)
        own = own + _cut_products(held, factor, weight, precision)
        used = matrix != 0
        terms = terms + (((held.code != 0) | (held.error > 0)).astype(float) @ used).max(axis=0, initial=0.0)
        product = held.grain[:, None] * weight * (not shaken)
        grain = np.minimum(grain, np.where(used, product, ANY).min(axis=0, initial=ANY))
    if not loose.exactly:
        terms, own = _with_mean(read, terms, loose, precision), own + loose.of_biases(read.bias)
        own, grain = own + _of_mean(read, terms, loose, precision), np.zeros_like(grain)
    size, passed = over_values(read.width, seen)
    firm = fired and loose.exactly
    shifted = _scaled_and_shifted(read, stream, precision) if firm else np.zeros(read.width, bool)
    summing = Summing(read.bias, grain, terms, own, alone, shifted, precision)
    found = [summing.rounded(seen, cut) for cut in some_at_once(seen, read.width)]
    rows, unrounded = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
    return Reading(
        seen, read.bias, size + np.abs(read.bias), passed, rows.max(axis=0, initial=0.0),
        rows if len(seen) == 1 else None, grain, unrounded, terms, own,
        *_at_bos(read, stream, at_bos, precision, terms, loose), loose.common,
        None if loose.exactly else loose.of_biases(read.bias),
    )  # fmt: skip


def _with_mean(read: Read, terms: Floats, loose: Loose, precision: Precision) -> Floats:
    """How many numbers a read is a sum of, where each that is read at all holds a mean, and so does one more."""
    if not loose.mean:
        return terms
    found: Floats = (_weights(read) != 0).sum(axis=0) + (read.bias != 0) + 1.0
    return found


def _of_mean(read: Read, terms: Floats, loose: Loose, precision: Precision) -> Floats:
    """What is rounded more where a mean stands in all that is read, and is taken away by one number more.

    All means together come to 0, so that no sum of some is larger than half of their sizes. Of one number and that one
    more, with a power of two for a weight, the difference alone rounds.
    """
    if not loose.mean:
        return np.zeros(read.width)
    weights = np.vstack([_weights(read), read.bias])
    reach = (np.abs(weights).sum(axis=0) + np.abs(weights.sum(axis=0))) / 2
    alone = ((weights != 0).sum(axis=0) <= 1) & (grain_of(weights.sum(axis=0)) == np.abs(weights.sum(axis=0)))
    return np.where(alone, 0.0, 1.01 * loose.mean * precision.sum_unit * terms * reach)


def _weights(read: Read) -> Matrix:
    """[numbers, width]: with what all numbers of the stream are read, that of BOS first; without that of constants."""
    rows = [matrix for space, matrix in read.maps.items() if space != BOS]
    return np.vstack([_told_by_bos(read)[None], *rows])


def _told_by_bos(read: Read) -> Floats:
    """What is read of the number that is 1 at BOS alone: a constant is read there, too, where it is 1 elsewhere."""
    return np.asarray(read.bias + (read.maps[BOS][0] if BOS in read.maps else 0.0))


def _cut_products(held: Held, factor: Matrix, weight: Matrix, precision: Precision) -> Floats:
    """What products round before they are added: none with a power of two, and none that has few enough digits."""
    if 2 * precision.factor_bits <= precision.sum_bits:
        return np.zeros(factor.shape[1])
    used, largest = np.abs(factor), (np.abs(held.code) + held.error).max(axis=0, initial=0.0)[:, None]
    cut = (weight != used) & (used != 0)
    if cut.any():
        cut &= ~fits(held.grain[:, None] * weight, largest * used, precision.sum_bits)
    if not cut.any():
        return np.zeros(factor.shape[1])
    found: Floats = precision.sum_unit * ((np.abs(held.code) + held.error) @ (used * cut)).max(axis=0, initial=0.0)
    return found


def _single_products(read: Read) -> NDArray[np.bool_]:
    """Which numbers are one number of the stream times a power of two, and nothing else: these do not round."""
    count, total = np.zeros(read.width, np.intp), np.zeros(read.width)  # of one weight, the total is that weight
    for space, matrix in read.maps.items():
        if space != BOS:
            count, total = count + np.count_nonzero(matrix, axis=0), total + matrix.sum(axis=0)
    power = (total == 0) | (grain_of(total) == np.abs(total))
    return np.asarray((count <= 1) & power & (read.bias == 0))


def _see(held: Held, matrix: Matrix, precision: Precision) -> Seen:
    weights = np.abs(matrix)
    size = np.abs(held.code) @ weights
    causes = held.causes(matrix)
    if precision.factor_unit:
        rounded = ~fits(held.grain, np.abs(held.code).max(axis=0, initial=0.0), precision.factor_bits)
        lost = precision.factor_unit * (np.abs(held.code) * rounded)
        causes = (*causes, *used([Causes(lost, matrix)]))
    error = np.zeros_like(size)
    for one in causes:
        error = error + one.total()
    return Seen(held.code @ matrix, error, size + error, causes)


def joined(one: Seen | None, other: Seen) -> Seen:
    """Two spaces of one variable, read together."""
    if one is None:
        return other
    return Seen(one.values + other.values, one.error + other.error, one.size + other.size, (*one.causes, *other.causes))


def over_values(width: int, seen: Mapping[int, Seen]) -> tuple[Floats, Floats]:
    """The size of all that is read, and the error that comes with it: over all values."""
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
    read: Read, stream: Mapping[str, Held], at_bos: Mapping[str, Floats], precision: Precision, all_terms: Floats,
    loose: Loose,
) -> tuple[Floats, Floats]:  # fmt: skip
    """What the read is at BOS, by the weights, and how far off that can be; `all_terms`: as `Reading.terms`."""
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
    if not loose.exactly:
        return there, off + _loose_at_bos(read, at_bos, there, off, all_terms, loose, precision)
    exact = fits(grain, size, min(precision.bits, precision.sum_bits))
    exact = (exact | _held_at_bos(read, there, size, off, grain, precision)) & (not precision.weight_error)
    unit = precision.sum_unit * (terms + 2) + precision.weight_error
    unit = unit + (2 * precision.unit if precision.bits < precision.sum_bits else 0.0)
    rounding = unit * (size + off)
    return there, off + np.where(exact, np.minimum(rounding, swept_up(off, terms)), rounding)


def _loose_at_bos(
    read: Read, at_bos: Mapping[str, Floats], there: Floats, off: Floats, terms: Floats, loose: Loose,
    precision: Precision,
) -> Floats:  # fmt: skip
    """What a family makes of a read at BOS: where constants are read off BOS there, by one weight, that errs alone."""
    parts = [np.abs(at_bos[space]) @ np.abs(matrix) for space, matrix in read.maps.items() if space != BOS]
    told = [_told_by_bos(read)] if loose.mean else [read.bias, _told_by_bos(read) - read.bias]
    own = np.sum(np.abs(told), axis=0)
    size = own + np.sum(parts, axis=0) if parts else own
    alone = (loose.rate + loose.constant + 2 * precision.unit) * own + loose.common * (np.abs(there) + off)
    count = terms + sum((at_bos[space] != 0).sum() for space in read.maps)
    rounding = np.where(size > 0, precision.sum_unit * count * (size + off), 0.0)
    return np.asarray(alone + rounding + _of_mean(read, terms, loose, precision))


def _held_at_bos(
    read: Read, there: Floats, size: Floats, off: Floats, grain: Floats, precision: Precision
) -> NDArray[np.bool_]:
    """Where what is known at BOS is added up without rounding, and is a number of the format with its bias and without.

    So −199 and 199 come to 0 in bfloat16 too, which holds both, though not 398.
    """
    exact, before = fits(grain, size, precision.sum_bits) & (off == 0), there - read.bias
    return np.asarray(exact & (precision.round(before) == before) & (precision.round(there) == there))
