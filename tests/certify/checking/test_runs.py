"""One causal run judges all inputs that its own begins with: none is left out, none counts twice, and all are told."""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.strategies import Case, decimal_cases

import raspc
from raspc import InputError, RaspcError, library, rasp
from raspc.certify.checking import check as checking
from raspc.certify.checking import expressions, inputs, runs
from raspc.certify.checking.check import check
from raspc.certify.checking.judging import judge
from raspc.graph.build import build
from raspc.graph.evaluate import batch_of, run_graph
from raspc.graph.permitted import Frame, frame_of, permits_each, tokens_of
from raspc.graph.where import domain_of
from raspc.rasp import Comparison
from raspc.weights.model import Model

T, I = rasp.tokens, rasp.indices  # noqa: E741
BEFORE = rasp.Select(I, I, Comparison.LEQ)
VOCAB, LENGTH = (0, 1, 2), 4

DOMAINS: dict[str, Any] = {
    "everything": None,
    "runs": "0*1*2*",
    "sentences that end": "[01]*2",
    "a list": [(0, 1), (0, 1, 2), (0,), (2, 2, 2, 2), (1, 0, 0, 2)],
    "a condition": rasp.Map(lambda n: n < 2, rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ) & BEFORE)),
    "a function": lambda tokens: sum(tokens) % 3 != 1,
}


def frame(where: Any) -> Frame:
    """The domain over three tokens, up to four of them."""
    return Frame(domain_of(where, VOCAB, LENGTH, True), VOCAB, LENGTH, True)


def compared(found: Iterator[runs.Runs]) -> Counter[tuple[int, ...]]:
    """Which inputs are compared, and how often."""
    told: Counter[tuple[int, ...]] = Counter()
    for some in found:
        for ids, weights in zip(some.batch.ids.tolist(), some.weights.tolist(), strict=True):
            told.update({tuple(ids[: m + 1]): many for m, many in enumerate(weights) if many})
    return told


def permitted(where: Any) -> set[tuple[Any, ...]]:
    """All inputs of the domain, one by one."""
    one = frame(where)
    return {xs for piece in inputs.pieces_of(one) for xs in tokens_of(inputs.batch_of(one, piece), VOCAB)}


