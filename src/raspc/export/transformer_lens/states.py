"""The weights under the names of TransformerLens: of its native models from version 4 on, and as it had them before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raspc.export.renaming import renamed, torch_names
from raspc.target import Layer
from raspc.weights import Config

BRIDGE_NAMES = torch_names(
    "embed",
    "pos_embed",
    Layer(
        query="blocks.{i}.attn.q",
        key="blocks.{i}.attn.k",
        value="blocks.{i}.attn.v",
        linear="blocks.{i}.attn.o",
        linear_1="blocks.{i}.mlp.in",
        linear_2="blocks.{i}.mlp.out",
    ),
    "unembed",
)
"""What TransformerLens 4's native model calls its parameters."""


def bridge_state(config: Config, params: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights under the names of TransformerLens 4's native model, [out, in]."""
    return {name: _tensor(array) for name, array in renamed(config, params, BRIDGE_NAMES).items()}


def hooked_state(config: Config, params: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights as `HookedTransformer` names and shapes them.

    `W_Q`, `W_K`, `W_V`: [head, d_model, d_head]; `W_O`: [head, d_head, d_model].
    """
    names, heads = config.target.names, config.width_for("TransformerLens")[:2]
    found = {
        "embed.W_E": params[names.token_embed], "pos_embed.W_pos": params[names.pos_embed],
        "unembed.W_U": params[names.unembed.w], "unembed.b_U": params[names.unembed.b],
    }  # fmt: skip
    for i, layer in enumerate(names.layers(config.n_layers)):
        attn, mlp = f"blocks.{i}.attn", f"blocks.{i}.mlp"
        for called, letter in zip(layer[:3], "QKV", strict=True):
            found[f"{attn}.W_{letter}"] = params[called.w].reshape(config.d_model, *heads).transpose(1, 0, 2)
            found[f"{attn}.b_{letter}"] = params[called.b].reshape(heads)
        found[f"{attn}.W_O"] = params[layer.linear.w].reshape(*heads, config.d_model)
        found[f"{attn}.b_O"] = params[layer.linear.b]
        found |= {f"{mlp}.W_in": params[layer.linear_1.w], f"{mlp}.b_in": params[layer.linear_1.b]}
        found |= {f"{mlp}.W_out": params[layer.linear_2.w], f"{mlp}.b_out": params[layer.linear_2.b]}
    return {name: _tensor(array) for name, array in found.items()}


def _tensor(array: np.ndarray[Any, Any]) -> Tensor:
    return torch.tensor(np.ascontiguousarray(array))
