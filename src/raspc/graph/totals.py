"""The value set of a sum: all totals of up to so many numbers, where none of them is rounded.

Totals are counted exactly, as a set of integers in units of one power of two. Of whole numbers that set grows with the
largest total, not with the ways to reach it, nor with the means that these numbers have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from raspc import values as V
from raspc.graph.nodes import Graph, Interval, Listed, Sum
from raspc.numbers.arithmetic import sums_are_exact

TOTALS = 1 << 17
"""The most totals that are listed."""
SPAN = 1 << 22
"""The largest span of totals that is enumerated."""


def totals(numbers: Sequence[Any], count: int, least: int) -> Listed | Interval:
    """What a sum of `least` to `count` of the numbers can be: listed, or from the lowest total to the highest.

    It is listed where no total is rounded, and there are at most `TOTALS` of them.
    """
    listed = _listed(tuple(map(float, numbers)), count, least) if sums_are_exact(numbers, count) else None
    if listed is not None:
        return listed
    low, high = (float(end(numbers)) for end in (min, max))
    return Interval(min(low * least, low * count), max(high * least, high * count))


@lru_cache(maxsize=32)
def _listed(numbers: tuple[float, ...], count: int, least: int) -> Listed | None:
    """The totals of numbers of which no sum is rounded; None if they are too many."""
    unit = max((x.as_integer_ratio()[1] for x in numbers), default=1)
    steps = sorted({int(x * unit) for x in numbers})
    low, span = steps[0], steps[-1] - steps[0]
    common = math.gcd(*(step - low for step in steps)) or 1
    if max(span, abs(low)) // common * count > SPAN:
        return None
    found, sums = set[int](), 1
    for many in range(count + 1):
        if many >= least:
            found.update((_bits(sums) * common + low * many).tolist())
        if len(found) > TOTALS:
            return None
        sums = _shifted(sums, [(step - low) // common for step in steps])
    return Listed(tuple(V.whole(total / unit) for total in sorted(found)))


def _shifted(sums: int, steps: Sequence[int]) -> int:
    """The set of sums, as the bits of an integer, after one more addend."""
    result = 0
    for step in steps:
        result |= sums << step
    return result


def _bits(sums: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    raw = np.frombuffer(sums.to_bytes(sums.bit_length() // 8 + 1, "little"), np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little")).astype(np.int64)


def size_of_terms(graph: Graph, node: Sum) -> float:
    """How large the numbers that a sum adds can be in all, without their signs."""
    domain, source = node.domain, graph.variable(node.source).domain
    ends = [(d.lo, d.hi) if isinstance(d, Interval) else (min(d.numbers), max(d.numbers)) for d in (source, domain)]
    (low, high), (least, most) = ends
    one_sign = low >= 0 or high <= 0
    return float(max(abs(least), abs(most)) if one_sign else graph.max_seq_len * max(abs(low), abs(high)))
