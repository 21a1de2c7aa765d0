"""`distinct_rows` is NumPy's own, faster."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from raspc.graph.rows import MANY, distinct_rows

ENTRIES = {
    "bool": st.booleans(),
    "int8": st.integers(-2, 2),
    "int32": st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 1),
    "float64": st.floats(allow_nan=False) | st.sampled_from([-1.0, -0.0, 0.0, 0.5]),
}


@pytest.mark.parametrize("kind", ENTRIES)
@given(data=st.data())
def test_rows_are_those_of_numpy(kind: str, data: Any) -> None:
    """The same rows in the same order, each where it first stands, and the same numbers."""
    matrix = data.draw(arrays(kind, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=ENTRIES[kind]))
    rows, number = distinct_rows(matrix)
    expected, inverse = np.unique(matrix, axis=0, return_inverse=True)
    assert rows.dtype == matrix.dtype
    assert np.array_equal(rows, expected)
    assert np.array_equal(number, inverse.ravel())


@given(st.integers(0, 2**32 - 1), st.sampled_from(["int8", "int32", "int64"]), st.integers(1, 4))
def test_many_rows_of_small_integers_are_counted(seed: int, dtype: str, columns: int) -> None:
    """Of any signed type, at both ends of its range."""
    rng, info = np.random.default_rng(seed), np.iinfo(dtype)
    ends = np.array([info.min, info.min + 1, info.max - 1, info.max], dtype)
    low = ends[rng.integers(0, 2, (2 * MANY, columns))]
    matrix = low if seed % 3 else ends[rng.integers(0, 4, (2 * MANY, columns))]
    rows, number = distinct_rows(matrix)
    expected, inverse = np.unique(matrix, axis=0, return_inverse=True)
    assert np.array_equal(rows, expected) and np.array_equal(number, inverse.ravel())
