"""Inputs that grow token by token give what a run over all of them gives; tables as bits select what tables select."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import CONSTRUCTS

from raspc import rasp
from raspc.errors import RaspcError
from raspc.graph import growing, packing
from raspc.graph.build import build
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.growing import Growth
from raspc.graph.nodes import Select

T, I = rasp.tokens, rasp.indices  # noqa: E741


def graph_of(program: Any) -> Any:
    """The graph of a program over three tokens, causal; None where it has none."""
    try:
        return build(program, (1, 2, 3), 6, True)
    except RaspcError:
        return None


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_growing_inputs_have_the_values_of_whole_ones(name: str) -> None:
    """Every variable at every position, and where it has none, whatever the cuts; some inputs stop on the way."""
    graph = graph_of(CONSTRUCTS[name])
    if graph is None or graph.exact_length is not None:
        return
    ids = np.random.default_rng(0).integers(0, 3, (40, 6)).astype(np.int32)
    whole = run_graph(graph, Batch(ids, np.full(40, 6, np.int64), True))
    left, growth, at = np.arange(40), Growth(graph), 0
    for size in (2, 1, 3):
        run = growth.feed(ids[left, at : at + size])
        assert np.array_equal(run.raising, whole.raising[left, at : at + size])
        for place, cell in enumerate(run.cells):
            if not isinstance(cell, np.ndarray):
                assert np.array_equal(cell.ids, whole.column(place).ids[left, at : at + size])
                if cell.numbers is not None:
                    assert np.allclose(cell.numbers, whole.column(place).numbers[left, at : at + size])
        keep = np.arange(len(left)) % 3 > 0
        growth.keep(keep)
        left, at = left[keep], at + size


def test_what_is_kept_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """With earlier keys taken for others, counts are wrong."""
    graph = graph_of(rasp.SelectorWidth(rasp.Select(T, T, rasp.Comparison.EQ)))
    ids = np.array([[0, 0, 0, 1]], np.int32)
    joined = growing._joined
    monkeypatch.setattr(growing, "_joined", lambda one, other: joined(growing.Column(one.ids + 1), other))
    growth = Growth(graph)
    growth.feed(ids[:, :2])
    found = growth.feed(ids[:, 2:]).column(graph.output)
    assert found.ids[0, 0] != run_graph(graph, Batch(ids, np.array([4]), True)).column(graph.output).ids[0, 2]


@given(
    cells=st.tuples(st.integers(1, 90), st.integers(1, 90), st.integers(1, 70), st.integers(0, 99)),
    holes=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_tables_as_bits(cells: tuple[int, int, int, int], holes: bool) -> None:
    """Selected and undefined pairs are those of the table, with few kinds of rows, of columns, or too many of both."""
    rows, columns, kinds, seed = cells
    rng = np.random.default_rng(seed)
    few = rng.integers(-1 if holes else 0, 2, (min(rows, kinds), columns)).astype(np.int8)
    table = few[rng.integers(0, len(few), rows)]
    node = Select(0, 0, table)
    keys, queries = rng.integers(0, rows, (7, 5)), rng.integers(0, columns, (7, 4))
    expected = table[keys.T[:, :, None], queries[None]]
    found = packing._found(table)
    if found is None:
        assert len(np.unique(table, axis=0)) > 64
        return
    selected, undefined = found
    assert np.array_equal(selected.meet(keys, queries), expected > 0)
    assert np.array_equal(undefined.meet(keys, queries), expected < 0) if undefined else not (table < 0).any()
    plain, holes_there = packing.cells_at(node, keys, queries)
    assert np.array_equal(plain, expected > 0)
    assert holes_there is None or np.array_equal(holes_there, expected < 0)
