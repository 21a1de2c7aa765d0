"""A transformer with a linearly compressed residual stream, as a Haiku module: `CompressedTransformer` of Tracr.

Parameters: `w_emb` [d, D], by whose transpose layers write and through which they read; the layers as elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import haiku as hk
import jax

from raspc.compat.tracr.transformer.model import TransformerConfig, TransformerOutput
from raspc.run import forward as run
from raspc.run.arrays import of_jax
from raspc.run.trace import Recorder, See
from raspc.target import PLAIN


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
        write, read = _unchanged, _unchanged
        if embedding_size is not None:
            start = hk.initializers.RandomNormal()  # type: ignore[no-untyped-call]
            w_emb = hk.get_parameter("w_emb", (embedding_size, embeddings.shape[-1]), init=start)
            write, read = (lambda x: x @ w_emb.T), (lambda x: x @ w_emb)
        narrow = not unembed_at_every_layer
        seen, written = (_unchanged, _unchanged) if narrow else (read, write)
        dropout = self.config.dropout_rate if use_dropout else 0.0
        outputs: list[jax.Array] = []

        def block(add: Callable[[jax.Array, See], jax.Array], x: jax.Array, see: See) -> jax.Array:
            """What attention or the MLP adds to the stream x, whose output at width D is kept."""
            y = add(_normed(self.config, seen(x)), see)
            y = hk.dropout(hk.next_rng_key(), dropout, y) if dropout else y
            outputs.append(read(y) if narrow else y)
            return written(y)

        def layer(number: int, x: jax.Array, hidden: jax.Array, see: See) -> jax.Array:
            with hk.experimental.name_scope(f"layer_{number}"):
                x = run.added(x, block(partial(_attention, self.config, hidden), x, see), see)
                after: jax.Array = run.added(x, block(partial(_mlp, self.config), x, see), see)
            return after

        layers = [partial(layer, number) for number in range(self.config.num_layers)]
        hidden = run.hidden_keys(mask == 0, self.config.causal, of_jax())
        recorder: Recorder[jax.Array] = Recorder()
        output = run.through(layers, lambda x: _normed(self.config, read(x)), write(embeddings), hidden, recorder)
        return TransformerOutput(
            outputs, recorder.kept["residuals"], recorder.kept["attn_logits"], output, embeddings
        )  # fmt: skip


def _unchanged(x: jax.Array) -> jax.Array:
    return x


def _normed(config: TransformerConfig, x: jax.Array) -> jax.Array:
    return hk.LayerNorm(axis=-1, create_scale=True, create_offset=True)(x) if config.layer_norm else x


def _attention(config: TransformerConfig, hidden: jax.Array, x: jax.Array, see: See) -> jax.Array:
    width = config.num_heads * config.key_size
    with hk.experimental.name_scope("attn"):
        maps = _linears(query=width, key=width, value=width, linear=x.shape[-1])
        found: jax.Array = run.attention(
            maps, x, hidden, config.num_heads, PLAIN.score_scale(config.key_size), of_jax(), see
        )  # fmt: skip
    return found


def _mlp(config: TransformerConfig, x: jax.Array, see: See) -> jax.Array:
    with hk.experimental.name_scope("mlp"):
        maps = _linears(linear_1=config.mlp_hidden_size, linear_2=x.shape[-1])
        found: jax.Array = run.neurons(maps, x, config.activation_function, of_jax(), see)
    return found


def _linears(**widths: int) -> SimpleNamespace:
    """Linear maps to these widths, by their names."""
    return SimpleNamespace(**{name: hk.Linear(width, name=name) for name, width in widths.items()})