@pytest.mark.parametrize("predicate_stays", [False, True])
@pytest.mark.parametrize("cells", [1, 60, 1 << 19])
@pytest.mark.parametrize("name", DOMAINS)
def test_all_inputs_are_compared_once(
    name: str, cells: int, predicate_stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind of domain, however it is cut into batches; the runs are fewer than the inputs."""
    monkeypatch.setattr(inputs, "CELLS", cells)
    if predicate_stays:
        monkeypatch.setattr("raspc.graph.where.LISTED", 0)
    one = frame(DOMAINS[name])
    found = [runs.of_piece(one, piece, True) for piece in runs.pieces_to_run(one, True)]
    told = compared(iter(found))
    assert told == Counter({tuple(xs): 1 for xs in permitted(DOMAINS[name])})
    many = sum(len(some.weights) for some in found)
    assert many <= len(told) if name == "sentences that end" else many < len(told)


@pytest.mark.parametrize("name", DOMAINS)
def test_random_inputs_are_permitted_and_differ(name: str) -> None:
    """As many as are asked for, where there are so many; each of the domain, none twice."""
    one = replace(frame(DOMAINS[name]), max_len=LENGTH)
    told = compared(runs.at_random(one, 30, 5, True))
    assert set(told) <= permitted(DOMAINS[name]) and set(told.values()) == {1}
    assert sum(told.values()) == (30 if name in ("everything", "a function") else len(told)) > 3


def test_a_tenth_of_the_runs() -> None:
    """Random inputs of up to 32 tokens: as many are compared as before, by a tenth of the runs or fewer."""
    model = raspc.compile(library.get("frac_prevs").program, ("x", "y", "z"), 32, causal=True, certify=False)
    report = check(model, limit=3_000)
    assert report.ok and (report.checked, report.compared) == (3_000, 3_000) and report.ran <= 300
    assert report.asked >= 5 * expressions.SAMPLE


def places_without_a_value(program: rasp.SOp, vocab: tuple[Any, ...], max_len: int) -> None:
    """Of every input: the graph says at which position it raises first, and the interpreter raises from there on."""
    try:
        graph = build(program, vocab, max_len, True)
    except RaspcError:
        return
    every = list(itertools.product(graph.vocab, repeat=graph.max_seq_len))[:60]
    raising = np.logical_or.accumulate(run_graph(graph, batch_of(graph, every)).raising, axis=1)
    for xs, row in zip(every, raising.tolist(), strict=True):
        for m, raises in enumerate(row):
            assert raises == (interpreted(program, xs[: m + 1]) is None), (xs, m)


def interpreted(program: rasp.SOp, xs: tuple[Any, ...]) -> list[Any] | None:
    """The values under the mask; None where there are none."""
    try:
        return raspc.interpret(program, xs, causal=True)
    except InputError:
        return None


@settings(max_examples=60, deadline=None)
@given(decimal_cases(longest=3))
def test_the_graph_knows_where_a_random_program_raises(case: Case) -> None:
    """Programs about decimals, which may have no value on some input."""
    places_without_a_value(case.program, case.vocab, case.max_seq_len)


PARTIAL: dict[str, rasp.SOp] = {
    "map": rasp.Map({0: 5, 1: 6}.__getitem__, T) + I,
    "aggregate of words": rasp.Aggregate(BEFORE, rasp.Map({0: "a", 1: "b", 2: 3}.get, T), default=0),
    "single": rasp.Aggregate(rasp.Select(T, T, Comparison.EQ), I, single=True),
    "best": rasp.Aggregate(rasp.best(BEFORE, rasp.Map(lambda x: "word" if x == 2 else x, T), "max"), T),
    "compared with None": rasp.SelectorWidth(rasp.Select(rasp.Map(lambda x: x or None, T), T, Comparison.EQ)),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_the_graph_knows_where_each_construct_raises(name: str) -> None:
    """Every kind of node that may have no value."""
    places_without_a_value(PARTIAL[name], VOCAB, LENGTH)


@cache
def models() -> tuple[Model, ...]:
    """Causal models: of all inputs, for a part of them, of a domain, and these with a wrong last position."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = [
            raspc.compile(library.get("frac_prevs").program, ("x", "y", "z"), LENGTH, causal=True, certify=False),
            raspc.compile(rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ)), VOCAB, LENGTH, causal=True),
            raspc.compile(PARTIAL["map"], VOCAB, LENGTH, causal=True, partial=True, certify=False),
            raspc.compile(I + T, VOCAB, LENGTH, causal=True, where="[01]*2", certify=False),
            raspc.compile(PARTIAL["single"], VOCAB, LENGTH, causal=True, where="0?1?2?|00", partial=True),
        ]  # fmt: skip
    return (*whole, *(spoiled(model, part) for model in whole for part in ("pos_embed/embeddings", "unembed/w")))


def spoiled(model: Model, name: str) -> Model:
    """The model with a table of which the last row is that before it, or with an answer turned around."""
    params = {key: np.array(model.params[key]) for key in model.params}
    params[name] = np.vstack([params[name][:-1], params[name][-2:-1]]) if "embed/e" in name else -params[name]
    return replace(model, params=params, certificate=None)


