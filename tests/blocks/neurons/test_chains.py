"""Chains along the share of a count: right at every value, off as little as is said, and short."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agreement import differences, some_inputs

import raspc
from raspc import rasp
from raspc.blocks.neurons.chains import chain, moved
from raspc.blocks.neurons.design import Design
from raspc.graph.nodes import Floats
from raspc.rasp import Comparison, SOp

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")  # of programs that a causal mask changes


def at(design: Design, x: Floats) -> Floats:
    """What the neurons write where what they read is x."""
    read = np.outer(x, design.weights[0][0]) + design.bias
    return np.asarray(np.maximum(read, 0.0) @ design.out + design.base)


@given(st.integers(3, 200), st.floats(1.0, 300.0), st.booleans(), st.floats(-1e-6, 1e-6))
def test_a_chain_is_right_at_every_value(count: int, raised: float, falls: bool, off: float) -> None:
    """Of a share W/(W + c) or of what is left of it; and off by its slopes where the share is off."""
    values = np.arange(float(count))
    share = raised / (raised + values)
    place = share if falls else 1 - share
    columns = np.stack([values, 3 - 2 * values], axis=1)
    design = chain(0, place, columns)
    assert design is not None and design.size == count - 1
    np.testing.assert_allclose(at(design, place), columns, atol=1e-6)
    bound = moved(place, columns, np.full(count, abs(off)))
    assert (np.abs(at(design, place + off) - columns) <= bound + 1e-6).all()


@given(st.permutations(range(12)), st.integers(-5, 5))
def test_a_chain_bends_as_it_is_asked_to(values: list[int], shift: int) -> None:
    """Any numbers at any places, in any order."""
    columns = np.array(values, float)[:, None] + shift
    place = np.sqrt(np.arange(12.0))[::-1]
    design = chain(0, place, columns)
    assert design is not None
    np.testing.assert_allclose(at(design, place), columns, atol=1e-9)


def test_no_chain_without_places() -> None:
    """Two values at one place; two values in all."""
    assert chain(0, np.array([0.0, 1.0, 1.0]), np.arange(3.0)[:, None]) is None
    assert chain(0, np.array([0.0, 1.0]), np.arange(2.0)[:, None]) is None


T, I = rasp.tokens, rasp.indices  # noqa: E741
A_SO_FAR = rasp.SelectorWidth(rasp.Select(T, "a", Comparison.EQ))
AT_MOST_A = rasp.Aggregate(rasp.best(rasp.Select(T, "b", Comparison.EQ), A_SO_FAR), A_SO_FAR, default=-1)
LAST_B = rasp.Aggregate(rasp.latest(rasp.Select(T, "b", Comparison.EQ)), I, default=-1)


@pytest.mark.parametrize(("program", "target"), [(AT_MOST_A, "plain"), (AT_MOST_A, "llama"), (LAST_B, "llama")])
def test_counts_that_are_ranked_are_chains(program: SOp, target: str) -> None:
    """A count that a pick ranks and moves, at a length at which a staircase would round too much to be proved."""
    asked = {"causal": True, "optimize": 2, "target": target}
    by_shares = ["plain_counts"]  # which would leave the number itself
    model = raspc.compile(program, "abc", 150, **asked, disabled_passes=by_shares)
    assert model.certificate.verdict == "proved"
    assert sum(array.size for array in model.params.values()) < 80 * 150
    assert differences(program, model, some_inputs("abc", 150, 60, 20), True) == []
    stepped = raspc.compile(program, "abc", 40, **asked, disabled_passes=["chains", *by_shares])
    chained = raspc.compile(program, "abc", 40, **asked, disabled_passes=by_shares)
    sizes = [sum(array.size for array in one.params.values()) for one in (chained, stepped)]
    assert sizes[0] < 0.8 * sizes[1]
