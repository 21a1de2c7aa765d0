"""Steep comparisons: penalties near 0 where selected and at most −1 elsewhere, of far fewer directions than values."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import library, rasp
from raspc.blocks.scores import steep
from raspc.blocks.scores.penalty import Factors, candidates
from raspc.graph.nodes import Listed

sizes = st.integers(1, 24)
relations = st.sampled_from(sorted(steep.RELATIONS))
integers = st.lists(st.integers(-20, 20), min_size=1, max_size=20, unique=True).map(lambda v: Listed(tuple(sorted(v))))


def table(relation: str, keys: Listed, queries: Listed) -> np.ndarray:
    """The comparison, written out."""
    return steep.RELATIONS[relation](keys.numbers[:, None], queries.numbers[None, :]).astype(np.int8)


def check(factors: Factors, cells: np.ndarray, shortfall: float) -> None:
    """What a steep penalty promises, computed in float32."""
    scores = factors.keys.astype(np.float32) @ factors.queries.T.astype(np.float32)
    assert np.isfinite(scores).all()
    assert (scores[cells == 1] <= 0).all()
    assert (scores[cells == 1] >= -shortfall).all()
    assert (scores[cells == 0] <= -1).all()


@given(integers, integers, relations, st.integers(1, 300))
def test_every_comparison_is_a_penalty(keys: Listed, queries: Listed, relation: str, n: int) -> None:
    """Of any two sets of numbers, in blocks of any size."""
    cells = table(relation, keys, queries)
    found = steep.compared(cells, keys, queries)
    assert found is not None
    factors = steep.factors(found, n)
    assert factors.rank == steep.rank(found, n)
    check(factors, cells, steep.shortfall(n, found.sides))


@given(integers, relations, st.data())
def test_undefined_entries_are_free(numbers: Listed, relation: str, data: st.DataObject) -> None:
    """What cannot occur decides nothing."""
    cells = table(relation, numbers, numbers)
    holes = np.array(data.draw(st.lists(st.booleans(), min_size=cells.size, max_size=cells.size))).reshape(cells.shape)
    with_holes = np.where(holes, -1, cells)
    found = steep.compared(with_holes.astype(np.int8), numbers, numbers)
    assert found is not None
    check(steep.factors(found, 5), with_holes, steep.shortfall(5, found.sides))


@given(st.integers(1, 40), st.integers(1, 100), relations)
def test_features_of_one_variable_serve_every_comparison(size: int, n: int, relation: str) -> None:
    """All columns of keys and queries are powers of two times `rising` or `falling` of the variable."""
    places = np.arange(float(size))
    factors = steep.factors(steep.Comparison(relation, places, places, size), n)
    basis = np.hstack([steep._features(n, size, rising) for rising in (True, False)])
    for column in np.hstack([factors.keys, factors.queries]).T:
        ratios = [steep.multiple(column, own) for own in basis.T]
        assert not column.any() or any(ratio is not None and np.log2(abs(ratio)) % 1 == 0 for ratio in ratios)


def test_words_compare_by_their_places() -> None:
    """In one value set; values of two sets that are not numbers do not compare."""
    words, others = Listed(("a", "b", "c", "d")), Listed(("b", "c"))
    cells = np.tri(4, k=-1, dtype=np.int8).T
    assert steep.compared(cells, words, words) is not None
    assert steep.compared(cells[:, :2].copy(), words, others) is None
    assert steep.compared(np.ones((4, 4), np.int8) - np.eye(4, dtype=np.int8), words, words) is None


@pytest.mark.parametrize(("n", "size", "rank"), [(5, 6, 1), (32, 33, 6), (96, 97, 20)])
def test_ranks(n: int, size: int, rank: int) -> None:
    """Where exact ties take a direction for each value (theorem 2), these take one for each block."""
    values = Listed(tuple(range(size)))
    cells = table("<", values, values)
    found = steep.compared(cells, values, values)
    assert found is not None
    assert steep.rank(found, n) == rank
    assert min(factors.rank for factors in candidates(cells, values, values, True)) == size


def parameters(model: raspc.Model) -> int:
    """How many there are."""
    return sum(prod(array.shape) for array in model.params.values())


SMALLER, LARGER = (
    rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, relation))
    for relation in (rasp.Comparison.LT, rasp.Comparison.GT)
)


def test_sums_are_compared_steeply() -> None:
    """Keys that are sums of a token and an index: ramps along the sum, in place of a direction for each key."""
    key = rasp.tokens + 3 * rasp.indices
    program = library.sort(rasp.tokens, key)
    whole = ("factor_keys",)  # not by two digits
    model = raspc.compile(program, range(9), 9, optimize=2, disabled_passes=whole)
    plain = raspc.compile(program, range(9), 9, optimize=2, certify=False, disabled_passes=("steep", *whole))
    assert model.certificate.verdict == "proved"
    assert 2 * parameters(model) < parameters(plain) and model.config.n_layers == plain.config.n_layers
    assert raspc.check(model, limit=300).ok


@pytest.mark.parametrize("program", [SMALLER, SMALLER * LARGER])
def test_scores_are_steep_where_that_makes_a_smaller_model(program: rasp.SOp) -> None:
    """Also of two counts that are multiplied."""
    vocab, n = range(6), 14
    model = raspc.compile(program, vocab, n, optimize=2, certify=False)
    plain = raspc.compile(program, vocab, n, optimize=2, certify=False, disabled_passes=("steep",))
    assert model.options.has("steep")
    assert parameters(model) < parameters(plain)
    assert raspc.check(model, limit=300).ok


@given(st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=2, max_size=6), st.integers(-4, 4))
def test_multiples_are_looked_up_by_their_form(exponents: list[list[int]], power: int) -> None:
    """Columns of powers of two, some entries 0: of one form just where one is a power of two times the other."""
    columns = [np.array([0.0 if e == 3 else 2.0**e for e in column]) for column in exponents]
    columns += [column * s * 2.0**power for column in columns for s in (1, -1)]
    for one in columns:
        for other in columns:
            alike = steep.multiple(one, other) is not None
            assert alike == (steep.form(one) == steep.form(other)) or not (one.any() or other.any())
