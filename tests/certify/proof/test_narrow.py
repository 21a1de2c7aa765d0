"""Narrow formats: picks whose scores are stored with few digits are proved, and what is measured has slack."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from tests.faults.records import wrapped
from tests.passes.test_mutations import ALL, BEFORE, LAST_BEFORE, SAME, I, T

import raspc
from raspc import rasp
from raspc.blocks.scores import ranking
from raspc.certify.proof import certificate
from raspc.numbers.precision import PRECISIONS, precision_of
from raspc.rasp import SOp

NARROW = ("bfloat16", "float16")
LARGEST = rasp.Aggregate(rasp.best(ALL, T), I)


def answers_of(model: raspc.Model, xs: list[Any]) -> list[Any]:
    """What the model says of an input."""
    return list(model.apply(["BOS", *xs]).decoded[1:])


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_picks_are_proved(dtype: str, level: int) -> None:
    """The latest of up to 20 keys, in formats that store scores with 8 and 11 digits."""
    model = raspc.compile(LAST_BEFORE, "abc", 20, optimize=level, dtype=dtype)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert [link.present for link in model.certificate.links if link.kind == "pick"] == [1.0]
    xs = random.Random(level).choices("abc", k=20)
    assert answers_of(model, xs) == raspc.interpret(LAST_BEFORE, xs)


@pytest.mark.parametrize("options", [{"accumulate": "stored"}, {"probabilities": "float32"}, {"summation": "pairwise"}])
def test_other_ways_to_add_up(options: dict[str, str]) -> None:
    """Ranks are told apart however a product of matrices is added up."""
    model = raspc.compile(LAST_BEFORE, "ab", 12, dtype="bfloat16", optimize=2, **options)  # type: ignore[arg-type]
    assert model.certificate is not None and model.certificate.verdict == "proved"


@pytest.mark.parametrize("name", NARROW)
def test_stretched_ranks(name: str) -> None:
    """They are numbers of the format, each at least one step above the last; whole numbers as far as it has them."""
    precision = PRECISIONS[name]
    found = ranking.stretched(np.arange(3 * 2.0**precision.bits), precision)
    assert precision.holds(found) and np.diff(found).min() == 1
    assert found[: 2**precision.bits + 1].tolist() == list(range(2**precision.bits + 1))


@pytest.mark.parametrize("level", [1, 2])
def test_more_scores_than_the_format_has_whole_numbers(level: int) -> None:
    """Of 300 numbers bfloat16 tells the greatest, also where two are neighbours."""
    program = rasp.Aggregate(rasp.best(BEFORE, T), I, default=-1)
    model = raspc.compile(program, range(300), 3, dtype="bfloat16", optimize=level)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    for x in (255, 256, 257, 298):
        assert answers_of(model, [x, x + 1, 0]) == [-1, 0, 1] and answers_of(model, [x + 1, x, 0]) == [-1, 0, 0]


def test_ranks_that_the_format_does_not_have_are_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """257 is stored as 256 in bfloat16, and the weights say so."""
    wrapped(ranking, "stretched", lambda original, places, precision: places)(monkeypatch)
    model = raspc.compile(LARGEST, range(300), 2, dtype="bfloat16", certify=False)
    assert raspc.certificate(model).verdict == "fails"
    assert raspc.certificate(model, dtype="float32").verdict == "proved"


def test_a_design_that_is_proved_goes_before_one_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A difference of means is off by more than bfloat16 promises; counts are not."""
    program = rasp.numerical(rasp.Aggregate(ALL, T) - rasp.Aggregate(ALL, T + 1))
    model = raspc.compile(program, (0.5, 3), 4, dtype="bfloat16")
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert "Width" in [type(node).__name__ for node in model.graph.nodes]


MEASURED: dict[str, SOp] = {
    "a mean of both signs": rasp.numerical(rasp.Aggregate(ALL, T)),
    "a mean and the length": rasp.numerical(rasp.Aggregate(ALL, T) - rasp.length),
}


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured_has_slack(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It warns, its numbers are twice as near as promised, and without that it is refused."""
    program, vocab = MEASURED[name], (-1, 1, 10) if name == "a mean of both signs" else (0.5, 3)
    with pytest.warns(raspc.UncertainProgram, match="measured, not proved"):
        model = raspc.compile(program, vocab, 4, dtype="bfloat16")
    found = model.certificate
    assert found is not None and found.measured is not None and found.measured.failures == 0
    assert found.measured.max_error <= 2 * precision_of("bfloat16").unit * 10
    monkeypatch.setattr("raspc.numbers.promise.NARROW_SLACK", 100.0)
    with pytest.raises(raspc.CertificateError):
        raspc.compile(program, vocab, 4, dtype="bfloat16")


@pytest.mark.parametrize("dtype", NARROW)
def test_what_exceeds_the_promise_is_refused(dtype: str) -> None:
    """A difference of means, each of up to 34.81, that was once measured while `check` failed."""
    program = rasp.numerical(rasp.Aggregate(ALL, T) - rasp.Aggregate(ALL, T * T))
    with pytest.raises(raspc.CertificateError, match="the number"):
        raspc.compile(program, (0.1, 0.7, 2.3, 5.9), 30, dtype=dtype)


def test_words_that_are_measured_are_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a narrow format a word that is told by a hair is refused, though it is right on all inputs that were run."""
    model = raspc.compile(rasp.Aggregate(SAME & BEFORE, T, default=-1), (0, 1), 3, dtype="bfloat16")
    monkeypatch.setattr(certificate, "prove", lambda *_: (certificate.Link("answer", "x", 2.0, 1.0, "logits"),))
    assert raspc.certificate(model).verdict == "measured"
    monkeypatch.setattr("raspc.certify.checking.judging.LEAD", 1.5)
    assert raspc.certificate(model).verdict == "fails"


def test_a_sum_over_the_best_is_proved() -> None:
    """It is told by counts of the keys that hold the best score."""
    model = raspc.compile(rasp.Sum(rasp.best(BEFORE, T), I), (1, 2, 3), 4, dtype="bfloat16", optimize=2)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert answers_of(model, [3, 1, 3, 2]) == [0, 0, 0, 2]


def test_what_has_too_few_digits_is_refused_in_words() -> None:
    """A sign of a mean, and a pick among more scores than float16 has room for."""
    at = rasp.Aggregate(rasp.Select(T, "=", rasp.Comparison.EQ), I)
    with pytest.raises(raspc.UnsupportedProgram, match=r"too near for bfloat16.*rasp\.earliest"):
        raspc.compile(at == I - 1, "ab=", 12, dtype="bfloat16")
    with pytest.raises(raspc.UnsupportedProgram, match="a pick among 1,100 scores, more than float16 ranks"):
        raspc.compile(LARGEST, range(1100), 2, dtype="float16")
