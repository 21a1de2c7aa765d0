"""What heads and neurons leave a little off is restored to the last digit, where no other design is proved."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.agreement import differences

import raspc
from raspc import CertificateError, rasp
from raspc.blocks.storage import restoring, storing
from raspc.certify.proof.prove import bounds_of
from raspc.certify.proof.weights import examined
from raspc.graph.build import build
from raspc.numbers.options import Level, Options
from raspc.plan.planning import plan_by
from raspc.rasp import Comparison, SOp
from raspc.weights import Model
from raspc.weights.making import model_of

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
SAME = rasp.Select(T, T, Comparison.EQ)
EARLY = rasp.Aggregate(SAME, I) < I
"""A mean is told by steep steps, so that this is right but for rounding."""
BY_EARLY = rasp.Select(EARLY, EARLY, Comparison.EQ)
FIRST_BEST = rasp.Aggregate(rasp.best(SAME, T * I, "max"), I)
NEXT = rasp.Select(I, I, lambda k, q: k == q + 1)
PROGRAMS: dict[str, tuple[SOp, tuple[Any, ...], int]] = {
    "keys of a mean": (rasp.Aggregate(BY_EARLY, T), (-1, 0, 2), 4),
    "keys that a sum counts": (rasp.Sum(rasp.Select(I, FIRST_BEST, Comparison.GEQ), I * 100), (-1, 2), 4),
    "ranks of a mean": (rasp.Aggregate(rasp.best(SAME, EARLY, "max"), I), (-1, 0, 2), 4),
    "a number that is given": (rasp.numerical(rasp.Aggregate(NEXT, 3 * T * L - I, default=7)), (True, False), 4),
    "a number that is averaged": (
        rasp.Aggregate(rasp.Select(I, 1, Comparison.NEQ), rasp.Aggregate(NEXT, -2 * T - 0.25 * L, default=1)),
        (True, False), 4,
    ),
    "a number that a pick moves": (
        rasp.Aggregate(NEXT, rasp.Aggregate(SAME, 3 * T - 2 * L, default=3) + 0.5 * rasp.Aggregate(BY_EARLY, I),
                       default=0.3), (-1, 2), 3,
    ),
}  # fmt: skip
"""Each with its tokens and its longest input."""


def restored(program: SOp, vocab: tuple[Any, ...], n: int, level: int = 1) -> Model:
    """The model of the plan that restores variables."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return raspc.compile(program, vocab, n, optimize=level, disabled_passes=["carry_errors"])


def labels(model: Model) -> set[str]:
    """Of all that is restored."""
    stored = zip(model.plan.graph.labels, model.plan.storage.variables, strict=True)
    return {label for label, one in stored if one is not None and one.restored is not None}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("level", [0, 2])
def test_what_is_restored_is_exact(name: str, level: int) -> None:
    """By bounds: all directions of it are right to the last digit; and the answers are those of the program."""
    program, vocab, n = PROGRAMS[name]
    model = restored(program, vocab, n, level)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert labels(model)
    found = bounds_of(examined(model.plan, model), model.precision)
    for one in model.plan.storage.variables:
        if one is not None and one.restored is not None:
            assert found[one.restored.groups[0].space] == 0.0
    inputs = [list(xs) for length in range(1, n + 1) for xs in product(vocab, repeat=length)]
    assert not differences(program, model, inputs)


def test_it_is_done_where_nothing_else_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of a mean that carry rounding are weighed unevenly: without it the mean is only measured, or refused."""
    program, vocab, n = PROGRAMS["keys of a mean"]
    model = raspc.compile(program, vocab, n)
    assert model.alignment.design is not None and model.alignment.design.given_up == ("carry_errors",)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    monkeypatch.setattr(storing, "is_to_be_restored", lambda *args: False)
    try:
        other = raspc.compile(program, vocab, n)
    except CertificateError:
        return
    assert other.certificate is not None and other.certificate.verdict == "measured"


def test_a_fault_in_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that begin too late take 1 − e for less than 1; no such model is proved."""
    monkeypatch.setattr(restoring, "STARTS", (-3.0, -4.0))
    program, vocab, n = PROGRAMS["keys of a mean"]
    plan = plan_by(build(program, vocab, n, False), Options(Level.NAMED, given_up=("carry_errors",)))
    model = model_of(plan, "BOS", "PAD", {}, ())
    assert raspc.certificate(model).verdict != "proved"


def test_it_survives_a_file(tmp_path: Any) -> None:
    """The plan is saved with what is restored; a plan without has no word of it."""
    program, vocab, n = PROGRAMS["keys of a mean"]
    model = restored(program, vocab, n)
    model.save(tmp_path / "restored")
    again = raspc.load(tmp_path / "restored")
    assert labels(again) == labels(model) and raspc.certificate(again).verdict == "proved"
    raspc.compile(rasp.Aggregate(SAME, I), vocab, n).save(tmp_path / "plain")
    assert "restored" in (tmp_path / "restored" / "plan.json").read_text()
    assert "restored" not in (tmp_path / "plain" / "plan.json").read_text()


def test_the_plan_tells_of_it() -> None:
    """In words, with the directions that are read and those that are a little off."""
    program, vocab, n = PROGRAMS["keys of a mean"]
    told = str(restored(program, vocab, n).plan)
    assert "given up" not in told and "restored by 4 neurons" in told and "map_1:values:rough: one-hot, 2" in told


def test_steps_are_exact_in_float32() -> None:
    """Whatever x is off by, up to a sixteenth: the difference of the two neurons is 0 or 1, added in any order."""
    off = np.random.default_rng(0).uniform(-1 / 16, 1 / 16, 10_000).astype(np.float32)
    slope, (first, second) = np.float32(restoring.STEEPNESS), np.float32(restoring.STARTS)
    for value in (0, 1):
        x = np.float32(value) + off
        one, other = (np.maximum(slope * x + start, np.float32(0)) for start in (first, second))
        assert ((one - other) == value).all()


def test_a_sum_of_a_sum_reads_0_at_bos() -> None:
    """BOS gets almost all of the attention of a sum: what it holds must be 0, and not a third less a third."""
    program = rasp.Sum(NEXT, rasp.Map(lambda x: min(x, 1), rasp.Sum(NEXT, L)).named("few"))
    for level in (0, 1, 2):
        model = raspc.compile(program, (1, 2.5), 4, optimize=level)
        assert model.certificate is not None and model.certificate.verdict == "proved"
