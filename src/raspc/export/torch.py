"""PyTorch: a plain `nn.Module`, differentiable, on any device and in any dtype.

The state dict is named as people read it: `layers.0.attn.query.weight`, [out, in] as PyTorch has it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from raspc import jsonvalues
from raspc.export.renaming import renamed, torch_names
from raspc.run import forward as run
from raspc.run.arrays import of_torch
from raspc.run.trace import Recorder, See, Trace, unseen
from raspc.target import Layer as Maps
from raspc.weights import Config, Model
from raspc.weights.files import write_file

OPTIONS = ("device",)


ARRAYS = of_torch()


class Attention(nn.Module):
    """Every head of one layer: softmax(q kᵀ / √d_head + mask) v, then a linear map back to the stream.

    A layer without heads has no maps here, and adds nothing.
    """

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        widths = config.widths[layer]
        self.n_heads, self.scale = run.heads_of(config)[layer]
        width = widths.n_heads * widths.d_head
        self.query = _linear(config.d_model, width)
        self.key = _linear(config.d_model, width)
        self.value = _linear(config.d_model, width)
        self.linear = _linear(width, config.d_model)

    def forward(self, x: Tensor, hidden: Tensor, see: See = unseen) -> Tensor:
        """The output [batch, position, d_model]; `hidden` is true where a query must not see a key.

        `see` is given the scores before the mask and the pattern, both [batch, head, query, key].
        """
        output: Tensor = run.attention(self, x, hidden, self.n_heads, self.scale, ARRAYS, see)
        return output


def _linear(inputs: int, outputs: int) -> nn.Linear | None:
    """A linear map, if there is anything to map."""
    return nn.Linear(inputs, outputs) if inputs and outputs else None


class MLP(nn.Module):
    """linear_2(relu(linear_1(x))); nothing in a layer without neurons."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.activation, d_mlp = config.activation, config.widths[layer].d_mlp
        self.linear_1 = _linear(config.d_model, d_mlp)
        self.linear_2 = _linear(d_mlp, config.d_model)

    def forward(self, x: Tensor, see: See = unseen) -> Tensor:
        """[batch, position, d_model] to the same; `see` is given what the neurons give."""
        output: Tensor = run.neurons(self, x, ARRAYS.activations[self.activation], ARRAYS, see)
        return output


class Layer(nn.Module):
    """Attention, then the MLP; each adds to the stream."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.attn = Attention(config, layer)
        self.mlp = MLP(config, layer)

    def forward(self, x: Tensor, hidden: Tensor, see: See = unseen) -> Tensor:
        """The stream [batch, position, d_model] after this layer; all it does passes through `see`."""
        x = run.added(x, self.attn(x, hidden, see), see)
        after: Tensor = run.added(x, self.mlp(x, see), see)
        return after


class Transformer(nn.Module):
    """A compiled model. `config` says what the ids and the logits mean."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.token_embed = nn.Embedding(config.d_vocab, config.d_model)
        self.pos_embed = nn.Embedding(config.n_ctx, config.d_model)
        self.layers = nn.ModuleList(Layer(config, layer) for layer in range(config.n_layers))
        self.unembed = nn.Linear(config.d_model, config.d_vocab_out)

    @overload
    def forward(self, ids: Tensor, mask: Tensor | None = None, trace: Literal[False] = False) -> Tensor: ...

    @overload
    def forward(self, ids: Tensor, mask: Tensor | None = None, *, trace: Literal[True]) -> Trace[Tensor]: ...

    def forward(self, ids: Tensor, mask: Tensor | None = None, trace: bool = False) -> Tensor | Trace[Tensor]:
        """The logits [batch, position, d_vocab_out] of ids [batch, position]; with `trace`, every activation.

        `mask` [batch, position] is true at tokens and false at padding; without it, PAD ids are padding.
        """
        padding = (ids == self.config.pad_id) if mask is None else ~mask.bool()
        hidden = run.hidden_keys(padding, self.config.causal, ARRAYS)
        x = self.token_embed(ids) + self.pos_embed.weight[: ids.shape[1]]
        if not trace:
            logits: Tensor = run.through(self.layers, self.unembed, x, hidden)
            return logits
        recorder: Recorder[Tensor] = Recorder()
        run.through(self.layers, self.unembed, x, hidden, recorder)
        return recorder.trace()


def convert(
    model: Model,
    path: str | PathLike[str] | None = None,
    dtype: str = "float32",
    device: str | torch.device = "cpu",
) -> Transformer:
    """The model as a `Transformer` in eval mode; with `path`, its state dict is written there.

    `….pt` and `….pth` are written by `torch.save` (load them with `weights_only=True`), other names as
    safetensors with the config as its one metadata entry.
    """
    transformer = Transformer(model.config)
    transformer.load_state_dict(state_dict(model.config, model.params))
    transformer.to(device=device, dtype=getattr(torch, dtype)).eval()
    if path is not None:
        write_file(path, _file_bytes(transformer, Path(path).suffix))
    return transformer


NAMES = torch_names(
    "token_embed",
    "pos_embed",
    Maps(
        query="layers.{i}.attn.query",
        key="layers.{i}.attn.key",
        value="layers.{i}.attn.value",
        linear="layers.{i}.attn.linear",
        linear_1="layers.{i}.mlp.linear_1",
        linear_2="layers.{i}.mlp.linear_2",
    ),
    "unembed",
)
"""What the modules above are called."""


def state_dict(config: Config, params: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parameters under PyTorch's names and in its layout."""
    return {name: torch.tensor(array).contiguous() for name, array in renamed(config, params, NAMES).items()}


def _file_bytes(transformer: Transformer, suffix: str) -> bytes:
    from safetensors.torch import save

    if suffix not in (".pt", ".pth"):
        config = jsonvalues.dumps(transformer.config.to_json()).decode()
        return save({**transformer.state_dict()}, metadata={"config": config})
    buffer = io.BytesIO()
    torch.save(transformer.state_dict(), buffer)
    return buffer.getvalue()
