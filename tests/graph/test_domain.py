"""Domains: which inputs a program is for, in every form in which that can be said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import InputError, InvalidProgram, UnsupportedProgram, rasp
from raspc.graph import from_json, to_json
from raspc.graph.build import build
from raspc.graph.checked import checked_vocab
from raspc.graph.domain import EVERYTHING
from raspc.graph.permitted import Frame, permits, sampled, searched, tokens_of
from raspc.graph.where import domain_of
from raspc.rasp import Comparison

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
VOCAB = ("0", "1", "=")
LONGEST = 5
Permitted = Callable[[tuple[Any, ...]], bool]


def _marker(xs: tuple[Any, ...]) -> bool:
    return xs.count("=") == 1


def _where(condition: rasp.SOp) -> tuple[rasp.SOp, Permitted]:
    return condition, lambda xs: _holds(condition, xs)


def _holds(condition: rasp.SOp, xs: tuple[Any, ...]) -> bool:
    try:
        return all(held is True for held in raspc.interpret(condition, xs))
    except InputError:
        return False


FORMS: dict[str, tuple[Any, Permitted]] = {
    "an expression": ("[01]*=[01]*", _marker),
    "inputs": ([*"01=", "0=0", "1=1"], lambda xs: "".join(xs) in {*"01=", "0=0", "1=1"}),
    "a function": (lambda xs: xs.count("=") == 1, _marker),
    "everything": (".*", lambda xs: True),
    "of tokens": _where(T != "="),
    "of tokens and indices": _where((I > 0) | (T == "=")),
    "of the length": _where((I == L - 1) | (T != "=")),
    "of the length alone": _where(rasp.map(lambda n: n % 2 == 1, L)),
    "of what attention finds": _where(rasp.SelectorWidth(rasp.Select(T, rasp.Full("="), Comparison.EQ)) == 1),
    "undefined somewhere": _where(rasp.map({"0": True, "1": True}.__getitem__, T)),
    "None somewhere": _where(rasp.map({"0": True, "1": None, "=": True}.__getitem__, T)),
}


def inputs_of(where: Any, longest: int = LONGEST) -> set[tuple[Any, ...]]:
    """All inputs that a search finds, which must be complete."""
    found = searched(Frame(domain_of(where, VOCAB, longest), VOCAB, longest, False))
    assert found.complete
    return {xs for batch in found.batches for xs in tokens_of(batch, VOCAB)}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_means_its_inputs(name: str) -> None:
    """All of them and no others; random ones are among them, of every length that there is."""
    where, permitted = FORMS[name]
    every = [xs for n in range(1, LONGEST + 1) for xs in itertools.product(VOCAB, repeat=n)]
    wanted = {xs for xs in every if permitted(xs)}
    assert inputs_of(where) == wanted
    frame = Frame(domain_of(where, VOCAB, LONGEST), VOCAB, LONGEST, False)
    drawn = set(tokens_of(sampled(frame, 300, (0, 0)), VOCAB))
    assert drawn <= wanted and set(map(len, drawn)) == set(map(len, wanted))


@pytest.mark.parametrize("name", FORMS)
def test_it_is_saved_with_the_graph(name: str) -> None:
    """As JSON and back; and an input is permitted afterwards as before."""
    where = domain_of(FORMS[name][0], VOCAB, LONGEST)
    graph = build(T, VOCAB, LONGEST, where=where)
    again = from_json(json.loads(json.dumps(to_json(graph))))
    assert again.where == where and str(again.where) == str(where)
    batch = searched(Frame(EVERYTHING, VOCAB, LONGEST, False)).batches[0]
    assert (permits(where, VOCAB, batch) == permits(again.where, VOCAB, batch)).all()


def test_conditions_that_look_at_one_position_are_automata() -> None:
    """Of those exact facts are known at any length; what attention finds is looked at input by input."""
    assert domain_of(FORMS["of the length"][0], VOCAB, 50).automaton is not None
    assert domain_of(FORMS["of what attention finds"][0], VOCAB, 50).condition is not None
    assert domain_of(T == T, VOCAB, 5) is EVERYTHING
    assert domain_of(None, VOCAB, 5) is EVERYTHING


def test_a_model_is_held_to_it(tmp_path: Path) -> None:
    """One that was loaded too; single inputs and batches; and the message says where the input leaves the domain."""
    model = raspc.compile(rasp.map(int, T), VOCAB, 4, where="[01]+")
    assert model.certificate is not None and model.certificate.proved
    assert raspc.check(model).total == 30
    model.save(tmp_path / "m")
    for one in (model, raspc.load(tmp_path / "m")):
        assert one.apply(["BOS", *"0110"]).decoded == ["BOS", 0, 1, 1, 0]
        with pytest.raises(InputError, match=r"outside the domain.*\[01\]\+.*'=' at position 1"):
            one.apply(["BOS", *"1="])
        with pytest.raises(InputError, match=r"input 1 of the batch.*outside"):
            one.apply_batch([["BOS", "1"], ["BOS", "=", "PAD"]])
        assert raspc.check(one).where == "[01]+"


def test_the_interpreter_is_held_to_it() -> None:
    """In each form, unless it is told not to be strict."""
    for where, permitted in FORMS.values():
        for xs in (*itertools.product(VOCAB, repeat=2), *itertools.product(VOCAB, repeat=3)):
            if permitted(xs):
                assert raspc.interpret(T, xs, where=where) == list(xs)
                continue
            assert raspc.interpret(T, xs, where=where, strict=False) == list(xs)
            with pytest.raises(InputError, match="outside the domain"):
                raspc.interpret(T, xs, where=where)


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "a selector": (rasp.Select(T, T, Comparison.EQ), TypeError, "needed an s-op"),
    "a number": (3, TypeError, "needed a regular expression"),
    "numbers": (I, InvalidProgram, "can be 0, 1, 2.*True or False"),
    "an unknown token": (["0", "2"], InvalidProgram, "not in the vocabulary"),
    "an input too long": (["000000"], InvalidProgram, "maximum length is 5"),
    "no input at all": ("00000000+", UnsupportedProgram, "no input of 1 to 5 tokens"),
    "a condition that never holds": (T == "x", UnsupportedProgram, "no input of 1 to 5 tokens"),
    "a function that raises": (lambda xs: xs[1] == 0, InvalidProgram, "raised IndexError"),
    "a malformed expression": ("(0", InvalidProgram, "never closed"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_domain(name: str) -> None:
    """Each is refused before anything is made."""
    where, kind, words = BAD[name]
    with pytest.raises(kind, match=words):
        raspc.compile(T, VOCAB, LONGEST, where=where)


def test_a_function_stays_in_its_process(tmp_path: Path) -> None:
    """Where inputs are too many to be tried, it is asked each time, and the model is not saved."""
    model = raspc.compile(T, VOCAB, 40, where=lambda xs: xs[0] == "=")
    assert model.apply(["BOS", *"=01"]).decoded == ["BOS", *"=01"]
    with pytest.raises(InputError, match="outside the domain"):
        model.apply(["BOS", *"01"])
    report = raspc.check(model, limit=200)
    assert report.ok and report.checked > 100
    with pytest.raises(UnsupportedProgram, match="Python function, which cannot be saved"):
        model.save(tmp_path / "m")


def test_samples_are_of_the_domain() -> None:
    """Of a sparse one too: three in a thousand of all inputs of 12 tokens."""
    frame = Frame(domain_of("[01]{3,5}=[01]{3,5}=?", VOCAB, 12), VOCAB, 12, False)
    found = searched(frame)
    assert found.complete and all(permits(frame.where, VOCAB, batch).all() for batch in found.batches)
    wide = Frame(domain_of("[01]+=[01]+", VOCAB, 30), VOCAB, 30, False)
    found = searched(wide)
    assert not found.complete and all(permits(wide.where, VOCAB, batch).all() for batch in found.batches)
    lengths = np.concatenate([batch.lengths for batch in found.batches])
    assert lengths.max() == 30 and lengths.min() == 3


@pytest.mark.parametrize(
    "change",
    [
        {"automaton": None},
        {"written": 3},
        {"automaton": {"states": 2, "moves": [5, 6], "accepting": [0]}},
        {"automaton": {"states": 9, "moves": [0, 6], "accepting": [0]}},
        {"automaton": {"states": 2, "moves": [0, 6], "accepting": [7]}},
        {"automaton": {"states": 1 << 40, "moves": [0, 6], "accepting": []}},
        {"condition": {}},
        3,
    ],
    ids=str,
)
def test_files_that_lie(change: Any) -> None:
    """A domain from a stranger is looked at before it is used."""
    graph = to_json(build(T, VOCAB, 3, where=domain_of("0+", VOCAB, 3)))
    graph["where"] = {**graph["where"], **change} if isinstance(change, dict) else change
    with pytest.raises(raspc.ModelFormatError):
        from_json(graph)


def test_a_condition_of_another_program_is_noticed() -> None:
    """Its vocabulary must be that of the graph."""
    where = FORMS["of what attention finds"][0]
    graph = to_json(build(T, VOCAB, 3, where=domain_of(where, VOCAB, 3)))
    graph["where"]["condition"] = to_json(build(where, ("0", "="), 3))
    with pytest.raises(raspc.ModelFormatError, match="another vocabulary"):
        from_json(graph)


def test_two_models_with_other_domains() -> None:
    """They are compared on the inputs that both are for, which is said."""
    one, other = (raspc.compile(rasp.map(int, T), VOCAB, 3, where=where) for where in ("[01]+", "0[01]*"))
    assert raspc.diff(one, one).notes == ()
    found = raspc.diff(one, other)
    assert found.equal and found.notes == (
        "one is for [01]+, the other for 0[01]*: compared on the inputs that both are for",
    )
    other = raspc.compile(rasp.map(lambda x: 1 - int(x), T), VOCAB, 3, where="0[01]*")
    found = raspc.diff(one, other)
    assert not found.equal and found.tokens == ("0",)


def test_the_vocabulary_is_in_canonical_order() -> None:
    """However it is given, an expression means the same."""
    assert domain_of("<10>+", checked_vocab([10, 9, 1]), 3) == domain_of("<10>+", checked_vocab([1, 9, 10]), 3)
