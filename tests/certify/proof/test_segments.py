"""Ramps are proved as the chain of pieces that they are: no error escapes the bound, and no edit is called proved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import library
from raspc.blocks.spaces import Neurons, Read, Write
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.segments import _lengths, chain_of
from raspc.weights import Model


def neurons(seed: int) -> tuple[Neurons, Reading, np.ndarray]:
    """Some neurons that read one number, times powers of two, and what they write."""
    rng = np.random.default_rng(seed)
    count, width = int(rng.integers(1, 9)), int(rng.integers(1, 4))
    times, bias = rng.choice([-2.0, -1.0, 0.5, 1.0, 4.0], count), rng.normal(size=count)
    matrix, none = rng.normal(size=(count, width)), np.zeros(count)
    block = Neurons("n", Read({"x": times[None, :]}, bias), Write({"y": matrix}, {"y": np.zeros(width)}), none, 0, none)
    return block, Reading({}, bias, *[none] * 3, None, *[none] * 6), matrix


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(0, 1), st.floats(-1, 1))
def test_no_error_escapes_its_pieces(seed: int, x: float, off: float, part: float) -> None:
    """What is written moves by the slope of each piece, times some length that is no longer than is told."""
    block, read, matrix = neurons(seed)
    chain = chain_of(block, read, matrix)
    assert chain is not None
    times = block.read.maps["x"][0]

    def written(at: float) -> np.ndarray:
        return np.asarray(np.maximum(times / times[chain.first] * at + read.bias, 0.0) @ matrix)

    lengths = _lengths(np.array([x]), np.array([off]), chain.kinks)[0]
    moved = np.abs(written(x + part * off) - written(x))
    assert (moved <= lengths @ np.abs(chain.slopes) + 1e-9).all()


def test_neurons_that_read_different_numbers_are_no_chain() -> None:
    """Two numbers of the stream, or one that is multiplied by what is no power of two."""
    block, read, matrix = neurons(3)
    several = np.vstack([block.read.maps["x"], np.linspace(1, 2, len(matrix))])
    assert chain_of(replace(block, read=Read({"x": several}, read.bias)), read, matrix) is None
    odd = block.read.maps["x"] * np.linspace(1, 1.7, len(matrix))
    assert len(matrix) > 1 and chain_of(replace(block, read=Read({"x": odd}, read.bias)), read, matrix) is None


def sorting() -> Model:
    """Ranks of twelve positions."""
    return raspc.compile(library.sort(), range(12), 12, optimize=2)


@pytest.mark.parametrize(
    ("part", "by"), [("linear_2/w", 1.5), ("linear_2/w", 0.0), ("linear_1/w", 2.0), ("linear_1/b", 1.5)]
)
def test_ramps_that_are_edited_are_not_proved(part: str, by: float) -> None:
    """A ramp that is steeper, is missing, or begins elsewhere."""
    model = sorting()
    assert model.certificate.verdict == "proved"
    name = f"transformer/layer_0/mlp/{part}"
    params = {key: np.array(array) for key, array in model.params.items()}
    rows = params[name] if part.endswith("b") else params[name].reshape(len(params[name]), -1)
    ramps = np.flatnonzero(params["transformer/layer_0/mlp/linear_2/w"].any(axis=1))
    place = ramps[len(ramps) // 2]
    if part == "linear_1/w":
        rows[:, place] *= by
    else:
        rows[place] *= by
    assert not raspc.certificate(replace(model, params=params)).proved
