"""Many compressed models at once: one forward pass with a leading axis of runs.

W [run, D, d] holds one embedding for each run. A layer reads the stream x [run, batch, position, d] as x·Wᵀ and
writes y as y·W, so W is folded into the frozen weights once a step, and the pass itself runs at width d.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from raspc.run import forward as run
from raspc.run.arrays import of_torch
from raspc.run.parts import parts_of
from raspc.target import PLAIN, READERS, WRITERS, Dense, Target, Widths
from raspc.weights.config import Config

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
class Frame:
    """What a pass needs to know of the model beside its weights."""

    widths: tuple[Widths, ...]
    causal: bool
    pad_id: int
    target: Target = PLAIN

    @classmethod
    def of(cls, config: Config) -> Frame:
        """The shape of a model."""
        return cls(config.widths, config.causal, config.pad_id, config.target)

    @property
    def n_layers(self) -> int:
        """How many layers the model has."""
        return len(self.widths)


def tensors(params: Mapping[str, Any], dtype: torch.dtype) -> Tensors:
    """The parameters of a model under their names."""
    return {name: torch.tensor(params[name], dtype=dtype) for name in params}


def folded(params: Tensors, w: Tensor, n_layers: int, target: Target = PLAIN) -> Tensors:
    """The weights of width d that compute what the compiled ones compute through W; a leading axis of runs.

    Biases of readers stay as they are and have no such axis unless they had one.
    """
    names, read, write = target.names, w.transpose(-1, -2), w
    found = {name: params[name] @ write for name in target.tables()}
    for layer in names.layers(n_layers):
        for reader in (getattr(layer, role) for role in READERS):
            found |= {reader.w: read @ params[reader.w], reader.b: params[reader.b]}
        for writer in (getattr(layer, role) for role in WRITERS):
            found[writer.w] = params[writer.w] @ write
            found[writer.b] = (params[writer.b].unsqueeze(-2) @ write).squeeze(-2)
    return found | {names.unembed.w: read @ params[names.unembed.w], names.unembed.b: params[names.unembed.b]}


class PerRun(NamedTuple):
    """x·w + b for x [run, batch, position, in], with weights and a bias for each run, or one for all."""

    w: Tensor
    b: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        rows = x.flatten(1, 2) @ self.w + (self.b if self.b.dim() == 1 else self.b[:, None, :])
        return rows.view(*x.shape[:3], -1)


@dataclass(eq=False)
class _Watch:
    """Sees a pass go by: keeps the stream and, in the compiled space, the layers' outputs; edits the stream.

    `wide`: of each layer in turn the two maps that write, in the compiled space; `back`: Wᵀ where outputs at width d
    are read back through it instead.
    """

    edit: Edit
    wide: Iterator[PerRun]
    back: Tensor | None
    stream: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)

    def __call__(self, name: str, x: Tensor) -> Tensor:
        if name in ("input_embeddings", "residuals"):
            x = self.edit(len(self.stream) - 1, x)
            self.stream.append(x)
        elif name in ("mixed", "neurons") and self.back is None:
            self.outputs.append(next(self.wide)(x))
        elif name == "layer_outputs" and self.back is not None:
            self.outputs.append((x.flatten(1, 2) @ self.back).view(*x.shape[:3], -1))
        return x


def _unchanged(stage: int, x: Tensor) -> Tensor:
    return x


def forward(
    narrow: Tensors, wide: Tensors, w: Tensor | None, ids: Tensor, shape: Frame, edit: Edit | None = None
) -> Pass:
    """One pass of all runs at width d.

    The layers' outputs in the compiled space are the hidden activations through the compiled (`wide`) output maps;
    with `w`, the outputs at width d read back through it instead. `edit(stage, x)` may replace the stream after a
    stage: −1 is the embedding, 2·layer after the attention, 2·layer + 1 after the MLP.
    """
    arrays = of_torch()
    parts = parts_of(narrow, shape.target, shape.widths, PerRun)
    of_runs = replace(parts, pos_embed=parts.pos_embed.unsqueeze(-3))  # the batch has an axis between run and position
    watch = _Watch(edit or _unchanged, _writers(wide, shape), None if w is None else w.transpose(-1, -2))
    hidden = run.hidden_keys(ids == shape.pad_id, shape.causal, arrays)
    logits = run.forward(of_runs, ids, hidden, run.how(shape, arrays), watch)
    return Pass(logits, watch.outputs, watch.stream)


def _writers(wide: Tensors, shape: Frame) -> Iterator[PerRun]:
    """The maps from hidden activations to the compiled stream, in the order in which they run."""
    for layer in shape.target.names.layers(shape.n_layers):
        for role in WRITERS:
            names: Dense = getattr(layer, role)
            yield PerRun(wide[names.w], wide[names.b])
