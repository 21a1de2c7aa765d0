"""`distinct_rows` is NumPy's own, faster."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from raspc.graph.rows import distinct_rows

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
