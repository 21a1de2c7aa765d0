"""Means times widths as sums: however tables were made, and however many of them there are."""

from __future__ import annotations

import pytest

import raspc
from raspc import rasp
from raspc.graph.build import built
from raspc.rasp import Aggregate, Comparison, Map, Select, SequenceMap, indices, length, tokens, where

everywhere = Select(indices, indices, Comparison.TRUE)
mean = Aggregate(everywhere, tokens)


def compared_with_itself() -> rasp.SOp:
    """A table that its own reader is equal to: it is made from what comes before it, and not from itself."""
    positive = Map(lambda x: x > 0, Aggregate(Select(indices, indices, Comparison.LEQ), tokens, default=0))
    return where(positive > False, indices, 0)


def turned_twice() -> rasp.SOp:
    """A table whose reader is a table from before it."""
    large = SequenceMap(lambda x, y: x + y > 3, Aggregate(everywhere, tokens, default=1), mean)
    return where(Map(lambda x: not x, Map(lambda x: not x, large)) > False, indices + length, -1)


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("program", [compared_with_itself(), turned_twice()])
def test_what_a_table_is_made_from_comes_before_it(program: rasp.SOp) -> None:
    """Else it would be made again of itself, for ever."""
    model = raspc.compile(program, {0, 1, 5}, 3, causal=True, optimize=0)
    assert raspc.check(model).ok


def test_shared_parts_are_told_once() -> None:
    """Each line reads the one before it twice: without sharing, 2⁴⁰ parts."""
    line: rasp.SOp = mean
    for _ in range(40):
        line = SequenceMap(lambda x, y: (x + y) / 2, line, line)
    built(SequenceMap(lambda x, n: x * n > 3, line, length), (1, 2), 4, False)


def test_long_chains_are_not_recursed() -> None:
    """A thousand functions of a mean, one of the other, and then the length."""
    line: rasp.SOp = mean
    for _ in range(1_100):
        line = Map(lambda x: x, line)
    built(SequenceMap(lambda x, n: x * n > 3, line, length), (1, 2), 4, False)
