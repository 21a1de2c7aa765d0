"""Ramps: steep features of a number, right up to a part of themselves, whatever the number errs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.ramps import APART, ramps
from raspc.blocks.scores import steep

shares = st.integers(2, 40).map(lambda n: n / (n + np.arange(n + 1.0)))
positions = st.one_of(shares, shares.map(lambda p: 1 - p), st.integers(2, 20).map(lambda n: np.arange(float(n))))


def computed(design: Design, position: np.ndarray) -> np.ndarray:
    """[positions, columns] in float32, the format of the models."""
    (weights,) = design.weights
    x = position.astype(np.float32)[:, None]
    hidden = np.maximum(x @ weights.astype(np.float32) + design.bias.astype(np.float32), np.float32(0))
    return (hidden @ design.out.astype(np.float32) + design.base.astype(np.float32)).astype(np.float64)


@given(positions, st.booleans(), st.floats(-1, 1))
def test_ramps_are_right_to_a_part_of_themselves(position: np.ndarray, rising: bool, error: float) -> None:
    """At every value and next to it, and exactly the base below the first level."""
    gap = float(np.abs(np.diff(position)).min())
    noise = gap / APART
    columns = steep._features(8, len(position), rising)
    design = ramps(7, position, noise, columns)
    assert design is not None
    found = computed(design, position + error * noise)
    assert (found[columns == 0] == 0).all()
    there = columns > 0
    assert (np.abs(found[there] / columns[there] - 1) <= 2 / APART + 1e-3).all()


def test_values_too_close_have_no_ramps() -> None:
    """The error would reach the next level."""
    assert ramps(0, np.arange(4.0), 0.1, steep._features(8, 4, True)) is None


@given(positions)
def test_one_neuron_a_level(position: np.ndarray) -> None:
    """And one more where a feature saturates: no more than the steps that would decode the number."""
    design = ramps(0, position, 0.0, steep._features(8, len(position), True))
    assert design is not None
    blocks = design.out.shape[1]
    assert design.size <= len(position) - 1 + blocks
    assert (design.leads > 0).all()
