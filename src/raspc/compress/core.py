"""Many compressed models at once: one forward pass with a leading axis of runs.

W [run, D, d] holds one embedding for each run. A layer reads the stream x [run, batch, position, d] as x·Wᵀ and
writes y as y·W, so W is folded into the frozen weights once a step, and the pass itself runs at width d.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from raspc.weights.config import Config

READERS = ("attn/query", "attn/key", "attn/value", "mlp/linear_1")
"""The modules of a layer that read the stream."""
WRITERS = ("attn/linear", "mlp/linear_2")
"""The modules of a layer that write to it, in the order of the layer's outputs."""

Tensors = dict[str, Tensor]
Edit = Callable[[int, Tensor], Tensor]


class Pass(NamedTuple):
    """What a forward pass gives: logits [run, batch, position, out]; each layer's outputs and the stream after them.

    `outputs` are [run, batch, position, D]: in the compiled model's space. `stream` [run, batch, position, d] holds
    the embedding, then two states a layer.
    """

    logits: Tensor
    outputs: list[Tensor]
    stream: list[Tensor]


@dataclass(frozen=True)
class Shape:
    """What a pass needs to know of the model beside its weights."""

    n_layers: int
    n_heads: int
    d_head: int
    causal: bool
    pad_id: int

    @classmethod
    def of(cls, config: Config) -> Shape:
        """The shape of a model."""
        return cls(config.n_layers, config.n_heads, config.d_head, config.causal, config.pad_id)


def tensors(params: Mapping[str, Any], dtype: torch.dtype) -> Tensors:
    """The parameters of a model under their names."""
    return {name: torch.tensor(params[name], dtype=dtype) for name in params}


def layer_name(layer: int, module: str) -> str:
    """The canonical name of a module of a layer."""
    return f"transformer/layer_{layer}/{module}"


def folded(params: Tensors, w: Tensor, n_layers: int) -> Tensors:
    """The weights of width d that compute what the compiled ones compute through W; a leading axis of runs.

    Biases of readers stay as they are and have no such axis unless they had one.
    """
    found = {name: array for name, array in params.items() if name.endswith("/b")}
    read, write = w.transpose(-1, -2), w
    for name in ("token_embed/embeddings", "pos_embed/embeddings"):
        found[name] = params[name] @ write
    for layer in range(n_layers):
        for module in READERS:
            name = layer_name(layer, module)
            found[f"{name}/w"] = read @ params[f"{name}/w"]
        for module in WRITERS:
            name = layer_name(layer, module)
            found[f"{name}/w"] = params[f"{name}/w"] @ write
            found[f"{name}/b"] = (params[f"{name}/b"].unsqueeze(-2) @ write).squeeze(-2)
    found["unembed/w"] = read @ params["unembed/w"]
    return found


def hidden_keys(ids: Tensor, shape: Shape) -> Tensor:
    """[batch, 1, query or 1, key]: true where a key is hidden from a query."""
    hidden = (ids == shape.pad_id)[:, None, None, :]
    if shape.causal:
        hidden = hidden | torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
    return hidden


def embed(narrow: Tensors, ids: Tensor) -> Tensor:
    """The stream [run, batch, position, d] before the first layer."""
    tokens = narrow["token_embed/embeddings"][..., ids, :]
    return tokens + narrow["pos_embed/embeddings"][..., None, : ids.shape[1], :]


def linear(weights: Tensors, name: str, x: Tensor) -> Tensor:
    """x·w + b for x [run, rows, in]."""
    bias = weights[f"{name}/b"]
    return x @ weights[f"{name}/w"] + (bias if bias.dim() == 1 else bias[:, None, :])


def attention(narrow: Tensors, layer: int, x: Tensor, hidden: Tensor, shape: Shape) -> Tensor:
    """What the heads have mixed, before the output map: [run, batch, position, head · d_head]."""
    runs, batch, length, _ = x.shape
    rows = x.reshape(runs, batch * length, -1)

    def split(module: str) -> Tensor:
        y = linear(narrow, layer_name(layer, module), rows)
        return y.view(runs, batch, length, shape.n_heads, shape.d_head).transpose(2, 3)

    q, k, v = (split(module) for module in READERS[:3])
    scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(shape.d_head))
    pattern = scores.masked_fill(hidden, -torch.inf).softmax(-1)
    return (pattern @ v).transpose(2, 3).reshape(runs, batch, length, -1)


def neurons(narrow: Tensors, layer: int, x: Tensor) -> Tensor:
    """The activations [run, batch, position, d_mlp] of a layer's neurons."""
    runs, batch, length, _ = x.shape
    active = torch.relu(linear(narrow, layer_name(layer, READERS[3]), x.reshape(runs, batch * length, -1)))
    return active.view(runs, batch, length, -1)


def _unchanged(stage: int, x: Tensor) -> Tensor:
    return x


def forward(
    narrow: Tensors, wide: Tensors, w: Tensor | None, ids: Tensor, shape: Shape, edit: Edit | None = None
) -> Pass:
    """One pass of all runs at width d.

    The layers' outputs in the compiled space are the hidden activations through the compiled (`wide`) output maps;
    with `w`, the outputs at width d read back through it instead. `edit(stage, x)` may replace the stream after a
    stage: −1 is the embedding, 2·layer after the attention, 2·layer + 1 after the MLP.
    """
    edit = edit or _unchanged
    hidden = hidden_keys(ids, shape)
    x = edit(-1, embed(narrow, ids))
    stream: list[Tensor] = [x]
    outputs: list[Tensor] = []
    for layer in range(shape.n_layers):
        for sublayer, module in enumerate(WRITERS):
            inner = attention(narrow, layer, x, hidden, shape) if not sublayer else neurons(narrow, layer, x)
            name = layer_name(layer, module)
            rows = inner.flatten(1, 2)
            written = linear(narrow, name, rows).view(*inner.shape[:3], -1)
            if w is None:
                outputs.append(linear(wide, name, rows).view(*inner.shape[:3], -1))
            else:
                outputs.append((written.flatten(1, 2) @ w.transpose(-1, -2)).view(*inner.shape[:3], -1))
            x = edit(2 * layer + sublayer, x + written)
            stream.append(x)
    logits = linear(narrow, "unembed", x.flatten(1, 2)).view(*x.shape[:3], -1)
    return Pass(logits, outputs, stream)
