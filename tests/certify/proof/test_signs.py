"""A mean that is compared with whole numbers: one staircase along their difference, told and proved by its gap."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

import raspc
from raspc import library, rasp
from raspc.blocks.storage import signs as storing
from raspc.graph import nodes as N
from raspc.graph import signs
from raspc.graph.build import build
from raspc.graph.serial import from_text, to_text
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
MARKER = rasp.Select(T, "=", Comparison.EQ)
AT = rasp.Aggregate(MARKER, I)
PLACE = rasp.Aggregate(MARKER, I, default=0)
COUNT = rasp.SelectorWidth(rasp.Select(T, "a", Comparison.EQ))
PROGRAMS: dict[str, SOp] = {
    "==": AT == I - 1,
    "<": AT < I,
    ">=": 2 * PLACE >= I + 1,
    "!= of a sum": (PLACE + COUNT).named("goal") != I,
    "a function": rasp.SequenceMap(lambda at, i: "here" if at == i else "before" if i < at else "after", AT, I),
    "read by others": rasp.where(AT <= I, COUNT, T),
}


def wrong(program: SOp, model: raspc.Model, n: int, causal: bool) -> list[Any]:
    """Short inputs, and some long ones, on which the model and the program differ."""
    rng = random.Random(0)
    inputs = [list(xs) for k in range(1, 5) for xs in product("a=b", repeat=k)]
    inputs += [[rng.choice("a=b" if i % 2 else "ab=ab") for _ in range(n)] for i in range(20)]
    decoded = model.apply_batch([["BOS", *xs] for xs in inputs]).decoded
    want = [raspc.interpret(program, xs, causal) for xs in inputs]
    return [xs for xs, one, found in zip(inputs, want, decoded, strict=True) if one != found[1 : len(xs) + 1]]


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("causal", [False, True])
def test_it_is_right_and_proved(name: str, causal: bool) -> None:
    """At every level, with None where there is no marker, in few parameters."""
    program = PROGRAMS[name]
    for level in (0, 1, 2):
        model = raspc.compile(program, "a=b", 14, optimize=level, causal=causal)
        assert any(isinstance(node, N.Sign) for node in model.as_written.nodes)
        assert model.certificate is not None and model.certificate.verdict == "proved"
        assert not wrong(program, model, 14, causal)
        assert sum(array.size for array in model.params.values()) < 50_000


@pytest.mark.parametrize("longest", [48, 128])
def test_long_inputs(longest: int) -> None:
    """All combinations of values are 1,606,368 at 48."""
    model = raspc.compile(AT == I - 1, "a=", longest, optimize=2)
    assert sum(array.size for array in model.params.values()) < 1_000
    assert model.certificate is not None and model.certificate.verdict == "proved"


def test_it_is_saved_as_it_is() -> None:
    """As text, and read back."""
    graph = build(AT == I - 1, "a=", 20)
    assert str(from_text(to_text(graph))) == str(graph)


def test_few_values_are_listed_as_before() -> None:
    """Where that is small."""
    graph = build(AT == I - 1, "a=", 4)
    assert not any(isinstance(node, N.Sign) for node in graph.nodes)


def test_a_function_that_compares_nothing_is_no_sign() -> None:
    """It is listed, or refused."""
    program = rasp.SequenceMap(lambda at, i: int(at * 3) % 7 == i % 5, AT, I)
    assert not any(isinstance(node, N.Sign) for node in build(program, "a=", 8).nodes)
    with pytest.raises(raspc.UnsupportedProgram):
        build(program, "a=", 60)


@pytest.mark.parametrize("times", [3, 30])
def test_a_gap_that_is_too_wide_is_not_proved(times: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof works the gap out again; and fractions lie in it."""
    least = signs.least_gap
    monkeypatch.setattr(signs, "least_gap", lambda *args: times * least(*args))
    model = raspc.compile(AT == I, "a=b", 14, optimize=2, certify=False)
    found = raspc.certificate(model)
    assert found.verdict != "proved"
    assert [link.kind for link in found.links if link.kind == "gap"] == ["gap"]


@pytest.mark.parametrize("shift", [0.6, -0.6, 2.0])
def test_a_threshold_that_is_off_is_not_proved(shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """By more than half of the gap."""
    made = storing.staircases

    def shifted(*args: Any) -> Any:
        found = made(*args)
        return found and replace(found, thresholds=found.thresholds + shift / 14)

    monkeypatch.setattr(storing, "staircases", shifted)
    model = raspc.compile(AT == I, "a=b", 14, optimize=2, certify=False)
    assert raspc.certificate(model).verdict != "proved"


def test_beyond_float32_it_is_refused_with_what_to_do() -> None:
    """Words that say which key, a promise, or a domain."""
    with pytest.raises(raspc.UnsupportedProgram, match=r"1/512 away.*earliest or rasp.latest.*single=True.*where="):
        raspc.compile(AT == I - 1, "a=", 512)


def test_a_mean_that_is_read_in_another_way_is_refused_with_what_to_do() -> None:
    """A function of a mean and an index that compares nothing, and has too many combinations to list."""
    program = rasp.map(lambda at, i: (at * i) % 3, rasp.Aggregate(rasp.Select(T, "=", Comparison.EQ), I, default=0), I)
    with pytest.raises(raspc.UnsupportedProgram, match=r"combinations.*earliest or rasp.latest.*single=True.*where="):
        raspc.compile(program, "a=", 40)


@pytest.mark.parametrize("length", [130, pytest.param(512, marks=pytest.mark.slow)])
def test_a_mean_that_is_never_below_the_number(length: int) -> None:
    """A share of positions is 0 or above: shuffle_dyck of long inputs, which had a sign on the wrong side of 0."""
    program, vocab = library.shuffle_dyck(["()", "[]"]), tuple("()[]")
    model = raspc.compile(program, vocab, length, optimize=2)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    balanced = ["(", "["] * (length // 4) + [")", "]"] * (length // 4)
    for tokens in (balanced, [*balanced[:-1], ")"], [*balanced[1:], "("], list("([)]"), list("(]")):
        assert model.apply(["BOS", *tokens]).decoded[1:] == raspc.interpret(program, tokens)
