"""The frame keeps a norm still, and reads through it are reads of what it holds."""

from __future__ import annotations

import numpy as np
import pytest

from raspc.stock.frame import MIRRORED, NULL, RMS, Frame, fitting, squares

KINDS = [RMS, NULL, MIRRORED]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("held", "steps"), [(1, 1), (5, 2), (13, 3), (30, 7), (63, 64), (100, 5)])
def test_the_root_mean_square_is_the_scale(kind: str, held: int, steps: int) -> None:
    """An empty stream has the mean 0 (but of RMS) and the root mean square that the frame is for, exactly."""
    frame = fitting(kind, held, 2.0**6, steps)
    rows = frame.embedding(np.zeros((1, held)))
    assert frame.width % steps == 0 and len(frame.labels) == frame.width
    assert (rows**2).mean() == 2.0**12
    assert kind == RMS or rows.sum() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_read_is_that_of_what_is_held(kind: str) -> None:
    """Whatever mean is taken out, a linear map of the stream gives what it gives of x alone."""
    rng = np.random.default_rng(0)
    frame = fitting(kind, 6, 2.0**4, 3)
    x, w, b = rng.integers(-4, 5, (9, 6)) * 1.0, rng.integers(-4, 5, (6, 5)) * 1.0, rng.integers(-4, 5, 5) * 1.0
    stream = frame.embedding(x)
    stream[4:] += frame.written(x[4:])
    held = np.vstack([x[:4], 2 * x[4:]])
    if kind != RMS:
        stream -= stream.mean(axis=1, keepdims=True)
    assert np.allclose(stream @ frame.read(w, b), held @ w + b, atol=1e-9)


def test_every_number_is_a_sum_of_few_squares() -> None:
    """One of them is a power of two, from which a bias is read without rounding."""
    for n in range(1, 800):
        found = squares(n)
        assert sum(c * c for c in found) == n and len(found) <= 4
        assert any(c & (c - 1) == 0 for c in found)


def test_the_narrowest_frame_needs_at_most_four_more() -> None:
    """RMS: four constants; the null frame: eight and one that holds 0; the mirrored one: twice what it holds and 8."""
    for held in range(1, 120):
        assert fitting(RMS, held, 16.0, 1).width <= held + 4
        assert fitting(NULL, held, 16.0, 1).width <= held + 9
        assert fitting(MIRRORED, held, 16.0, 1).width <= 2 * held + 8


def test_labels_name_each_dimension() -> None:
    """The page and the model card name constants too."""
    assert Frame(NULL, 3, 8, 16.0).labels[3:] == (
        "frame:constant 0",
        "frame:minus constant 0",
        "frame:null",
        *["frame:empty"] * 2,
    )
