"""`sharpness=` and `margin=`: softer scores, codes with room, and a proof that holds for both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.sharpness import right_at, sure
from tests.lab.circuits import random_models

import raspc
from raspc import lab, library
from raspc.blocks.neurons.steps import slopes_of
from raspc.certify.proof.certificate import certify
from raspc.certify.proof.weights import examined
from raspc.library.random_program import random_program
from raspc.weights.model import Model


def reverse(**asked: Any) -> Model:
    """`reverse` of three tokens, up to five of them."""
    return raspc.compile(library.reverse(), "abc", 5, **asked)


def largest_score(model: Model) -> float:
    """The largest weight of a query."""
    return max(float(np.abs(array).max()) for name, array in model.params.items() if name.endswith("query/w"))


def test_scores_are_a_part_of_what_they_were() -> None:
    """A quarter of the sharpness makes a quarter of the weights of queries; steps are softer, all else stays."""
    whole, soft = reverse(), reverse(sharpness=0.25)
    assert largest_score(soft) == largest_score(whole) / 4
    steps = [name for name in whole.params if "linear_1" in name]
    same = [name for name in whole.params if "query" not in name and name not in steps]
    assert all(np.array_equal(whole.params[name], soft.params[name]) for name in same)
    assert slope(soft) < slope(whole)
    assert soft.certificate.verdict == "proved" and raspc.check(soft)


def slope(model: Model) -> float:
    """How steep the neurons of the first layer are along the position."""
    row = model.residual_labels.index("indices:1")
    return float(np.abs(model.params["transformer/layer_0/mlp/linear_1/w"][row]).max())


@pytest.mark.parametrize("sharpness", [0.75, 0.5, 0.25, 0.0])
def test_ramps_are_as_wide_as_was_asked_for(sharpness: float) -> None:
    """Slopes are that part of what they are, but for a quarter of a power of two; the widest leave an end flat."""
    gaps, noise = np.array([1.0, 0.5, 0.3, 3.0]), np.array([0.0, 0.01, 0.07, 0.0])
    usual, soft = slopes_of(gaps, noise), slopes_of(gaps, noise, sharpness)
    assert np.all(soft <= usual) and np.all(soft >= sharpness * usual)
    assert np.all(gaps - 1 / soft >= np.minimum(4 * noise, gaps / 2))  # the flat ends hold the noise, as they did
    assert np.all(soft * gaps >= 9 / 8) and (sharpness > 0.5 or soft[0] == 1.25)


def test_the_least_sharpness_is_proved_and_half_of_it_is_not() -> None:
    """What 0 finds has the verdict of the whole; half of it is measured; a wrong one is refused."""
    least = reverse(sharpness=0)
    found = least.options.sharpness
    assert 0 < found <= 0.25 and least.certificate.verdict == "proved" and raspc.check(least)
    assert reverse(sharpness=found / 2).certificate.verdict == "measured"
    with pytest.raises(raspc.CertificateError):
        reverse(sharpness=found / 64)
    assert not raspc.check(reverse(sharpness=found / 64, certify=False))


def test_gradients_live_in_float32_where_scores_are_softer() -> None:
    """EAP, neuron by neuron: as it is, most of what it finds in float64 is 0 in float32."""

    def felt(model: Model) -> int:
        task = lab.task(model, "shuffle", granularity="neuron", dtype="float32")
        scores, true = lab.methods.method("eap")(task), lab.truths(task).varying
        return sum(scores[edge] != 0 for edge in true)

    whole, soft = reverse(), reverse(sharpness=0)
    assert felt(soft) > 2 * felt(whole)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_room_bears_noise_and_makes_probabilities(level: int) -> None:
    """The goal: reverse answers .99 right where every weight has noise of 1e-3; a sure answer is sure; it is proved."""
    plain, roomy = reverse(optimize=level), reverse(optimize=level, margin=10)
    assert roomy.certificate.verdict == "proved" and raspc.check(roomy)
    assert right_at(roomy, 1e-3) >= 0.99 > 0.75 > right_at(plain, 1e-3)
    assert sure(plain) == pytest.approx(0.576, abs=1e-3) and sure(roomy) > 0.9999


@pytest.mark.parametrize("level", [1, 2])
def test_room_bears_noise_at_length_ten(level: int) -> None:
    """The same of twice the length: counts are decoded before anything is added to them."""
    model = raspc.compile(library.reverse(), "abc", 10, optimize=level, margin=10)
    assert model.certificate.verdict == "proved" and right_at(model, 1e-3) >= 0.99


def test_the_margin_is_what_logits_lead_by() -> None:
    """To the last digit on a small model; numbers stay numbers."""
    out = reverse(margin=4).apply(["BOS", *"abca"]).unembedded
    ranked = np.sort(np.asarray(out).reshape(-1, 3)[-4:], axis=-1)
    assert np.allclose(ranked[:, -1] - ranked[:, -2], 4)
    number = raspc.compile(library.frac_prevs(), ["x", "y"], 4, causal=True, margin=4)
    assert number.apply(["BOS", "x", "y"]).decoded[1:] == pytest.approx([1.0, 0.5])


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("asked", [{"sharpness": 0.5}, {"margin": 8}, {"sharpness": 0.25, "margin": 3}], ids=str)
def test_random_programs_compute_the_same(asked: dict[str, Any]) -> None:
    """In each setting every model of a random program that has a certificate answers as the program does."""
    made = 0
    for seed, _ in random_models(range(16)):
        program = random_program(np.random.default_rng(seed), 3 + seed % 6, ("a", "b", 1), 4, causal=seed % 4 == 3)
        try:
            model = raspc.compile(program, ("a", "b", 1), 4, seed % 4 == 3, optimize=seed % 3, partial=True, **asked)
        except raspc.CertificateError:
            continue
        made += 1
        assert raspc.check(model), seed
    assert made > 5


def test_the_proof_sees_weights_that_are_not_the_margin_s() -> None:
    """Planted faults: a value of a count that is not scaled, BOS that does not attend to itself, a logit off."""
    model = reverse(margin=10)
    plan = model.plan
    assert plan is not None
    faults = {
        "transformer/layer_0/attn/value/w": 0.9, "transformer/layer_0/attn/query/w": 0.0,
        "transformer/layer_0/mlp/linear_1/w": 0.7, "unembed/w": -1.0,
    }  # fmt: skip
    for name, factor in faults.items():
        params = {key: np.array(array) for key, array in model.params.items()}
        params[name] *= factor
        changed = replace(model, params=params)
        with pytest.raises(raspc.CertificateError):
            certify(changed, examined(plan, changed), model.precision)


def test_it_is_saved(tmp_path: Path) -> None:
    """A model that is loaded says what was asked for, and has its proof."""
    model = reverse(sharpness=0.25, margin=6)
    model.save(tmp_path / "model")
    loaded = raspc.load(tmp_path / "model")
    assert (loaded.options.sharpness, loaded.options.margin) == (0.25, 6)
    assert raspc.certificate(loaded).verdict == "proved"
    assert reverse().alignment.to_json().keys().isdisjoint({"sharpness", "margin"})


def test_what_is_refused() -> None:
    """Numbers out of range, other kinds, and the least without a certificate to find it by."""
    for wrong in ({"sharpness": 2}, {"sharpness": -0.1}, {"margin": 0.5}, {"margin": 1e9}, {"margin": float("nan")}):
        with pytest.raises(raspc.InvalidProgram, match=next(iter(wrong))):
            reverse(**wrong)
    for wrong in ({"sharpness": "soft"}, {"margin": [1]}, {"sharpness": None}):
        with pytest.raises(TypeError, match=next(iter(wrong))):
            reverse(**wrong)
    with pytest.raises(raspc.InvalidProgram, match="certify=True"):
        reverse(sharpness=0, certify=False)


@pytest.mark.parametrize("factor", [-1.0, 2.0, 0.5])
@pytest.mark.parametrize("margin", [None, 10])
def test_the_proof_sees_a_share_of_another_size(factor: float, margin: float | None) -> None:
    """A plan that says of a count that its values are others, and weights that are so too: the model is wrong."""
    model = reverse(margin=margin)
    plan = model.plan
    assert plan is not None
    place = next(i for i, one in enumerate(plan.storage.variables) if one is not None and one.share is not None)
    stored, params = plan.storage[place], {key: np.array(array) for key, array in model.params.items()}
    share = stored.share
    assert share is not None
    other = replace(share, at_key=factor * share.at_key, at_bos=factor * share.at_bos)
    variables = list(plan.storage.variables)
    variables[place] = replace(stored, share=other)
    changed = replace(plan, storage=replace(plan.storage, variables=tuple(variables)))
    for name in ("w", "b"):
        params[f"transformer/layer_0/attn/value/{name}"] *= factor
    wrong = replace(model, params=params, plan=changed)
    assert not raspc.check(wrong)
    with pytest.raises(raspc.CertificateError):
        certify(wrong, examined(changed, wrong), model.precision)


def flatter(model: Model, layer: int, factor: float) -> Model:
    """The model with the ramps of a layer wider, around the thresholds where they are."""
    params = {key: np.array(array) for key, array in model.params.items()}
    weights, bias = (params[f"transformer/layer_{layer}/mlp/linear_1/{name}"] for name in "wb")
    half = np.tile([0.5, -0.5], len(bias) // 2)
    weights *= factor
    bias[:] = half + factor * (bias - half)
    return replace(model, params=params)


@pytest.mark.parametrize(("asked", "longest", "layers"), [({"sharpness": 0}, 5, (0,)), ({"margin": 10}, 10, (0, 1))])
def test_the_proof_sees_ramps_that_are_too_wide(asked: dict[str, Any], longest: int, layers: tuple[int, ...]) -> None:
    """A step that is not flat at its values is not proved, even where answers stay; else it is refused."""
    model = raspc.compile(library.reverse(), "abc", longest, **asked)
    plan = model.plan
    assert plan is not None and model.certificate is not None and model.certificate.verdict == "proved"
    for layer in layers:
        wide, wrong = flatter(model, layer, 0.7), flatter(model, layer, 0.1)
        assert certify(wide, examined(plan, wide), model.precision).verdict != "proved"
        assert not raspc.check(wrong)
        with pytest.raises(raspc.CertificateError):
            certify(wrong, examined(plan, wrong), model.precision)


def test_the_proof_sees_neurons_that_fire_at_bos() -> None:
    """Where codes have room neurons are shut at BOS by half a step; without that nothing is proved."""
    model = raspc.compile(library.reverse(), "abc", 10, margin=10)
    plan, row = model.plan, model.residual_labels.index("is_bos")
    assert plan is not None
    for layer in (0, 1):
        params = {key: np.array(array) for key, array in model.params.items()}
        params[f"transformer/layer_{layer}/mlp/linear_1/w"][row] = 0
        changed = replace(model, params=params)
        assert certify(changed, examined(plan, changed), model.precision).verdict != "proved"
