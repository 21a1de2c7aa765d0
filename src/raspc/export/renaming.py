"""The parameters under the names of another library: a table of names is all that such an export adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raspc.run.plain import Array
from raspc.target import Layer, Names
from raspc.weights import Config


def torch_names(token_embed: str, pos_embed: str, modules: Layer[str], output: str) -> Names:
    """The names of a model of PyTorch: those of its modules, and `weight` and `bias` for what they hold."""
    return Names(f"{token_embed}.weight", f"{pos_embed}.weight", modules, output, ".weight", ".bias")


def renamed(config: Config, params: Mapping[str, Any], theirs: Names) -> dict[str, Array]:
    """Every parameter under its other name, with linear maps as PyTorch has them: [out, in]."""
    ours = config.target.names
    found = {theirs.token_embed: params[ours.token_embed], theirs.pos_embed: params[ours.pos_embed]}
    for mine, other in zip(ours.maps(config.n_layers), theirs.maps(config.n_layers), strict=True):
        if mine.w in params:  # a layer may have no heads, or no neurons
            found |= {other.w: params[mine.w].T, other.b: params[mine.b]}
    return found
