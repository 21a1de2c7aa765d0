"""What a sum, a mean and a whole number *are*: said once, for the interpreter, for tables and for whole batches.

A mean is a correctly rounded sum, divided once. Sums, differences and products are Python's own, of floats and ints.
A whole number is an int wherever a function is called with it: 2.0 is 2. So values that are equal are one value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc import values as V

Floats: TypeAlias = NDArray[np.float64]

NEAR = 1e-9
"""Sums and means nearer than this (relatively; below 1 absolutely) count as one value where every reader agrees."""
ROUNDED = 2.0**-40
"""Other numbers count as one where they differ by less than this part of what they were made of: by rounding alone."""
EXACT = 1 << 53
"""Whole numbers below this are floats, each and every one."""


def mean(values: Sequence[Any], default: Any) -> Any:
    """What an aggregate gives for the selected values, in any order: of none the default, of equal ones that value.

    Raises ValueError for several unequal values that are not all numbers.
    """
    if not values:
        return default
    if all(V.same(value, values[0]) for value in values[1:]):
        return values[0]
    if not all(V.is_number(value) for value in values):
        raise ValueError(f"an average of unequal values that are not all numbers: {V.canonical(values)}")
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return _huge(values) / len(values) * _SCALE


_SCALE = 2.0**64


def total(values: Sequence[Any], default: Any) -> Any:
    """What a sum gives for the selected values, in any order: of none the default; whole numbers are added as ints.

    Raises ValueError where one of them is no number, and where the sum of fractions is beyond floats.
    """
    if not values:
        return default
    if not all(V.is_number(value) for value in values):
        raise ValueError(f"a sum of values that are not all numbers: {V.canonical(values)}")
    whole = [V.whole(value) for value in values]
    if all(isinstance(value, int) for value in whole):
        return sum(whole)
    try:
        return math.fsum(values)
    except OverflowError as error:
        raise ValueError("a sum of numbers beyond 1.8e308") from error


def _huge(values: Sequence[Any]) -> float:
    """The sum of numbers of which the sum is beyond floats, over `_SCALE`."""
    try:
        return math.fsum(x / _SCALE for x in values)
    except OverflowError as error:
        raise ValueError("an average of numbers beyond 1.8e308") from error


def sums_are_exact(numbers: Sequence[Any], count: int) -> bool:
    """Whether no sum of up to `count` of the numbers is rounded: all are multiples of one power of two, and small."""
    if not all(map(math.isfinite, numbers)):
        return False
    ratios = [x.as_integer_ratio() for x in numbers]
    unit = max((denominator for _, denominator in ratios), default=1)
    return max((abs(top) * (unit // bottom) for top, bottom in ratios), default=0) * count < EXACT


def sums(selector: NDArray[np.bool_], numbers: Floats) -> Floats:
    """[B, query]: the sum of the selected [key, B, query] numbers [B, key], as `math.fsum` rounds it.

    Each number is split in two so that the upper parts add up without rounding, and the lower ones nearly so.
    """
    chosen = selector.astype(np.float64).transpose(1, 0, 2)
    largest = float(np.abs(numbers).max(initial=0.0))
    if not math.isfinite(largest):
        return _weighted(chosen, numbers)
    unit = math.ldexp(1.0, max(-1021, math.frexp(largest)[1] + max(len(selector), 1).bit_length() - 52))
    upper = np.rint(numbers / unit) * unit
    lower = numbers - upper
    total = _weighted(chosen, upper)
    return total + _weighted(chosen, lower) if lower.any() else total


def _weighted(chosen: Floats, numbers: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        summed: Floats = np.matmul(numbers[:, None, :], chosen)
    return summed[:, 0]
