"""Automata over tokens: counting, listing, drawing, and sets made of sets."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc import InvalidProgram
from raspc.regular.automaton import MOST_CELLS, Automaton, drawn, everything, nothing, of_inputs
from raspc.regular.expression import automaton_of

TOKENS = 3
finite = st.lists(st.lists(st.integers(0, TOKENS - 1), max_size=4).map(tuple), max_size=12)


def listed(automaton: Automaton, longest: int) -> list[tuple[int, ...]]:
    """All inputs of up to so many tokens."""
    return [tuple(ids) for n in range(longest + 1) for ids in automaton.inputs(n).tolist()]


@given(finite)
def test_a_finite_set(inputs: list[tuple[int, ...]]) -> None:
    """It holds its inputs and no others, and is the smallest automaton of them."""
    automaton = of_inputs(inputs, TOKENS)
    assert sorted(listed(automaton, 5)) == sorted(set(inputs))
    text = "|".join("".join(map(str, ids)) for ids in inputs)
    assert not inputs or automaton == automaton_of(text, range(TOKENS))


@given(finite)
def test_prefixes(inputs: list[tuple[int, ...]]) -> None:
    """All that some input begins with."""
    wanted = {ids[:n] for ids in inputs for n in range(len(ids) + 1)}
    assert sorted(listed(of_inputs(inputs, TOKENS).prefixes(), 5)) == sorted(wanted)


@given(finite, finite)
def test_what_is_in_both(one: list[tuple[int, ...]], other: list[tuple[int, ...]]) -> None:
    """And with everything it is the set itself; with nothing, nothing."""
    sides = of_inputs(one, TOKENS), of_inputs(other, TOKENS)
    assert sides[0].both(sides[1]) == of_inputs(set(one) & set(other), TOKENS)
    assert sides[0].both(everything(TOKENS)) == sides[0]
    assert sides[0].both(nothing(TOKENS)) == nothing(TOKENS)


@given(finite, st.integers(0, 3))
def test_membership(inputs: list[tuple[int, ...]], longest: int) -> None:
    """Of padded inputs; and the position is told from which no input goes on."""
    automaton = of_inputs(inputs, TOKENS)
    for ids in itertools.product(range(TOKENS), repeat=longest):
        row = np.array([[*ids, -1]], np.int32)
        assert automaton.accepts(row, np.array([longest]))[0] == (ids in inputs)
        starts = [n for n in range(longest + 1) if any(known[:n] == ids[:n] for known in inputs)]
        assert automaton.dies_at(ids) == (max(starts) if starts else 0)


def test_inputs_by_number() -> None:
    """Any stretch of them, of numbers beyond 64 bits too."""
    automaton = automaton_of("(ab|c)*", "abc")
    whole = automaton.inputs(9).tolist()
    assert automaton.inputs(9, 5, 11).tolist() == whole[5:11]
    many = everything(16)
    assert many.inputs(20, 16**20 - 1, 16**20).tolist() == [[15] * 20]


def test_drawing_is_uniform() -> None:
    """Every input of a length about as often; and leaning to a token makes it frequent."""
    automaton, rng = automaton_of("a(a|b)c*|b{4}", "abc"), np.random.default_rng(0)
    lengths, even = np.full(3000, 4, np.int64), np.ones((3000, 3))
    found = Counter(map(tuple, drawn(automaton, lengths, even, rng).tolist()))
    assert set(found) == set(map(tuple, automaton.inputs(4).tolist()))
    assert all(800 < many < 1200 for many in found.values())
    leaning = drawn(automaton, lengths, even * [100.0, 1.0, 1.0], rng)
    assert (leaning[:, 1] == 0).mean() > 0.9


def test_long_inputs_are_drawn() -> None:
    """Where the numbers of inputs are beyond every float."""
    automaton = automaton_of("[0-9]+=[0-9]+|b+", [*"0123456789=b"])
    ids = drawn(automaton, np.full(20, 1500, np.int64), np.ones((20, 12)), np.random.default_rng(1))
    assert automaton.accepts(ids, np.full(20, 1500, np.int64)).all()


def test_where_states_are() -> None:
    """After i tokens, and before r more."""
    automaton = automaton_of("ab*", "ab")
    assert automaton.starts(2).tolist() == [[True, False], [False, True], [False, True]]
    assert automaton.ends(2).tolist() == [[False, True], [True, True], [True, True]]


def test_too_many_states() -> None:
    """A list that would take a table of more than MOST_CELLS cells."""
    many = 1 << 12
    with pytest.raises(InvalidProgram, match="states are needed"):
        of_inputs([(0,) * (MOST_CELLS // many)], many)


def test_threads_that_count_together_count_the_same() -> None:
    """`check` lists the inputs of a domain in threads, which all ask the same automaton."""
    alone = everything(3).counts(400)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            shared = everything(3)
            with ThreadPoolExecutor(8) as pool:
                found = list(pool.map(shared.counts, range(400, 384, -1)))
            assert all(counts == alone[: len(counts)] for counts in found)
    finally:
        sys.setswitchinterval(before)
