"""Labels of directions are distinct, whatever the values look like."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.strategies import any_value

from raspc import values as V
from raspc.blocks.reading.naming import feature_labels, value_labels
from raspc.graph.nodes import Listed

some_values = st.lists(any_value, min_size=1, max_size=6, unique_by=V.key).map(V.canonical)


@given(some_values)
def test_values(values: tuple[Any, ...]) -> None:
    """1 and "1", None and "None", a tuple and its text: told apart."""
    labels = value_labels("v", values)
    assert len(set(labels)) == len(values)
    assert all(label.startswith("v:") for label in labels)


@given(some_values, st.data())
def test_features(values: tuple[Any, ...], data: st.DataObject) -> None:
    """Indicators, numbers, squares and whatever else, each under a label of its own."""
    elements = st.sampled_from([0.0, 1.0, 2.0, -1.0])
    columns = data.draw(hnp.arrays(np.float64, (len(values), data.draw(st.integers(1, 5))), elements=elements))
    labels = feature_labels("v", columns, Listed(values))
    assert len(set(labels)) == columns.shape[1]


def test_what_is_simple_is_called_by_its_name() -> None:
    """An indicator by its value, the number and its square by these words."""
    n = np.arange(4.0)
    columns = np.stack([n, n**2, n == 2, n % 3], axis=1)
    assert feature_labels("x", columns, Listed((0, 1, 2, 3))) == ("x:number", "x:square", "x:2", "x:feature_3")
