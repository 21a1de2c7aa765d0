"""A text of a thousand lines with a decoder loop: it parses, runs on an example, and compiles at a useful length."""

from __future__ import annotations

import random
import warnings

import pytest
from benchmarks.decoder import LINES, code, decoded, source
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc.rasp import SOp
from raspc.text import load_program


def program(steps: int, name: str = "decoded") -> SOp:
    """The decoder for inputs of so many code words; its command of the prompt is skipped."""
    with pytest.warns(raspc.DoubtfulText, match="skipped `set example"):
        found = load_program(source(steps), name)
    assert isinstance(found, SOp)
    return found


DECODER = program(20)


def test_it_has_a_thousand_lines() -> None:
    """As many as the benchmark says; each code word opens no other."""
    assert source(6).count("\n") >= LINES
    words = list(code().values())
    assert not any(a != b and b.startswith(a) for a in words for b in words)


@given(st.text("01", min_size=1, max_size=40))
def test_it_decodes(bits: str) -> None:
    """The symbols of whole code words, from the left, then dashes: any string of bits."""
    assert "".join(DECODER(bits)) == decoded(bits).ljust(len(bits), "-")


def test_its_other_results() -> None:
    """Counts of one symbol, of all, of a kind."""
    bits = "".join(code()[symbol] for symbol in "tea4two")
    assert program(7, "number_of_t")(bits) == [2] * len(bits)
    assert program(7, "letters")(bits) == [7] * len(bits)
    assert program(7, "vowels")(bits) == [3] * len(bits)
    assert program(7, "opens_with_t")(bits) == [True] * len(bits)


@pytest.mark.parametrize(
    ("length", "steps", "level"), [(10, 4, 1), (14, 5, 2), pytest.param(16, 6, 2, marks=pytest.mark.slow)]
)
def test_it_compiles(length: int, steps: int, level: int) -> None:
    """The model answers as the program does, on random inputs of all lengths."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(program(steps), "01", length, optimize=level)
    chosen = random.Random(0)
    inputs = ["".join(chosen.choices("01", k=chosen.randint(1, length))) for _ in range(300)]
    answers = model.apply_batch([["BOS", *bits] for bits in inputs]).decoded
    assert ["".join(answer[1:]) for answer in answers] == [decoded(bits).ljust(len(bits), "-") for bits in inputs]
