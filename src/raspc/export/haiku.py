"""Haiku: the model as a transform whose parameter tree has exactly the canonical names.

dm-haiku is in maintenance mode: this is an adapter for those who have Tracr's code around them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np

from raspc.weights import Config, Model
from raspc.weights.files import write_npz
from raspc.weights.forward import Trace

Tree = dict[str, dict[str, jax.Array]]


@dataclass(frozen=True, eq=False)
class HaikuModel:
    """`transformed.apply(params, ids)` gives logits; `traced.apply(params, ids)` every activation."""

    config: Config
    params: Tree
    transformed: hk.Transformed
    traced: hk.Transformed

    def __call__(self, ids: jax.Array) -> jax.Array:
        """The logits [batch, position, d_vocab_out] of ids [batch, position]."""
        logits: jax.Array = self.transformed.apply(self.params, ids)
        return logits


class Attention(hk.Module):
    """Every head of one layer; parameters `query`, `key`, `value`, `linear`."""

    def __init__(self, config: Config, name: str = "attn") -> None:
        super().__init__(name=name)
        self.config = config

    def __call__(self, x: jax.Array, hidden: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """The output [batch, position, d_model], the logits before the mask, and the pattern."""
        width = self.config.n_heads * self.config.d_head
        linears = (hk.Linear(width, name=name) for name in ("query", "key", "value"))
        q, k, v = (_split(self.config, linear(x)) for linear in linears)
        logits = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(self.config.d_head))
        pattern = jax.nn.softmax(jnp.where(hidden, -jnp.inf, logits), axis=-1)
        mixed = (pattern @ v).swapaxes(-3, -2).reshape(*x.shape[:-1], -1)
        return hk.Linear(x.shape[-1], name="linear")(mixed), logits, pattern


def _split(config: Config, x: jax.Array) -> jax.Array:
    """[…, position, head · d_head] → […, head, position, d_head]."""
    # A function, as Haiku would put the name of a method into the names of the parameters.
    return x.reshape(*x.shape[:-1], config.n_heads, config.d_head).swapaxes(-3, -2)


class MLP(hk.Module):
    """Parameters `linear_1`, `linear_2`."""

    def __init__(self, config: Config, name: str = "mlp") -> None:
        super().__init__(name=name)
        self.config = config

    def __call__(self, x: jax.Array) -> jax.Array:
        """[batch, position, d_model] to the same."""
        middle = jax.nn.relu(hk.Linear(self.config.d_mlp, name="linear_1")(x))
        return hk.Linear(x.shape[-1], name="linear_2")(middle)


class Layer(hk.Module):
    """One layer, which writes what it does into `kept`."""

    def __init__(self, config: Config, name: str) -> None:
        super().__init__(name=name)
        self.config = config

    def __call__(self, x: jax.Array, hidden: jax.Array, kept: Trace[jax.Array]) -> jax.Array:
        """The stream [batch, position, d_model] after this layer."""
        attended, logits, pattern = Attention(self.config)(x, hidden)
        computed = MLP(self.config)(x + attended)
        kept.attn_logits.append(logits)
        kept.attn_patterns.append(pattern)
        kept.layer_outputs.extend((attended, computed))
        kept.residuals.extend((x + attended, x + attended + computed))
        return kept.residuals[-1]


class Transformer(hk.Module):
    """The layers under the name that gives all parameters their prefix."""

    def __init__(self, config: Config, name: str = "transformer") -> None:
        super().__init__(name=name)
        self.config = config

    def __call__(self, x: jax.Array, hidden: jax.Array) -> Trace[jax.Array]:
        """Every activation but the unembedding."""
        kept: Trace[jax.Array] = Trace(x, [], [], [], [], x, x)
        for i in range(self.config.n_layers):
            x = Layer(self.config, name=f"layer_{i}")(x, hidden, kept)
        return Trace(**vars(kept) | {"transformer_output": x})


def trace(config: Config, ids: jax.Array) -> Trace[jax.Array]:
    """The forward pass inside `hk.transform`, every activation kept; parameters get the canonical names."""
    tokens = hk.Embed(config.d_vocab, config.d_model, name="token_embed")(ids)
    positions = hk.Embed(config.n_ctx, config.d_model, name="pos_embed")(jnp.arange(ids.shape[-1]))
    hidden = (ids == config.pad_id)[..., None, None, :]
    if config.causal:
        hidden = hidden | ~jnp.tri(ids.shape[-1], dtype=bool)
    with jax.default_matmul_precision("highest"):
        kept = Transformer(config)(tokens + positions, hidden)
        answer = hk.Linear(config.d_vocab_out, name="unembed")(kept.transformer_output)
    return Trace(**vars(kept) | {"unembedded": answer})


def convert(model: Model, path: str | PathLike[str] | None = None, dtype: str = "float32") -> HaikuModel:
    """The model as a Haiku transform and its parameters; with `path`, these are written there as NPZ."""
    config = model.config
    if path is not None:
        write_npz(path, model.params, dtype)
    return HaikuModel(
        config,
        {module: _cast(arrays, dtype) for module, arrays in model.params.modules().items()},  # type: ignore[attr-defined]
        hk.without_apply_rng(hk.transform(lambda ids: trace(config, ids).unembedded)),
        hk.without_apply_rng(hk.transform(lambda ids: trace(config, ids))),
    )


def _cast(arrays: dict[str, Any], dtype: str) -> dict[str, jax.Array]:
    return {short: jnp.asarray(np.asarray(array), jnp.dtype(dtype)) for short, array in arrays.items()}
