"""The search for inputs on which a program is undefined: what it finds is real, and what is there is found."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import event, given, settings
from tests.agreement import some_inputs
from tests.wild import Wild, wild_programs

import raspc
from raspc import InputError, UncertainProgram, UnsupportedProgram, rasp
from raspc.graph.build import build
from raspc.graph.definedness import examine
from raspc.graph.evaluate import batch_of, run_graph
from raspc.graph.samples import search
from raspc.rasp import Comparison, SOp

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
ALL = rasp.Select(T, T, Comparison.TRUE)


@settings(max_examples=250)
@given(wild_programs())
def test_the_search_is_right(wild: Wild) -> None:
    """A counter-example makes the interpreter raise; without one, no input does in the graph."""
    program = wild.build()
    try:
        graph = build(program, wild.vocab, wild.max_seq_len, wild.causal)
    except UnsupportedProgram:
        return
    found = examine(graph)
    if found.counterexample is not None:
        tokens, label = found.counterexample
        event("undefined somewhere")
        assert label in graph.labels
        with pytest.raises(InputError):
            raspc.interpret(program, tokens, causal=wild.causal)
        return
    inputs = list(some_inputs(graph.vocab, graph.max_seq_len, 1000, 0))
    run = run_graph(graph, batch_of(graph, inputs))
    event("doubted" if found.assumptions else "defined everywhere")
    assert not run.undefined.any()
    assert not found.assumptions, "every input was tried, which is a proof"


def test_the_culprit_is_named() -> None:
    """The node that is undefined, not those that read it."""
    broken = rasp.Map({1: 2}.__getitem__, T).named("broken")
    found = examine(build((broken + 1) * I, (1, 2), 3))
    assert found.counterexample == ((2,), "broken")


UNDEFINED: dict[str, tuple[SOp, tuple[object, ...]]] = {
    "a mean of words": (rasp.Aggregate(ALL, T), ("a", "b")),
    "a mean of a word and a number": (rasp.Aggregate(ALL, T), (1, "b")),
    "a comparison with None": (
        rasp.SelectorWidth(rasp.Select(rasp.Map({"a": 1}.get, T), I, Comparison.LT)), ("a", "b")),
    "a missing key": (rasp.Map({"a": 1}.__getitem__, T), ("a", "b")),
    "a predicate that raises": (rasp.SelectorWidth(rasp.Select(T, T, lambda k, q: {"a": 1}[k] > 0)), ("a", "b")),
    "None where several are selected": (
        rasp.Aggregate(ALL, rasp.Map({"a": 1}.get, T)), ("a", "b")),
    "words under a disjunction": (
        rasp.Aggregate(rasp.Select(I, I, Comparison.EQ) | rasp.Select(T, T, Comparison.LT), T), ("a", "b")),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDEFINED)
def test_undefined_programs_are_refused_with_an_input(name: str) -> None:
    """By default; with `partial`, they are compiled for the rest, with a warning that names the input."""
    program, vocab = UNDEFINED[name]
    with pytest.raises(UnsupportedProgram, match="undefined on the input"):
        raspc.compile(program, vocab, 3)
    with pytest.warns(UncertainProgram, match="a part of the inputs"):
        model = raspc.compile(program, vocab, 3, partial=True)
    report = raspc.check(model)
    assert report.ok
    assert report.undefined > 0


def test_a_constant_of_one_length() -> None:
    """Defined for inputs of that length alone: the others are counter-examples."""
    graph = build(rasp.ConstantSOp([4, 5]), (1,), 3)
    found = examine(graph)
    assert found.counterexample is not None
    assert len(found.counterexample[0]) != 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        report = raspc.check(raspc.compile(rasp.ConstantSOp([4, 5]), (1,), 3, partial=True))
    assert (report.ok, report.checked - report.undefined) == (True, 1)


def test_an_assumption_where_not_all_is_tried() -> None:
    """Too many inputs to try, none found, no proof: said so. One position is the second, which no table shows."""
    before = rasp.Select(I, I, lambda key, query: key == query - 1)
    second = rasp.Aggregate(
        before, rasp.Map(lambda i: i == 0, I), default=False
    )  # one position is, which no table shows
    chosen = rasp.Select(second, second, lambda key, query: key)
    program = rasp.Aggregate(chosen, rasp.Map(str, T), default="").named("second word")
    few, many = (examine(build(program, (1, 2), n)) for n in (4, 60))
    assert (few.counterexample, few.assumptions) == (None, ())
    assert many.counterexample is None
    assert any("second word" in text for text in many.assumptions)


@pytest.mark.parametrize(
    ("tokens", "longest", "complete"), [(2, 9, True), (2, 11, False), (30, 2, True), (1, 60, True)]
)
def test_what_is_tried(tokens: int, longest: int, complete: bool) -> None:
    """Every input where they are few; else every short one and some of the longest, each within the vocabulary."""
    found = search(tokens, longest, False)
    assert found.complete == complete
    rows = [tuple(row[:n].tolist()) for batch in found.batches for row, n in zip(batch.ids, batch.lengths, strict=True)]
    assert max(len(row) for row in rows) == longest
    assert all(0 <= i < tokens for row in rows for i in row)
    if complete:
        assert len(rows) == len(set(rows)) == sum(tokens**n for n in range(1, longest + 1))


def test_one_token_and_a_long_input() -> None:
    """A vocabulary of one token has one input of each length, however long."""
    found = search(1, 100, False)
    assert (found.complete, sum(len(batch.lengths) for batch in found.batches)) == (True, 100)
