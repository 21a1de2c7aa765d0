"""From a wide W to a narrow one, a dimension at a time: the quietest fades while the others learn to do without it.

A random W of width d ends in one of many poor valleys. A wide one is exact from the beginning, and what it gives up
with each dimension is little, so that it follows a good valley down (continuation, or homotopy, in optimisation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from raspc.compress.runs import Runs

FADE = 0.6
"""The part of a stage after which its dimension is gone."""


@dataclass(frozen=True)
class Narrowing:
    """Stages of equal length from width `begin` to `end`; of none, where they are equal, nothing fades."""

    begin: int
    end: int
    steps: int

    @property
    def stages(self) -> int:
        """How many dimensions are to go."""
        return self.begin - self.end

    def stage(self, step: int) -> int:
        """The stage of a step: how many dimensions are gone already."""
        return min(step * self.stages // max(1, self.steps), self.stages - 1)

    def begins(self, step: int) -> bool:
        """Whether a stage begins with this step."""
        return self.stages > 0 and (step == 0 or self.stage(step) != self.stage(step - 1))

    def done(self, step: int) -> float:
        """The part of its stage, or of the whole training, that lies before a step."""
        if not self.stages:
            return step / max(1, self.steps)
        return step * self.stages / max(1, self.steps) - self.stage(step)

    def live(self, step: int) -> int:
        """How many dimensions there are, the fading one among them."""
        return self.begin - self.stage(step) if self.stages else self.begin

    def is_over(self, step: int) -> bool:
        """Whether all that is to go is gone."""
        return not self.stages or (self.stage(step) == self.stages - 1 and self.done(step) >= FADE)

    def mask(self, step: int, dtype: torch.dtype) -> Tensor:
        """[begin]: 1 for what stays, less for what fades, 0 for what is gone."""
        found = torch.zeros(self.begin, dtype=dtype)
        live = self.live(step)
        found[:live] = 1
        if self.stages:
            found[live - 1] = max(0.0, 1 - self.done(step) / FADE)
        return found


def ordered(runs: Runs, live: int) -> Tensor:
    """W with its first `live` columns turned to the principal axes of the stream, the quietest last.

    A rotation of W's columns changes nothing that the model computes.
    """
    pool, w = runs.pool, runs.w.detach()
    rows = pool.some(256)
    with torch.no_grad():
        stream = replace(runs, w=w[..., :live]).run(rows).stream
    x = torch.cat([state[:, pool.tokens[rows]] for state in stream], dim=1).double()
    _, axes = torch.linalg.eigh(torch.nan_to_num(x.transpose(-1, -2) @ x))
    turned = w[..., :live] @ axes.flip(-1).to(w.dtype)
    return torch.cat([turned, torch.zeros_like(w[..., live:])], dim=-1)
