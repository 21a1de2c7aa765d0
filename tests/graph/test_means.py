"""The value set of a mean, against brute force over every multiset of numbers."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations_with_replacement

from hypothesis import given
from hypothesis import strategies as st

from raspc.graph.means import possible_means

LIMIT = 100_000

dyadic = st.integers(-40, 40).map(lambda n: n / 8)
roots = st.integers(2, 30).map(math.sqrt)
hostile = st.sampled_from([1e-9, 1e4, 0.1, 1 / 3, math.pi, -7.0, 0.0])
numbers = st.lists(st.one_of(dyadic, roots, hostile), min_size=1, max_size=4, unique=True)


def brute_force(values: list[float], count: int) -> list[float]:
    """The mean of each multiset, correctly rounded once, as the interpreter computes it."""
    groups = (combinations_with_replacement(values, n) for n in range(1, count + 1))
    return [math.fsum(chosen) / len(chosen) for group in groups for chosen in group]


def near(x: float, y: float) -> bool:
    """One value: nearer than 1e-9, relatively."""
    return abs(x - y) <= 1e-9 * max(1.0, abs(x), abs(y))


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=4, unique=True), st.integers(1, 6))
def test_integers_exactly(values: list[int], count: int) -> None:
    """Of integers: exactly the fractions sum/n, once each, in order, whole ones as ints."""
    wanted = {
        Fraction(sum(chosen), n) for n in range(1, count + 1) for chosen in combinations_with_replacement(values, n)
    }
    found = possible_means(values, count, LIMIT)
    assert found is not None
    assert [Fraction(x).limit_denominator(1000) for x in found] == sorted(wanted)
    assert all(isinstance(x, int) == (Fraction(x).denominator == 1) for x in found)


@given(numbers, st.integers(1, 5))
def test_every_mean_is_listed_and_no_other(values: list[float], count: int) -> None:
    """Also of numbers without a common unit, up to the nearness at which two values count as one."""
    found = possible_means(values, count, LIMIT)
    assert found is not None
    wanted = brute_force(values, count)
    assert found == sorted(found)
    assert all(any(near(x, y) for y in found) for x in wanted)
    assert all(any(near(x, y) for x in wanted) for y in found)


@given(numbers, st.integers(1, 5), st.integers(1, 40))
def test_too_many_are_not_listed(values: list[float], count: int, limit: int) -> None:
    """None says that there are more than the limit; a list is never longer than it."""
    found = possible_means(values, count, limit)
    everything = possible_means(values, count, LIMIT)
    assert everything is not None
    assert found is None or (len(found) <= limit and found == everything)
    # sums are listed before equal ones are found, so a few more than the limit may be turned away
    assert found is not None or len(brute_force(values, count)) > limit


def test_many_values_are_counted_without_listing_every_multiset() -> None:
    """0 and 1 over 2,000 keys: 1.2 million fractions exist, listed by sums; a small limit stops early."""
    found = possible_means([0, 1], 60, 1 << 17)
    assert found is not None
    assert len(found) == len({Fraction(k, n) for n in range(1, 61) for k in range(n + 1)})
    assert possible_means([0, 1], 2000, 1000) is None


def test_a_chain_of_near_means_is_not_one_value() -> None:
    """Steps of 4e-10 are not told apart one by one, but three of them together are."""
    found = possible_means([0, 0.375, 1e9], 4, LIMIT)
    assert found is not None
    assert all(any(near(x, y) for y in found) for x in brute_force([0, 0.375, 1e9], 4))
