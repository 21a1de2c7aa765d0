"""JAX: pure functions over a dict of arrays under the canonical names; jit, vmap and grad work on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from os import PathLike

import jax
import jax.numpy as jnp
import numpy as np

from raspc.errors import InputError
from raspc.run import forward as run
from raspc.run.arrays import of_jax
from raspc.run.parts import parts_of
from raspc.run.trace import Trace
from raspc.weights import Config, Model
from raspc.weights.files import write_npz

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
    arrays = of_jax()
    parts = parts_of(params, config.target, config.widths)
    padding = ids == config.pad_id if mask is None else ~mask.astype(bool)
    with _exact_products():
        return run.trace(parts, ids, run.hidden_keys(padding, config.causal, arrays), run.how(config, arrays))


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
