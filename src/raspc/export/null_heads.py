"""Heads that do nothing: all weights 0, for tools that need more heads than a model has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from raspc.run.plain import Array
from raspc.weights import Config


def with_null_heads(
    config: Config, params: Mapping[str, Any], n_heads: int, who: str
) -> tuple[Config, Mapping[str, Any]]:
    """The model with at least so many heads in each layer; the further ones read 0 and write 0.

    `who`: for whom, in the refusal of a model whose layers have widths of their own (InputError).
    """
    own = config.width_for(who)
    if own.n_heads >= n_heads:
        return config, params
    missing = (n_heads - own.n_heads) * own.d_head
    found: dict[str, Array] = {name: np.asarray(params[name]) for name in params}
    for layer in config.target.names.layers(config.n_layers):
        for side in layer[:3]:
            found |= {name: _longer(found[name], -1, missing) for name in side}
        found[layer.linear.w] = _longer(found[layer.linear.w], 0, missing)
    return replace(config, n_heads=n_heads), found


def _longer(array: Array, axis: int, by: int) -> Array:
    """With zeros behind, along an axis."""
    room = [(0, 0)] * array.ndim
    room[axis] = (0, by)
    return np.pad(array, room)
