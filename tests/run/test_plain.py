"""The forward pass against the same mathematics written as loops, and what padding must not change."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hand_built import MODELS, WORDS, random_model

from raspc.run.plain import forward
from raspc.weights import Model

INPUTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=6), min_size=1, max_size=5)
BOUND = 1e-6
"""What batched and single runs may differ by, relative to the largest number."""


def by_loops(model: Model, ids: list[int]) -> dict[str, list[Any]]:
    """DESIGN's definition for one unpadded input, in float64, one number at a time."""
    config, p = model.config, {name: array.astype(float) for name, array in model.params.items()}
    n = len(ids)
    x = [p["token_embed/embeddings"][token] + p["pos_embed/embeddings"][i] for i, token in enumerate(ids)]
    found: dict[str, list[Any]] = {"residuals": [], "attn_logits": [], "attn_patterns": []}

    def linear(module: str, v: Any) -> Any:
        return v @ p[f"{module}/w"] + p[f"{module}/b"]

    for layer, (n_heads, d, d_mlp) in enumerate(config.widths):
        attn, mlp = f"transformer/layer_{layer}/attn", f"transformer/layer_{layer}/mlp"
        scores, patterns = np.zeros((n_heads, n, n)), np.zeros((n_heads, n, n))
        if n_heads:
            q, k, v = ([linear(f"{attn}/{name}", row) for row in x] for name in ("query", "key", "value"))
            mixed = np.zeros((n, n_heads * d))
            for h in range(n_heads):
                part = slice(h * d, (h + 1) * d)
                for i in range(n):
                    keys = range(i + 1 if config.causal else n)
                    scores[h, i] = [q[i][part] @ k[j][part] / math.sqrt(d) for j in range(n)]
                    powers = [math.exp(scores[h, i, j] - max(scores[h, i])) for j in keys]
                    for j, power in zip(keys, powers, strict=True):
                        patterns[h, i, j] = power / sum(powers)
                        mixed[i, part] += patterns[h, i, j] * v[j][part]
            x = [row + linear(f"{attn}/linear", mix) for row, mix in zip(x, mixed, strict=True)]
        found["residuals"].append(x)
        if d_mlp:
            hidden = [np.maximum(linear(f"{mlp}/linear_1", row), 0) for row in x]
            x = [row + linear(f"{mlp}/linear_2", h) for row, h in zip(x, hidden, strict=True)]
        found["residuals"].append(x)
        found["attn_logits"].append(scores)
        found["attn_patterns"].append(patterns)
    return found | {"unembedded": [linear("unembed", row) for row in x]}


@pytest.mark.parametrize("sizes", MODELS.values(), ids=list(MODELS))
def test_every_activation_is_that_of_the_loops(sizes: dict[str, Any]) -> None:
    """For each shape of model, to float32's precision."""
    model = random_model(**sizes)
    words = [word for i, word in enumerate(model.config.vocab) if i < model.config.bos_id]
    tokens = ["BOS", *(words * 6)][: model.config.n_ctx]
    out, expected = model.apply(tokens), by_loops(model, model.input_encoder.encode(tokens))
    for name, arrays in expected.items():
        found = getattr(out, name)
        pairs = zip(found, arrays, strict=True) if isinstance(found, list) else [(found, arrays)]
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours[0], theirs, rtol=2e-5, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("causal", [False, True])
@given(inputs=INPUTS)
@settings(max_examples=30, deadline=None)
def test_padded_batched_and_single_runs_agree(causal: bool, inputs: list[list[Any]]) -> None:
    """Logits and answers of an input do not depend on its company, nor on PAD after it."""
    model = random_model(causal=causal)
    batch = [["BOS", *tokens] for tokens in inputs]
    together = model.apply_batch(batch, trace=True)
    assert together.trace is not None
    for i, tokens in enumerate(batch):
        n, alone = len(tokens), model.apply(tokens)
        padded = model.apply([*tokens, *["PAD"] * (7 - n)])
        scale = max(1, abs(alone.unembedded).max())
        for other in (together.unembedded[i, :n], padded.unembedded[0, :n], together.trace.unembedded[i, :n]):
            assert abs(other - alone.unembedded[0]).max() <= BOUND * scale
        assert together.decoded[i] == alone.decoded == padded.decoded[:n]
        assert padded.decoded[n:] == ["PAD"] * (7 - n)


def test_pad_gets_no_attention() -> None:
    """Exactly none, in any layer."""
    out = random_model().apply(["BOS", 1, None, "PAD", "PAD"])
    assert all((pattern[..., 3:] == 0).all() for pattern in out.attn_patterns)


def test_the_causal_mask_hides_the_future() -> None:
    """What comes later changes nothing before it."""
    model = random_model(causal=True)
    one, other = model.apply(["BOS", 1, None, 1]), model.apply(["BOS", 1, None, ("a", 2.5)])
    assert (one.unembedded[:, :3] == other.unembedded[:, :3]).all()
    assert (one.unembedded[:, 3] != other.unembedded[:, 3]).any()


def test_logits_alone_are_those_of_the_trace() -> None:
    """Bit for bit."""
    model = random_model()
    ids = model.encode_batch([["BOS", 1], ["BOS", None, 1]])
    assert (forward(model.weights, ids) == model.trace_ids(ids).unembedded).all()


def test_float64_is_nearer_to_the_loops() -> None:
    """The dtype asked for is the dtype computed in."""
    model = random_model()
    expected = np.array(by_loops(model, [6, 0, 3])["unembedded"])
    found = model.logits(np.array([[6, 0, 3]]), np.float64)
    assert found.dtype == np.float64
    assert abs(found - expected).max() < 1e-12


def test_shapes_are_those_that_tracr_users_know() -> None:
    """A batch of one; two layer outputs and two residuals a layer."""
    out = random_model().apply(["BOS", 1, None])
    assert out.unembedded.shape == (1, 3, 4)
    assert out.input_embeddings.shape == out.transformer_output.shape == (1, 3, 13)
    assert [a.shape for a in out.layer_outputs] == [a.shape for a in out.residuals] == [(1, 3, 13)] * 4
    assert [a.shape for a in out.attn_logits] == [a.shape for a in out.attn_patterns] == [(1, 2, 3, 3)] * 2


def test_apply_is_quick() -> None:
    """Well under half a millisecond for a small model (the least of many, as the machine is shared)."""
    model = random_model()

    def timed() -> float:
        start = time.perf_counter()
        model.apply(["BOS", 1, None, 1, None])
        return time.perf_counter() - start

    assert min(timed() for _ in range(200)) < 0.5e-3
