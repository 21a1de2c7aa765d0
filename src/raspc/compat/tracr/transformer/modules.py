"""Compiled models as Haiku modules, whose parameters have the names that Tracr's users know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp

from raspc.compat.tracr.transformer.compressed_haiku import CompressedTransformer
from raspc.compat.tracr.transformer.model import (
    CompiledTransformerModelOutput,
    TransformerConfig,
    TransformerOutput,
    unembedded,
)
from raspc.compat.tracr.transformer.pytrees import as_pytrees
from raspc.weights import Config


class Transformer(CompressedTransformer):
    """The stack of layers over embeddings."""

    def __call__(  # type: ignore[override]
        self, embeddings: jax.Array, mask: jax.Array, *, use_dropout: bool = True
    ) -> TransformerOutput:
        """All activations for embeddings [B, T, D] and a mask [B, T] that is 1 at tokens."""
        return super().__call__(embeddings, mask, use_dropout=use_dropout)


@dataclass
class CompiledTransformerModel:
    """A transformer between its embeddings and its last map, for use inside `hk.transform`.

    `token_embed`, `position_embed`: from ids and positions [B, T] to [B, T, D]. `unembed`: from [B, T, D] to logits, of
    which the greatest is the answer where `use_unembed_argmax`, and else the first. `pad_token`: an id that is no key.
    """

    transformer: Transformer
    token_embed: Callable[[Any], Any]
    position_embed: Callable[[Any], Any]
    unembed: Callable[[Any], Any]
    use_unembed_argmax: bool
    pad_token: int | None = None

    def embed(self, tokens: jax.Array) -> jax.Array:
        """The stream [B, T, D] before the first layer, of ids [B, T]."""
        places = jnp.broadcast_to(jnp.arange(tokens.shape[-1]), tokens.shape)
        embedded: jax.Array = self.token_embed(tokens) + self.position_embed(places)
        return embedded

    def __call__(self, tokens: jax.Array, use_dropout: bool = True) -> CompiledTransformerModelOutput:
        """Run ids [B, T]; dropout is that of the transformer's config."""
        as_pytrees()
        mask = jnp.ones(tokens.shape) if self.pad_token is None else jnp.where(tokens == self.pad_token, 0, 1)
        with jax.default_matmul_precision("highest"):
            out = self.transformer(self.embed(tokens), mask, use_dropout=use_dropout)
            logits = self.unembed(out.output)
        return CompiledTransformerModelOutput(out, unembedded(self.use_unembed_argmax, logits))


def compiled(config: Config, unembed: Mapping[str, Any] | None) -> CompiledTransformerModel:
    """The modules of a compiled model. `unembed`: its last map `w`, `b`; None where that is a parameter too."""
    last = hk.Linear(config.d_vocab_out, name="unembed") if unembed is None else _fixed(unembed)
    return CompiledTransformerModel(
        Transformer(TransformerConfig.of(config), name="transformer"),
        hk.Embed(config.d_vocab, config.d_model, name="token_embed"),
        hk.Embed(config.n_ctx, config.d_model, name="pos_embed"),
        last,
        config.output.kind == "categorical",
        config.pad_id,
    )


def _fixed(linear: Mapping[str, Any]) -> Callable[[jax.Array], jax.Array]:
    """A linear map that is no parameter."""
    return lambda x: x @ jnp.asarray(linear["w"]) + jnp.asarray(linear["b"])
