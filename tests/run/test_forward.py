"""The one forward pass: against loops written out by hand, in every framework, and for targets other than the plain."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.hand_built import MODELS, random_model

from raspc.numbers.precision import PRECISIONS
from raspc.run import fast, rounded
from raspc.run import forward as run
from raspc.run.arrays import NUMPY, Arrays, arrays_of, of_jax, of_torch, over
from raspc.run.parts import parts_of
from raspc.run.plain import prepare
from raspc.run.trace import Recorder, Trace
from raspc.target import PLAIN, Layer, Names, Target
from raspc.weights import Config, Model

MODULES = Layer(*(f"blocks.{{i}}.{role}" for role in Layer._fields))
OTHER = Names("embed.weight", "places.weight", MODULES, "head", ".weight", ".bias")
TARGETS = {
    "plain": PLAIN,
    "other names": replace(PLAIN, names=OTHER),
    "no biases": replace(PLAIN, has_biases=False),
    "no positions": replace(PLAIN, has_positions=False),
    "scores as they are": replace(PLAIN, scales_scores=False),
}


def by_hand(p: dict[str, Any], config: Config, target: Target, ids: list[int]) -> Any:
    """The definition, for one input without padding: one query, one head, one key at a time."""
    names = target.names
    linear = lambda called, x: x @ p[called.w] + (p[called.b] if target.has_biases else 0)  # noqa: E731
    x = p[names.token_embed][ids] + (p[names.pos_embed][: len(ids)] if target.has_positions else 0)
    for layer, (n_heads, d, d_mlp) in zip(names.layers(config.n_layers), config.widths, strict=True):
        if n_heads:
            q, k, v = linear(layer.query, x), linear(layer.key, x), linear(layer.value, x)
            mixed = np.zeros_like(q)
            for i in range(len(ids)):
                seen = slice(0, i + 1 if config.causal else len(ids))
                for part in (slice(h * d, (h + 1) * d) for h in range(n_heads)):
                    scores = k[seen, part] @ q[i, part] / (math.sqrt(d) if target.scales_scores else 1)
                    powers = np.exp(scores - scores.max())
                    mixed[i, part] = powers / powers.sum() @ v[seen, part]
            x = x + linear(layer.linear, mixed)
        if d_mlp:
            x = x + linear(layer.linear_2, np.maximum(linear(layer.linear_1, x), 0))
    return linear(names.unembed, x)


def wiring(config: Config, target: Target) -> Any:
    """What the pass asks of a config, with another target."""
    return SimpleNamespace(widths=config.widths, target=target)


@pytest.mark.parametrize("sizes", [{}, MODELS["widths of their own"]], ids=["one width", "widths of their own"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_the_pass_is_the_definition(target: Target, causal: bool, sizes: dict[str, Any]) -> None:
    """For every target, in float64; layers without heads or without neurons add nothing there."""
    config, rng = random_model(causal=causal, **sizes).config, np.random.default_rng(0)
    params = {name: rng.normal(0, 0.5, shape) for name, shape in target.parameters(config).items()}
    ids = [config.bos_id, 0, 3, 1, 2]
    hidden = run.hidden_keys(np.zeros((1, 5), bool), causal, NUMPY)
    parts = parts_of(params, target, config.widths)
    found = run.forward(parts, np.array([ids]), hidden, run.how(wiring(config, target), NUMPY))
    np.testing.assert_allclose(found[0], by_hand(params, config, target, ids), rtol=1e-12, atol=1e-12)


def strictly(array: Any) -> Any:
    """An array of the reference implementation, which refuses whatever the standard does not have."""
    return pytest.importorskip("array_api_strict").asarray(array)


def in_torch(array: Any) -> Any:
    """An array of PyTorch."""
    return pytest.importorskip("torch").tensor(array)


def in_jax(array: Any) -> Any:
    """An array of JAX."""
    return pytest.importorskip("jax.numpy").asarray(array)


FRAMEWORKS: dict[str, Callable[[Any], Any]] = {
    "strict": strictly,
    "torch": in_torch,
    "jax": in_jax,
    "numpy": np.asarray,
}


QUIET = 0.25
"""The scale of weights whose scores are a few units; those of hundreds multiply what is rounded by their size."""


def batch(model: Model) -> Any:
    """Ids of inputs of several lengths, which padding fills up."""
    words = [word for i, word in enumerate(model.config.vocab) if i < model.config.bos_id]
    lengths = range(model.config.max_seq_len + 1)
    return model.encode_batch([["BOS", *(words * 6)[:n]] for n in lengths])


def run_in(arrays: Arrays, kind: Callable[[Any], Any], model: Model, ids: Any) -> Trace[Any]:
    """Every activation, by one framework's arrays."""
    config = model.config
    parts = parts_of({name: kind(array) for name, array in model.params.items()}, config.target, config.widths)
    hidden = run.hidden_keys(kind(ids == config.pad_id), config.causal, arrays)
    return run.trace(parts, kind(ids), hidden, run.how(config, arrays))


