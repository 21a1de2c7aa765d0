"""The forward pass in NumPy: oracle 3, and the definition that every export must equal.

The plain transformer without normalisation: each layer adds the output of its attention, then of its MLP,
to the residual stream (DESIGN, the public contract; the architecture of Lindner et al. 2023, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from raspc.weights.config import Config
from raspc.weights.params import Array

Ids = npt.NDArray[np.intp]


class Linear(NamedTuple):
    """x → x · w + b."""

    w: Array
    b: Array

    def __call__(self, x: Array) -> Array:
        y: Array = x @ self.w
        y += self.b
        return y


class Layer(NamedTuple):
    """One attention and one MLP layer; the fields are named as their parameters are."""

    query: Linear
    key: Linear
    value: Linear
    linear: Linear
    linear_1: Linear
    linear_2: Linear


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters of a model in one dtype, by layer rather than by name."""

    config: Config
    token_embed: Array
    pos_embed: Array
    layers: tuple[Layer, ...]
    unembed: Linear


A = TypeVar("A")
"""An array of some framework."""


@dataclass(frozen=True, eq=False)
class Trace(Generic[A]):
    """Every activation of one forward pass, here or in an export. Each array has a leading batch axis.

    `residuals` and `layer_outputs` hold two arrays [batch, position, d_model] a layer: after or of the
    attention, then the MLP. `attn_logits` (scaled, before the mask) and `attn_patterns` (after the softmax)
    hold one array [batch, head, query, key] a layer. `unembedded` is [batch, position, d_vocab_out].
    """

    input_embeddings: A
    residuals: list[A]
    layer_outputs: list[A]
    attn_logits: list[A]
    attn_patterns: list[A]
    transformer_output: A
    unembedded: A


def prepare(params: Mapping[str, Any], config: Config, dtype: npt.DTypeLike = np.float32) -> Weights:
    """The parameters cast to `dtype` and grouped by layer."""

    def cast(name: str) -> Array:
        return np.asarray(params[name]).astype(dtype, copy=False)

    def linear(module: str) -> Linear:
        return Linear(cast(f"{module}/w"), cast(f"{module}/b"))

    def layer(i: int) -> Layer:
        heads = (linear(f"transformer/layer_{i}/attn/{name}") for name in Layer._fields[:4])
        return Layer(*heads, *(linear(f"transformer/layer_{i}/mlp/{name}") for name in Layer._fields[4:]))

    layers = tuple(layer(i) for i in range(config.n_layers))
    embeddings = (cast("token_embed/embeddings"), cast("pos_embed/embeddings"))
    return Weights(config, *embeddings, layers, linear("unembed"))


def forward(weights: Weights, ids: Ids) -> Array:
    """The logits [batch, position, d_vocab_out] of a batch of ids [batch, position]; nothing else is kept."""
    x, hidden = _embed(weights, ids), hidden_keys(weights.config, ids, weights.pos_embed.dtype)
    for layer in weights.layers:
        x += _attention(layer, x, hidden, weights.config)[0]
        x += _mlp(layer, x)
    return weights.unembed(x)


def trace(weights: Weights, ids: Ids) -> Trace[Array]:
    """The same pass, with every activation kept."""
    x, hidden = _embed(weights, ids), hidden_keys(weights.config, ids, weights.pos_embed.dtype)
    kept = Trace(x, [], [], [], [], x, x)
    for layer in weights.layers:
        attended, logits, patterns = _attention(layer, x, hidden, weights.config)
        middle = x + attended
        computed = _mlp(layer, middle)
        x = middle + computed
        kept.layer_outputs.extend((attended, computed))
        kept.residuals.extend((middle, x))
        kept.attn_logits.append(logits)
        kept.attn_patterns.append(patterns)
    return Trace(
        kept.input_embeddings, kept.residuals, kept.layer_outputs, kept.attn_logits, kept.attn_patterns,
        transformer_output=x, unembedded=weights.unembed(x),
    )  # fmt: skip


def _embed(weights: Weights, ids: Ids) -> Array:
    x: Array = weights.token_embed[ids]
    x += weights.pos_embed[: ids.shape[1]]
    return x


def hidden_keys(config: Config, ids: Ids, dtype: npt.DTypeLike) -> Array | None:
    """What the mask adds to the logits, [batch or 1, 1, query or 1, key]: 0, or −∞ where a key is hidden."""
    pad = ids == config.pad_id
    hidden = pad[:, None, None, :] if pad.any() else None
    if config.causal:
        later = ~np.tri(ids.shape[1], dtype=np.bool_)[None, None]
        hidden = later if hidden is None else later | hidden
    return None if hidden is None else np.where(hidden, -np.inf, 0).astype(dtype)


def _attention(layer: Layer, x: Array, hidden: Array | None, config: Config) -> tuple[Array, Array, Array]:
    """The output [batch, position, d_model], the logits before the mask, and the pattern."""
    q, k, v = (_split(linear(x), config) for linear in (layer.query, layer.key, layer.value))
    with np.errstate(over="ignore"):  # a steep score may leave the range: −∞ is not selected
        logits: Array = q @ k.swapaxes(-1, -2)
    logits *= np.asarray(1 / math.sqrt(config.d_head), logits.dtype)
    pattern = _softmax(logits if hidden is None else logits + hidden)
    mixed = (pattern @ v).swapaxes(1, 2).reshape(*x.shape[:2], -1)
    return layer.linear(mixed), logits, pattern


def _split(x: Array, config: Config) -> Array:
    """[batch, position, head · d_head] → [batch, head, position, d_head]."""
    return x.reshape(*x.shape[:2], config.n_heads, config.d_head).swapaxes(1, 2)


def _softmax(scores: Array) -> Array:
    """Over the last axis. BOS is never hidden, so that no row is without a finite score."""
    weights: Array = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return weights


def _mlp(layer: Layer, x: Array) -> Array:
    hidden = layer.linear_1(x)
    return layer.linear_2(np.maximum(hidden, 0, out=hidden))
