"""What passes require and ensure: each sentence has a fault that breaks it, and the runner names the pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import InternalError, library, rasp
from raspc.graph import Graph, to_text
from raspc.graph.build import build
from raspc.graph.nodes import Aggregate, Gate, Length, Listed, Node, Select, Table, Width
from raspc.numbers.options import DEFAULT, SMALLEST, Options
from raspc.numbers.precision import PRECISIONS
from raspc.passes import conditions
from raspc.passes.complement_widths import COMPLEMENT_WIDTHS
from raspc.passes.contract import Pass
from raspc.passes.count_in_stretches import count_in_stretches
from raspc.passes.count_means import count_means
from raspc.passes.pipeline import PIPELINE, check_ensured, run_passes
from raspc.passes.share_counts import share_counts
from raspc.plan import planning
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
SAME, BEFORE = rasp.Select(T, T, Comparison.EQ), rasp.Select(I, I, Comparison.LT)
UNLIKE, AT = rasp.Select(T, T, Comparison.NEQ), rasp.Select(T, I, Comparison.EQ)
EITHER = rasp.SelectorWidth(SAME | BEFORE)
OFFSET = rasp.Aggregate(SAME, rasp.Map(lambda i: i % 2 == 0, I)) > 0.4
CHAIN = reduce(lambda rest, key: rasp.where(rasp.SelectorWidth(rasp.Select(T, key, Comparison.EQ)) > 0, I, rest + 1),
               (rasp.Full(0), rasp.Full(1), I), T)  # fmt: skip
NARROW = Options(precision=PRECISIONS["bfloat16"])
COARSE = replace(SMALLEST, precision=replace(SMALLEST.precision, bits=16, sum_bits=16, factor_bits=16))
"""A format of so few digits that sixty keys are many."""

Change = Callable[[Graph], Graph]


@dataclass(frozen=True)
class Case:
    """A small program that a pass changes, what it is compiled for, and a fault in what the pass gives."""

    program: SOp
    spoil: Change
    says: str
    options: Options = SMALLEST
    vocab: tuple[Any, ...] = (0, 1)
    longest: int = 2
    causal: bool = False

    def graph(self) -> Graph:
        """The program before the passes."""
        return build(self.program, self.vocab, self.longest, causal=self.causal)


def each(graph: Graph, change: Callable[[Node], Node]) -> Graph:
    """The graph with every node changed."""
    return replace(graph, nodes=tuple(change(node) for node in graph.nodes))


def rolled(node: Node) -> Node:
    """A table with its values moved on by one."""
    return replace(node, cells=np.roll(node.cells, 1)) if isinstance(node, Table) else node


def ored(node: Node) -> Node:
    """A disjunction where a conjunction stood."""
    return replace(node, op="or") if isinstance(node, Gate) else node


def undone(graph: Graph) -> Graph:
    """As if the pass had done nothing."""
    return None  # type: ignore[return-value]


CASES: dict[str, Case] = {
    "factor_keys": Case(
        library.sort(T, T + 3 * I), undone, "no width compares such sums", SMALLEST, (0, 1, 2, 3, 5), 4
    ),
    "complement_widths": Case(EITHER, lambda graph: each(graph, rolled), "the answers stay"),
    "split_widths": Case(EITHER, undone, "a width is of a conjunction", DEFAULT),
    "join_clauses": Case(rasp.Aggregate(SAME | BEFORE, I, default=0), undone, "selectors in use are tables"),
    "count_means": Case(OFFSET, undone, "no mean is left", NARROW),
    "count_sums": Case(rasp.Sum(SAME, I), undone, "no sum is left", NARROW),
    "share_counts": Case(
        rasp.SelectorWidth(AT), undone, "no head counts more keys than the format allows", NARROW, ("a", 0), 300
    ),
    "count_positions": Case(I % 2, undone, "no index is left", Options(target="llama"), causal=True),
    "fuse_chains": Case(CHAIN, undone, "no table would be there sooner", longest=7),
    "count_in_stretches": Case(rasp.SelectorWidth(SAME), undone, "name the index", COARSE, longest=60),
}  # fmt: skip
SMALL: dict[str, Callable[[Graph, Options], Graph]] = {
    "share_counts": partial(share_counts, most=2),
    "count_in_stretches": partial(count_in_stretches, off=0.0),
}
"""Passes for long inputs, as they would be for short ones."""
passes = pytest.mark.parametrize("one", PIPELINE, ids=lambda one: one.name)


def spoiled(one: Pass, spoil: Change) -> Pass:
    """A pass with a fault: what it gives is changed, or it gives what it was given."""

    def rewrite(graph: Graph, options: Options) -> Graph:
        found: Graph | None = spoil(one.rewrite(graph, options))
        return graph if found is None else found

    return replace(one, rewrite=rewrite)


def test_every_pass_has_a_case() -> None:
    """A new pass needs a program that it changes, and a fault that its check catches."""
    assert list(CASES) == [one.name for one in PIPELINE]


@passes
def test_a_pass_keeps_its_word(one: Pass) -> None:
    """On its program the pass does something, and all that is required and ensured holds from pass to pass."""
    case = CASES[one.name]
    assert to_text(one.run(case.graph(), case.options)) != to_text(case.graph())
    run_passes(case.graph(), replace(case.options, verify=True))


@passes
def test_a_fault_in_a_pass_is_caught(one: Pass) -> None:
    """The runner says which pass did not keep its word, which sentence is untrue, and what ran before."""
    case = CASES[one.name]
    faulty = spoiled(one, case.spoil)
    earlier = [each for each in PIPELINE[: PIPELINE.index(one)] if each.applies(case.options)]
    earlier = [each for each in earlier if each.name not in ("complement_widths", "split_widths")]
    with pytest.raises(InternalError) as fault:
        run_passes(case.graph(), replace(case.options, verify=True), [*earlier, faulty])
    text = str(fault.value)
    assert text.startswith(f"the pass {one.name} ensures that ") and case.says in text
    assert "report" in text and all(each.name in text for each in earlier)


def test_without_verify_nothing_is_looked_at() -> None:
    """The check costs what it costs only where it is asked for."""
    faulty = spoiled(COMPLEMENT_WIDTHS, CASES["complement_widths"].spoil)
    run_passes(CASES["complement_widths"].graph(), SMALLEST, [faulty])


def test_what_a_pass_requires_is_checked() -> None:
    """A pass for narrow formats is not given a disjunction."""
    count = next(one for one in PIPELINE if one.name == "count_means")
    graph = build(rasp.Aggregate(SAME | BEFORE, I, default=0), (0, 1), 2)
    with pytest.raises(InternalError, match="the pass count_means requires that selectors in use are tables"):
        run_passes(graph, replace(NARROW, verify=True), [count])


def test_a_compile_is_verified_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """`raspc.compile(..., verify=True)` stops at a fault of a pass, in plain and in narrow formats."""
    for program, options in ((EITHER, {"optimize": 2}), (OFFSET, {"dtype": "bfloat16"})):
        verified, plain = (raspc.compile(program, (0, 1), 3, verify=verify, **options) for verify in (True, False))
        assert verified.options == plain.options
    fault = spoiled(COMPLEMENT_WIDTHS, CASES["complement_widths"].spoil)
    monkeypatch.setattr(
        planning,
        "run_passes",
        partial(run_passes, pipeline=[fault if one is COMPLEMENT_WIDTHS else one for one in PIPELINE]),
    )
    with pytest.raises(InternalError, match="complement_widths"):
        raspc.compile(EITHER, (0, 1), 3, optimize=2, verify=True)


# -- each sentence ---------------------------------------------------------------------------------------------------


def put(graph: Graph, kind: type[Node], **changes: Any) -> Graph:
    """The graph with the last node of a kind changed."""
    place = max(i for i, node in enumerate(graph.nodes) if isinstance(node, kind))
    return replace(graph, nodes=(*graph.nodes[:place], replace(graph[place], **changes), *graph.nodes[place + 1 :]))


def one(faults: Iterable[str]) -> str:
    """The one fault that there is."""
    (found,) = faults
    return found


COUNTED = (rasp.SelectorWidth(SAME) * I).named("product")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda g: put(g, Table, args=(len(g), 0)), "does not stand before it"),
        (lambda g: put(g, Width, selector=0), "takes a selector for a variable, or a variable for a selector"),
        (lambda g: put(g, Table, cells=np.zeros((1, 1), np.int32)), "cells of the shape"),
        (lambda g: put(g, Select, cells=np.full((2, 2), 2, np.int8)), "none of its 2 values"),
    ],
)  # fmt: skip
def test_malformed_graphs(change: Change, says: str) -> None:
    """References, kinds, shapes, values."""
    graph = build(COUNTED, (0, 1), 3)
    assert list(conditions.malformed(graph)) == []
    assert says in one(conditions.malformed(change(graph)))


def test_selectors_that_no_head_can_score() -> None:
    """A disjunction that is read, a conjunction that holds one; what nobody reads is no matter."""
    graph = build(rasp.Aggregate(SAME & (BEFORE | AT), I, default=0), (0, 1), 2)
    assert "neither a table nor a conjunction" in one(conditions.disjunctions(graph))
    unread = replace(graph, nodes=tuple(node for node in graph.nodes if not isinstance(node, Aggregate)), output=0)
    assert list(conditions.disjunctions(unread)) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda g: replace(g, causal=True), "causal was False and is True"),
        (lambda g: replace(g, notes=("x",)), "notes was"),
        (lambda g: replace(g, exact_length=2), "exact_length was"),
        (lambda g: put(g, Table, names=()), "the variable 'product' is gone"),
        (lambda g: replace(g, output=0), "the variable '' has another value set"),
        (lambda g: put(g, Table, domain=Listed(tuple(range(50)))), "'product' has another value set"),
    ],
)  # fmt: skip
def test_what_a_pass_must_not_touch(change: Change, says: str) -> None:
    """The frame of the program, and what has a name."""
    graph = build(COUNTED, (0, 1), 3)
    assert list(conditions.reframed(graph, graph, DEFAULT)) == []
    assert says in " and ".join(conditions.reframed(graph, change(graph), DEFAULT))


def test_other_answers_are_seen() -> None:
    """A wrong value is shown with an input; named variables count; a place where it was undefined does not."""
    graph = build(COUNTED, (0, 1), 3)
    wrong = each(graph, rolled)
    assert list(conditions.other_answers(graph, graph, DEFAULT)) == []
    assert "'product' is another one on [" in one(conditions.other_answers(graph, wrong, DEFAULT))
    inner = build(rasp.Map(lambda x: x > 9, (T * I).named("inner")), (0, 1), 3)
    spoilt = each(inner, lambda node: rolled(node) if "inner" in node.names else node)
    assert "'inner'" in one(conditions.other_answers(inner, spoilt, DEFAULT))
    holed = build(rasp.Map({1: "one"}.__getitem__, T), (0, 1), 2)
    less = each(holed, lambda node: replace(node, cells=np.maximum(node.cells, 0)) if isinstance(node, Table) else node)
    assert list(conditions.other_answers(holed, less, DEFAULT)) == []
    assert one(conditions.other_answers(less, holed, DEFAULT))


def test_numbers_of_means_may_differ_by_rounding() -> None:
    """Means are compared as numbers: a sum in another order is the same, another mean is not."""
    mean = build(rasp.Aggregate(SAME, I), (0, 1), 3)
    other = build(rasp.Aggregate(SAME, I + 1), (0, 1), 3)
    assert list(conditions.other_answers(mean, mean, DEFAULT)) == []
    assert one(conditions.other_answers(mean, other, DEFAULT))


def test_widths_that_grow_are_seen() -> None:
    """The estimate of `complement_widths`: undoing it costs more heads or wider ones."""
    graph = build(rasp.SelectorWidth(UNLIKE), tuple(range(12)), 3)
    complement = COMPLEMENT_WIDTHS
    after = complement.run(graph, SMALLEST)
    assert after is not graph
    check_ensured(complement, graph, after, SMALLEST)
    with pytest.raises(InternalError, match="do not grow, but they were"):
        check_ensured(complement, after, graph, SMALLEST)


@pytest.mark.parametrize("length", [5, 7])
@pytest.mark.parametrize("selector", [SAME, AT & ~BEFORE], ids=["table", "conjunction"])
def test_counts_are_shared_out(selector: rasp.Selector, length: int) -> None:
    """No head counts more than it may, and the answers stay: here with two keys to a head."""
    graph = build(rasp.SelectorWidth(selector) * rasp.length, (0, 1), length)
    after = share_counts(graph, NARROW, most=2)
    counts = [node.listed.values[-1] for node in after.nodes if isinstance(node, Width | Length)]
    assert counts and max(counts) <= 2
    assert [*conditions.malformed(after), *conditions.reframed(graph, after, NARROW)] == []
    assert list(conditions.other_answers(graph, after, NARROW)) == []


def test_means_are_counted() -> None:
    """No mean is left, the answers stay, and a default and words stay what they are."""
    graph = build(rasp.Aggregate(BEFORE, T, default=9) > 0.5, (0, 1, 2), 4)
    after = count_means(graph, NARROW)
    assert not any(isinstance(node, Aggregate) for node in after.nodes)
    assert list(conditions.other_answers(graph, after, NARROW)) == []


# -- before and after, to be read ------------------------------------------------------------------------------------


@passes
def test_before_and_after(one: Pass, golden: Callable[[str, str], None]) -> None:
    """The graph that a pass is given, and what it makes of it, in files that a person reads."""
    case = CASES[one.name]
    graph = case.graph() if case.longest < 10 else build(case.program, case.vocab, 3)
    after = SMALL.get(one.name, one.run)(graph, case.options)
    golden(f"passes/{one.name}.txt", f"before\n{to_text(graph)}\nafter\n{to_text(after)}")
