"""Straight pieces along one number: right at every value, off as far as the number is, and refused elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agreement import differences, some_inputs
from tests.blocks.neurons.test_parabolas import UNIT, at
from tests.passes.test_switches import few

import raspc
from raspc import rasp
from raspc.blocks.neurons.folds import folds
from raspc.blocks.neurons.lines import Line
from raspc.graph.nodes import Floats
from raspc.rasp import Comparison


def along(numbers: Floats, noise: float = 0.0) -> Line:
    """A line on which these numbers lie, each a value."""
    return Line((0,), [numbers], noise, numbers.shape)


@given(st.integers(1, 40), st.integers(2, 9), st.floats(-0.24, 0.24), st.integers(0, 2**32))
def test_pieces_are_right_and_move_with_the_number(start: int, bends: int, off: float, seed: int) -> None:
    """At the values themselves, and between them, whatever the slopes are."""
    rng = np.random.default_rng(seed)
    x = np.arange(start, start + 20 * bends, dtype=np.float64)
    kinks = np.sort(rng.choice(x[1:-1], bends, replace=False))
    knots = np.r_[x[0] - 1, kinks, x[-1] + 1]
    heights = np.cumsum(np.diff(knots, prepend=knots[0])[:, None] * rng.integers(-2, 3, (len(knots), 2)), axis=0)
    columns = np.stack([np.interp(x, knots, column) for column in heights.T], axis=1)
    design = folds(along(x, 0.1), columns, 0.5, UNIT)
    assert design is not None and design.size <= bends + 1
    np.testing.assert_allclose(at(design, x), columns, atol=1e-9)
    inside = x[1:-1] + off
    moved = np.stack([np.interp(inside, x, column) for column in columns.T], axis=1)
    np.testing.assert_allclose(at(design, inside), moved, atol=1e-9)


def test_what_bends_too_often_is_refused() -> None:
    """Many bends; few values; noise that is not borne, or that is too near to the next value; no number."""
    x = np.arange(200.0)
    tent = np.abs(x - 90)[:, None]
    assert folds(along(x), tent, 0.1, UNIT) is not None
    assert folds(along(x), (x % 3)[:, None], 0.1, UNIT) is None
    assert folds(along(x[:12]), tent[:12], 0.1, UNIT) is None
    assert folds(along(x, 0.2), tent, 0.1, UNIT) is None
    assert folds(along(x, 0.3), tent, 1.0, UNIT) is None
    assert folds(along(np.zeros(200)), tent, 0.1, UNIT) is None
    assert folds(along(x), tent, 0.1, 2.0**-12) is None


@pytest.mark.parametrize("causal", [False, True])
def test_counts_in_stretches_and_rows_agree(causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty keys counted as four thousand are: all who read the count get what they need, and all is proved."""
    few(monkeypatch)
    same = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, Comparison.EQ))
    for program in (same, same + 1, rasp.map(str, same), 2 * same - rasp.indices, rasp.map(lambda c: c % 3, same)):
        program = rasp.causal(program) if causal else program
        model = raspc.compile(program, (0, 1, 2), 40, causal=causal, optimize=2)
        assert model.certificate.proved
        assert not differences(program, model, some_inputs((0, 1, 2), 40, 40, 0), causal)
