"""Reading variables back out of the residual stream, stage by stage."""

from __future__ import annotations

import tracemalloc
import warnings

import pytest
from hypothesis import given, settings
from tests.agreement import some_inputs
from tests.strategies import Case, cases
from tests.wild import Wild, wild_programs

import raspc
from raspc import InputError, UncertainProgram, UnsupportedProgram, library, rasp
from raspc.certify.checking.variables import agree, first_difference, stage_name, trace_variables
from raspc.interpret import interpret
from raspc.rasp import Comparison

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
COUNT = rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ)).named("count")
PAIR = (COUNT * I).named("pair")


@pytest.mark.parametrize("level", [0, 1, 2])
def test_each_variable_appears_where_it_is_computed(level: int) -> None:
    """With its own value, from its stage on, and not before."""
    model = raspc.compile(PAIR, (1, 2), 4, optimize=level, certify=False)
    xs = [1, 2, 1, 1]
    found = trace_variables(model, xs)
    assert found.expected["count"] == interpret(COUNT, xs) == [3, 1, 3, 3]
    assert found.expected["pair"] == interpret(PAIR, xs)
    assert sorted(found.held) == list(range(-1, 2 * model.config.n_layers))
    assert "pair" not in found.held[-1]
    assert found.held[max(found.held)]["pair"] == [0, 1, 6, 9]
    start = min(space["from_stage"] for space in model.alignment["variables"]["count"]["spaces"])
    assert start >= 0
    assert all(("count" in held) == (stage >= start) for stage, held in found.held.items())


def no_difference(program: rasp.SOp, vocab: tuple[object, ...], n: int, causal: bool) -> None:
    """Every variable is right after every stage, at every level, on a few defined inputs."""
    for level in (0, 1, 2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncertainProgram)
            try:
                model = raspc.compile(program, vocab, n, causal, optimize=level, partial=True, certify=False)
            except UnsupportedProgram:
                return
        for xs in list(some_inputs(vocab, n, 9, 2))[-5:]:
            try:
                wanted = interpret(program, xs, causal)
            except InputError:
                continue
            assert first_difference(model, xs) is None, (level, xs)
            trace = trace_variables(model, xs)
            label = model.graph.labels[model.graph.output]
            assert all(map(agree, trace.expected[label], wanted))


@settings(max_examples=40)
@given(cases())
def test_sound_models_show_no_difference(case: Case) -> None:
    """Random programs."""
    no_difference(case.program, case.vocab, case.max_seq_len, case.causal)


@settings(max_examples=60)
@given(wild_programs())
def test_sound_models_of_wild_programs_show_none_either(wild: Wild) -> None:
    """Programs of arbitrary tables."""
    no_difference(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)


def test_stages_in_words() -> None:
    """As the command line prints them."""
    assert [stage_name(i) for i in (-1, 0, 1, 4, 5)] == [
        "embedding", "layer 0 attention", "layer 0 MLP", "layer 2 attention", "layer 2 MLP",
    ]  # fmt: skip


def test_agreement_of_values() -> None:
    """Numbers nearly, all else exactly; what cannot be read agrees with nothing."""
    assert agree(1.0, 1) and agree(1000.5, 1000) and agree("a", "a") and agree(None, None)
    assert not agree(1.01, 1) and not agree("1", 1) and not agree(None, 0) and not agree(..., 1)


def test_inputs_are_checked() -> None:
    """A token outside the vocabulary, or too many."""
    model = raspc.compile(library.reverse(), "ab", 3, certify=False)
    for xs in ("abc", "aaaa"):
        with pytest.raises(InputError):
            trace_variables(model, xs)


def test_memory_of_an_explanation() -> None:
    """It grows with the codes of the variables, not with the pairs of their values, which would take 8 GB here."""
    values = 1000
    model = raspc.compile(rasp.numerical(I * 2), ("a",), values, certify=False)
    tracemalloc.start()
    found = trace_variables(model, ["a", "a"])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.held[-1] == {"indices": [0, 1], "map_1": [0, 2]}
    assert most < 8 * (8 * values**2)
