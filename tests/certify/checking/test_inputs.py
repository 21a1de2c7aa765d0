"""All inputs in order, none twice and none left out; random ones that are well-formed."""

from __future__ import annotations

import itertools
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc.certify.checking import inputs


def listed(n_tokens: int, max_len: int) -> list[tuple[int, ...]]:
    """All that the pieces hold."""
    return [
        tuple(ids) for piece in inputs.pieces(n_tokens, max_len) for ids in inputs.inputs_of(piece, n_tokens).tolist()
    ]


@pytest.mark.parametrize("cells", [1, 7, 100, 1 << 19])
@pytest.mark.parametrize(("n_tokens", "max_len"), [(1, 5), (2, 6), (3, 4), (7, 2)])
def test_all_inputs_in_order(n_tokens: int, max_len: int, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the product of the vocabulary with itself has them, however they are cut into pieces."""
    monkeypatch.setattr(inputs, "CELLS", cells)
    expected = [xs for n in range(1, max_len + 1) for xs in itertools.product(range(n_tokens), repeat=n)]
    assert listed(n_tokens, max_len) == expected
    assert inputs.count(n_tokens, max_len) == len(expected)


def test_pieces_of_an_endless_set_are_made_one_by_one() -> None:
    """30 tokens and length 100: the first pieces come at once, and their inputs are right."""
    first = list(islice(inputs.pieces(30, 100), 50))
    assert all(one.stop == two.start or one.length + 1 == two.length for one, two in pairwise(first))
    late = inputs.Piece(100, 31, 33)
    assert inputs.inputs_of(late, 30).tolist() == [[0] * 98 + [1, 1], [0] * 98 + [1, 2]]
    assert inputs.count(30, 100) > 10**147


@pytest.mark.parametrize(("limit", "longest"), [(1, 0), (2, 1), (5, 1), (6, 2), (14, 3), (10**9, 4)])
def test_how_far_a_limit_reaches(limit: int, longest: int) -> None:
    """Two tokens: 2, 6, 14, 30 inputs up to length 1, 2, 3, 4."""
    assert inputs.longest_within(2, 4, limit) == longest


@given(st.integers(1, 5), st.integers(1, 9), st.integers(1, 40), st.integers(0, 9))
def test_random_batches(n_tokens: int, max_len: int, size: int, seed: int) -> None:
    """Tokens up to each length and nothing after it; the same for the same seed."""
    batch = inputs.random_batch(n_tokens, max_len, size, (seed, 0), False)
    assert batch.ids.shape == (size, max_len)
    assert ((batch.ids >= 0) == batch.real).all()
    assert batch.ids.max() < n_tokens and batch.lengths.min() >= 1 and batch.lengths.max() <= max_len
    again = inputs.random_batch(n_tokens, max_len, size, (seed, 0), False)
    assert np.array_equal(batch.ids, again.ids)
    assert sum(inputs.random_sizes(max_len, size)) == size


def test_numbers_that_are_too_large_to_print() -> None:
    """26 letters and length 5,000: Python refuses to write such a number, so its size is told."""
    assert (inputs.shown(1_398_100), inputs.stored(1_398_100)) == ("1,398,100", 1_398_100)
    many = inputs.count(26, 5_000)
    assert (inputs.shown(many), inputs.stored(many)) == ("about 10^7074", None)
