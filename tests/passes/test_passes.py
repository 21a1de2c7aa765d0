"""Each pass: the graph means the same after it, and what it guarantees holds."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from tests.agreement import alike, differences, some_inputs
from tests.graph.examples import EXAMPLES
from tests.wild import Wild, wild_programs

import raspc
from raspc import InternalError, InvalidProgram, UnsupportedProgram, library, rasp, values
from raspc.compiler import compile_graph
from raspc.graph import Graph, from_json, to_json, to_text
from raspc.graph.build import build
from raspc.graph.evaluate import batch_of, decoded, run_graph
from raspc.graph.nodes import Length, Select, Variable, Width
from raspc.numbers.options import DEFAULT, SMALLEST, Options
from raspc.numbers.precision import PRECISIONS
from raspc.passes.pipeline import PIPELINE, check_ensured, check_required, run_passes
from raspc.passes.split_widths import split_widths
from raspc.plan.switches import OPTIONAL
from raspc.rasp import Comparison, SOp

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
SAME, BEFORE = rasp.Select(T, T, Comparison.EQ), rasp.Select(I, I, Comparison.LT)
LESS, AT = rasp.Select(T, T, Comparison.LT), rasp.Select(T, I, Comparison.EQ)

NARROW = Options(precision=PRECISIONS["bfloat16"])

COMPOSITES: dict[str, SOp] = {
    "lexicographic": rasp.SelectorWidth(LESS | SAME & BEFORE),
    "overlapping": rasp.SelectorWidth(SAME | BEFORE),
    "three overlap": rasp.SelectorWidth(SAME | BEFORE | AT),
    "negated": rasp.SelectorWidth(~(SAME & ~BEFORE) | AT),
    "mean of a disjunction": rasp.Aggregate(SAME | BEFORE, I, default=-1),
    "pick by a disjunction": rasp.Aggregate(~(~SAME & ~BEFORE), rasp.Full("x"), default="_"),
    "nested": rasp.SelectorWidth((SAME | BEFORE) & (AT | ~BEFORE)),
    "two widths of one selector": rasp.SelectorWidth(SAME | BEFORE) * rasp.SelectorWidth(BEFORE | SAME),
    "named": (rasp.SelectorWidth(SAME | BEFORE).named("wide") + 1).named("wider"),
}
composites = pytest.mark.parametrize("name", COMPOSITES)
masks = pytest.mark.parametrize("causal", [False, True])


def values_of(graph: Graph, inputs: list[Any]) -> list[list[Any] | None]:
    """The answers; None where the graph is undefined."""
    run = run_graph(graph, batch_of(graph, inputs))
    column, domain = run.column(graph.output), graph.variable(graph.output).domain
    return [None if run.undefined[row] else decoded(column, domain, row, len(xs)) for row, xs in enumerate(inputs)]


def same(x: Any, y: Any) -> bool:
    """One value, or numbers that differ by rounding."""
    numbers = values.is_number(x) and values.is_number(y)
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9) if numbers else values.same(x, y)


def check_each_pass(graph: Graph) -> None:
    """One after the other: meaning, guarantees, names; and the result is a graph that a file can hold."""
    inputs = list(some_inputs(graph.vocab, graph.max_seq_len, 120, 8))
    for one in PIPELINE:
        name = one.name
        if not one.needed(SMALLEST):
            continue
        check_required(one, graph)
        after = one.run(graph, NARROW if one.narrow else SMALLEST)
        check_ensured(one, graph, after, NARROW if one.narrow else SMALLEST)
        for xs, old, new in zip(inputs, values_of(graph, inputs), values_of(after, inputs), strict=True):
            assert old is None or (new is not None and all(map(same, old, new))), (name, xs, old, new)
        assert named(after) >= named(graph), name
        assert (after.max_seq_len, after.causal, after.exact_length) == (
            graph.max_seq_len, graph.causal, graph.exact_length)  # fmt: skip
        assert to_text(from_json(to_json(after))) == to_text(after), name
        graph = after


def named(graph: Graph) -> set[str]:
    """The names that the user gave to s-ops."""
    return {name for node in graph.nodes if isinstance(node, Variable) for name in node.names}


def test_all_but_one_can_be_left_out() -> None:
    """Heads take only conjunctions, so that one pass is needed, and some targets have no table of positions."""
    assert {one.name for one in PIPELINE} - set(OPTIONAL) == {"join_clauses", "count_positions"}


@masks
@composites
def test_passes_on_composites(name: str, causal: bool) -> None:
    """On programs that are made for them."""
    check_each_pass(build(COMPOSITES[name], (0, 1, 2), 4, causal))


@pytest.mark.parametrize("name", EXAMPLES)
def test_passes_on_examples(name: str) -> None:
    """On every kind of node and value set."""
    check_each_pass(EXAMPLES[name].graph())


@settings(max_examples=200)
@given(wild_programs())
def test_passes_on_wild_programs(wild: Wild) -> None:
    """On programs of arbitrary tables."""
    try:
        graph = build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
        after, _ = run_passes(graph)
    except UnsupportedProgram:
        return
    event("changed" if to_text(after) != to_text(graph) else "as it was")
    check_each_pass(graph)


@masks
@pytest.mark.parametrize("name", ["lexicographic", "overlapping", "nested", "two widths of one selector", "named"])
def test_widths_of_small_disjunctions_are_split(name: str, causal: bool) -> None:
    """No width of a disjunction is left, if it is a sum of at most five widths of conjunctions."""
    graph = split_widths(build(COMPOSITES[name], (0, 1, 2), 4, causal))
    widths = [graph[node.selector] for node in graph.nodes if isinstance(node, Width)]
    assert all(isinstance(selector, Select) or selector.op == "and" for selector in widths)  # type: ignore[attr-defined]


def test_a_lexicographic_order_costs_two_widths() -> None:
    """Terms that no pair can satisfy together are dropped."""
    graph, _ = run_passes(build(COMPOSITES["lexicographic"], (0, 1, 2), 4))
    assert sum(isinstance(node, Width) for node in graph.nodes) == 2
    graph, _ = run_passes(build(COMPOSITES["overlapping"], (0, 1, 2), 4), DEFAULT)
    assert sum(isinstance(node, Width) for node in graph.nodes) == 3


@masks
def test_the_complement_of_a_disjunction_is_one_width(causal: bool) -> None:
    """What is in neither part, taken from the length, which needs no head under a mask."""
    graph, _ = run_passes(build(COMPOSITES["overlapping"], (0, 1, 2), 4, causal))
    assert sum(isinstance(node, Width) for node in graph.nodes) == 1
    assert sum(isinstance(node, Length) for node in graph.nodes) == (not causal)


@pytest.mark.parametrize(("size", "causal", "better"), [(4, False, False), (4, True, True), (16, False, True)])
def test_an_inequality_is_counted_by_its_equality(size: int, causal: bool, better: bool) -> None:
    """Where that has fewer score directions in all, and the compact form is asked for."""
    unlike = rasp.SelectorWidth(rasp.Select(T, T, Comparison.NEQ))
    graph = build(unlike, range(size), 4, causal)
    assert (run_passes(graph)[0] is not graph) == better
    assert run_passes(graph, DEFAULT)[0] is graph
    model = compile_graph(graph, options=SMALLEST)
    assert model.config.d_head <= 5
    assert raspc.check(model, limit=500).ok


WITHOUT: list[tuple[str, ...]] = [(), *((name,) for name in OPTIONAL), OPTIONAL]


SETTINGS = [(0, ()), (0, OPTIONAL), *((2, names) for names in WITHOUT)]


@pytest.mark.parametrize(("level", "disabled"), SETTINGS, ids=str)
@composites
def test_disabled_passes(name: str, level: int, disabled: tuple[str, ...]) -> None:
    """With each pass switched off, and with all: other models, the same answers."""
    program = COMPOSITES[name]
    model = raspc.compile(program, (0, 1, 2), 4, optimize=level, disabled_passes=disabled, certify=False)
    assert differences(program, model, some_inputs((0, 1, 2), 4, 81, 0)) == []


@settings(max_examples=25)
@given(wild_programs())
def test_disabled_passes_on_wild_programs(wild: Wild) -> None:
    """The same on programs of arbitrary tables, in the compact form, where most can go wrong."""
    agree_without_passes(wild)


@pytest.mark.slow
@settings(max_examples=1000)
@given(wild_programs())
def test_disabled_passes_on_many_wild_programs(wild: Wild) -> None:
    """The same, more often."""
    agree_without_passes(wild)


def agree_without_passes(wild: Wild) -> None:
    """Every model gives what the graph of all passes gives, wherever that is defined."""
    program, inputs = wild.build(), list(some_inputs(wild.vocab, wild.max_seq_len, 30, 3))
    where = (wild.vocab, wild.max_seq_len, wild.causal)
    try:
        wanted = values_of(build(program, *where), inputs)
    except UnsupportedProgram:
        return
    rows = [["BOS", *xs] for xs in inputs]
    for off in WITHOUT:
        try:
            model = compile_graph(build(program, *where, without=off), options=SMALLEST.leaving_out(off), certify=False)
        except UnsupportedProgram:
            continue
        for xs, want, (_, *got) in zip(inputs, wanted, model.apply_batch(rows).decoded, strict=True):
            assert want is None or alike(got, want), (off, xs, want, got)


def test_disabling_makes_a_difference() -> None:
    """What is switched off does not run."""
    graph = build(COMPOSITES["overlapping"], (0, 1, 2), 4)
    assert [step.name for step in run_passes(graph)[1]] == [one.name for one in PIPELINE if one.applies(SMALLEST)]
    some = SMALLEST.leaving_out(("complement_widths",))  # which leaves nothing to split here
    on, off = run_passes(graph, some), run_passes(graph, some.leaving_out(("split_widths",)))
    assert "split_widths" not in [step.name for step in off[1]]
    assert to_text(on[0]) != to_text(off[0])
    assert [step.nodes_before for step in on[1][1:]] == [step.nodes_after for step in on[1][:-1]]


@pytest.mark.parametrize("name", ["split", "join_clauses", ""])
def test_what_cannot_be_disabled(name: str) -> None:
    """A pass that is none, or that lowering needs: said so, with those that can be."""
    with pytest.raises(InvalidProgram, match="split_widths"):
        raspc.compile(library.reverse(), "ab", 3, disabled_passes=[name])


def test_an_error_names_the_passes_that_ran() -> None:
    """A program that a pass refuses: which pass, and after which others."""

    def refuse(graph: Graph, options: Options) -> Graph:
        raise UnsupportedProgram("no")

    passes = [replace(one, rewrite=refuse) if one.name == "join_clauses" else one for one in PIPELINE]
    with pytest.raises(UnsupportedProgram) as refused:
        run_passes(build(COMPOSITES["negated"], (0, 1), 3), pipeline=passes)
    assert any("join_clauses" in note and "split_widths" in note for note in refused.value.__notes__)


def test_lowering_requires_conjunctions() -> None:
    """Without the passes, a disjunction is stopped before it is lowered wrongly."""
    with pytest.raises(InternalError, match="neither a table nor a conjunction"):
        run_passes(build(rasp.Aggregate(SAME | BEFORE, I, 0), (0, 1), 3), pipeline=())


DROPPED = """
import warnings, raspc
from raspc import rasp
from raspc.plan import planning
import raspc.passes.pipeline as pipeline
kept = [one for one in pipeline.PIPELINE if one.name != "join_clauses"]
run_passes = planning.run_passes
planning.run_passes = lambda graph, options: run_passes(graph, options, pipeline=kept)
same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
before = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)
raspc.compile(rasp.Aggregate(same | before, rasp.indices, default=0), (0, 1), 3, optimize=%d)
"""


@pytest.mark.parametrize("level", [0, 2])
def test_no_assert_guards_a_compile(level: int) -> None:
    """Under `python -O`, which strips asserts, a disjunction that is left over is still no model."""
    ran = subprocess.run([sys.executable, "-O", "-c", DROPPED % level], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "InternalError: blocks require that selectors in use are tables" in ran.stderr
