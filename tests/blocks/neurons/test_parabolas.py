"""Ramps for a number and its square: right at every value, both off alike where the sum is, and refused elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agreement import differences, some_inputs

import raspc
from raspc import library, rasp
from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.lines import Line
from raspc.blocks.neurons.parabolas import parabolas
from raspc.blocks.reading.features import express
from raspc.graph.nodes import Floats, Ids
from raspc.rasp import Comparison

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")  # of programs that a causal mask changes
UNIT = 2.0**-24


def along(numbers: Floats, noise: float = 0.0) -> tuple[Line, Ids]:
    """A line on which these numbers lie, each a value."""
    return Line((0,), [numbers], noise, numbers.shape), np.arange(len(numbers), dtype=np.int32)


def at(design: Design, x: Floats) -> Floats:
    """What the neurons of a design along one variable write where its sum is x."""
    read = np.outer(x, design.weights[0][0]) + design.bias
    return np.asarray(np.maximum(read, 0.0) @ design.out + design.base)


@given(st.integers(-60, 60), st.integers(3, 120), st.integers(-9, 9), st.floats(-0.24, 0.24))
def test_numbers_and_squares_err_together(start: int, count: int, shift: int, off: float) -> None:
    """A number that is off by e, and a square that is off by 2ke."""
    x = np.arange(start, start + count, dtype=np.float64)
    k = x + shift
    found = parabolas(*along(x), np.stack([k, -(k**2)], axis=1), 0.25, UNIT)
    assert found is not None and found.design.size == count
    design = found.design
    np.testing.assert_allclose(at(design, x), np.stack([k, -(k**2)], axis=1), atol=1e-9)
    np.testing.assert_allclose(at(design, x + off), np.stack([k + off, -(k**2) - 2 * k * off], axis=1), atol=1e-9)


def test_what_is_no_parabola_is_refused() -> None:
    """Other functions; two places of one value; noise that is not borne; sums that round too far; no number."""
    x = np.arange(20.0)
    both = np.stack([x, x**2], axis=1)
    assert parabolas(*along(x), both, 0.1, UNIT) is not None
    assert parabolas(*along(x), np.stack([x, x**3], axis=1), 0.1, UNIT) is None
    assert parabolas(*along(x, 0.01), both[:, 1:], 0.1, UNIT) is None
    assert parabolas(*along(x), both[:, 1:], 0.1, UNIT) is not None  # of an exact sum
    assert parabolas(*along(x, 0.2), both, 0.1, UNIT) is None
    assert parabolas(*along(x, 0.3), both, 1.0, UNIT) is None
    twice = Line((0,), [x], 0.0, x.shape), np.arange(20, dtype=np.int32) // 2
    assert parabolas(*twice, both[:10], 0.1, UNIT) is None
    many = np.arange(1200.0)
    assert parabolas(*along(many), np.stack([many, many**2], axis=1), 0.1, UNIT) is None


@pytest.mark.parametrize("count", [256, 300, 512])
def test_many_ramps_are_parts_that_readers_add(count: int) -> None:
    """A few directions more, of which the number and its square are sums that err together, as from one."""
    x = np.arange(float(count)) - count // 2
    both = np.stack([x, x**2], axis=1)
    found = parabolas(*along(x), both, 0.25, UNIT)
    assert found is not None and found.design.size == count
    dims = found.code.shape[1]
    assert dims == {256: 2, 300: 3, 512: 12}[count]
    told = express(found.code, both)
    assert told is not None
    weights, constant = told
    np.testing.assert_allclose(at(found.design, x), found.code, atol=1e-9)
    for off in (0.0, 0.2, -0.2):
        read = at(found.design, x + off) @ weights + constant
        np.testing.assert_allclose(read, np.stack([x + off, x**2 + 2 * x * off], axis=1), atol=1e-6)


@pytest.mark.parametrize(("reach", "last"), [(40, 20), (128, 66), (256, 130)])
def test_ramps_end_where_the_columns_are_flat(reach: int, last: int) -> None:
    """What is no key has the number and the square of a neighbour; all others err together, in parts as well."""
    x = np.arange(-reach, reach, dtype=np.float64)
    q = np.clip(x, -last, last)
    both = np.stack([2 * q, -(q**2)], axis=1)
    found = parabolas(*along(x), both, 0.25, UNIT)
    assert found is not None and found.design.size == 2 * last + 3
    told = express(found.code, both)
    assert told is not None
    inside = np.abs(x) < last
    for off in (0.0, 0.2, -0.2):
        read = at(found.design, x + off) @ told[0] + told[1]
        np.testing.assert_allclose(
            read[inside], (both + off * np.stack([0 * q + 2, -2 * q], axis=1))[inside], atol=1e-6
        )
        np.testing.assert_allclose(read[np.abs(x) > last], both[np.abs(x) > last], atol=1e-6)


T, I = rasp.tokens, rasp.indices  # noqa: E741
BEFORE = rasp.SelectorWidth(rasp.Select(I, I, Comparison.LT))
PROGRAMS = {
    "ranks": library.sort(),
    "a count": rasp.Aggregate(rasp.Select(BEFORE, I - 1, Comparison.EQ), T, default=9),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_keys_that_are_counted_are_ramps(name: str) -> None:
    """One neuron a value, proved, and right."""
    model = raspc.compile(PROGRAMS[name], range(5), 9, optimize=2)
    without = raspc.compile(PROGRAMS[name], range(5), 9, optimize=2, disabled_passes=["parabolas", "chains"])
    assert model.certificate.verdict == "proved" and model.config.d_mlp < without.config.d_mlp
    assert not differences(PROGRAMS[name], model, some_inputs(tuple(range(5)), 9, 150, 0), False)


def test_a_query_that_is_a_sum_of_counts() -> None:
    """The token as far from the start as this one is behind the last a, among 200: a Llama counts its positions."""
    behind = I - rasp.Aggregate(rasp.latest(rasp.Select(T, "a", Comparison.EQ)), I, default=-1)
    program = rasp.Aggregate(rasp.Select(I, behind, Comparison.EQ), T, default="_")
    model = raspc.compile(program, "abcd", 200, causal=True, optimize=2, target="llama", disabled_passes=["rotation"])
    assert model.certificate.verdict == "proved"
    assert sum(array.size for array in model.params.values()) < 40_000
    assert differences(program, model, some_inputs("abcd", 200, 40, 5), True) == []
