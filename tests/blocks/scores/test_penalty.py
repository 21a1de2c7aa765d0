"""Penalties: 0 where selected and at most −1 elsewhere, exactly, for every boolean table."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raspc.blocks.scores import penalty
from raspc.blocks.scores.penalty import FLAGS_FROM, SQUARE_LIMIT, Factors, candidates
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Bits, Listed

numbers = st.lists(st.integers(-8, 8), min_size=1, max_size=5, unique=True).map(lambda v: Listed(tuple(sorted(v))))
words = st.integers(1, 5).map(lambda n: Listed(tuple("abcde"[:n])))
fractions = st.integers(1, 5).map(lambda n: Listed(tuple(i / 2 for i in range(n))))
domains = st.one_of(numbers, words, fractions)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Bits, Listed, Listed]:
    """A table over two value sets: arbitrary, or a comparison or matching of them, with undefined cells."""
    keys, queries = draw(domains), draw(domains)
    shape = (len(keys), len(queries))
    kind = draw(st.sampled_from(["any", "equal", "shifted", "less", "matching"]))
    k, q = keys.numbers[:, None], queries.numbers[None, :]
    classes = [np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))) for n in shape]
    cells = {
        "any": lambda: draw(hnp.arrays(np.int8, shape, elements=st.integers(0, 1))),
        "equal": lambda: k == q,
        "shifted": lambda: k == q + draw(st.integers(-3, 3)),
        "less": lambda: k < q,
        "matching": lambda: classes[0][:, None] == classes[1][None, :],
    }[kind]()
    holes = draw(hnp.arrays(np.bool_, shape, elements=st.integers(0, 9).map(lambda n: n == 0)))
    if draw(st.booleans()):
        holes = holes.any(axis=1)[:, None] | holes.any(axis=0)[None, :]
    return np.where(holes, -1, np.asarray(cells).astype(np.int8)).astype(np.int8), keys, queries


def check(factors: Factors, cells: Bits, competing: bool) -> None:
    """What a penalty promises."""
    scores = factors.keys @ factors.queries.T
    assert (scores % 1 == 0).all(), "integers, so that equal scores are equal bit for bit"
    for column, chosen in zip(scores.T, cells.T, strict=True):
        selected, others = column[chosen == 1], column[chosen == 0]
        top = 0.0 if competing else selected[0] if len(selected) else np.inf
        assert (selected == top).all()
        assert (others <= top - 1).all()


@settings(max_examples=500)
@given(tables(), st.booleans())
def test_every_candidate_is_exact(table: tuple[Bits, Listed, Listed], competing: bool) -> None:
    """0 and at most −1 where BOS competes; else up to what all keys of a query share. Undefined cells are free."""
    cells, keys, queries = table
    found = list(candidates(cells, keys, queries, competing))
    assert found
    event(f"{len(found)} candidates")
    for factors in found:
        assert factors.keys.shape == (len(keys), factors.rank)
        assert factors.queries.shape == (len(queries), factors.rank)
        check(factors, cells, competing)


@settings(max_examples=200)
@given(tables(), st.booleans(), st.booleans())
def test_flags_are_exact(table: tuple[Bits, Listed, Listed], competing: bool, many: bool) -> None:
    """The same of flags of digits, of few values too, and where there are so many that nothing else is looked at."""
    cells, keys, queries = table
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(penalty, "FLAGS_FROM", 0)
        patch.setattr(penalty, "LARGE", -1 if many else penalty.LARGE)
        found = list(candidates(cells, keys, queries, competing))
    assert found
    event(f"{len(found)} candidates")
    for factors in found:
        check(factors, cells, competing)


def test_many_values_are_told_by_few_flags() -> None:
    """2·√n directions for n values, each flat; of too many values for squares, nothing that is made of all pairs."""
    few, many = FLAGS_FROM + 1, 2 * SQUARE_LIMIT + 2
    for count in (few, many):
        values = Listed(tuple(i / count for i in range(count)))
        found = list(candidates(np.eye(count, dtype=np.int8), values, values, True))
        flat = [one for one in found if one.keys.max() <= 1]
        assert min(one.rank for one in flat) == 2 * int(np.ceil(np.sqrt(count)))
        assert max(one.rank for one in found) == (count if count == few else flat[0].rank)
    assert not any(one.rank == 3 for one in found), "numbers that large are not squared"
    least = list(candidates(np.eye(FLAGS_FROM, dtype=np.int8), *[Listed(tuple(range(FLAGS_FROM)))] * 2, True))
    assert [one.rank for one in least if one.keys.max() <= 1] == [FLAGS_FROM]


def ranks(cells: Bits, keys: Listed, queries: Listed, competing: bool) -> set[int]:
    """How many score directions the candidates take."""
    return {factors.rank for factors in candidates(cells, keys, queries, competing)}


@pytest.mark.parametrize(("competing", "rank"), [(False, 2), (True, 3)])
def test_equality_is_narrow(competing: bool, rank: int) -> None:
    """By squares: two directions, three where BOS competes; however many values there are."""
    n = Listed(tuple(range(40)))
    letters = Listed(tuple(f"w{i:02}" for i in range(40)))
    equal = np.eye(40, dtype=np.int8)
    assert min(ranks(equal, n, n, competing)) == rank
    assert min(ranks(equal, letters, letters, competing)) == rank
    assert min(ranks(np.ascontiguousarray(equal[::-1]), n, n, competing)) == rank


def test_one_sided_predicates_take_one_direction() -> None:
    """A predicate of the key alone, or of the query alone."""
    n = Listed(tuple(range(6)))
    even = np.broadcast_to((np.arange(6) % 2 == 0)[:, None], (6, 6)).astype(np.int8)
    assert ranks(even, n, n, True) == {1}
    assert ranks(even.T.copy(), n, n, True) == {1}


def test_large_numbers_are_not_squared() -> None:
    """Squares beyond float32's integers are never offered: equal numbers are renumbered."""
    n = Listed((0, 10 * SQUARE_LIMIT, 20 * SQUARE_LIMIT))
    for factors in candidates(np.eye(3, dtype=np.int8), n, n, True):
        assert max(np.abs(factors.keys).max(), np.abs(factors.queries).max()) <= 4 * SQUARE_LIMIT**2
        check(factors, np.eye(3, dtype=np.int8), True)
        assert np.abs(factors.keys[:, None] * factors.queries[None]).max() < 1 << 24


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.integers(-9, 9)),
    st.integers(1, 5),
    st.integers(0, 400),
    st.randoms(use_true_random=False),
)
def test_a_size_is_above_a_limit_or_not(keys: Matrix, others: int, limit: int, rng: random.Random) -> None:
    """Bounds that take no product of all pairs tell the same as the size itself, at the limit too."""
    queries = np.array([[rng.randint(-9, 9) for _ in range(keys.shape[1])] for _ in range(others)], float)
    factors = Factors(keys, queries)
    for edge in (limit, factors.size, factors.size - 1):
        assert factors.exceeds(edge) == (factors.size > edge)