def listed(trace: Trace[Any]) -> list[Any]:
    """All activations, one after the other."""
    each = [*trace.residuals, *trace.layer_outputs, *trace.attn_logits, *trace.attn_patterns]
    return [np.asarray(x) for x in (trace.input_embeddings, *each, trace.transformer_output, trace.unembedded)]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", MODELS)
def test_every_framework_has_every_activation_alike(name: str, framework: str) -> None:
    """Namespaces against each other, the reference implementation of the array API standard among them."""
    model, kind = random_model(scale=QUIET, **MODELS[name]), FRAMEWORKS[framework]
    ids = batch(model)
    found, expected = run_in(arrays_of(kind(ids)), kind, model, ids), model.trace_ids(ids)
    assert len(found.residuals) == len(found.layer_outputs) == 2 * model.config.n_layers
    for ours, theirs in zip(listed(found), listed(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-6)


def test_the_arrays_of_a_framework_are_found_by_an_array() -> None:
    """What has functions of its own is known; what is no array is refused."""
    assert arrays_of(np.zeros(1)) is NUMPY
    assert arrays_of(in_torch([1.0])) is of_torch()
    assert arrays_of(in_jax([1.0])) is of_jax()
    with pytest.raises(TypeError):
        arrays_of("no array")


@pytest.mark.parametrize("name", MODELS)
def test_the_standard_says_what_numpys_own_functions_say(name: str) -> None:
    """Bit for bit: the same sums in the same order."""
    import array_api_compat.numpy as xp

    model = random_model(**MODELS[name])
    ids = batch(model)
    pairs = zip(*(listed(run_in(a, np.asarray, model, ids)) for a in (over(xp), NUMPY)), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("name", MODELS)
def test_the_fast_and_the_rounded_pass_are_this_one(name: str) -> None:
    """Each to its own precision: the fast one sums in another order, the rounded one stores float32 here."""
    model = random_model(scale=QUIET, **MODELS[name])
    ids, tokens = batch(model), batch(model) != model.config.pad_id
    expected = run_in(NUMPY, np.asarray, model, ids)
    quick = fast.forward(fast.prune(prepare(model.params, model.config)), ids).transpose(1, 2, 0)
    assert np.allclose(quick[tokens], expected.unembedded[tokens], rtol=2e-5, atol=2e-5)
    stored = rounded.trace(model.weights, ids, PRECISIONS["float32"])
    for ours, theirs in zip(listed(stored), listed(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)


def test_whatever_sees_an_activation_may_put_another_in_its_place() -> None:
    """What comes after follows from it; what came before does not."""
    model = random_model()
    config, ids, how = model.config, batch(model), model.weights.how
    seen: list[str] = []
    recorder: Recorder[Any] = Recorder()

    def silence(name: str, x: Any) -> Any:
        seen.append(name)
        quiet = name == "layer_outputs" and seen.count(name) == 3  # the attention of the second layer
        return recorder(name, np.zeros_like(x) if quiet else x)

    hidden = run.hidden_keys(ids == config.pad_id, config.causal, NUMPY)
    logits = run.forward(model.weights, ids, hidden, how, silence)
    arrays = {name: np.array(array) for name, array in model.params.items()}
    for name in config.target.names.layer(1).linear:
        arrays[name][:] = 0
    expected = Model(config, arrays).trace_ids(ids)
    assert np.array_equal(logits, expected.unembedded)
    assert all(map(np.array_equal, listed(recorder.trace()), listed(expected)))
    within = [
        "attn_logits",
        "attn_patterns",
        "mixed",
        "layer_outputs",
        "residuals",
        "neurons",
        "layer_outputs",
        "residuals",
    ]
    assert seen == ["input_embeddings", *within, *within, "transformer_output", "unembedded"]


def test_an_activation_that_a_framework_lacks_is_an_error() -> None:
    """Rather than left out."""
    with pytest.raises(KeyError, match="swish"):
        run.how(wiring(random_model().config, replace(PLAIN, activation="swish")), NUMPY)


def test_a_target_that_normalises_is_not_run_without() -> None:
    """Until the pass knows norms, it says so."""
    with pytest.raises(KeyError, match="RMSNorm"):
        run.how(wiring(random_model().config, replace(PLAIN, normalisation="RMSNorm")), NUMPY)
