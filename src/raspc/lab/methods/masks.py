"""Learned masks: keep as few edges as the answers need, by gradient descent (Cao et al. 2021; Bhaskar et al. 2024).

Each edge is kept with a probability that is learned. Draws are hard concrete (Louizos et al. 2018): near 0 or 1, and
yet with a gradient. What is minimised is the divergence from the clean answers, plus a price for each edge
that is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raspc.lab.methods.divergence import answers, divergence
from raspc.lab.methods.entry import Method, Scores
from raspc.lab.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any

STEPS, RATE, PRICE, AT_FIRST = 200, 0.1, 0.3, 1.0
HEAT, LOW, HIGH = 2 / 3, -0.1, 1.1
"""Temperature and stretch of the hard concrete distribution, as in Louizos et al. 2018, section 4."""


def masks(task: Task, steps: int = STEPS, price: float = PRICE) -> Scores:
    """The probability with which each edge is kept, after `steps` of Adam. `price`: of all edges together."""
    import math

    import torch

    generator = torch.Generator().manual_seed(task.seed)
    leaning = torch.full((1, *task.net.shape), AT_FIRST, dtype=task.net.dtype, requires_grad=True)
    real = _real(task)
    descent = torch.optim.Adam([leaning], lr=RATE)
    for step in range(steps):
        cut = task.pieces[step % len(task.pieces)]
        loss = _loss(task, leaning, cut, generator)
        chance = torch.sigmoid(leaning - HEAT * math.log(-LOW / HIGH))
        descent.zero_grad()
        torch.autograd.backward(loss + price * (chance * real).sum() / real.sum())
        descent.step()
    kept = torch.sigmoid(leaning.detach()[0]).tolist()
    return {edge: float(kept[row][column]) for edge, (row, column) in task.net.places.items()}


def _loss(task: Task, leaning: Tensor, cut: slice, generator: Any) -> Tensor:
    import torch

    u = torch.rand(leaning.shape, generator=generator, dtype=leaning.dtype).clamp(1e-6, 1 - 1e-6)
    drawn = torch.sigmoid((torch.log(u) - torch.log(1 - u) + leaning) / HEAT)
    keep = (drawn * (HIGH - LOW) + LOW).clamp(0, 1)
    logits = task.net.run(task.ids[cut], task.other[cut], 1 - keep).logits
    share = (cut.stop - cut.start) / task.pairs
    found: Tensor = divergence(task, logits, cut) / (answers(task) * share)
    return found


def _real(task: Task) -> Tensor:
    """[1, channel, writer]: 1 where there is an edge."""
    return task.net.mask(task.edges)


METHODS = (
    Method("masks", "edges", masks, "probabilities of being kept, learned", "Cao et al. 2021; Bhaskar et al. 2024"),
)
