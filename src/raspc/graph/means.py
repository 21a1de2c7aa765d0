"""The value set of a mean: every sum of up to N numbers, over its count.

Sums are counted exactly, as sets of integers over a common denominator; where they are rounded, `means_of` says how.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph.exact import distinct
from raspc.graph.nodes import Aggregate, Ids, Listed, Node
from raspc.numbers.arithmetic import EXACT, NEAR, mean, sums_are_exact

REMEDY = (
    "pick one key with rasp.earliest or rasp.latest, promise with single=True that there is but one, or say with "
    "where= which inputs the program is for"
)
"""What to do where a mean is read as if it were the place of one key."""
SPREAD_LIMIT = 1 << 22
"""The largest span of scaled sums that is enumerated."""
FEW = 1 << 15
"""So many multisets are averaged one by one, to see how their means are rounded."""
AT_ONCE = 1 << 22
"""How many sums are held before equal means among them are dropped."""


def too_many(nodes: Sequence[Node], args: Sequence[int], name: str, found: str, most: int) -> UnsupportedProgram:
    """The refusal of a function with too many combinations of values; one of a mean says how to have one place."""
    has_mean = any(isinstance(node := nodes[arg], Aggregate) and not node.pick for arg in args)
    one_key = f"; where a mean stands for one of its numbers, {REMEDY}" if has_mean else ""
    advice = f"combine fewer variables at once, or shorten the maximum length{one_key}"
    return UnsupportedProgram.at(name, found, f"at most {most:,}", advice)


def means_of(
    numbers: Sequence[Any], exact: Sequence[Any], count: int, limit: int, extra: Sequence[Any]
) -> tuple[Listed, tuple[Any, ...], Ids] | None:
    """(the value set of a mean, what it exactly is, and the value that stands for each); None if more than `limit`.

    `numbers` are averaged, or the `exact` ones that they stand for; `extra`: what else the variable can be. Of decimals
    sums are rounded, each in its own way; where there are too many to try, the ends between which they lie stand for
    them. None too where rounding makes one mean another.
    """
    found = (possible_means(numbers, count, limit) if all(map(math.isfinite, numbers)) else None) if numbers else []
    if found is None:
        return None
    domain = Listed(V.canonical((*found, *extra)))
    unrounded = {*map(V.key, numbers)} == {*map(V.key, exact)} and sums_are_exact(exact, count)
    if not numbers or (unrounded and not any(isinstance(x, bool) for x in exact)):
        return domain, *_with_extra(domain, found, found, extra)
    known = _with_truths(found, exact) if unrounded else averages(found, exact, count)
    own = np.array(found, np.float64)
    nearest = np.searchsorted(_between(own), np.array(known, np.float64))
    stand_ins = [found[place] for place in nearest.tolist()]
    if any(abs(x - y) > NEAR * max(1.0, abs(y)) for x, y in zip(known, stand_ins, strict=True)):
        return None
    if all(isinstance(x, bool) for x in exact):
        domain = Listed(V.canonical((*known, *extra)))
    return domain, *_with_extra(domain, known, stand_ins, extra)


def _between(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    return ascending[:-1] + np.diff(ascending) / 2


def _with_extra(
    domain: Listed, known: Sequence[Any], stand_ins: Sequence[Any], extra: Sequence[Any]
) -> tuple[tuple[Any, ...], Ids]:
    values, places = distinct([*known, *extra])
    ids = np.zeros(len(values), np.int32)
    ids[places] = list(domain.ids([*stand_ins, *extra]))
    return values, ids


def _with_truths(found: Sequence[Any], exact: Sequence[Any]) -> list[Any]:
    """Means of which none is rounded, where truth values are averaged too: of equal ones it is that truth value."""
    truths = [x for x in exact if isinstance(x, bool)]
    alone = set(truths) if len(truths) == len(exact) else set()
    return [*truths, *(x for x in found if x not in alone)]


def averages(found: Sequence[Any], exact: Sequence[Any], count: int) -> list[Any]:
    """The means as the interpreter computes them: one for each multiset, or what lies around `found`."""
    if math.comb(len(exact) + count, count) <= FEW:
        chosen = (combinations_with_replacement(exact, n) for n in range(1, count + 1))
        return list(distinct([mean(values, None) for group in chosen for values in group])[0])
    error = 3 * sys.float_info.epsilon * max(map(abs, exact)) + _spread(exact)
    near = [(x, x - error, x + error, math.nextafter(x, -math.inf), math.nextafter(x, math.inf)) for x in found]
    return list(distinct([*exact, *(x for some in near for x in some)])[0])


def _spread(exact: Sequence[Any]) -> float:
    """The largest gap between two numbers that count as one."""
    ordered = np.unique(np.array(exact, np.float64))
    gaps = np.diff(ordered)
    return float(gaps[gaps <= NEAR * np.maximum(1.0, np.abs(ordered[1:]))].sum())


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
    means = {mean(values, None) for group in chosen for values in group}
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
