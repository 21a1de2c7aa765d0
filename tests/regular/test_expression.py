"""Regular expressions over tokens: what they mean is what Python's `re` says of the text of the tokens."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc import InvalidProgram
from raspc.regular.automaton import Automaton
from raspc.regular.expression import automaton_of

VOCAB = ("a", "b", "ab", "1", "c1")
ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\d", "1", "[a-b1]", r"\w", r"[\Da]", r"\x61", "", "{"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "*?", ""])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        st.tuples(inner, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


patterns = st.recursive(ATOMS, _grown, max_leaves=8)


def members(automaton: Automaton, length: int) -> list[tuple[int, ...]]:
    """The inputs of one length, listed."""
    return [tuple(ids) for ids in automaton.inputs(length).tolist()]


@given(patterns)
def test_it_means_what_re_says_of_the_text(pattern: str) -> None:
    """On every input of up to three tokens; and the inputs are counted right."""
    automaton, wanted = automaton_of(pattern, VOCAB), re.compile(pattern)
    for length in range(4):
        every = itertools.product(range(len(VOCAB)), repeat=length)
        found = [ids for ids in every if wanted.fullmatch("".join(VOCAB[i] for i in ids))]
        assert members(automaton, length) == found
        assert automaton.sizes(3)[length] == len(found)


@given(patterns, patterns)
def test_equal_sets_have_equal_automata(one: str, other: str) -> None:
    """However they are written; and sets that differ on short inputs differ."""
    assert automaton_of(f"{one}|{other}", VOCAB) == automaton_of(f"{other}|{one}", VOCAB)
    sides = [automaton_of(pattern, VOCAB) for pattern in (one, other)]
    if any(members(sides[0], n) != members(sides[1], n) for n in range(3)):
        assert sides[0] != sides[1]


TOKENS: dict[str, tuple[str, tuple[Any, ...], list[tuple[Any, ...]]]] = {
    "a token, not its characters": ("<12>", (1, 2, 12), [(12,)]),
    "any token": ("<.+><.>", (1, 12), [(1, 1), (12, 1)]),
    "a text is cut in every way": ("12", (1, 2, 12), [(12,), (1, 2)]),
    "numbers are read as they are written": (r"-?[0-9]\.5", (0.5, -1.5, 2), [(-1.5,), (0.5,)]),
    "a closing mark alone is itself": ("a>", ("a", ">"), [("a", ">")]),
    "an opening mark": (r"\<a[<]", ("a", "<"), [("<", "a", "<")]),
    "the ends": ("^a$|^b$", ("a", "b"), [("a",), ("b",)]),
    "tokens and characters": ("(<ab>|b)+", ("a", "b", "ab"), [("ab",), ("b",), ("ab", "ab"), ("ab", "b"), ("b", "ab"),
                                                              ("b", "b")]),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
def test_tokens(name: str) -> None:
    """Inputs of up to two tokens, or three where the shortest has three."""
    pattern, vocab, wanted = TOKENS[name]
    automaton = automaton_of(pattern, vocab)
    found = [tuple(vocab[i] for i in ids) for n in range(1, max(map(len, wanted)) + 1) for ids in members(automaton, n)]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)


MALFORMED = {
    "a(": "a ( that is never closed", "a)": "closes nothing", "[a": "a [ that is never closed", "<a": "never closed",
    "*a": "a repetition of nothing", "a{2}{3}": "a repetition of a repetition", "a++": "possessive",
    "a{3,2}": "at least 3 and at most 2", "a{99999}": "a repetition of 99,999", "(?=a)": "a look ahead",
    r"(a)\1": "a reference to a group", r"\q": "means nothing here", "[b-a]": "a range from",
    "[a-\\d]": "a class as the end",
    "\\": "a backslash before nothing", "(?i)a": "a flag", "a^b": "inside the expression",
    "<<a>>": "a token inside a token",
    r"\x6": "too few digits", r"\x6g": "the number of no character", "(" * 200 + ")" * 200: "more than 100 brackets",
    "(a{100}){1000}": "more than 20,000 parts",
}  # fmt: skip


@pytest.mark.parametrize("pattern", MALFORMED)
def test_what_is_wrong_is_said(pattern: str) -> None:
    """Where it is, and what to write instead."""
    with pytest.raises(InvalidProgram, match="where: ") as raised:
        automaton_of(pattern, VOCAB)
    assert MALFORMED[pattern] in str(raised.value)


def test_an_expression_that_needs_too_many_states() -> None:
    """The twentieth token from the end: two to the twenty."""
    with pytest.raises(InvalidProgram, match="automaton of more than"):
        automaton_of("(a|b)*a(a|b){20}", ("a", "b"))
