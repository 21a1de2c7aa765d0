"""Sizes of memory, and models that would take too much: refused before anything is allocated, with what costs it."""

from __future__ import annotations

import pytest

import raspc
from raspc import library, rasp
from raspc.errors import InvalidProgram, UnsupportedProgram
from raspc.numbers.memory import bytes_of, in_words

SIZES = {
    "2 GiB": 2**31, "500MB": 500_000_000, "1.5 kib": 1536, " 7 b ": 7, "12": 12, 4096: 4096, "3TiB": 3 * 2**40,
}  # fmt: skip


@pytest.mark.parametrize("text", SIZES)
def test_sizes(text: object) -> None:
    """Units of both kinds, in either case; a bare number is of bytes."""
    assert bytes_of(text) == SIZES[text]  # type: ignore[index]


@pytest.mark.parametrize("text", ["", "GiB", "2 giga", "-1", "0", "1e9", 0, -3, True, 2.5, None, "0.1 b"])
def test_no_size(text: object) -> None:
    """One error that shows what was given and what is needed."""
    with pytest.raises(InvalidProgram, match=r"memory budget is .*; needed a number of bytes"):
        bytes_of(text)


def test_in_words() -> None:
    """In the largest unit that fits."""
    assert [in_words(size) for size in (7, 2048, 3 * 2**20, 5 * 2**29)] == ["7 B", "2 KiB", "3 MiB", "2.5 GiB"]


def test_a_model_beyond_the_budget_names_what_costs_it() -> None:
    """The variable with the most directions and neurons, the size, the budget, and what to do."""
    program = rasp.SequenceMap(lambda x, i: x * i, rasp.tokens, rasp.indices).named("product")
    with pytest.raises(UnsupportedProgram, match=r"product: .* neurons.*at most 9.77 KiB.*memory="):
        raspc.compile(program, range(12), 12, memory="10 kB")
    assert raspc.compile(program, range(12), 12, memory="10 MB").config.d_mlp > 0


def test_the_budget_is_no_property_of_the_model() -> None:
    """With more room the model is the same, and so is what it says of itself."""
    one, other = (raspc.compile(library.hist(), "ab", 4, memory=size) for size in ("1 MiB", "1 GiB"))
    assert one.options == other.options
