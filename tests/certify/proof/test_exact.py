"""What the proof takes to be exact is so when models run: grains of what is stored, and scores of equals."""

from __future__ import annotations

import warnings
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import library, rasp
from raspc.blocks.spaces import BOS
from raspc.certify.checking.answers import model_ids
from raspc.certify.proof import prove
from raspc.certify.proof.bounds import grain_of_exact
from raspc.certify.proof.grids import Rows
from raspc.certify.proof.rounding import grain_of
from raspc.certify.proof.selecting import Noise, _pairwise
from raspc.graph.evaluate import run_graph
from raspc.graph.nodes import Select
from raspc.graph.permitted import search_of
from raspc.numbers.precision import PRECISIONS
from raspc.study.certifying import examined

SINGLE = PRECISIONS["float32"]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", ["hist", "sort", "most_freq", "reverse", "double_hist", "cumulative_sum"])
def test_every_number_that_is_stored_is_a_multiple_of_its_grain(name: str, level: int) -> None:
    """In the runs of a model, at real positions: of the grain of a space are all of its numbers."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = raspc.compile(entry.program, entry.vocab, 5, optimize=level)
    plan = examined(model)
    held, seen = prove._run(plan, SINGLE).stream, 0
    for batch in search_of(plan.graph).batches[:2]:
        good = batch.real & ~run_graph(plan.graph, batch).undefined[:, None]
        trace = model.trace_ids(model_ids(model, batch))
        stages = [trace.input_embeddings, *trace.residuals]
        for space, one in held.items():
            if space == BOS:
                continue
            stored = np.asarray(stages[plan.written[space] + 1], np.float64)[:, 1:, plan.dims[space]][good]
            known = one.grain > 0
            assert (grain_of(stored)[:, known] >= one.grain[known]).all(), space
            seen += int(known.sum())
    assert seen > 0


def test_the_grain_of_what_is_not_off() -> None:
    """It is that of the codes; not where any value is off, or BOS is, and never finer than it was."""
    code, none = np.array([[1.0, 0.5], [0.0, 2.0]]), np.zeros(2)
    fine = np.full(2, 2.0**-20)
    assert grain_of_exact(fine, code, np.zeros((2, 2)), none, none).tolist() == [1.0, 0.5]
    assert grain_of_exact(fine, code, np.zeros((2, 2)), np.array([0.25, 0.0]), none).tolist() == [0.25, 0.5]
    assert grain_of_exact(fine, code, np.array([[0, 1e-9], [0, 0]]), none, none).tolist() == [1.0, 2.0**-20]
    assert grain_of_exact(fine, code, np.zeros((2, 2)), none, np.array([0, 1e-9])).tolist() == [1.0, 2.0**-20]
    assert grain_of_exact(np.array([4.0, 4.0]), code, np.zeros((2, 2)), none, none).tolist() == [4.0, 4.0]


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.randoms(use_true_random=False))
def test_selected_keys_of_a_query_differ_by_no_more_than_is_said(
    many: int, asked: int, width: int, random: Random
) -> None:
    """Whatever keys and queries are off by; a query that is off moves all of its keys alike where they are alike."""
    rng = np.random.default_rng(random.randrange(1 << 30))
    cells = (rng.random((many, asked)) < 0.7).astype(np.int8)

    def rows(count: int) -> Rows:
        sizes = rng.choice([0.0, 1e-3], size=(count, width))
        return Rows(rng.integers(-2, 3, (count, width)).astype(float), sizes, np.arange(count, dtype=np.int32))

    key, query = rows(many), rows(asked)
    select, noise = Select(key=0, query=0, cells=cells), Noise(0.0, 0.0, True)
    plain, found = _pairwise(key, query, select, noise), _pairwise(key, query, select, replace(noise, averaged=True))
    assert (found.gap, found.tie, found.floor) == (plain.gap, plain.tie, plain.floor)
    for _ in range(20):
        k = key.values[None] + rng.choice([-1, 1], (asked, many, width)) * key.error  # each query sees its own keys
        q = query.values + rng.choice([-1, 1], (asked, width)) * query.error
        scores = np.einsum("qkw,qw->kq", k, q)
        top = np.where(cells == 1, key.values @ query.values.T, -np.inf).argmax(axis=0)
        apart = np.abs(scores - scores[top, np.arange(asked)])[cells == 1]
        most = found.uneven + 1e-12
        assert apart.max(initial=0.0) <= most or np.abs(scores[cells == 1]).max() <= most


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
def test_equals_of_one_query_are_not_parted_by_what_the_query_is_off() -> None:
    """A mean with a default whose selector asks the query alone: all keys of a query score alike."""
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    place = rasp.Aggregate(same, rasp.indices, default="_")
    asked = rasp.Select(rasp.tokens, place, lambda k, q: q == 1.6666666666666667)
    model = raspc.compile(rasp.Aggregate(asked, rasp.tokens, default=0), [-1, 0, 3], 4, optimize=0)
    assert model.certificate.verdict == "proved"
