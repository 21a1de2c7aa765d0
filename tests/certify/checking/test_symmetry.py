"""Inputs that a symmetry makes like others are left out only where that changes no report."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wild import Wild, wild_programs

import raspc
from raspc import RaspcError, UncertainProgram, library, rasp
from raspc.certify.checking import check as checking
from raspc.certify.checking.check import Report, check
from raspc.certify.checking.symmetric_graph import actions
from raspc.certify.checking.symmetry import exchangeable, is_representative, orbit_sizes
from raspc.graph import Graph
from raspc.graph.build import build
from raspc.graph.evaluate import batch_of, run_graph
from raspc.weights import Model

BLIND = ("hist", "reverse", "most_freq", "has_seen", "caesar", "palindrome", "double_hist", "contains")
SEEING = ("sort", "cumulative_sum", "minimum", "shuffle_dyck")


@pytest.fixture(autouse=True)
def always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Symmetries are sought however few inputs there are."""
    monkeypatch.setattr(checking, "WORTH_A_PROOF", 0)


@cache
def model_of(name: str, level: int = 1, length: int = 4) -> Model:
    """A program of the library over three or four of its tokens."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        return raspc.compile(entry.program, entry.vocab[:4], length, causal=entry.causal, optimize=level, certify=False)


def found(report: Report) -> dict[str, Any]:
    """What must not depend on what was left out."""
    return {k: v for k, v in report.to_json().items() if k not in ("ran", "symmetric", "max_error", "found")}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", BLIND)
def test_programs_that_do_not_look(name: str, level: int) -> None:
    """At the readable levels most inputs need not be run; what is reported is the same."""
    model = model_of(name, level)
    report = check(model)
    assert report.ok and found(report) == found(check(model, symmetric=False))
    assert report.checked == report.total
    assert bool(report.symmetric) == (report.ran < report.checked)
    if level < 2:
        assert report.ran < 0.8 * report.checked


@pytest.mark.parametrize("name", SEEING)
def test_programs_that_look(name: str) -> None:
    """Order and brackets tell tokens apart: everything is run."""
    report = check(model_of(name))
    assert (report.symmetric, report.ran) == ((), report.total)


def test_tokens_that_are_not_named_are_exchangeable() -> None:
    """`contains("a")` knows one token from the others, and them not from each other."""
    assert exchangeable(model_of("contains")) == ((1, 2),)
    one = rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ), rasp.map(len, rasp.tokens))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        model = raspc.compile(one, ("a", "b", "cc", "dd"), 3, certify=False)
    assert exchangeable(model) == ((0, 1), (2, 3))


def test_numbers_that_are_averaged_do_not_move() -> None:
    """A mean of numbers is not the exchanged mean of exchanged numbers, though the selector is blind."""
    everywhere = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE)
    mean = rasp.Aggregate(everywhere, rasp.numerical(rasp.tokens))
    assert actions(build(mean, (1, 2, 4), 3), 0, 1) is None
    assert actions(build(rasp.SelectorWidth(everywhere), (1, 2, 4), 3), 0, 1) is not None


def test_many_tokens() -> None:
    """26 letters, of which an input holds few: orbits are counted although all permutations are beyond 64 bits."""
    model = raspc.compile(library.get("has_seen").program, "abcdefghijklmnopqrstuvwxyz", 3, certify=False)
    report = check(model)
    assert (report.ok, report.checked, report.ran) == (True, 26 + 26**2 + 26**3, 1 + 2 + 5)


def spoil(model: Model, name: str, change: Any) -> Model:
    """The model with one array changed in place."""
    params = {key: np.array(model.params[key]) for key in model.params}
    change(params[name])
    return replace(model, params=params)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_broken_weights_are_found_all_the_same(data: st.DataObject) -> None:
    """A weight changed anywhere, or a whole array scaled: the report is that of a check that runs everything."""
    model = model_of(data.draw(st.sampled_from(BLIND)), data.draw(st.integers(0, 1)), 3)
    name = data.draw(st.sampled_from(sorted(model.params)))
    factor = data.draw(st.sampled_from([-1.0, 0.0, 0.5, 1.001, 2.0]))
    shift = data.draw(st.sampled_from([0.0, 0.0, 1.0, -600.0]))
    if data.draw(st.booleans()):

        def change(array: Any) -> None:
            array *= factor
            array += shift
    else:
        place = data.draw(st.integers(0, np.asarray(model.params[name]).size - 1))

        def change(array: Any) -> None:
            array.flat[place] = array.flat[place] * factor + shift

    broken = spoil(model, name, change)
    assert found(check(broken)) == found(check(broken, symmetric=False))


def test_one_weight_breaks_the_symmetry() -> None:
    """The program is as blind as before; the weights now know one token, and only the others are exchanged."""
    model = model_of("reverse")
    place = np.flatnonzero(np.asarray(model.params["token_embed/embeddings"]))[0]

    def change(array: Any) -> None:
        array.flat[place] *= 1.0001

    report = check(spoil(model, "token_embed/embeddings", change))
    assert report.symmetric == (("b", "c"),)


def test_answers_with_a_small_lead_are_all_run() -> None:
    """The proof is of exact arithmetic: where an answer hangs by little, rounding might decide."""
    model = model_of("reverse")
    faint = spoil(model, "unembed/w", lambda array: np.multiply(array, 0.1, out=array))
    assert exchangeable(faint) == ((0, 1, 2),)
    report = check(faint)
    assert (report.ok, report.ran, report.symmetric) == (True, report.total, ())


@pytest.mark.parametrize("classes", [((0, 1, 2, 3),), ((0, 2),), ((0, 3), (1, 2)), ((1, 2, 3),), ()])
def test_one_input_stands_for_each_orbit(classes: tuple[tuple[int, ...], ...]) -> None:
    """The first of its orbit in order; and the orbits make up all inputs."""
    ids = np.array(list(itertools.product(range(4), repeat=5)), np.int32)
    moves = [np.array(move) for move in itertools.permutations(range(4)) if respects(move, classes)]
    orbits = {tuple(row): min(tuple(move[row].tolist()) for move in moves) for row in ids.tolist()}
    chosen = is_representative(ids, classes)
    assert [tuple(row) for row in ids[chosen].tolist()] == sorted(set(orbits.values()))
    sizes = orbit_sizes(ids[chosen], classes)[:, -1]
    counted = {first: sum(1 for other in orbits.values() if other == first) for first in set(orbits.values())}
    assert [counted[tuple(row)] for row in ids[chosen].tolist()] == sizes.tolist()


def respects(move: tuple[int, ...], classes: tuple[tuple[int, ...], ...]) -> bool:
    """Whether a permutation keeps to the classes, and to all tokens outside them."""
    home = {token: members for members in classes for token in members}
    return all(move[token] in home.get(token, (token,)) for token in range(len(move)))


@settings(max_examples=150, deadline=None)
@given(wild_programs())
def test_what_is_proved_of_a_graph_is_so(wild: Wild) -> None:
    """Every variable of any program moves as the action says, on every input, and is undefined as before."""
    try:
        graph = build(wild.build(), wild.vocab, min(wild.max_seq_len, 3), wild.causal)
    except RaspcError:
        return
    for a, b in itertools.combinations(range(len(graph.vocab)), 2):
        known = actions(graph, a, b)
        if known is not None:
            moves_as_it_says(graph, known, a, b)


def moves_as_it_says(graph: Graph, known: Any, a: int, b: int) -> None:
    """Run every input and the same with two tokens exchanged."""
    inputs = [list(xs) for n in range(1, graph.max_seq_len + 1) for xs in itertools.product(graph.vocab, repeat=n)]
    batch = batch_of(graph, inputs)
    exchanged = np.arange(len(graph.vocab) + 1)
    exchanged[[a, b]] = b, a
    exchanged[-1] = -1
    one, other = run_graph(graph, batch), run_graph(graph, replace(batch, ids=exchanged[batch.ids].astype(np.int32)))
    assert np.array_equal(one.undefined, other.undefined)
    defined = ~one.undefined
    for place, action in known.items():
        if len(action):
            moved = np.append(action, -1)[one.column(place).ids]
            assert np.array_equal(moved[defined], other.column(place).ids[defined])
