"""A function of two that is called for one value beside many gives what it gives for each pair alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc import rasp
from raspc import values as V
from raspc.graph import signs
from raspc.graph.build import build

NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 2.0, -1.0, 1e300]), st.booleans())
FUNCTIONS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda x, y: x + y,
    lambda x, y: x / y,
    lambda x, y: x == y,
    lambda x, y: int(x < y),
    lambda x, y: np.float64(x),
    lambda x, y: (x, True),
    lambda x, y: None,
    lambda x, y: "more" if x > y else 1.0,
    V.as_given(lambda x, y: type(x).__name__),
)


@given(st.sampled_from(FUNCTIONS), NUMBERS, st.lists(NUMBERS, min_size=1, max_size=5), st.booleans())
def test_each_pair_gives_what_it_gives_alone(
    f: Callable[[Any, Any], Any], one: Any, others: list[Any], first: bool
) -> None:  # fmt: skip
    """Whatever comes back, and with None for what is divided by 0."""
    wanted = [V.apply(f, (one, other) if first else (other, one), True) for other in others]
    found = V.apply_beside(f, one, others, first)
    assert list(map(repr, found)) == list(map(repr, wanted))


def test_other_exceptions_pass_through() -> None:
    """The function is undefined there."""
    with pytest.raises(KeyError):
        V.apply_beside(lambda x, y: {}[x], 1, [1], True)


@pytest.mark.parametrize(
    ("f", "compares"),
    [(lambda a, i: int(a == i + 1), True), (lambda a, i: a == i + 1, True), (lambda a, i: (a > i,), True),
     (lambda a, i: 1 if a == i + 1 else a == i + 7, False), (lambda a, i: (1,) if a > i else (a > 9,), False)],
)  # fmt: skip
def test_a_comparison_is_known_by_all_that_it_gives(f: Callable[[Any, Any], Any], compares: bool) -> None:
    """True beside 1 is another value, also within a tuple, though the two are equal."""
    place = rasp.Aggregate(
        rasp.Select(rasp.tokens, rasp.Map(lambda _: "=", rasp.tokens), rasp.Comparison.EQ), rasp.indices, default=0
    )
    called = []
    with pytest.MonkeyPatch.context() as patch:
        own = signs._by_sign
        patch.setattr(signs, "_by_sign", lambda *asked: called.append(own(*asked)) or called[-1])
        build(rasp.SequenceMap(f, place, rasp.indices), ("a", "="), 20)
    assert len(called) == 1 and (called[0] is not None) == compares
