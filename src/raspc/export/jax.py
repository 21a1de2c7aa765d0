"""JAX: pure functions over a dict of arrays under the canonical names; jit, vmap and grad work on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from os import PathLike

import jax
import jax.numpy as jnp
import numpy as np

from raspc.errors import InputError
from raspc.weights import Config, Model
from raspc.weights.files import write_npz
from raspc.weights.forward import Trace

JaxParams = Mapping[str, jax.Array]

jax.tree_util.register_dataclass(Trace, data_fields=[field.name for field in fields(Trace)], meta_fields=[])


@dataclass(frozen=True, eq=False)
class JaxModel:
    """`params` and the two functions of it; `config` says what the ids and the logits mean."""

    config: Config
    params: dict[str, jax.Array]

    def apply(self, params: JaxParams, ids: jax.Array, mask: jax.Array | None = None) -> jax.Array:
        """The logits [batch, position, d_vocab_out] of ids [batch, position].

        `mask` [batch, position] is true at tokens; without it, PAD ids are padding. Pure: may be jitted,
        mapped and differentiated.
        """
        return self.trace(params, ids, mask).unembedded

    def trace(self, params: JaxParams, ids: jax.Array, mask: jax.Array | None = None) -> Trace[jax.Array]:
        """Every activation of the same pass; a pytree. What jit does not need, it does not compute."""
        return trace(self.config, params, ids, mask)

    def __call__(self, ids: jax.Array, mask: jax.Array | None = None) -> jax.Array:
        """`apply` on the model's own parameters."""
        return self.apply(self.params, ids, mask)


# Matrix products in full float32 on every device: accelerators otherwise round their inputs to 8 or 10 bits.
_exact_products = partial(jax.default_matmul_precision, "highest")


def trace(config: Config, params: JaxParams, ids: jax.Array, mask: jax.Array | None = None) -> Trace[jax.Array]:
    """The forward pass, every activation kept."""
    with _exact_products():
        x = params["token_embed/embeddings"][ids] + params["pos_embed/embeddings"][: ids.shape[-1]]
        hidden = _hidden(config, ids, mask)
        kept: Trace[jax.Array] = Trace(x, [], [], [], [], x, x)
        for i in range(config.n_layers):
            attended, logits, pattern = _attention(config, params, f"transformer/layer_{i}/attn", x, hidden)
            middle = x + attended
            computed = _mlp(params, f"transformer/layer_{i}/mlp", middle)
            x = middle + computed
            kept.attn_logits.append(logits)
            kept.attn_patterns.append(pattern)
            kept.layer_outputs.extend((attended, computed))
            kept.residuals.extend((middle, x))
        answer = _linear(params, "unembed", x)
    return Trace(**vars(kept) | {"transformer_output": x, "unembedded": answer})


def _linear(params: JaxParams, module: str, x: jax.Array) -> jax.Array:
    return x @ params[f"{module}/w"] + params[f"{module}/b"]


def _hidden(config: Config, ids: jax.Array, mask: jax.Array | None) -> jax.Array:
    """True where a key is hidden from a query: [batch, 1, query or 1, key]."""
    padding = ids == config.pad_id if mask is None else ~mask.astype(bool)
    hidden = padding[..., None, None, :]
    return hidden | ~jnp.tri(ids.shape[-1], dtype=bool) if config.causal else hidden


def _attention(
    config: Config, params: JaxParams, module: str, x: jax.Array, hidden: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    q, k, v = (_split(config, _linear(params, f"{module}/{name}", x)) for name in ("query", "key", "value"))
    logits = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(config.d_head))
    pattern = jax.nn.softmax(jnp.where(hidden, -jnp.inf, logits), axis=-1)
    mixed = (pattern @ v).swapaxes(-3, -2)
    return _linear(params, f"{module}/linear", mixed.reshape(*x.shape[:-1], -1)), logits, pattern


def _split(config: Config, x: jax.Array) -> jax.Array:
    """[…, position, head · d_head] → […, head, position, d_head]."""
    return x.reshape(*x.shape[:-1], config.n_heads, config.d_head).swapaxes(-3, -2)


def _mlp(params: JaxParams, module: str, x: jax.Array) -> jax.Array:
    return _linear(params, f"{module}/linear_2", jax.nn.relu(_linear(params, f"{module}/linear_1", x)))


def convert(model: Model, path: str | PathLike[str] | None = None, dtype: str = "float32") -> JaxModel:
    """The model as a `JaxModel`; with `path`, its parameters are written there as NPZ.

    Raises InputError for float64 where JAX is not set to use it.
    """
    if dtype == "float64" and jnp.zeros(0, float).dtype != jnp.float64:
        raise InputError("float64 needs jax.config.update('jax_enable_x64', True) first")
    params = {name: jnp.asarray(np.asarray(array), jnp.dtype(dtype)) for name, array in model.params.items()}
    if path is not None:
        write_npz(path, model.params, dtype)
    return JaxModel(model.config, params)