@pytest.mark.parametrize("number", range(15))
def test_the_report_is_that_of_inputs_run_one_by_one(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked, undefined, failures, the first that fails, and how often the expressions were asked."""
    model = models()[number]
    quick = check(model, symmetric=False)
    monkeypatch.setattr(runs, "by_beginnings", lambda *_: False)
    plain = check(model, symmetric=False)
    same = ("checked", "total", "exhaustive", "undefined", "failures", "asked", "ok", "where", "max_error")
    assert [getattr(quick, name) for name in same] == [getattr(plain, name) for name in same]
    assert (quick.tokens is None) == (plain.tokens is None)
    assert quick.ran < plain.ran or number % 5 == 3 or not quick.ok  # no permitted input begins another one there
    if quick.tokens is not None:
        assert model.apply(["BOS", *quick.tokens]).decoded[1:] == list(quick.found or ()) != list(quick.expected or ())


def test_exchangeable_tokens_and_beginnings_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orbits of beginnings add up to all inputs."""
    monkeypatch.setattr(checking, "WORTH_A_PROOF", 0)
    program = rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ) & BEFORE)
    model = raspc.compile(program, ("a", "b", "c"), 5, causal=True, certify=False)
    report = check(model)
    assert report.ok and report.symmetric and report.checked == report.total == 363
    assert report.ran == 41  # ways to part five positions into at most three classes
    assert check(model, symmetric=False).ran == 3**5


def test_one_length_alone_is_asked_as_it_is() -> None:
    """A constant of one length: what an input begins with has no value, and is counted so."""
    with pytest.warns(raspc.UncertainProgram):
        model = raspc.compile(rasp.ConstantSOp([1, 2, 3]) + T, (0, 1), 3, causal=True, partial=True, certify=False)
    report = check(model)
    assert report.ok and not report.beginnings and (report.checked, report.compared, report.ran) == (14, 8, 14)


def test_the_program_that_is_given_may_ask_for_one_length() -> None:
    """The graph does not; the expressions are then asked about each input by itself."""
    model = raspc.compile(T, (0, 1), 3, causal=True, certify=False)
    asked = expressions.check_expressions(model, rasp.ConstantSOp([0, 0, 0]) * 0 + T, None, 0, None)
    assert (asked.inputs, asked.undefined) == (14, 6)


def test_a_model_without_a_mask_is_run_on_each_input() -> None:
    """The graph is causal and the model looks ahead: its answers to a longer input are not those to a shorter one."""
    sound = models()[0]
    open_ = replace(sound, config=replace(sound.config, causal=False), certificate=None)
    assert not runs.by_beginnings(open_) and runs.by_beginnings(sound)
    assert not check(open_).ok


def test_what_spoils_a_longer_run_alone_is_no_failure() -> None:
    """No number at all where a forbidden token follows: the input is run by itself before it is blamed."""
    model = models()[0]

    def run(ids: Any) -> Any:
        return np.where((ids == 2).any(axis=1)[:, None, None], np.nan, model.logits(ids))

    some = runs.whole_inputs(batch_of(model.as_written, [("x", "y", "z"), ("x", "y", "x")]))
    begun = replace(some, weights=np.array([[1, 1, 0], [0, 0, 1]]))
    found = judge(model, model.as_written, begun, run)
    assert (found.checked, found.failures, found.ran) == (3, 0, 4)
    whole = judge(model, model.as_written, replace(some, weights=np.array([[1, 1, 1], [0, 0, 1]])), run)
    assert (whole.checked, whole.failures, whole.first) == (4, 1, (0, 1, 2))


def test_what_is_permitted_at_each_position() -> None:
    """The same as asking for every beginning by itself."""
    for where in DOMAINS.values():
        one = frame(where)
        batch = inputs.whole(np.array(list(itertools.product(range(3), repeat=LENGTH)), np.int32), True)
        each = permits_each(one.where, VOCAB, batch)
        known = permitted(where)
        for xs, row in zip(tokens_of(batch, VOCAB), each.tolist(), strict=True):
            assert row == [xs[: m + 1] in known for m in range(LENGTH)]


def test_a_frame_is_that_of_its_graph() -> None:
    """The helper above speaks of what a model is checked on."""
    model = models()[3]
    assert frame_of(model.as_written) == Frame(domain_of("[01]*2", VOCAB, LENGTH), VOCAB, LENGTH, True)
