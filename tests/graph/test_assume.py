"""`rasp.assume`: a promise of the author, held to by the interpreter, used by the compiler, told in the certificate."""

from __future__ import annotations

import json
from typing import Any

import pytest

import raspc
from raspc import InputError, InvalidProgram, UncertainProgram, UnsupportedProgram, rasp
from raspc.graph import from_json, to_json
from raspc.graph.build import build
from raspc.graph.nodes import Listed
from raspc.rasp import Comparison, SOp
from raspc.text import load_program

T = rasp.tokens
VOCAB = ("0", "1", "=")
marks = rasp.SelectorWidth(rasp.Select(T, rasp.Full("="), Comparison.EQ)).named("marks")


FEW = marks < 2
"""A domain of which no more is known than what it says of an input."""


def pairs(count: SOp) -> SOp:
    """A function of a count and a token."""
    return rasp.map(lambda n, x: (n, x), count, T).named("pairs")


FORMS = {"a list": [0, 1], "a set": {0, 1}, "a range": range(2), "a function": lambda n: n < 2}


@pytest.mark.parametrize("name", FORMS)
def test_the_interpreter_holds_it(name: str) -> None:
    """The s-op itself where it is kept; else the expression, the position and the value are named."""
    program = rasp.assume(marks, FORMS[name]).named("one mark")
    assert program("0=1") == [1, 1, 1]
    with pytest.raises(InputError, match="one mark: the promise is broken at position 0: marks is 2 there") as raised:
        program("==")
    assert raised.value.expression is program and raised.value.position == 0


def test_values_are_compared_as_everywhere() -> None:
    """1.0 is 1, and None is a value that has to be promised."""
    none = rasp.map({"0": None, "1": 1.0}.get, T)
    assert rasp.assume(none, [None, 1])("01") == [None, 1.0]
    with pytest.raises(InputError, match="is None there"):
        rasp.assume(none, [1])("01")


def test_what_is_promised_takes_no_room() -> None:
    """The value set is smaller, and so is the model; the answers are the same."""
    with pytest.warns(UncertainProgram, match="assumed: marks is one of 0, 1, as .* says"):
        model = raspc.compile(pairs(rasp.assume(marks, [0, 1])), VOCAB, 40, where=FEW)
    assert model.program is not None and model.graph is not None
    held = model.program.variable(model.program.output).domain
    assert isinstance(held, Listed) and {n for n, _ in held.values} == {0, 1}
    whole = raspc.compile(pairs(marks), VOCAB, 40, certify=False)
    assert 3 * model.config.d_mlp < whole.config.d_mlp
    assert raspc.check(model, limit=300).ok
    assert model.certificate is not None and model.certificate.assumptions == model.program.notes
    assert "assumed: marks is one of 0, 1" in model.certificate.assumptions[0]


def test_a_promise_that_is_proved_is_no_assumption() -> None:
    """Where all inputs of the domain are tried."""
    model = raspc.compile(pairs(rasp.assume(marks, [0, 1])), VOCAB, 5, where="[01]*=?[01]*", strict=True)
    assert model.program is not None and model.program.notes == ()


def test_a_promise_that_the_automaton_of_a_domain_proves() -> None:
    """Too many inputs to be tried, but none of them has two marks."""
    model = raspc.compile(pairs(rasp.assume(marks, [0, 1])), VOCAB, 40, where="[01]*=?[01]*", strict=True)
    assert model.certificate is not None and model.certificate.proved and model.certificate.assumptions == ()


def test_a_promise_that_is_broken_is_refused() -> None:
    """With the input that breaks it."""
    with pytest.raises(UnsupportedProgram, match=r"undefined on the input \['=', '='\].*marks is 2 there.*where="):
        raspc.compile(pairs(rasp.assume(marks, [0, 1])), VOCAB, 30)


def test_strict_takes_no_promise() -> None:
    """One that is neither proved nor refuted."""
    with pytest.raises(UnsupportedProgram, match="strict: neither proved nor refuted: marks is one of 0, 1"):
        raspc.compile(pairs(rasp.assume(marks, [0, 1])), VOCAB, 40, where=FEW, strict=True)


def test_a_promise_is_saved() -> None:
    """In the table that rests on it."""
    graph = build(pairs(rasp.assume(marks, [0, 1])), VOCAB, 40)
    told = [getattr(node, "promise", "") for node in from_json(json.loads(json.dumps(to_json(graph)))).nodes]
    assert told == [getattr(node, "promise", "") for node in graph.nodes]
    assert any(text.startswith("marks is one of 0, 1") for text in told)


def test_a_promise_beside_a_function_without_value() -> None:
    """It does not speak for the function."""
    program = rasp.map({(0, "0"): 1}.__getitem__, pairs(rasp.assume(marks, [0, 1])))
    node = build(program, VOCAB, 40).nodes[-1]
    assert getattr(node, "promise", None) == ""


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "a number": (3, TypeError, "needed a set"),
    "a text": ("01", TypeError, "needed a set"),
    "an s-op": (T, TypeError, "needed a set"),
    "nothing": ([], InvalidProgram, "no value at all"),
    "a list of lists": ([[1]], InvalidProgram, "not a value of RASP"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_promise(name: str) -> None:
    """Each is refused where it is written."""
    values, kind, words = BAD[name]
    with pytest.raises(kind, match=words):
        rasp.assume(marks, values)


def test_a_promise_that_leaves_nothing() -> None:
    """No value of the variable is promised."""
    with pytest.raises(UnsupportedProgram, match="undefined on all its arguments"):
        raspc.compile(rasp.assume(marks, [77]), VOCAB, 3)


def test_in_rasp_text() -> None:
    """With a list, or a range."""
    program = load_program('marks = selector_width(select(tokens, "=", ==)); one = assume(marks, range(2));')
    assert program("0=1") == [1, 1, 1]
    with pytest.raises(InputError, match="the promise is broken"):
        program("==")
