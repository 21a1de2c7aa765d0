"""The frame keeps a norm still, and reads through it are reads of what it holds."""

from __future__ import annotations

import numpy as np
import pytest

from raspc.stock.frame import MIRRORED, NULL, RMS, fitting, squares

KINDS = [RMS, NULL, MIRRORED]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("held", "steps"), [(1, 1), (5, 2), (13, 3), (30, 7), (63, 64), (100, 5)])
def test_the_root_mean_square_is_the_scale(kind: str, held: int, steps: int) -> None:
    """The constants alone have the mean 0 (but of RMS) and the root mean square that the frame is for, exactly."""
    frame = fitting(kind, held, 2.0**6, steps)
    at_bos = np.zeros((1, held))
    at_bos[0, 0] = 1.0
    rows = frame.embedding(at_bos) - frame.written(at_bos)
    assert frame.width % steps == 0 and len(frame.labels) == frame.width - held
    assert (rows**2).mean() == 2.0**12
    assert kind == RMS or rows.sum() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_read_is_that_of_what_is_held(kind: str) -> None:
    """Whatever mean is taken out, a linear map of the stream gives what it gives of x alone."""
    rng = np.random.default_rng(0)
    frame = fitting(kind, 6, 2.0**4, 3, bos=2)
    x, w, b = (rng.integers(-4, 5, shape) * 1.0 for shape in ((9, 6), (6, 5), 5))
    x[:, 2] = np.arange(9) == 3
    stream = frame.embedding(x)
    later = np.where(np.arange(6) == 2, 0.0, x)
    stream[4:] += frame.written(later[4:])
    held = np.vstack([x[:4], x[4:] + later[4:]])
    if kind != RMS:
        stream -= stream.mean(axis=1, keepdims=True)
    assert np.allclose(stream @ frame.read(w, b), held @ w + b, atol=1e-9)
    back = frame.unread(frame.read(w, b))
    assert np.array_equal(back[0], w) and np.array_equal(back[1], b)


def test_what_is_read_off_gives_the_same_bits_again() -> None:
    """Of numbers of any size beside one another, which float32 rounds as they are stored: the proof asks for it."""
    rng = np.random.default_rng(3)
    frame = fitting(NULL, 9, 2.0**9, 2, bos=4)
    for _ in range(300):
        w, b = (rng.normal(size=shape) * 2.0 ** rng.integers(-12, 12, shape) for shape in ((9, 6), 6))
        stored = frame.read(w.astype(np.float32).astype(float), b.astype(np.float32).astype(float)).astype(np.float32)
        w, b = (array.astype(np.float32).astype(float) for array in frame.unread(stored.astype(float)))
        assert np.array_equal(frame.read(w, b).astype(np.float32), stored)


def test_what_is_to_be_nothing_at_bos_is_nothing() -> None:
    """A count whose value is 2²⁹ at keys and 0 at BOS is 0 there exactly, in float32 and after a layer norm."""
    frame = fitting(NULL, 4, 2.0**12, 4, bos=1)
    x = np.array([[0.3, 1.0, -0.7, 0.1]])
    stream = frame.embedding(x).astype(np.float32)
    normed = (stream - stream.mean(dtype=np.float32)) / np.float32(4095.7)
    w = np.zeros((4, 1))
    w[1] = -(2.0**29)
    assert (normed @ frame.read(w, np.array([2.0**29])).astype(np.float32)).item() == 0.0


def test_every_number_is_a_sum_of_few_squares() -> None:
    """Four do, and for RMS one of them is a power of two, from which a bias is read without rounding."""
    for n in range(1, 800):
        for with_power in (False, True):
            found = squares(n, with_power)
            assert sum(c * c for c in found) == n and len(found) <= 4
            assert not with_power or any(c & (c - 1) == 0 for c in found)


def test_how_much_wider_a_frame_is() -> None:
    """RMS: four constants at most; a null frame seven dimensions; a mirrored one twice what it holds and eight."""
    for held in range(1, 400):
        assert fitting(RMS, held, 16.0, 1).width <= held + 4
        assert fitting(NULL, held, 16.0, 1).width <= held + 7
        assert fitting(MIRRORED, held, 16.0, 1).width <= 2 * held + 8
