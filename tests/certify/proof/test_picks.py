"""The proof of picks: ranks are held against the graph, and a fault in any part of a ranked score is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.passes.test_mutations import BEFORE, LAST_BEFORE, LEAST, MUTATIONS, SAME, I, T

import raspc
from raspc import rasp
from raspc.graph.build import build
from raspc.graph.nodes import Aggregate
from raspc.rasp import Comparison, SOp
from raspc.weights import Model

RANKED = [name for name, mutation in MUTATIONS.items() if id(mutation.program) in map(id, (LAST_BEFORE, LEAST))]


def links(model: Model, kind: str) -> list[Any]:
    """The links of one kind."""
    assert model.certificate is not None
    return [link for link in model.certificate.links if link.kind == kind]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("causal", [False, True])
def test_picks_are_proved(level: int, causal: bool) -> None:
    """With a link for the least step of a rank, one for the penalties, and one for BOS."""
    model = raspc.compile(LAST_BEFORE, "abc", 40, causal=causal, optimize=level)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert [link.present for link in links(model, "pick")] == [1.0]
    assert links(model, "default")[0].holds and links(model, "separation")[0].holds
    assert model.certificate.assumptions == ()


@pytest.mark.parametrize("name", RANKED)
@pytest.mark.parametrize("level", [0, 2])
def test_a_fault_is_not_proved(name: str, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever part of a ranked score is made wrong while compiling."""
    mutation = MUTATIONS[name]
    mutation.patch(monkeypatch)
    model = raspc.compile(mutation.program, (0, 1, 2), 4, optimize=level, certify=False)
    assert raspc.certificate(model).verdict != "proved"


def test_there_are_faults() -> None:
    """Of ranks, of penalties beside them and of BOS."""
    assert len(RANKED) >= 6


def spoiled(model: Model, name: str, change: Any) -> Model:
    """The model with one parameter changed."""
    params = {key: np.array(array) for key, array in model.params.items()}
    change(params[name])
    return replace(model, params=params)


@pytest.mark.parametrize("dimension", [0, 2, 3])
def test_a_rank_that_is_read_off_wrongly_is_not_proved(dimension: int) -> None:
    """The embedding of one position is moved by two steps: it then ties with, or beats, the next."""
    model = raspc.compile(rasp.Aggregate(rasp.latest(SAME), I), "ab", 6, optimize=2)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    place = next(i for i, label in enumerate(model.residual_labels) if label.startswith("indices"))

    def change(positions: Any) -> None:
        positions[1 + dimension, place] += 2

    assert raspc.certificate(spoiled(model, "pos_embed/embeddings", change)).verdict != "proved"


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
def test_far_keys_are_told_apart() -> None:
    """Long inputs, and more contents than squares can hold apart beside ranks."""
    words = [f"w{i}" for i in range(300)]
    program = rasp.Aggregate(rasp.latest(rasp.Select(T, T, Comparison.EQ)), I)
    model = raspc.compile(program, words, 600, causal=True, optimize=2)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    xs = [words[i * i % 300] for i in range(600)]
    want = raspc.interpret(program, xs[:200], causal=True)
    assert model.apply(["BOS", *xs]).decoded[1:201] == want


PROMISED = rasp.Aggregate(rasp.Select(T, rasp.Full("="), Comparison.EQ), I, default=-1, single=True)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_promise_is_recorded(level: int) -> None:
    """It stands in the certificate; the model is right wherever the promise is kept."""
    model = raspc.compile((PROMISED == I - 1).named("after"), {"a", "="}, 8, optimize=level)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert any("at most one key" in text for text in model.certificate.assumptions)
    assert model.apply(["BOS", *"aa=aaaaa"]).decoded[1:] == [i == 3 for i in range(8)]
    assert raspc.check(model).ok


def test_a_promise_is_kept_by_the_interpreter() -> None:
    """Where it is broken, an error names the positions."""
    with pytest.raises(raspc.InputError, match=r"single=True promises at most one selected key.*positions 0, 2"):
        raspc.interpret(PROMISED, "=a=")
    with pytest.raises(raspc.UnsupportedProgram, match=r"strict: neither proved nor refuted.*at most one key"):
        raspc.compile(PROMISED, {"a", "="}, 12, strict=True)
    with pytest.raises(TypeError, match="single"):
        rasp.Aggregate(SAME, T, single=1)  # type: ignore[arg-type]


def test_a_promise_that_is_proved_is_none() -> None:
    """By structure, or since there are no other inputs."""
    for program, n in ((rasp.Aggregate(rasp.latest(SAME), T, single=True), 9), (last_of_two(), 2)):
        model = raspc.compile(program, {"a", "b"}, n)
        assert model.certificate is not None and model.certificate.assumptions == ()


def last_of_two() -> SOp:
    """One key of at most two positions."""
    return rasp.Aggregate(BEFORE & SAME, T, default="_", single=True)


@pytest.mark.parametrize("of", [lambda s: ~s, rasp.SelectorWidth, lambda s: s & rasp.latest(s)])
def test_best_keys_that_cannot_be_listed_are_refused(of: Callable[[Any], Any]) -> None:
    """What negates, counts or conjoins them lists pairs of scores; the refusal says so."""
    best = of(rasp.best(rasp.Select(I, I, Comparison.TRUE), T))
    program = best if isinstance(best, rasp.SOp) else rasp.Aggregate(best, rasp.indices)
    with pytest.raises(
        raspc.UnsupportedProgram, match="selection of the best of 9,000 scores that is conjoined, negated or counted"
    ):
        build(program, range(9000), 2)


def test_a_pick_with_a_counter_example_is_never_assumed() -> None:
    """The place of a marker that can stand twice is a mean: "=a=" shows it, and nothing is recorded as assumed."""
    at = rasp.Aggregate(rasp.Select(T, "=", Comparison.EQ), rasp.indices)
    model = raspc.compile(at, "a=", 30, strict=True)
    (node,) = (node for node in model.as_written.nodes if isinstance(node, Aggregate))
    assert not node.pick and model.program.notes == ()
    assert abs(model.apply(["BOS", *"=a="]).decoded[1] - 1) < 1e-4


@pytest.mark.parametrize(("word", "name"), [(rasp.latest, "latest"), (rasp.earliest, "earliest")])
def test_a_word_is_named_as_it_was_written(word: Callable[[Any], Any], name: str) -> None:
    """What is no selector is refused under the name of the word, which is another one for the best index."""
    with pytest.raises(raspc.InvalidProgram, match=f"^{name}: found an s-op where a selector is needed"):
        word(T)
