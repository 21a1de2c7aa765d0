"""The programs of the text library against plain Python, and compiled against themselves."""

from __future__ import annotations

import random
import warnings
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.text.references import REFERENCES

import raspc
from raspc.text import programs
from raspc.text.environment import STANDARD
from raspc.text.files import read
from raspc.text.parsing import parse
from raspc.text.syntax import Define

EXHAUSTIVE = 800
"""Inputs of all lengths up to the longest of which there are no more than this."""


def short_inputs(vocab: tuple[object, ...]) -> list[tuple[object, ...]]:
    """All inputs of the shortest lengths."""
    lengths = [n for n in range(1, 9) if sum(len(vocab) ** k for k in range(1, n + 1)) <= EXHAUSTIVE]
    return [xs for n in lengths for xs in product(vocab, repeat=n)]


@pytest.mark.parametrize("name", REFERENCES)
def test_programs_on_all_short_inputs(name: str) -> None:
    """The interpreter gives what plain Python gives; under a causal mask too where the program is causal."""
    program = programs()[name]
    for xs in short_inputs(program.vocab):
        expected = REFERENCES[name](xs)
        assert raspc.interpret(program.program, xs) == expected
        if program.causal:
            assert raspc.interpret(program.program, xs, causal=True) == expected


@pytest.mark.parametrize("name", REFERENCES)
@given(st.data())
def test_programs_on_long_inputs(name: str, data: st.DataObject) -> None:
    """The same on random inputs up to length 20."""
    program = programs()[name]
    xs = data.draw(st.lists(st.sampled_from(program.vocab), min_size=1, max_size=20))
    assert raspc.interpret(program.program, xs) == REFERENCES[name](xs)


NUMBER = st.integers(0, 99_999)


@given(NUMBER, NUMBER, st.integers(0, 2), st.integers(0, 2))
def test_long_addition(a: int, b: int, zeros_a: int, zeros_b: int) -> None:
    """The digits of the sum stand at the right end, zeros before them, whatever zeros lead the numbers."""
    text = "0" * zeros_a + f"{a}+" + "0" * zeros_b + str(b)
    digits = programs()["long_addition"].program(text)
    assert "".join(map(str, digits)) == str(a + b).rjust(len(text), "0")


def test_every_function_of_the_standard_library_has_a_program() -> None:
    """What standard.rasp defines is listed, tested and compiled, by an example of its own."""
    defined = {node.name.id for node in parse(read(STANDARD)) if isinstance(node, Define)}
    assert defined <= set(programs())
    assert set(programs()) == {*REFERENCES, "long_addition"}


def test_programs_can_be_listed() -> None:
    """Each program has a name of its own, a description in one line, and a vocabulary."""
    for name, program in programs().items():
        assert (program.name, program.program.given_name) == (name, name)
        assert program.description
        assert "\n" not in program.description
        assert len(set(program.vocab)) == len(program.vocab) > 1


def compiled(name: str, length: int, causal: bool = False) -> raspc.Model:
    """The model of a program; assumptions that it records are no fault here."""
    program = programs()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        return raspc.compile(program.program, program.vocab, length, causal=causal)


BOTH = [(name, causal) for name, program in programs().items() for causal in ([False, True][: 1 + program.causal])]


@pytest.mark.parametrize(("name", "causal"), BOTH)
def test_programs_compile(name: str, causal: bool) -> None:
    """Compiled for length 4, each agrees with the interpreter on all inputs, or on many."""
    assert raspc.check(compiled(name, 4, causal), limit=2000).ok


@pytest.mark.slow
@pytest.mark.parametrize(("name", "causal"), BOTH)
def test_programs_compile_at_full_length(name: str, causal: bool) -> None:
    """Length 8 (dyck3: 6): all inputs agree, or 100,000."""
    report = raspc.check(compiled(name, programs()[name].max_seq_len, causal))
    assert report.ok
    assert report.checked >= min(100_000, report.total)


def test_long_addition_compiled() -> None:
    """Two 3-digit numbers: a sample of all pairs, the carries that run through among them."""
    model = compiled("long_addition", 7)
    chosen = random.Random(0)
    pairs = [(chosen.randrange(100, 1000), chosen.randrange(100, 1000)) for _ in range(500)]
    pairs += [(999, 999), (999, 1 + 100), (555, 445), (500, 500), (100, 100), (899, 101), (995, 105)]
    answers = model.apply_batch([["BOS", *f"{a}+{b}"] for a, b in pairs]).decoded
    assert ["".join(map(str, answer[1:])) for answer in answers] == [f"{a + b:07}" for a, b in pairs]
