"""Models that are compiled for a family: its parameters, its forward pass in NumPy, and what is proved of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.stock.stocked import compiled, logits_of

import raspc
from raspc import InputError, ModelFormatError, library
from raspc.stock.convert import stock_of
from raspc.stock.model import strays
from raspc.target.families import FAMILIES
from raspc.target.stocked import STOCK
from raspc.weights import Model, Params, sampling
from raspc.weights.config import Config

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes
FAMILY = pytest.mark.parametrize("family", FAMILIES)


def edited(model: Model, name: str, change: Any) -> Model:
    """The model with one array changed."""
    arrays = {key: np.array(array) for key, array in model.params.items()}
    change(arrays[name])
    return replace(model, params=Params(arrays, model.config))


@FAMILY
@pytest.mark.parametrize("level", [1, 2])
def test_the_forward_pass_is_that_of_the_class(family: str, level: int) -> None:
    """NumPy and `transformers` give the same logits, for the head that the model has."""
    pytest.importorskip("transformers")
    model = compiled("sort", family, optimize=level)
    assert model.config.family == family
    exit = STOCK[family].exit
    batch = sampling.inputs_of(model)[-20:]
    stock = stock_of(model, family, exit)
    theirs, ids = logits_of(stock, model, batch), model.encode_batch(batch)
    ours, real = model.logits(ids), ids != model.config.pad_id
    columns = [answer.column for answer in stock.answers]
    assert np.allclose(ours[real], theirs[real][:, columns], atol=2e-3)
    trace = model.trace_ids(ids)
    assert np.allclose(trace.unembedded[real], ours[real], atol=1e-5)
    assert trace.residuals[-1].shape[-1] == model.config.d_model == len(model.residual_labels)


@FAMILY
def test_parameters_have_the_names_of_the_class(family: str) -> None:
    """What the target says there is, the converter makes, and a `state_dict` has."""
    model = compiled("hist", family)
    stock = stock_of(model, family, STOCK[family].exit)
    assert set(stock.params) == set(model.params)
    assert strays(model) == {}


@FAMILY
def test_a_model_is_saved_and_read_back(family: str, tmp_path: Path) -> None:
    """`config.json` names the target; the plain model that is held, and the certificate, are those of before."""
    model = compiled("hist", family)
    model.save(tmp_path / "model")
    again = raspc.load(tmp_path / "model")
    assert again.config == model.config and again.config.to_json()["target"] == family
    assert all(np.array_equal(again.params[name], array) for name, array in model.params.items())
    assert all(np.array_equal(again.plain.params[name], array) for name, array in model.plain.params.items())
    assert raspc.certificate(again).verdict == model.certificate.verdict
    assert raspc.check(again).ok


@pytest.mark.parametrize("family", ["llama", "gemma"])
@pytest.mark.parametrize("name", ["hist", "sort", "reverse", "dyck1_ptf", "induction"])
def test_what_is_computed_after_rms_is_proved(family: str, name: str) -> None:
    """The norm is the identity; the activation is near enough to relu, with the least sharpness that does."""
    model = compiled(name, family)
    kinds = {link.kind for link in model.certificate.links}
    assert model.certificate.verdict == "proved" and {"norm", "rotation"} <= kinds


def test_what_is_computed_after_a_layer_norm_is_proved_or_measured() -> None:
    """A model says which; in a family that rounds more, more is only measured."""
    assert compiled("sort", "gpt2").certificate.verdict == "proved"
    assert compiled("dyck1_ptf", "gpt2").certificate.verdict == "measured"


FAULTS = {
    "a gain": ("model.layers.0.input_layernorm.weight", lambda a: a.__setitem__(0, a[0] * 2)),
    "a constant": ("model.embed_tokens.weight", lambda a: a.__setitem__((0, -1), a[0, -1] + 1)),
    "a missing constant": ("model.embed_tokens.weight", lambda a: a.__setitem__((slice(None), 13), 0.0)),
    "what reads a constant": ("model.layers.0.mlp.up_proj.weight", lambda a: a.__imul__(2)),
    "a slope": ("model.layers.0.mlp.gate_proj.weight", lambda a: a.__imul__(1.5)),
    "a pair that turns": ("model.layers.0.self_attn.q_proj.weight", lambda a: a.__setitem__((0, 0), 1.0)),
    "a stray neuron": ("model.layers.0.mlp.down_proj.weight", lambda a: a.__setitem__((-1, 0), 1.0)),
    "a wrong answer": ("score.weight", lambda a: a.__imul__(-1)),
    "an embedding": ("model.embed_tokens.weight", lambda a: a.__setitem__(0, a[1])),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_by_the_certificate(fault: str) -> None:
    """Wherever a weight of a Llama is edited, the proof, which runs nothing, does not hold."""
    model = compiled("hist", "llama")
    name, change = FAULTS[fault]
    assert raspc.certificate(edited(model, name, change)).verdict == "fails"


def test_what_a_config_says_of_the_frame_is_held_against_the_weights() -> None:
    """Another scale, or another sharpness, than the weights have makes them strays, or another model."""
    model = compiled("hist", "llama")
    held = model.config.held
    assert held is not None
    for change in ({"norm_scale": held.norm_scale * 2}, {"step_sharpness": held.step_sharpness * 2}):
        config = replace(model.config, held=replace(held, **change))
        assert raspc.certificate(replace(model, config=config, params=dict(model.params))).verdict == "fails"


def test_a_norm_that_is_not_still_is_not_proved() -> None:
    """A constant that is small beside what is stored leaves a factor, which is too large in the end."""
    from raspc.stock import model as making

    model = compiled("hist", "llama")
    held = replace(model.config.held, norm_scale=2.0**-2)
    small = making._stocked(model.plain, FAMILIES["llama"], held)
    found = raspc.certificate(small)
    norm = next(link for link in found.links if link.kind == "norm")
    assert not norm.holds and found.verdict != "proved"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"held": None}, "held must say what"),
        ({"target": "plain", "activation": "relu"}, "held must say what"),
        ({"held": {"d_model": 5}}, "fields missing"),
        ({"held": 3}, "needed a JSON object"),
    ],
)  # fmt: skip
def test_a_malformed_config_is_refused(change: dict[str, Any], says: str) -> None:
    """One error, whatever a file says of what it holds."""
    good = compiled("hist", "llama").config.to_json()
    with pytest.raises(ModelFormatError, match=says):
        Config.from_json(good | change)
    for name, value in {"norm_scale": 3.0, "d_model": 10**6, "frame": "oval", "target": "llama", "d_head": 1.5}.items():
        with pytest.raises(ModelFormatError, match="held"):
            Config.from_json(good | {"held": good["held"] | {name: value}})


def test_other_exports_say_what_to_do() -> None:
    """A Llama goes to Llama; the page shows the plain model that it holds."""
    model = compiled("hist", "llama")
    for target in ("npz", "gpt2"):
        with pytest.raises(InputError, match=r"has the parameters of llama.*compile it"):
            model.to(target)


@pytest.mark.parametrize("name", ["majority", "cumulative_sum"])
def test_a_count_that_nobody_reads_takes_no_room(name: str) -> None:
    """Small bfloat16 models have counts that a rewriting left behind; these have no dimension, and all is proved."""
    assert compiled(name, "llama", optimize=2, dtype="bfloat16").certificate.verdict == "proved"


def test_a_writer_may_be_a_llama() -> None:
    """`generate` in NumPy runs the plain model that the parameters hold."""
    program = library.get("hist")
    model = compiled("hist", "llama")
    assert model.plain.config.family == "plain" and model.plain.plain is model.plain
    tokens = ["BOS", *program.vocab[:2]]
    assert model.apply(tokens).decoded == model.plain.apply(tokens).decoded
