"""Tracr's CompressedTransformer, in both forms, against the batched pass that training uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from raspc import Model
from raspc.compress import Protocol
from raspc.compress.pool import make_pool
from raspc.compress.runs import Runs
from raspc.run.plain import prepare

haiku = pytest.importorskip("haiku")


@pytest.mark.parametrize("wide", [True, False])
def test_the_haiku_module_is_the_same_function(fractions: Model, wide: bool) -> None:
    """With compiled weights and W, its layer outputs and its answer are those of the batched pass."""
    from raspc.compat.tracr.transformer import compressed_model
    from raspc.compat.tracr.transformer.model import TransformerConfig

    pool = make_pool(fractions, 100)
    w = np.random.default_rng(0).normal(size=(fractions.config.d_model, 5)) / np.sqrt(5)
    runs = Runs.begin(pool, w[None], Protocol(form="wide" if wide else "narrow"), torch.float64)
    config, ids = TransformerConfig.of(fractions.config), pool.ids.numpy()

    def run(embeddings: Any, mask: Any) -> Any:
        module = compressed_model.CompressedTransformer(config, name="transformer")
        found = module(embeddings, mask, use_dropout=False, embedding_size=5, unembed_at_every_layer=wide)
        return found.output, found.layer_outputs

    weights = prepare(fractions.params, fractions.config)
    embeddings = weights.token_embed[ids] + weights.pos_embed[: ids.shape[1]]
    layers = runs.own or {n: a for n, a in runs.wide.items() if n.startswith("transformer/")}
    params: dict[str, dict[str, Any]] = {"transformer": {"w_emb": w.T.astype(np.float32)}}
    for name, array in layers.items():
        module, _, short = name.rpartition("/")
        params.setdefault(module, {})[short] = np.asarray(array[0] if runs.own else array, np.float32)
    output, outputs = haiku.without_apply_rng(haiku.transform(run)).apply(params, embeddings, pool.tokens.numpy())
    found = runs.run()
    real = pool.tokens.numpy()
    assert np.allclose(weights.unembed(np.asarray(output))[real], found.logits[0][real], atol=1e-3)
    for ours, theirs in zip(outputs, found.outputs, strict=True):
        assert np.allclose(np.asarray(ours)[real], theirs[0][real], atol=1e-3)
