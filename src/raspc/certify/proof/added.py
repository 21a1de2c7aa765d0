"""What a read of the stream adds up, for each value of what it reads: how large sums are, and what they round.

Some of the numbers that are read are looked at at a time, so that memory is that of what is kept of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.causes import Causes
from raspc.certify.proof.rounding import fits, of_sum
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision

NUMBERS = 1 << 20
"""So many numbers are summed at once: a dozen matrices are made of them."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a read sees of one variable, for each of its values: numbers, their errors, the size of the terms.

    `causes`: of what the errors come, if it is known; they hold all of `error`.
    """

    values: Matrix
    error: Matrix
    size: Matrix
    causes: tuple[Causes, ...] = ()


def some_at_once(seen: Mapping[int, Seen], width: int) -> Iterator[slice]:
    """Cuts of all that is read, so that what is made of each for all values is not too much."""
    rows = max((len(one.values) for one in seen.values()), default=1)
    step = max(1, NUMBERS // max(1, rows))
    yield from (slice(start, start + step) for start in range(0, max(1, width), step))


@dataclass(frozen=True, eq=False)
class Summing:
    """What there is to the sums of a read, number by number: see `Reading`.

    `alone`: which are one number of the stream and nothing else, and `shifted` one that a constant is taken from.
    """

    bias: Floats
    grain: Floats
    terms: Floats
    own: Floats
    alone: NDArray[np.bool_]
    shifted: NDArray[np.bool_]
    precision: Precision

    def rounded(self, seen: Mapping[int, Seen], cut: slice) -> tuple[Matrix, Floats]:
        """(what some of the numbers round for each value, and the grain of those that do not round at all)."""
        some = {
            place: Seen(one.values[:, cut], one.error[:, cut], one.size[:, cut], one.causes)
            for place, one in seen.items()
        }  # fmt: skip
        bias, grain, terms, own = self.bias[cut], self.grain[cut], self.terms[cut], self.own[cut]
        alone, precision = self.alone[cut], self.precision
        summed = _Summed.of(some, bias, own)
        exact = fits(grain, summed.reach, precision.sum_bits)
        unrounded = np.where(exact.all(axis=0) & (own == 0), grain, 0.0)
        exact = exact | alone | self.shifted[cut]
        rows = np.where(exact, 0.0, of_sum(terms, summed.reach, summed.size, summed.top + own, precision))
        if precision.bits < precision.sum_bits:
            known = exact | (terms - (bias != 0) <= 1)  # one number alone is not added to anything
            told = [known & _held(some, added, own, precision) for added in (np.zeros_like(bias), bias)]
            rows = rows + summed.stored(bias, grain, exact, alone, told, precision)
        return np.broadcast_to(rows + own, (len(rows), len(bias))), unrounded


def _held(seen: Mapping[int, Seen], bias: Floats, own: Floats, precision: Precision) -> NDArray[np.bool_]:
    """Which sums are numbers of the format if they do not round: row by row where one variable is read.

    Where several are, those that read but one of them, for all its values.
    """

    def of_one(one: Seen) -> NDArray[np.bool_]:
        sums = one.values + bias
        return np.asarray((one.error == 0) & (own == 0) & (precision.round(sums) == sums))

    if len(seen) == 1:
        return of_one(*seen.values())
    reads = [one.size.any(axis=0) for one in seen.values()]
    alone = np.sum(reads, axis=0) <= 1 if reads else np.ones(len(bias), bool)
    for one, read in zip(seen.values(), reads, strict=True):
        alone = alone & (~read | of_one(one).all(axis=0))
    return np.asarray(alone & (np.any(reads, axis=0) if reads else True))


@dataclass(frozen=True, eq=False)
class _Summed:
    """Sums that are read, for each value of the one variable that is read, or for all values of several together.

    `size`: of all terms; `reach`: how far from 0 a sum of some of them can be, which is no further than all that are
    positive, or all that are not. `top`, `before`: how large the sum can be with the bias, and without.
    """

    size: Matrix
    reach: Matrix
    top: Matrix
    before: Matrix

    @classmethod
    def of(cls, seen: Mapping[int, Seen], bias: Floats, own: Floats) -> _Summed:
        """The sums of a read; `own`: errors of its terms."""
        if len(seen) == 1:
            (one,) = seen.values()
            return cls.of_one(one, bias, own)
        zero = np.zeros_like(bias, dtype=np.float64)[None]

        def most(part: Callable[[Seen], Matrix]) -> Matrix:
            return np.asarray(zero + sum(part(one).max(axis=0, initial=-np.inf) for one in seen.values()))

        high, low = most(lambda one: one.values + one.error), -most(lambda one: one.error - one.values)
        up = most(lambda one: (one.size + one.values + one.error) / 2)
        down = most(lambda one: (one.size - one.values + one.error) / 2)
        size = most(lambda one: one.size)
        reach = np.maximum(up + np.maximum(bias, 0.0), down + np.maximum(-bias, 0.0)) + own
        top = np.maximum(np.abs(high + bias), np.abs(low + bias))
        return cls(size + np.abs(bias) + own, reach, top, np.maximum(np.abs(high), np.abs(low)))

    @classmethod
    def of_one(cls, one: Seen, bias: Floats, own: Floats) -> _Summed:
        """The sums of a read of one variable, row by row: v with terms of size s and an error e.

        Positive terms add up to (s + v)/2, and negative ones to (s − v)/2; the bias joins either. So the further of
        the two is at most (s + e + |v + bias| + |bias|)/2.
        """
        size, sides = one.size + np.abs(bias), np.abs(one.values + bias)
        reach = size + sides
        reach += one.error
        reach /= 2
        reach += own
        size += own
        sides += one.error
        before = np.abs(one.values)
        before += one.error
        return cls(size, reach, sides, before)

    def stored(
        self, bias: Floats, grain: Floats, exact: NDArray[np.bool_], alone: NDArray[np.bool_],
        held: Sequence[NDArray[np.bool_]], precision: Precision,
    ) -> Matrix:  # fmt: skip
        """What a narrow format loses when the sum is stored, once without its bias and once with it.

        `held`: where each of these is a number of the format, and known, though other sums may have more digits.
        """
        before, after = held
        plain = alone | (before & after) | (exact & fits(grain, self.top, precision.bits))
        first = (bias != 0) & ~before & ~fits(grain, self.before, precision.bits)
        lost: Matrix = np.where(plain, 0.0, precision.unit * self.size)
        return lost + np.where(first, precision.unit * self.before, 0.0)
