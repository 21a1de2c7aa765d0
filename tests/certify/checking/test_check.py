"""The check finds a corrupted weight anywhere, and follows it to the layer and the variable at which it arises."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import InputError, library, rasp
from raspc.certify.checking.check import check
from raspc.certify.checking.variables import first_difference, stage_name
from raspc.rasp import Comparison, SOp
from raspc.weights import Model

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
COUNT = rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ)).named("count")
AT_COUNT = rasp.Aggregate(rasp.Select(COUNT, I, Comparison.EQ), T, default=0).named("at")
PROGRAMS: dict[str, SOp] = {
    "reverse": library.reverse(),
    "squares": rasp.Map(lambda x: x * x, AT_COUNT).named("out"),
    "mean": rasp.Aggregate(rasp.Select(I, I, Comparison.LT), rasp.numerical(COUNT * I), default=2.5).named("mean"),
}
LEVELS = (0, 1, 2)
every_program = pytest.mark.parametrize("name", PROGRAMS)
every_level = pytest.mark.parametrize("level", LEVELS)


@cache
def model_of(name: str, level: int) -> Model:
    """A sound model. Neurons that only clear a dimension write no variable: what they spoil shows a stage later."""
    return raspc.compile(PROGRAMS[name], (1, 2), 3, optimize=level, certify=False, disabled_passes=("reuse",))


def spoiled(model: Model, change: Callable[[Any], Any], *names: str) -> Model:
    """The model with some of its arrays changed."""
    params = {name: np.array(model.params[name]) for name in model.params}
    return replace(model, params={k: change(v) if k in names else v for k, v in params.items()}, certificate=None)


def stage_of(name: str) -> int:
    """After which stage a change of this array can show."""
    if "embed/" in name and not name.startswith("unembed"):
        return -1
    if name.startswith("unembed"):
        return 1000
    layer = int(name.split("layer_")[1].split("/")[0])
    return 2 * layer + ("/mlp/" in name)


@every_program
@every_level
def test_sound_models(name: str, level: int) -> None:
    """Every input is tried, and none differs; the report is JSON."""
    report = check(model_of(name, level))
    assert report.ok and bool(report)
    assert (report.checked, report.total, report.exhaustive, report.undefined) == (14, 14, True, 0)
    assert (report.tokens, report.expected, report.found, report.difference) == (None,) * 4
    assert json.loads(json.dumps(report.to_json()))["ok"] is True


@every_program
@every_level
def test_a_changed_block_is_found_and_named(name: str, level: int) -> None:
    """All that one sublayer writes, turned around: the first difference is at that very stage, of what it writes."""
    model, answered_wrongly = model_of(name, level), 0
    for layer in range(model.config.n_layers):
        for part, arrays in ((0, ("attn/linear/w",)), (1, ("mlp/linear_2/w", "mlp/linear_2/b"))):
            names = [f"transformer/layer_{layer}/{array}" for array in arrays]
            if not any(np.any(model.params[n]) for n in names):
                continue
            wrong = spoiled(model, np.negative, *names)
            report = check(wrong)
            answered_wrongly += not report.ok
            # what a sublayer writes for people alone changes no answer
            found = report.difference or first_difference(wrong, model.as_written.vocab[:3])
            assert found is not None
            assert found.stage == 2 * layer + part
            assert found.where == stage_name(2 * layer + part)
            entry = model.alignment["variables"][found.variable]
            spaces = [space for space in entry["spaces"] if space["from_stage"] == 2 * layer + part]
            assert spaces or entry["read_from"], "the variable is written at that stage, or read off one that is"
    assert answered_wrongly


@every_program
@every_level
def test_single_weights(name: str, level: int) -> None:
    """The largest weight of each array, turned around: found or harmless, and never blamed on an earlier stage."""
    model = model_of(name, level)
    found = 0
    for array in model.params:
        original = np.asarray(model.params[array])
        if not original.any():
            continue
        place = np.unravel_index(np.abs(original).argmax(), original.shape)

        def turned(values: Any, place: Any = place) -> Any:
            values[place] *= -1
            return values

        report = check(spoiled(model, turned, array))
        found += not report.ok
        if report.difference is not None:
            assert report.difference.stage >= stage_of(array), array
        if array == "unembed/w":
            assert not report.ok
            assert report.difference is None, "all variables are right; the answer is not"
    assert found >= 10


@every_level
def test_what_is_reported_is_so(level: int) -> None:
    """The input, what was expected and what was found: as the interpreter and the model say."""
    broken = spoiled(model_of("squares", level), np.negative, "transformer/layer_1/attn/linear/w")
    report = check(broken)
    assert report.tokens is not None and report.expected is not None and report.found is not None
    assert list(report.expected) == raspc.interpret(PROGRAMS["squares"], report.tokens)
    assert list(report.found) == broken.apply(["BOS", *report.tokens]).decoded[1:]
    assert report.difference == first_difference(broken, report.tokens)
    assert json.loads(json.dumps(report.to_json()))["difference"]["variable"] == report.difference.variable


def test_an_embedding() -> None:
    """A wrong row of the embedding is a difference of the tokens, before any layer."""
    model = model_of("squares", 1)
    report = check(spoiled(model, lambda a: a[[1, 0, *range(2, len(a))]], "token_embed/embeddings"))
    assert report.difference is not None
    assert (report.difference.where, report.difference.variable) == ("embedding", "tokens")


@every_level
def test_a_value_far_from_every_code_is_none(level: int) -> None:
    """What the neurons of `count` write is half as large: blamed on them, though the nearest value would be right."""
    model = model_of("squares", level)
    broken = spoiled(model, lambda a: a / 2, "transformer/layer_0/mlp/linear_2/w", "transformer/layer_0/mlp/linear_2/b")
    found = first_difference(broken, (1, 1, 2))
    assert found is not None
    assert (found.where, found.variable) == ("layer 0 MLP", "count")


def test_random_inputs_where_there_are_many() -> None:
    """Beyond the limit: so many random ones, of all lengths up to the longest, the same each time."""
    model = raspc.compile(library.reverse(), "abcd", 12, certify=False)
    seen: list[tuple[int, int]] = []
    report = check(model, limit=500, progress=lambda done, goal: seen.append((done, goal)))
    assert (report.ok, report.exhaustive, report.checked) == (True, False, 500)
    assert report.total == sum(4**n for n in range(1, 13))
    assert seen[-1] == (500, 500)
    assert check(model, limit=500) == report


def test_a_fault_at_the_longest_input_alone_is_found() -> None:
    """The last position is embedded wrongly: random inputs hold the longest often enough."""
    model = raspc.compile(library.reverse(), "abcd", 12, certify=False)
    broken = spoiled(model, lambda a: np.vstack([a[:-1], a[-2:-1]]), "pos_embed/embeddings")
    report = check(broken, limit=200)
    assert not report.ok
    assert report.tokens is not None and len(report.tokens) == 12
    assert report.failures < report.checked


def test_undefined_inputs_are_left_out_and_counted() -> None:
    """A program for a part of the inputs: the rest is no difference."""
    with pytest.warns(raspc.UncertainProgram):
        model = raspc.compile(rasp.Map({1: 5}.__getitem__, T), (1, 2), 3, partial=True, certify=False)
    report = check(model)
    assert (report.ok, report.undefined, report.checked) == (True, 14 - 3, 14)


def test_the_largest_error_is_reported() -> None:
    """Of numbers: how far off the worst is; right up to the tolerance, wrong beyond it."""
    model = model_of("mean", 1)
    for scale, ok in ((1.0, True), (1 + 2e-5, True), (1 + 1e-2, False)):
        report = check(spoiled(model, lambda a, scale=scale: a * scale, "unembed/w"))
        assert report.ok == ok
        assert report.max_error == pytest.approx((scale - 1) * 2.5, abs=1e-5, rel=0.2)


def test_a_model_without_a_graph() -> None:
    """Nothing to compare with: one clear message."""
    with pytest.raises(InputError, match="no graph"):
        check(replace(model_of("reverse", 1), graph=None))


@pytest.mark.slow
@pytest.mark.parametrize("level", [1, 2])
def test_every_input_of_sort(level: int) -> None:
    """Four numbers, length 10: 1.4 million inputs, all run, as the order of tokens admits no symmetry."""
    model = raspc.compile(library.get("sort").program, (1, 2, 3, 4), 10, optimize=level, certify=False)
    report = check(model, limit=None)
    assert (report.ok, report.checked, report.ran, report.exhaustive) == (True, 1_398_100, 1_398_100, True)
