"""`raspc diff`: models and programs, in words and as JSON; exit status 0 equal, 1 different, 2 bad input."""

from __future__ import annotations

import re

import pytest

from .conftest import Raspc

MINE = ("--vocab", "a,b", "--max-seq-len", "5")
PROGRAMS = """
from raspc import rasp

identity = rasp.Map(lambda x: x, rasp.tokens)
late = rasp.SequenceMap(lambda x, n: x if n < 3 else "a", rasp.tokens, rasp.length)
"""

EQUAL: dict[str, tuple[tuple[str, ...], str]] = {
    "a model and itself": (("reverse", "reverse"), "equal: the same weights"),
    "a model and its program": (("reverse", "mine.py:backwards"), "equal by normal form: one program"),
    "two programs": (("mine.py:backwards", "mine.py:backwards", *MINE), "equal by normal form: one program"),
    "models run": (("reverse", "reverse", "--run"), "equal on all 120 inputs up to length 4"),
    "programs of two lengths": (("mine.py:backwards", "reverse", "--max-seq-len", "3"), "equal on all 39 inputs"),
    "too many inputs": (
        ("mine.py:backwards", "mine.py:backwards", "--vocab", "a,b", "--max-seq-len", "30", "--run", "--limit", "99"),
        "equal on 99 inputs, not all of 2,147,483,646: all up to length 5, random ones beyond",
    ),
}


@pytest.fixture(autouse=True)
def more_programs(raspc: Raspc) -> None:
    """Two that differ from length 3 on."""
    with open("more.py", "w", encoding="utf-8") as file:
        file.write(PROGRAMS)


@pytest.mark.parametrize("name", EQUAL)
def test_equal(raspc: Raspc, name: str) -> None:
    """What is said, and on what ground; exit status 0."""
    command, words = EQUAL[name]
    ran = raspc("diff", *command)
    assert (ran.code, ran.err) == (0, "")
    assert words in ran.out
    assert raspc("diff", *command, "--json").json["equal"] is True


def test_what_is_said_of_models_is_about_their_graphs(raspc: Raspc) -> None:
    """Only of models, and only where nothing was run."""
    caution = "raspc check"
    assert caution in raspc("diff", "reverse", "mine.py:backwards").out
    assert caution not in raspc("diff", "mine.py:backwards", "mine.py:backwards", *MINE).out
    assert caution not in raspc("diff", "reverse", "mine.py:backwards", "--run").out


def test_different(raspc: Raspc) -> None:
    """The first input and both answers; exit status 1; the same as JSON."""
    ran = raspc("diff", "more.py:identity", "more.py:late", *MINE)
    assert ran.code == 1
    shown = [line.split() for line in ran.out.splitlines()]
    assert shown[0][0] == "different;"
    assert shown[1:] == [
        ["input", "a", "a", "b"],
        ["more.py:identity", "a", "a", "b"],
        ["more.py:late", "a", "a", "a"],
    ]
    report = raspc("diff", "more.py:identity", "more.py:late", *MINE, "--json").json
    assert (report["tokens"], report["a"], report["b"]) == (["a", "a", "b"], ["a", "a", "b"], ["a", "a", "a"])
    beyond = raspc("diff", "more.py:identity", "more.py:late", *MINE, "--limit", "8")
    assert beyond.code == 1
    assert beyond.out.startswith("different, on an input found at random:")


def test_what_both_take_is_compared(raspc: Raspc) -> None:
    """Models of different vocabularies: refused where nothing is common, else it is said."""
    ran = raspc("diff", "reverse", "reverse", "--vocab", "a")
    assert (ran.code, ran.out) == (2, "")
    ran = raspc("diff", "reverse", "mine.py:backwards", "--vocab", "a,z", "--max-seq-len", "2")
    assert ran.code == 0
    assert "compared on the 1 token that" in ran.out and "compared up to 2" in ran.out


WRONG: dict[str, tuple[str, ...]] = {
    "nothing in common": ("reverse", "mixed"),
    "a program that is not there": ("reverse", "rverse"),
    "no vocabulary": ("mine.py:backwards", "mine.py:backwards", "--max-seq-len", "4"),
    "no length": ("mine.py:backwards", "mine.py:backwards", "--vocab", "a,b"),
    "a directory that is no model": (".", "reverse"),
    "one side": ("reverse",),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(raspc: Raspc, name: str) -> None:
    """One line on standard error, exit status 2."""
    ran = raspc("diff", *WRONG[name])
    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(r"raspc: [^\n]+\n", ran.err)
