"""Haiku: the model as a transform whose parameter tree has exactly the canonical names.

dm-haiku is in maintenance mode: this is an adapter for those who have Tracr's code around them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from os import PathLike
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np

from raspc.run import forward as run
from raspc.run.arrays import of_jax
from raspc.run.trace import Recorder, Trace
from raspc.target import Layer
from raspc.weights import Config, Model
from raspc.weights.files import write_npz

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


def trace(config: Config, ids: jax.Array) -> Trace[jax.Array]:
    """The forward pass inside `hk.transform`, every activation kept; parameters get the names of the target."""
    arrays, (*maps, unembed) = of_jax(), linears(config)
    x = _embedding(config.target.names.token_embed, config.d_vocab, config.d_model)(ids)
    x += _embedding(config.target.names.pos_embed, config.n_ctx, config.d_model)(arrays.places(ids))
    hidden = run.hidden_keys(ids == config.pad_id, config.causal, arrays)
    how = run.how(config, arrays)
    each = zip(batched(config, maps), how.heads, strict=True)
    layers = [partial(run.run_layer, of_layer, how, heads) for of_layer, heads in each]
    recorder: Recorder[jax.Array] = Recorder()
    with jax.default_matmul_precision("highest"):
        run.through(layers, unembed, x, hidden, recorder)
    return recorder.trace()


def batched(config: Config, maps: Sequence[hk.Linear]) -> Iterator[Layer[hk.Linear | None]]:
    """The maps of each layer, None for those that it does not have."""
    left = iter(maps)
    for widths in config.widths:
        yield Layer(*(next(left) if role in widths.roles else None for role in Layer._fields))


def linears(config: Config) -> list[hk.Linear]:
    """A module for every linear map, in the order in which they run; the unembedding is the last."""
    widths = {name: shape[-1] for name, shape in config.target.parameters(config).items()}
    maps = [*(names for _, names in config.target.maps(config.widths)), config.target.names.unembed]
    return _scoped([(_module_of(names.w).split("/"), widths[names.w]) for names in maps])


def _scoped(maps: Sequence[tuple[list[str], int]]) -> list[hk.Linear]:
    """Modules under names whose parts but the last are scopes; one that was left cannot be entered again."""
    found: list[hk.Linear] = []
    for (scope, is_last), group in groupby(maps, lambda named: (named[0][0], len(named[0]) == 1)):
        if is_last:
            found += [hk.Linear(width, name=scope) for _, width in group]
        else:
            with hk.experimental.name_scope(scope):
                found += _scoped([(path[1:], width) for path, width in group])
    return found


def _embedding(name: str, rows: int, width: int) -> hk.Embed:
    return hk.Embed(rows, width, name=_module_of(name))


def _module_of(name: str) -> str:
    """The module that holds a parameter."""
    return name.rpartition("/")[0]


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
