"""Ways to order all combinations of several variables along one line."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import library
from raspc.blocks.neurons import frontiers

numbers = st.lists(st.integers(-50, 50).map(lambda n: n / 8), min_size=2, max_size=6, unique=True).map(np.array)


@given(numbers, numbers)
def test_in_turn_is_lexicographic(x: np.ndarray, z: np.ndarray) -> None:
    """No two combinations meet, and each case of the first variable keeps a stretch of the line to itself."""
    for first, (scaled, noise) in enumerate(frontiers._in_turn((x, z), (0.25, 0.5))):
        major, minor = scaled[first], scaled[1 - first]
        assert float(np.diff(np.sort(major)).min()) > float(np.ptp(minor))
        assert noise > 0.5
        assert len(np.unique(np.add.outer(*scaled))) == len(x) * len(z)


def test_equal_positions_have_no_order() -> None:
    """Where a variable does not tell its values apart it cannot come first."""
    assert len(list(frontiers._in_turn((np.zeros(2), np.arange(3.0)), (0.0, 0.0)))) == 1


@pytest.mark.parametrize(("vocab", "length"), [("abc", 5), ("abcdefgh", 16)])
def test_a_count_in_one_case_needs_no_decoding_first(vocab: str, length: int) -> None:
    """most_freq ranks by "the count if this is the first": in three layers, as many as its chain of heads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(library.most_freq(), vocab, length, optimize=2)
    assert model.config.n_layers == 3
    assert raspc.check(model, limit=300).ok
