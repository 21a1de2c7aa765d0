"""Bounds that were once too small: each of these tests fails where the mend is undone."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import library
from raspc.blocks.spaces import BOS, Read
from raspc.certify.proof import cells as cells_room
from raspc.certify.proof.bounds import Held, Reading, read_stream
from raspc.certify.proof.cells import cells_of
from raspc.certify.proof.numbers import Averaged, mean_errors
from raspc.graph.nodes import Interval
from raspc.numbers.precision import PRECISIONS
from raspc.weights.params import Params


@given(st.floats(0.0, 100.0), st.floats(1.0, 200.0), st.floats(1e-6, 0.2))
def test_between_the_ends_of_an_interval_one_line_holds(low: float, wide: float, uneven: float) -> None:
    """Weights of a mean between e^−t and e^t of what they should be: of two lines that bound it, the lesser one at each
    end would be a bound at the ends, but not between them."""
    numbers = np.array([low, low + wide])
    value = Averaged(numbers[:, None], np.zeros((2, 1)))
    ends = mean_errors(np.full((1, 1), 1e3), 0.0, uneven, 0.0, value, np.array([low]), Interval(low, low + wide),
                       PRECISIONS["float32"])[:, 0]  # fmt: skip
    for part in np.linspace(0, 1, 21):
        more, less = part * np.exp(uneven), (1 - part) * np.exp(-uneven)
        off = wide * abs(more / (more + less) - part)
        assert off <= ends[0] + (ends[1] - ends[0]) * part + 1e-9 * wide


@pytest.mark.parametrize("layer", [0, 1])
def test_a_count_that_is_not_written_is_not_proved(layer: int) -> None:
    """Errors are told per weight of the writing matrix, which makes nothing of them where that weight is 0."""
    model = raspc.compile(library.sort(), [1, 2, 3], 4, optimize=2)
    name = f"transformer/layer_{layer}/attn/linear/w"
    for at in np.argwhere(np.asarray(model.params[name])):
        params = {key: np.array(array) for key, array in model.params.items()}
        params[name][tuple(at)] = 0.0
        edited = dataclasses.replace(model, params=Params(params, model.config), certificate=None)
        assert raspc.check(edited).ok or raspc.certificate(edited).verdict != "proved", (name, at)


def reading(rng: np.random.Generator, sizes: tuple[int, int], neurons: int, name: str) -> Reading:
    """Neurons that read the sum of two numbers of a narrow format, along one line."""
    precision = PRECISIONS[name]
    stream = {}
    for place, size in enumerate(sizes):
        code = precision.round(rng.integers(1, 1 << 10, (size, 1)) / 64)
        stream[f"x{place}"] = Held(place, code, np.zeros(code.shape), np.full(1, 2.0**-6), np.zeros(1))
    weights = precision.round(2.0 ** rng.integers(-2, 2, (1, neurons)))
    bias = precision.round(-rng.integers(1, 1 << 10, neurons) / 64)
    read = Read(dict.fromkeys(stream, weights), bias)
    return read_stream(read, stream, {BOS: np.ones(1), "x0": np.zeros(1), "x1": np.zeros(1)}, precision, fired=True)


def stored(read: Reading, name: str) -> Any:
    """What neurons are stored to read in every combination: the sum is rounded, and again with the bias."""
    precision, (one, other) = PRECISIONS[name], (seen.values for seen in read.seen.values())
    sums = (one[:, None] + other[None]).reshape(-1, read.width)
    return sums, precision.round(precision.round(sums) + read.bias)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
@pytest.mark.parametrize("seed", range(5))
def test_narrow_formats_store_each_sum_twice(name: str, seed: int) -> None:
    """What a cell rounds is no less than that."""
    read = reading(np.random.default_rng(seed), (6, 7), 5, name)
    found = cells_of(read, np.arange(42, dtype=np.int32).reshape(6, 7), PRECISIONS[name])
    assert found is not None
    _, actual = stored(read, name)
    for start, piece in enumerate(found.pieces()):
        assert start == 0
        assert (np.abs(actual - piece.reads) <= piece.rounding + 1e-12).all()


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_narrow_formats_are_followed_cell_by_cell(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding is not affine between two thresholds, so that every sum is looked at, and not the outermost alone."""
    monkeypatch.setattr(cells_room, "LINE", 0)
    read = reading(np.random.default_rng(1), (6, 7), 5, name)
    found = cells_of(read, np.zeros((6, 7), np.int32), PRECISIONS[name])
    assert found is not None
    (piece,) = found.pieces()
    sums, _ = stored(read, name)
    assert {*map(tuple, piece.reads)} == {*map(tuple, sums + read.bias)}
