"""Nothing crashes: a RaspcError for any value, a TypeError of ours in one line for an argument of a wrong kind."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import RaspcError, lab, rasp, view
from raspc.graph.build import build
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
EVERYTHING = rasp.Select(I, I, Comparison.TRUE)
BEFORE = rasp.Select(I, I - 1, Comparison.EQ)
SMALL = raspc.compile(T, (1, 2), 2)
MEAN = rasp.Aggregate(EVERYTHING, T)
HUGE = 10**400


def compiled(program: Any, vocab: Any = (1, 2), longest: Any = 2, **options: Any) -> Callable[[], Any]:
    """A compile, to be called."""
    return lambda: raspc.compile(program, vocab, longest, **options)


VALUES: dict[str, Callable[[], Any]] = {
    "a whole number beyond floats": compiled(rasp.Map(lambda x: HUGE + x, T)),
    "such a token": compiled(T, (HUGE, 2)),
    "such a constant": compiled(T + HUGE),
    "such a constant beside a mean": compiled(MEAN + HUGE),
    "such a default": compiled(rasp.Aggregate(BEFORE, T, default=HUGE)),
    "such a mean": lambda: raspc.interpret(MEAN, [HUGE, 1]),
    "a mean and None": compiled(MEAN + None),
    "a token and None": compiled(T + None),
    "a mean and a word": compiled(MEAN + "a"),
    "an s-op as a default": lambda: rasp.Aggregate(BEFORE, T, T),
    "an s-op as a constant": lambda: rasp.Full(T),
    "an s-op to be in": lambda: T.is_in([I]),
    "advice on a number": lambda: rasp.numerical(5),  # type: ignore[arg-type]
    "advice on a selector": lambda: rasp.categorical(BEFORE),  # type: ignore[arg-type]
    "an empty name": lambda: T.named(" "),
    "a list as the first token of a model": lambda: SMALL([[1]]),
    "a row as the first token of a model": lambda: SMALL.answers([np.array([[1]])]),  # type: ignore[list-item]
    "a list as the first token of a page": lambda: SMALL.view([[1]]),
    "a list as a default": lambda: rasp.Aggregate(BEFORE, T, default=[1]),
    "a list as a constant": lambda: rasp.Full([1]),
    "lists as constants": lambda: rasp.ConstantSOp([[1], [2]]),
    "a list as a result": compiled(rasp.Map(lambda x: [x], T)),
    "a list as a token": lambda: raspc.interpret(T, [[1], [2]]),
    "a file of half a character": lambda: SMALL.to("npz", "\ud800"),
    "a selector forced to a matrix of another size": lambda: raspc.interpret(
        rasp.Aggregate(BEFORE.named("before"), T), [1], force={"before": [[True, False]]}
    ),
    "a list to be in": lambda: T.is_in([[1]]),
    "an infinite token, averaged and compared": compiled(MEAN > 1, (math.inf, 1)),
    "a length beyond any model": compiled(T, (1,), 10**9),
    "a length that is a fraction": compiled(T, (1,), 3.0),
    "no program": compiled(None),
    "a selector for a program": compiled(EVERYTHING),
    "a level that there is not": compiled(T, optimize="2"),
    "a token that cannot be hashed": compiled(T, ([1], 2)),
}


@pytest.mark.parametrize("name", VALUES)
def test_any_value_is_refused_in_words(name: str) -> None:
    """A RaspcError of one line, or two with the place."""
    with warnings.catch_warnings(), pytest.raises(RaspcError) as refusal:
        warnings.simplefilter("ignore")
        VALUES[name]()
    assert str(refusal.value)
    assert "Traceback" not in str(refusal.value)


KINDS: dict[str, tuple[Callable[[], Any], str]] = {
    "a vocabulary that is a number": (compiled(T, 5), "vocab"),
    "no vocabulary": (compiled(T, None), "vocab"),
    "build": (lambda: build(T, 5, 3), "vocab"),  # type: ignore[arg-type]
    "an input that is a number": (lambda: raspc.interpret(T, 5), "the input"),  # type: ignore[arg-type]
    "check of nothing": (lambda: raspc.check(None), "model"),  # type: ignore[arg-type]
    "a limit in words": (lambda: raspc.check(raspc.compile(T, (1,), 2), limit="a"), "limit"),  # type: ignore[arg-type]
    "a program that is a number": (lambda: raspc.check(raspc.compile(T, (1,), 2), program=5), "program"),  # type: ignore[arg-type]
    "a constant that is no list": (lambda: rasp.ConstantSOp(5), "ConstantSOp: value"),  # type: ignore[arg-type]
    "a matrix that is no list": (lambda: rasp.ConstantSelector([1, 2]), "ConstantSelector: value 0"),  # type: ignore[list-item]
    "passes that are a number": (compiled(T, disabled_passes=5), "disabled_passes"),
    "one pass": (compiled(T, disabled_passes="steep"), "disabled_passes"),
    "passes that are numbers": (compiled(T, disabled_passes=[[1], 2]), "disabled_passes"),
    "a format that is a list": (compiled(T, dtype=["float32"]), "dtype"),
    "probabilities that are a number": (compiled(T, probabilities=1), "probabilities"),
    "a mask that is a list": (compiled(T, causal=[]), "causal"),
    "a certificate of nothing": (lambda: raspc.certificate(None), "model"),  # type: ignore[arg-type]
    "an input without order": (lambda: T({1, 2}), "the input"),  # type: ignore[arg-type]
    "an input that is a mapping": (lambda: SMALL({1: 2}), "tokens"),  # type: ignore[arg-type]
    "inputs without order": (lambda: SMALL.answers([[1], {1}]), "batch 1"),  # type: ignore[list-item]
    "a mask in words": (lambda: T([1], causal="yes"), "causal"),  # type: ignore[arg-type]
    "a name that is a number": (lambda: T.named(5), "name"),  # type: ignore[arg-type]
    "an encoding in words": (lambda: T.annotated(encoding="numerical"), "encoding"),
    "a number as a function that builds": (lambda: rasp.program(5), "program: function"),  # type: ignore[arg-type]
    "one name for many": (lambda: SMALL.patch(["BOS", 1], "tokens"), "names"),
    "names that are a number": (lambda: SMALL.ablate(5), "names"),  # type: ignore[arg-type]
    "a page of nothing": (lambda: view.page(None, [1]), "model"),  # type: ignore[arg-type]
    "a list for a method": (lambda: lab.methods.method([]), "name"),  # type: ignore[arg-type]
    "a list for a variable": (lambda: lab.methods.probe(SMALL, ["a"], 0), "variable"),  # type: ignore[arg-type]
    "a forcing of nothing": (lambda: lab.check_forced(object), "model"),  # type: ignore[arg-type]
    "positions in words": (lambda: raspc.interpret(T, [1], force={"tokens": 2}, positions="a"), "positions"),  # type: ignore[arg-type]
    "a selector forced to a number": (
        lambda: raspc.interpret(rasp.Aggregate(BEFORE.named("before"), T), [1], force={"before": 5}),
        "force",
    ),
    "a page at no path": (lambda: view.write_page(SMALL, [1], None), "path"),  # type: ignore[arg-type]
    "is_in a number": (lambda: T.is_in(5), "is_in: values"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", KINDS)
def test_an_argument_of_a_wrong_kind_is_named(name: str) -> None:
    """In one line, with what it is and what is needed."""
    call, argument = KINDS[name]
    with pytest.raises(TypeError) as refusal:
        call()
    said = str(refusal.value)
    assert said.startswith(f"{argument} is ")
    assert "; needed " in said
    assert "\n" not in said


def test_where_and_map_are_called_by_their_names() -> None:
    """A selector among their arguments is refused under the name that the author wrote."""
    with pytest.raises(raspc.InvalidProgram, match="where: found a selector"):
        rasp.where(BEFORE, 1, 2)  # type: ignore[arg-type]
    with pytest.raises(raspc.InvalidProgram, match="map: found a selector"):
        rasp.map(str, BEFORE)


def test_a_function_that_wavers_is_told() -> None:
    """A program that answers otherwise when it is asked again is no fault of raspc, and is not called one."""
    calls = count()
    with pytest.raises(raspc.UnsupportedProgram, match="when it is asked again; needed functions of their arguments"):
        raspc.compile(rasp.map(lambda x: next(calls), T), (1, 2), 2)


def test_a_text_as_a_vocabulary_is_letters() -> None:
    """Where that makes two tokens one, the message says so."""
    with pytest.raises(raspc.InvalidProgram, match="'a,b,c' is a text, each letter of which is a token"):
        raspc.compile(T, "a,b,c", 2)


def test_lengths_of_numpy() -> None:
    """An np.int64 is a length."""
    assert raspc.compile(T, (1, 2), np.int64(3)).config.max_seq_len == 3  # type: ignore[arg-type]


def alternating(many: int) -> SOp:
    """A selector of many gates, one in another."""
    found: rasp.Selector = rasp.Select(T, T, Comparison.EQ)
    for i in range(many):
        found = found & rasp.Select(I, I, Comparison.LEQ) if i % 2 else found | rasp.Select(T, I, Comparison.LT)
    return rasp.SelectorWidth(found)


def chain(many: int) -> SOp:
    """Many sums, one of another."""
    found: SOp = MEAN
    for _ in range(many):
        found = found + 1
    return found


@pytest.mark.parametrize("program", [alternating(400), chain(1500), chain(1500) > 3], ids=["gates", "sums", "compared"])
def test_long_chains_are_compiled_or_refused(program: SOp) -> None:
    """Nothing recurses until the stack ends."""
    try:
        model = raspc.compile(program, (1, 2), 2)
    except RaspcError:
        return
    assert raspc.check(model).ok


def test_a_wide_range_is_saved_in_a_line(tmp_path: Any) -> None:
    """Four whole numbers far apart are four numbers, not all those between them."""
    raspc.compile(I * 1_000_000_000, ("a",), 4).save(tmp_path / "wide")
    assert raspc.load(tmp_path / "wide").apply(["BOS", "a", "a"]).decoded == ["BOS", 0, 1_000_000_000]
