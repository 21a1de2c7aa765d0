"""The parameters of many runs of one width, and their losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from raspc.compress import core
from raspc.compress.core import Frame, Pass, Tensors
from raspc.compress.pool import Pool
from raspc.compress.protocol import Protocol

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Runs:
    """W [run, D, d] of all runs and, where they are trained, the other weights with a leading axis of runs.

    In the wide form `own` overrides compiled weights; in the narrow form it holds the layers at width d.
    """

    pool: Pool
    shape: Frame
    form: str
    w: Tensor
    wide: Tensors
    own: Tensors

    @classmethod
    def begin(cls, pool: Pool, w: Array, protocol: Protocol, dtype: torch.dtype = torch.float32) -> Runs:
        """Runs that start from the given W."""
        matrix = torch.tensor(w, dtype=dtype)
        wide = core.tensors(pool.model.params, dtype)
        shape = Frame.of(pool.model.config)
        layers = pool.model.config.target.of_layers(shape.widths)
        source = core.folded(wide, matrix, shape.n_layers) if protocol.form == "narrow" else wide
        own = {name: _per_run(source[name], wide[name].dim(), len(matrix)) for name in layers if _is_own(protocol)}
        return cls(pool, shape, protocol.form, matrix, wide, own)

    def trainable(self, protocol: Protocol) -> list[Tensor]:
        """What the optimiser moves."""
        return [self.w, *(self.own.values() if protocol.train_weights else ())]

    def narrow(self) -> Tensors:
        """The weights of width d."""
        if self.form == "wide":
            return core.folded(self.wide | self.own, self.w, self.shape.n_layers)
        return core.folded(self.wide, self.w, 0) | self.own

    def run(self, rows: Tensor | slice = slice(None)) -> Pass:
        """A pass over some inputs of the pool."""
        back = None if self.form == "wide" else self.w
        return core.forward(self.narrow(), self.wide | self.own, back, self.pool.ids[rows], self.shape)

    def losses(self, rows: Tensor | slice = slice(None)) -> tuple[Tensor, Tensor]:
        """The output and the layer loss of each run, over some inputs of the pool."""
        return losses(self.pool, self.run(rows), rows)

    def chosen(self, places: Sequence[int]) -> Runs:
        """Some of the runs."""
        index = torch.tensor(list(places))
        own = {name: array[index].detach() for name, array in self.own.items()}
        return Runs(self.pool, self.shape, self.form, self.w[index].detach(), self.wide, own)

    def arrays(self, place: int) -> dict[str, Array]:
        """The weights of width d of one run, in float64."""
        with torch.no_grad():
            narrow = self.chosen([place]).in_dtype(torch.float64).narrow()
        ranks = {name: array.ndim for name, array in self.pool.model.params.items()}
        per_run = {name: array[0] if array.dim() > ranks[name] else array for name, array in narrow.items()}
        return {name: array.numpy() for name, array in per_run.items()}

    def in_dtype(self, dtype: torch.dtype) -> Runs:
        """The same runs in another precision."""
        own = {name: array.to(dtype) for name, array in self.own.items()}
        wide = {name: array.to(dtype) for name, array in self.wide.items()}
        return Runs(self.pool, self.shape, self.form, self.w.to(dtype), wide, own)


def _is_own(protocol: Protocol) -> bool:
    return protocol.train_weights or protocol.form == "narrow"


def _per_run(array: Tensor, rank: int, runs: int) -> Tensor:
    """One for each run; `rank`: how many axes the parameter has without one of runs."""
    whole = array if array.dim() > rank else array.expand(runs, *array.shape)
    return whole.detach().clone().contiguous()


def losses(pool: Pool, found: Pass, rows: Tensor | slice = slice(None)) -> tuple[Tensor, Tensor]:
    """Output loss: cross-entropy with the program's answer, or squared error. Layer loss: squared distance of vectors.

    Both are means over tokens (the layer loss over BOS too), one number a run.
    """
    return output_loss(pool, found, rows), layer_loss(pool, found, rows)


def output_loss(pool: Pool, found: Pass, rows: Tensor | slice = slice(None)) -> Tensor:
    """[run]: the cross-entropy with the compiled model's answer, or the squared difference of the number columns."""
    real = pool.real[rows]
    target = pool.target.logits[0, rows]
    if pool.model.config.output.kind == "categorical":
        answer = target.argmax(-1).expand(found.logits.shape[:-1])
        each = functional.cross_entropy(found.logits.movedim(-1, 1), answer, reduction="none")
    else:
        each = ((found.logits - target) ** 2).mean(-1)
    return (each * real).sum((-1, -2)) / real.sum().clamp(min=1)


def layer_loss(pool: Pool, found: Pass, rows: Tensor | slice = slice(None)) -> Tensor:
    """[run]: the squared distance between the layers' output vectors, summed over layers."""
    tokens = pool.tokens[rows]
    total = sum(
        (((ours - theirs[:, rows]) ** 2).sum(-1) * tokens).sum((-1, -2))
        for ours, theirs in zip(found.outputs, pool.target.outputs, strict=True)
    )
    assert isinstance(total, Tensor)
    return total / tokens.sum()
