"""Levels of optimisation in their order."""

from __future__ import annotations

from itertools import product

from raspc.numbers.options import Level


def test_a_level_reaches_those_below_it_and_itself() -> None:
    """As the numbers that a person asks for them by."""
    for one, other in product(Level, Level):
        assert one.reaches(other) == (one.value >= other.value)
    assert [level.value for level in Level.COMPACT.lower] == [1, 0] and Level.ALL.lower == ()
