"""A transformer with a linearly compressed residual stream, as a Haiku module: `CompressedTransformer` of Tracr.

Parameters: `w_emb` [d, D], by whose transpose layers write and through which they read; the layers as elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp

from raspc.compat.tracr.transformer.model import TransformerConfig, TransformerOutput

Linear = Callable[[Any], Any]


class CompressedTransformer(hk.Module):
    """The stack of layers over embeddings, with the stream at a smaller width."""

    def __init__(self, config: TransformerConfig, name: str | None = None) -> None:
        super().__init__(name=name)
        self.config = config

    def __call__(
        self,
        embeddings: jax.Array,
        mask: jax.Array,
        *,
        use_dropout: bool = True,
        embedding_size: int | None = None,
        unembed_at_every_layer: bool = False,
    ) -> TransformerOutput:
        """All activations for embeddings [B, T, D] and a mask [B, T] that is 1 at tokens.

        `embedding_size`: d; without it nothing is compressed. `unembed_at_every_layer`: layers keep the size D and see
        the un-embedded stream; else their inputs and outputs have size d. Layer outputs are [B, T, D] either way.
        """
        width = embeddings.shape[-1]
        write, read = _unchanged, _unchanged
        if embedding_size is not None:
            start = hk.initializers.RandomNormal()  # type: ignore[no-untyped-call]
            w_emb = hk.get_parameter("w_emb", (embedding_size, width), init=start)
            write, read = (lambda x: x @ w_emb.T), (lambda x: x @ w_emb)
        narrow = not unembed_at_every_layer
        seen, written = (_unchanged, _unchanged) if narrow else (read, write)
        hidden, residual = _hidden(mask, self.config.causal), write(embeddings)
        found = TransformerOutput([], [], [], residual, embeddings)
        for layer in range(self.config.num_layers):
            with hk.experimental.name_scope(f"layer_{layer}"):
                for block in (_attention, _mlp):
                    y = block(self.config, _normed(self.config, seen(residual)), hidden, found)
                    if use_dropout and self.config.dropout_rate:
                        y = hk.dropout(hk.next_rng_key(), self.config.dropout_rate, y)
                    found.layer_outputs.append(read(y) if narrow else y)
                    residual = residual + written(y)
                    found.residuals.append(residual)
        output = _normed(self.config, read(residual))
        return TransformerOutput(found.layer_outputs, found.residuals, found.attn_logits, output, embeddings)


def _unchanged(x: jax.Array) -> jax.Array:
    return x


def _hidden(mask: jax.Array, causal: bool) -> jax.Array:
    """True where a key is hidden from a query: [B, 1, query or 1, key]."""
    hidden = (mask == 0)[:, None, None, :]
    return hidden | ~jnp.tri(mask.shape[1], dtype=bool) if causal else hidden


def _normed(config: TransformerConfig, x: jax.Array) -> jax.Array:
    return hk.LayerNorm(axis=-1, create_scale=True, create_offset=True)(x) if config.layer_norm else x


def _attention(config: TransformerConfig, x: jax.Array, hidden: jax.Array, found: TransformerOutput) -> jax.Array:
    with hk.experimental.name_scope("attn"):
        q, k, v = (_heads(config, hk.Linear(config.num_heads * config.key_size, name=name)(x)) for name in _QKV)
        logits = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(config.key_size))
        found.attn_logits.append(logits)
        mixed = jax.nn.softmax(jnp.where(hidden, -jnp.inf, logits), axis=-1) @ v
        return hk.Linear(x.shape[-1], name="linear")(mixed.swapaxes(-3, -2).reshape(*x.shape[:-1], -1))


_QKV = ("query", "key", "value")


def _heads(config: TransformerConfig, x: jax.Array) -> jax.Array:
    return x.reshape(*x.shape[:-1], config.num_heads, config.key_size).swapaxes(-3, -2)


def _mlp(config: TransformerConfig, x: jax.Array, hidden: jax.Array, found: TransformerOutput) -> jax.Array:
    with hk.experimental.name_scope("mlp"):
        middle = config.activation_function(hk.Linear(config.mlp_hidden_size, name="linear_1")(x))
        return hk.Linear(x.shape[-1], name="linear_2")(middle)
