"""The batched pass computes what the paper defines: layers that read x·Wᵀ and write y·W."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.hand_built import UNIFORM, random_model

from raspc import Model
from raspc.compress import core
from raspc.compress.core import Frame
from raspc.run.plain import prepare, trace
from raspc.weights.sampling import inputs


def naive(model: Model, w: Any, ids: Any) -> tuple[Any, list[Any]]:
    """Logits and layer outputs by the definition, one layer after the other, nothing folded."""
    weights, config = prepare(model.params, model.config, np.float64), model.config
    x = (weights.token_embed[ids] + weights.pos_embed[: ids.shape[1]]) @ w
    hidden = np.broadcast_to((ids == config.pad_id)[:, None, None, :], (len(ids), 1, ids.shape[1], ids.shape[1]))
    if config.causal:
        hidden = hidden | ~np.tri(ids.shape[1], dtype=bool)
    outputs = []
    for layer in weights.layers:
        seen = x @ w.T
        q, k, v = (
            f(seen).reshape(*ids.shape, config.n_heads, config.d_head).swapaxes(1, 2)
            for f in (layer.query, layer.key, layer.value)
        )
        scores = np.where(hidden, -np.inf, q @ k.swapaxes(-1, -2) / np.sqrt(config.d_head))
        pattern = np.exp(scores - scores.max(-1, keepdims=True))
        pattern /= pattern.sum(-1, keepdims=True)
        outputs.append(layer.linear((pattern @ v).swapaxes(1, 2).reshape(*ids.shape, -1)))
        x = x + outputs[-1] @ w
        outputs.append(layer.linear_2(np.maximum(layer.linear_1(x @ w.T), 0)))
        x = x + outputs[-1] @ w
    return weights.unembed(x @ w.T), outputs


@pytest.mark.parametrize("name", UNIFORM)
def test_many_runs_at_once_are_the_definition(name: str) -> None:
    """Every run of a batch gives the logits and layer outputs that its W gives alone, unfolded."""
    model = random_model(**UNIFORM[name])
    config, rng = model.config, np.random.default_rng(1)
    ids = model.encode_batch(inputs(config, most=12))
    w = rng.normal(size=(3, config.d_model, max(1, config.d_model // 2))) / np.sqrt(config.d_model)
    wide = core.tensors(model.params, torch.float64)
    narrow = core.folded(wide, torch.tensor(w), config.n_layers)
    found = core.forward(narrow, wide, None, torch.tensor(ids), Frame.of(config))
    for run in range(3):
        logits, outputs = naive(model, w[run], ids)
        assert np.allclose(found.logits[run], logits, atol=1e-9)
        assert all(np.allclose(a[run], b, atol=1e-9) for a, b in zip(found.outputs, outputs, strict=True))


@pytest.mark.parametrize("name", UNIFORM)
def test_through_the_identity_nothing_changes(name: str) -> None:
    """With W = 1 the pass is the model's own, state by state; that ties it to the NumPy forward."""
    model = random_model(**UNIFORM[name])
    ids = model.encode_batch(inputs(model.config, most=12))
    wide = core.tensors(model.params, torch.float64)
    eye = torch.eye(model.config.d_model, dtype=torch.float64)[None]
    shape = Frame.of(model.config)
    found = core.forward(core.folded(wide, eye, shape.n_layers), wide, None, torch.tensor(ids), shape)
    meant = trace(prepare(model.params, model.config, np.float64), ids)
    assert np.allclose(found.logits[0], meant.unembedded, atol=1e-9)
    for ours, theirs in zip(found.stream, [meant.input_embeddings, *meant.residuals], strict=True):
        assert np.allclose(ours[0], theirs, atol=1e-9)


def test_an_edit_replaces_the_stream_from_its_stage_on() -> None:
    """What `edit` returns after a stage is what the later layers see, and earlier ones do not."""
    model = random_model()
    ids = torch.tensor(model.encode_batch(inputs(model.config, most=4)))
    wide = core.tensors(model.params, torch.float64)
    runs, shape = {n: a[None] if a.dim() == 2 else a for n, a in wide.items()}, Frame.of(model.config)
    eye = torch.eye(model.config.d_model, dtype=torch.float64)
    plain = core.forward(runs, wide, eye, ids, shape)
    edited = core.forward(runs, wide, eye, ids, shape, lambda stage, x: 2 * x if stage == 1 else x)
    assert torch.equal(edited.stream[1], plain.stream[1])
    assert torch.equal(edited.stream[2], 2 * plain.stream[2])
    assert not torch.allclose(edited.stream[3], plain.stream[3])
