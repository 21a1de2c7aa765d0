"""Whether a value set holds all means of up to n numbers: all sums are gone through, or it is said that they are not.

Sums of numbers that are multiples of one unit, such as 0.1 or 1/3, are a set of integers, one bit each: one more addend
shifts them. There are as many as the span of the sums, however many ways there are to reach them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce

import numpy as np

from raspc.graph.nodes import Floats, Listed

SUMS = 1 << 20
"""The most sums, of all numbers of addends together, that are looked up."""
OUTER = 1 << 16
"""The most sums of one number of addends, where they have no unit."""
NEAR = 1e-9
"""How near, relatively, a mean must lie to one of a value set to be it."""
TINY = 1e-12
"""The same near 0, relative to the largest number: what sums of decimals round."""
UNITS = (*range(1, 65), *(10**k for k in range(2, 10)))
"""Numbers are looked at as multiples of one over these."""


def holds_means(domain: Listed, numbers: Floats, n: int) -> bool | None:
    """Whether all means of 1 to n of the numbers are in a value set; None where they are too many to go through."""
    if not len(numbers):
        return True
    held, largest = np.sort(domain.numbers[domain.is_number]), float(np.abs(numbers).max())
    if not len(held):
        return False
    seen = 0
    for means in _means(numbers, n):
        seen += len(means)
        if seen > SUMS:
            return None
        place = np.searchsorted(held, means)
        near = np.minimum(*(np.abs(held[np.clip(place - step, 0, len(held) - 1)] - means) for step in (0, 1)))
        if (near > NEAR * np.abs(means) + TINY * largest).any():
            return False
    return True if seen else None


def _means(numbers: Floats, n: int) -> Iterator[Floats]:
    """The means of 1, 2, … n numbers; of too many at once there come more than are looked up."""
    unit = next((unit for unit in UNITS if _is_whole(numbers * unit)), 0)
    if unit and np.ptp(numbers) * unit * n <= SUMS:
        return _of_multiples(np.rint(numbers * unit), unit, n)
    return _without_unit(numbers, n)


def _is_whole(numbers: Floats) -> bool:
    return bool(
        (np.abs(numbers) < 2.0**52).all() and (np.abs(numbers - np.rint(numbers)) <= TINY * np.abs(numbers)).all()
    )


def _of_multiples(numbers: Floats, unit: int, n: int) -> Iterator[Floats]:
    whole = sorted({int(x) for x in numbers})
    low = whole[0]
    common = math.gcd(*(x - low for x in whole)) or 1
    steps = [(x - low) // common for x in whole]
    sums = 1
    for count in range(1, n + 1):
        sums = reduce(lambda found, step: found | (sums << step), steps, 0)
        raw = np.frombuffer(sums.to_bytes(sums.bit_length() // 8 + 1, "little"), np.uint8)
        places = np.flatnonzero(np.unpackbits(raw, bitorder="little"))
        yield (places * float(common) + float(low) * count) / (unit * count)


def _without_unit(numbers: Floats, n: int) -> Iterator[Floats]:
    sums = np.zeros(1)
    for count in range(1, n + 1):
        if len(sums) * len(numbers) > OUTER:
            yield np.zeros(SUMS + 1)
            return
        sums = np.unique(np.add.outer(sums, numbers).ravel())
        sums = sums[np.r_[True, np.diff(sums) > TINY * np.abs(numbers).max()]]
        yield sums / count
