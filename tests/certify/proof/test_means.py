"""Whether a value set holds all means: against all sums of few numbers, and where they are too many to go through."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import rasp
from raspc.certify.proof import means as M
from raspc.certify.proof.means import holds_means
from raspc.graph.nodes import Listed

numbers = st.one_of(
    st.integers(-20, 20).map(float), st.integers(-30, 30).map(lambda x: x / 10),
    st.sampled_from([1 / 3, 2 / 3, 0.1, 1e-7]), st.floats(-3, 3, width=32),
)  # fmt: skip


def means(own: list[float], n: int) -> list[float]:
    """All means of up to n numbers, those that differ by rounding alone once."""
    found = sorted(fsum(xs) / k for k in range(1, n + 1) for xs in combinations_with_replacement(own, k))
    room = 1e-13 * max(map(abs, own))
    return [x for i, x in enumerate(found) if i == 0 or x - found[i - 1] > room]


@given(st.lists(numbers, min_size=1, max_size=4, unique=True), st.integers(1, 5), st.data())
def test_all_means_are_found_and_one_that_lacks_is_missed(own: list[float], n: int, data: st.DataObject) -> None:
    """A set of all means holds them; one without a mean that is far from the others does not."""
    every = means(own, n)
    assert holds_means(Listed(tuple(every)), np.array(own), n) is True
    lost = data.draw(st.integers(0, len(every) - 1))
    rest = every[:lost] + every[lost + 1 :]
    near = min((abs(x - every[lost]) for x in rest), default=np.inf)
    if near > 1e-8 * max(map(abs, own)) > 0:
        assert holds_means(Listed(tuple(rest)), np.array(own), n) is False


@pytest.mark.parametrize(("own", "n"), [(range(-100, 101), 20), ([0.1, 0.2, 0.7], 40)])
def test_many_sums_of_multiples_are_gone_through(own: list[float], n: int) -> None:
    """Whatever the number of ways to reach them."""
    own = [float(x) for x in own]
    assert holds_means(Listed((0.0, 1.0)), np.array(own), n) is False


def test_too_many_sums_are_not_taken_on_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said that they were not gone through."""
    own = np.random.default_rng(0).normal(size=6)
    held = Listed(tuple(means(own.tolist(), 4)))
    assert holds_means(held, own, 4) is True
    monkeypatch.setattr(M, "OUTER", 100)
    assert holds_means(held, own, 4) is None


def test_a_model_whose_means_are_not_gone_through_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it fail for that alone: it is measured."""
    program = rasp.map(
        lambda x: x > 0.4, rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LEQ), rasp.tokens)
    )
    model = raspc.compile(program, (0.125, 0.7, 0.31), 6)
    assert raspc.certificate(model).verdict == "proved"
    monkeypatch.setattr(M, "SUMS", 20)
    monkeypatch.setattr(M, "OUTER", 20)
    assert raspc.certificate(model).verdict == "measured"
