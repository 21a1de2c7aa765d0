"""Joint reachability: arguments that share a root are seen together; against brute force over all positions."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.agreement import some_inputs
from tests.wild import Wild, wild_programs

import raspc
from raspc import UnsupportedProgram, rasp
from raspc.graph import Graph, tabulate
from raspc.graph.build import build
from raspc.graph.evaluate import batch_of, run_graph
from raspc.graph.nodes import Listed, Table, Variable
from raspc.graph.tables import listings
from raspc.rasp import SOp

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741


def values_of(program: SOp, vocab: tuple[Any, ...] = (0, 1, 2), n: int = 4, causal: bool = False) -> list[Any]:
    """The value set of the output."""
    graph = build(program, vocab, n, causal)
    return list(graph.variable(graph.output).listed.values)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("program", "values"),
    [
        (T - T, [0]),
        (T * 2 - T - T, [0]),
        ((T + I) - I, [0, 1, 2]),
        (L - I, [1, 2, 3, 4]),
        (rasp.map(lambda x, n, i: n - i - 1, T, L, I), [0, 1, 2, 3]),
        ((L - I) * (I - I), [0]),
        (I < L, [True]),
        (rasp.where(T > 0, T, 7), [1, 2, 7]),
        ((T == 1) & (T == 2), [False]),
        (rasp.SequenceMap(lambda x, y: (x, y), T, T * T), [(0, 0), (1, 1), (2, 4)]),
    ],
)  # fmt: skip
def test_value_sets(program: SOp, values: list[Any], causal: bool) -> None:
    """Only what some position can hold is in a value set."""
    found = values_of(program, causal=causal)
    if causal and values == [1, 2, 3, 4]:  # length − index is 1 under a mask
        values = [1]
    if causal and values == [0, 1, 2, 3]:
        values = [0]
    assert found == values


def test_never_below_the_index() -> None:
    """1 / (length − index) is defined everywhere, and no cell of it is."""
    graph = build(1 / (L - I), (0, 1), 6)
    assert None not in graph.variable(graph.output).listed.values
    assert not any(isinstance(node, Table) and node.raises for node in graph.nodes)


def test_a_function_is_called_for_reachable_arguments_only() -> None:
    """Once for each combination that a position can hold."""
    calls: list[tuple[int, int]] = []

    def spy(x: int, y: int) -> int:
        calls.append((x, y))
        return x + y

    build(rasp.SequenceMap(spy, T, T + 1), (0, 1, 2), 3)
    assert sorted(calls) == [(0, 1), (1, 2), (2, 3)]


def held(graph: Graph) -> dict[int, set[int]]:
    """The value numbers that each variable takes on any input on which the program is defined."""
    found: dict[int, set[int]] = {}
    inputs = list(some_inputs(graph.vocab, graph.max_seq_len, 1000, 0))
    run = run_graph(graph, batch_of(graph, inputs))
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Variable):
            found[place] = set(np.unique(run.column(place).ids[run.batch.real & ~run.undefined[:, None]]).tolist())
    return found


@settings(max_examples=80)
@given(wild_programs())
def test_every_value_that_occurs_is_in_the_set(wild: Wild) -> None:
    """On defined inputs no variable of a listed set is without a value; a count stays in its range."""
    try:
        graph = build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
    except UnsupportedProgram:
        return
    for place, numbers in held(graph).items():
        domain = graph.variable(place).domain
        if isinstance(domain, Listed):
            assert numbers <= set(range(len(domain))), graph.labels[place]


@settings(max_examples=80)
@given(wild_programs())
def test_listings_say_what_the_nodes_hold(wild: Wild) -> None:
    """A node, looked up by the values of its roots, is the node; and its roots can hold what they hold."""
    try:
        graph = build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
    except UnsupportedProgram:
        return
    inputs = list(some_inputs(graph.vocab, graph.max_seq_len, 300, 0))
    run = run_graph(graph, batch_of(graph, inputs))
    fine = run.batch.real & ~run.undefined[:, None]
    for place, joint in enumerate(listings(graph.nodes)):
        if joint is None:
            continue
        roots = [run.column(root).ids[fine] for root in joint.roots]
        found = joint.cells[tuple(roots)] if roots else np.full(fine.sum(), joint.cells)
        assert np.array_equal(found, run.column(place).ids[fine]), graph.labels[place]


@pytest.mark.parametrize("depth", [3, 40])
def test_a_chain_that_shares_is_linear(depth: int) -> None:
    """x = x + x, over and over: one node a step; the value set doubles its values and not its size."""
    x: SOp = T
    for _ in range(depth):
        x = x + x
    graph = build(x, (0, 1), 3)
    assert values_of(x, (0, 1), 3) == [0, 2**depth]
    assert len(graph) <= depth + 2


def test_product_of_reach() -> None:
    """The reach of a zip is that of its arguments together: every pair where they are independent."""
    pairs = rasp.SequenceMap(lambda x, i: (x, i), T, I)
    assert values_of(pairs, (0, 1), 3) == sorted(product((0, 1), (0, 1, 2)))
    assert raspc.interpret(pairs, [1, 0]) == [(1, 0), (0, 1)]


def test_too_many_compared_numbers_are_not_told_to_use_a_comparison(monkeypatch):
    """A person who compares with a Comparison needs other advice than one whose predicate is a function."""
    monkeypatch.setattr(tabulate, "COMPARISON_LIMIT", 8)
    with pytest.raises(UnsupportedProgram, match=r"a comparison over 3 keys and 3 queries.*at most 8 pairs.*fewer"):
        raspc.compile(rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)), [1, 2, 3], 4)
    monkeypatch.setattr(tabulate, "PREDICATE_LIMIT", 8)
    with pytest.raises(UnsupportedProgram, match=r"a predicate over 3 keys and 3 queries.*with a Comparison"):
        raspc.compile(rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: k < q)), [1, 2, 3], 4)
