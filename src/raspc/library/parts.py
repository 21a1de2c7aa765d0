"""The selectors and counts that many programs are made of."""

from __future__ import annotations

from raspc import rasp
from raspc.rasp import Comparison, Selector, SOp, Value


def everything() -> Selector:
    """Every key (under a causal mask: every key so far)."""
    return rasp.Select(rasp.indices, rasp.indices, Comparison.TRUE).named("everything")


def before() -> Selector:
    """The keys before the query."""
    return rasp.Select(rasp.indices, rasp.indices, Comparison.LT).named("before")


def after() -> Selector:
    """The keys after the query."""
    return rasp.Select(rasp.indices, rasp.indices, Comparison.GT).named("after")


def so_far() -> Selector:
    """The keys at or before the query."""
    return rasp.Select(rasp.indices, rasp.indices, Comparison.LEQ).named("so_far")


def same(sop: SOp) -> Selector:
    """The keys that hold the value of the query."""
    return rasp.Select(sop, sop, Comparison.EQ).named("same")


def equal(sop: SOp, value: SOp | Value) -> Selector:
    """The keys that hold `value`, which may differ from query to query."""
    query = value if isinstance(value, SOp) else rasp.Full(value)
    return rasp.Select(sop, query, Comparison.EQ)


def number_of(value: Value, sop: SOp) -> SOp:
    """How many keys hold a value."""
    holders = equal(sop, value)
    return rasp.SelectorWidth(holders)


def occurrences_before(sop: SOp) -> SOp:
    """How often the value at each position has occurred before: 0 where it is new."""
    same_before = same(sop) & before()
    return rasp.SelectorWidth(same_before)


def rank(keys: SOp, descending: bool = False) -> SOp:
    """The place of each position once the positions are sorted by key: a permutation of 0 … n−1.

    Equal keys keep their order: a key goes before another if it is smaller, or equal and earlier.
    """
    smaller = rasp.Select(keys, keys, Comparison.GT if descending else Comparison.LT)
    tied = same(keys) & before()
    sooner = smaller | tied
    return rasp.SelectorWidth(sooner).named("rank")
