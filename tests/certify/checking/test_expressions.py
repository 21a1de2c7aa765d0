"""The interpreter of expressions is asked, by compiles and by checks: a fault in listing is seen by nobody else."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from itertools import count

import pytest

import raspc
from raspc import CertificateError, InputError, UnsupportedProgram, library, rasp
from raspc.certify.checking import expressions
from raspc.certify.checking.expressions import telling
from raspc.graph.build import build
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741


def turning(after: int) -> Callable[[int], int]:
    """A function that changes its mind after so many calls: its table is not what it does later."""
    calls = count()
    return lambda x: x if next(calls) < after else x + 1


def test_a_compile_that_listed_a_function_wrongly_is_refused_with_an_input() -> None:
    """The table says what the function did when it was listed; the interpreter says what it does now."""
    with pytest.raises(CertificateError, match=r"on \[2\] it answers \[2\], the program \[3\]"):
        raspc.compile(rasp.Map(turning(3), T), (1, 2, 3), 3)


def test_a_check_asks_the_expressions() -> None:
    """In the process that compiled the model, and where the program is given; and says so."""
    model = raspc.compile(rasp.Map(turning(3), T), (1, 2, 3), 3, certify=False)
    report = raspc.check(model)
    assert not report.ok
    assert (report.failures, report.asked) == (39, 39)
    assert report.tokens == (1,)
    assert report.expected == (2,)
    assert raspc.check(copy.copy(model), program=rasp.Map(lambda x: x, T)).ok
    assert not raspc.check(model, program=rasp.Map(lambda x: x % 3, T)).ok


def test_a_model_from_elsewhere_says_that_its_graph_was_the_oracle(tmp_path: object) -> None:
    """A saved model holds no expression."""
    model = raspc.compile(library.reverse(), ("a", "b"), 4)
    assert raspc.check(model).oracles == "the graph, and the interpreter of expressions on 30 inputs"
    model.save(f"{tmp_path}/reverse")
    again = raspc.load(f"{tmp_path}/reverse")
    assert raspc.check(again).oracles.startswith("the graph alone, since")
    assert raspc.check(again, program=library.reverse()).asked == 30
    assert model.__getstate__()["expression"] is None


def test_many_inputs_are_asked_by_a_sample() -> None:
    """The graph speaks on more inputs than the interpreter has time for."""
    report = raspc.check(raspc.compile(library.reverse(), ("a", "b", "c"), 8))
    assert (report.ok, report.asked) == (True, expressions.SAMPLE)


def test_what_a_compile_tries() -> None:
    """Lengths 1, 2, 3 and the longest, and tokens in pairs; inputs of the vocabulary, each once."""
    tried = telling(build(library.reverse(), ("a", "b"), 9))
    assert {len(xs) for xs in tried} == {1, 2, 3, 6, 9}
    assert tried[-1] == ("a", "a", "b", "b", "a", "a")
    assert len(set(tried)) == len(tried)
    assert {len(xs) for xs in telling(build(T, ("a",), 1))} == {1}


def test_no_time_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock runs out the report says on how many inputs the expressions were asked."""
    monkeypatch.setattr(expressions, "SECONDS", 0.0)
    report = raspc.check(raspc.compile(library.reverse(), ("a", "b"), 4))
    assert 1 <= report.asked < 30


NOWHERE: dict[str, tuple[SOp, str]] = {
    "the first position has no predecessor": (
        rasp.SelectorWidth(rasp.Select(rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), T), T, Comparison.EQ)),
        r"give aggregate \(test_expressions.py:\d+\) a default: it selects no key at position 0",
    ),
    "a constant of another length": (rasp.ConstantSOp([1, 2, 3, 4, 5, 6]), "check_length=False"),
}


@pytest.fixture(params=[False, True])
def partial(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether a part of the inputs would do."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield bool(request.param)


@pytest.mark.parametrize("name", NOWHERE)
def test_a_program_without_a_value_is_refused(name: str, partial: bool) -> None:
    """Also where a part of the inputs would do: there is none. The position and the default to give are named."""
    program, remedy = NOWHERE[name]
    with pytest.raises(UnsupportedProgram, match=f"has no value on any of the .*{remedy}") as refusal:
        raspc.compile(program, ("a", "b"), 4, partial=partial)
    assert "give the aggregate a default" not in str(refusal.value)  # it is named


def test_a_default_is_no_remedy_for_unequal_words() -> None:
    """Several keys are selected there."""
    mixed = rasp.Aggregate(rasp.Select(T, T, Comparison.TRUE), T)
    with pytest.raises(UnsupportedProgram, match="select one key for each query, or map the values") as refusal:
        raspc.compile(mixed, ("a", "b"), 3)
    assert "default" not in str(refusal.value)


def test_a_partial_model_says_on_how_many_inputs_it_has_a_value() -> None:
    """In its notes and warning."""
    with pytest.warns(raspc.UncertainProgram, match="it has a value on 3 of 14 inputs"):
        model = raspc.compile(rasp.Map({1: 5}.__getitem__, T), (1, 2), 3, partial=True)
    assert "it has a value on 3 of 14 inputs" in model.tabulated.notes[0]
    assert raspc.check(model).compared == 3


def test_a_mistake_is_no_partiality(partial: bool) -> None:
    """An unknown name in a function is to be corrected, not to be let through."""
    with pytest.raises(UnsupportedProgram, match="NameError") as refusal:
        raspc.compile(rasp.Map(lambda x: nowhere_defined(x) if x == 2 else x, T), (1, 2), 3, partial=partial)  # type: ignore[name-defined]  # noqa: F821
    assert "correct the function" in str(refusal.value)
    assert "partial" not in str(refusal.value)


def test_a_limit_of_no_input_is_refused() -> None:
    """An empty comparison is no success."""
    with pytest.raises(InputError, match="at least 1"):
        raspc.check(raspc.compile(T, ("a",), 2), limit=0)
