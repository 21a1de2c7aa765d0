"""Every program of the library, compiled, gives what the interpreter gives."""

from __future__ import annotations

import warnings

import pytest
from tests.agreement import LEVELS, compiled, differences, some_inputs
from tests.library.test_library import CAUSAL_CASES, NAMES

import raspc
from raspc import library


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", NAMES)
def test_as_listed(name: str, level: int) -> None:
    """With its default vocabulary, length and mask: no warning, no difference."""
    entry = library.get(name)
    program = entry.program
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = raspc.compile(
            program,
            vocab=set(entry.vocab),
            max_seq_len=entry.max_seq_len,
            causal=entry.causal,
            optimize=level,
        )
    assert differences(program, model, some_inputs(entry.vocab, entry.max_seq_len), entry.causal) == []


@pytest.mark.parametrize("name", [name for name, _ in CAUSAL_CASES])
def test_causal(name: str) -> None:
    """Under a causal mask, those that make sense there."""
    entry = library.get(name)
    program = entry.program
    model = compiled(program, entry.vocab, entry.max_seq_len, causal=True)
    assert differences(program, model, some_inputs(entry.vocab, entry.max_seq_len, 100), causal=True) == []


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("addition", "cumulative_sum")])
def test_twice_as_long(name: str, level: int) -> None:
    """The same with inputs twice as long, proved or not."""
    entry = library.get(name)
    program, longest = entry.program, 2 * entry.max_seq_len
    model = compiled(program, entry.vocab, longest, causal=entry.causal, optimize=level)
    assert differences(program, model, some_inputs(entry.vocab, longest, 50, 40), entry.causal) == []
