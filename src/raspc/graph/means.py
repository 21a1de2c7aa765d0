"""The value set of a mean: every sum of up to N numbers, over its count.

Sums are counted exactly, as sets of integers over a common denominator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

NEAR = 1e-9
"""Means nearer than this, relatively, count as one value."""
SPREAD_LIMIT = 1 << 22
"""The largest span of scaled sums that is enumerated."""
EXACT = 1 << 53
"""Integers below this are floats."""
AT_ONCE = 1 << 22
"""How many sums are held before equal means among them are dropped."""


def possible_means(numbers: Sequence[float], count: int, limit: int) -> list[float] | None:
    """The means of 1 … count numbers drawn with repetition, ascending; None if more than `limit`.

    A mean that is a whole number comes as an int.
    """
    found = _remembered(tuple(numbers), tuple(map(type, numbers)), count, limit)
    return None if found is None else list(found)


@lru_cache(maxsize=16)
def _remembered(
    numbers: tuple[float, ...], kinds: tuple[type, ...], count: int, limit: int
) -> tuple[float, ...] | None:
    """The same. A program asks for the same means again and again; 1 and 1.0 are equal, hence their `kinds`."""
    found = _possible_means(numbers, count, limit)
    return None if found is None else tuple(found)


def _possible_means(numbers: Sequence[float], count: int, limit: int) -> list[float] | None:
    fractions = [_fraction(x) for x in numbers]
    scale = math.lcm(*(f.denominator for f in fractions))
    scaled = sorted({int(f * scale) for f in fractions})
    low, span = scaled[0], scaled[-1] - scaled[0]
    if len(scaled) == 1:
        return [_number(Fraction(low, scale))]
    if span * count > SPREAD_LIMIT or max(map(abs, scaled)) * count * (count + 1) >= EXACT:
        return _of_multisets(numbers, count, limit)
    found, fresh, sums = np.zeros(0, np.int64), [np.zeros(0, np.int64)], 1
    for n in range(1, count + 1):
        sums = _shifted(sums, [value - low for value in scaled])
        totals = _bits(sums) + low * n
        divisors = np.gcd(totals, n)
        fresh.append(totals // divisors * (count + 1) + n // divisors)  # a fraction as one number
        if n == count or sum(map(len, fresh)) > AT_ONCE:
            found, fresh = np.unique(np.concatenate([found, *fresh])), []
            if len(found) > limit:
                return None
    return _numbers(found // (count + 1), found % (count + 1) * scale)


def _numbers(numerators: NDArray[np.int64], denominators: NDArray[np.int64]) -> list[float]:
    """The quotients, ascending, those that are whole as ints. Both sides are exact in float64, so each rounds once."""
    quotients = numerators / denominators
    order = np.argsort(quotients)
    values: list[float] = quotients[order].tolist()
    for place in np.flatnonzero((numerators % denominators == 0)[order]).tolist():
        values[place] = round(values[place])
    return values


def _of_multisets(numbers: Sequence[float], count: int, limit: int) -> list[float] | None:
    """The means of numbers without a handy common denominator: one for each multiset, if these are few."""
    if math.comb(len(numbers) + count, count) > 4 * limit:
        return None
    chosen = (combinations_with_replacement(numbers, n) for n in range(1, count + 1))
    means = {
        values[0] if len(set(values)) == 1 else math.fsum(values) / len(values) for group in chosen for values in group
    }
    return apart(sorted(means)) if len(means) <= limit else None


def apart(ordered: Sequence[float]) -> list[float]:
    """Ascending numbers without those that are nearer to the last one kept than rounding can tell."""
    kept: list[float] = []
    for x in ordered:
        if not kept or x - kept[-1] > NEAR * max(1.0, abs(x)):
            kept.append(x)
    return kept


def too_near(numbers: Sequence[float]) -> bool:
    """Whether two of the numbers that are averaged are nearer than rounding can tell."""
    return len(apart(sorted(set(numbers)))) < len(set(numbers))


def _fraction(x: float) -> Fraction:
    simple = Fraction(x).limit_denominator(1 << 20)
    return simple if float(simple) == float(x) else Fraction(x)


def _number(x: Fraction) -> float:
    return x.numerator if x.denominator == 1 else x.numerator / x.denominator


def _shifted(sums: int, steps: Sequence[int]) -> int:
    """The set of sums, as the bits of an integer, after one more addend."""
    result = 0
    for step in steps:
        result |= sums << step
    return result


def _bits(sums: int) -> NDArray[np.int64]:
    raw = np.frombuffer(sums.to_bytes(sums.bit_length() // 8 + 1, "little"), np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little")).astype(np.int64)
