"""One combination against all others: the weights keep every other combination away from 0."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import rasp
from raspc.blocks.neurons.lone import Away, _least_sum, _weights
from raspc.rasp import Comparison

distances = st.tuples(
    st.lists(st.integers(1, 30), min_size=0, max_size=3, unique=True),
    st.lists(st.integers(-30, -1), min_size=0, max_size=3, unique=True),
).map(lambda sides: np.array([0.0, *sides[0], *sides[1]]) / 30)
terms = st.lists(distances, min_size=1, max_size=4)


@given(terms)
def test_the_least_sum_is_that_of_all_combinations(terms: list[np.ndarray]) -> None:
    """Half against half finds what listing all of them finds."""
    others = [abs(sum(each)) for each in list(product(*terms))[1:]]
    assert _least_sum(terms) == pytest.approx(min(others, default=np.inf), abs=1e-12)


@given(terms.map(lambda found: [d for d in found if len(d) > 1]).filter(bool))
def test_no_other_combination_comes_near(terms: list[np.ndarray]) -> None:
    """The gap is what the weights promise, and one-sided variables stay on their side."""
    away = [Away(i, np.abs(d) if (d <= 0).all() else d, 1e-6) for i, d in enumerate(terms)]
    found = _weights(away)
    assert found is not None
    sums = [
        sum(w * x for w, x in zip(found.each, each, strict=True)) for each in product(*(one.distance for one in away))
    ]
    nearest = min(map(abs, sums[1:]))
    assert nearest >= found.gap * (1 - 1e-9) > 0
    if all(one.one_sided for one in away):
        assert min(sums) == 0


def test_a_variable_that_does_not_tell_has_no_weights() -> None:
    """Two of its values lie in one place."""
    assert _weights([Away(0, np.array([0.0, 0.0, 1.0]), 0.0)]) is None


def in_all(tests: int) -> rasp.SOp:
    """Whether each of several means is what it should be: at an end of its values, or inside."""
    everything = rasp.Select(rasp.tokens, rasp.tokens, Comparison.TRUE)
    means = [
        rasp.Aggregate(
            everything, rasp.numerical(rasp.tokens == token) - int(i % 2) * rasp.numerical(rasp.tokens == "z")
        )
        for i, token in enumerate("abcdef"[:tests])
    ]
    return rasp.map(lambda *found: all(found), *(mean == 0 for mean in means))


@pytest.mark.parametrize("tests", [2, 3, 5])
def test_many_conditions_take_one_layer(tests: int) -> None:
    """Whatever their number: their averages are never listed together."""
    model = raspc.compile(in_all(tests), "abcdez", 5, optimize=2)
    assert model.config.n_layers == 1
    assert model.config.d_mlp <= 4
    assert raspc.check(model, limit=3000).ok
