"""Comparisons that no value can meet are said, with the value that was probably meant."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest

import raspc
from raspc import library, rasp, raspl, text
from raspc.compat.tracr.compiler.compiling import compile_rasp_to_model
from raspc.rasp import Comparison, Select, SelectorWidth, SOp, tokens

ASKED: dict[str, tuple[Callable[[], SOp], str]] = {
    "an operator": (lambda: tokens == 1, r"is always False: tokens holds '0', '1', never 1; '1' was probably meant"),
    "its negation": (lambda: tokens != 1, r"is always True: .*'1' was probably meant"),
    "is_in": (lambda: tokens.is_in([1, 5]), r"is always False: .*'1' was probably meant"),
    "a function": (lambda: rasp.Map(lambda x: x == 0, tokens), r"is always False: .*'0' was probably meant"),
    "a look-up": (lambda: rasp.Map({1: "x"}.get, tokens), r"is always None: .*'1' was probably meant"),
    "a selector": (
        lambda: SelectorWidth(Select(tokens, 1, Comparison.EQ)),
        r"selects nothing: .*'1' was probably meant",
    ),
    "two variables": (
        lambda: SelectorWidth(Select(tokens, rasp.indices, Comparison.EQ)),
        r"selects nothing: tokens holds '0', '1', never 0",
    ),
    "a predicate": (lambda: SelectorWidth(Select(tokens, tokens, lambda k, q: k == 1)), r"selects nothing"),
    "what is no token": (lambda: tokens == "z", r"^[^;]* is always False: tokens holds '0', '1', never 'z'$"),
    "its negation, too": (lambda: tokens != "z", r"is always True: .*never 'z'$"),
    "several that are none": (lambda: tokens.is_in("zy"), r"is always False: .*never 'y' or 'z'$"),
    "a selector of what is none": (
        lambda: SelectorWidth(Select(tokens, "z", Comparison.EQ)),
        r"selects nothing: tokens holds '0', '1', never 'z'$",
    ),
    "the library": (library.parity, r"^holders .*selects nothing: .*'1' was probably meant"),
}


@pytest.mark.parametrize("kind", ASKED)
def test_what_no_value_meets_is_said(kind: str) -> None:
    """Over the words "0" and "1" each asks for a number."""
    build, words = ASKED[kind]
    with pytest.warns(raspc.UncertainProgram, match=words):
        raspc.compile(build(), ["0", "1"], 4)


def test_what_any_word_would_meet_asks_for_none() -> None:
    """A conjunction that never holds is no comparison, though the word "False" would count as true in it."""
    small, large = tokens < 1, tokens > 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", raspc.UncertainProgram)
        raspc.compile(rasp.SequenceMap(lambda a, b: a and b, small, large), [0, 1, 2], 3)


def test_the_other_way_round() -> None:
    """Words that are asked for, where numbers are the tokens; capitals, where small letters are."""
    with pytest.warns(raspc.UncertainProgram, match="holds 0, 1, never '1'; 1 was probably meant"):
        raspc.compile(tokens == "1", [0, 1], 3)
    with pytest.warns(raspc.UncertainProgram, match="never 'A'; 'a' was probably meant"):
        raspc.compile(tokens == "A", "abc", 3)


COMPILED: dict[str, Callable[[], object]] = {
    "RASP text": lambda: raspc.compile(text.load_program('asked = tokens == "B";'), "abc", 3),  # type: ignore[arg-type]
    "RASP-L": lambda: raspc.compile(raspl.tok_map(tokens, lambda x: x == "B"), "abc", 3),
    "C-RASP": lambda: raspc.compile(text.load_program("asked := #[Q_B] > 0", dialect="crasp"), "abc", 3),  # type: ignore[arg-type]
    "B-RASP": lambda: raspc.compile(text.load_program("asked(i) := Q_B(i)", dialect="brasp"), "abc", 3),  # type: ignore[arg-type]
    "Tracr": lambda: compile_rasp_to_model(tokens == "B", {"a", "b", "c"}, 3),
}


@pytest.mark.parametrize("kind", COMPILED)
def test_in_texts_dialects_and_tracr(kind: str) -> None:
    """All are compiled by one compiler."""
    with pytest.warns(raspc.UncertainProgram, match="never 'B'; 'b' was probably meant"):
        COMPILED[kind]()


NOWHERE: dict[str, tuple[str, str]] = {
    "rasp": ('asked = tokens == "z";', r"^asked is always False: tokens holds 'a', 'b', 'c', never 'z'$"),
    "crasp": ("asked := #[Q_z] > 0", r"is always False: tokens holds 'a', 'b', 'c', never 'z'$"),
    "brasp": ("asked(i) := Q_z(i)", r"is always False: tokens holds 'a', 'b', 'c', never 'z'$"),
}


@pytest.mark.parametrize("dialect", NOWHERE)
def test_what_is_no_token_in_texts(dialect: str) -> None:
    """Nothing looks like it: what the vocabulary holds is said, and nothing is guessed."""
    source, words = NOWHERE[dialect]
    with pytest.warns(raspc.UncertainProgram, match=words):
        raspc.compile(text.load_program(source, dialect=dialect), "abc", 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("build", [
    lambda: tokens == "1", lambda: rasp.indices == 50, lambda: rasp.length != 50, lambda: tokens.is_in([]),
    lambda: tokens.is_in("1z"), lambda: rasp.Map({"x": 1}.get, tokens), lambda: rasp.Map(len, tokens),
    lambda: rasp.where(tokens == "0", 1, None), lambda: rasp.Map(str.isalpha, tokens),
    lambda: SelectorWidth(Select(rasp.indices, 50, Comparison.EQ)),
])  # fmt: skip
def test_what_may_be_meant_is_not_said(build: Callable[[], SOp]) -> None:
    """What some value meets; what is a matter of length; what is asked for within a function of a person's."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raspc.compile(build(), ["0", "1"], 4)


@pytest.mark.parametrize("name", library.PROGRAMS)
def test_the_library_is_silent(name: str) -> None:
    """Over its own vocabularies."""
    from raspc.graph.build import built

    entry = library.PROGRAMS[name]
    assert built(entry.program, entry.vocab, min(entry.max_seq_len, 4), entry.causal).unmet == ()
