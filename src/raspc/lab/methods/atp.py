"""AtP* (Kramár et al. 2024): attribution patching with two faults of gradients mended.

A saturated softmax has no gradient. So what a query or a key changes is followed through the softmax exactly, and only
from the pattern on by a gradient (section 3.1.1, here for each edge into a query or a key). And two paths may cancel.
So the gradient is taken again and again, each time without what flows back through one layer, and sizes are averaged
(GradDrop, section 3.1.2).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from raspc.lab.methods.entry import Method, Scores
from raspc.lab.net import Stage
from raspc.lab.tasks import Task
from raspc.run import forward as run

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any


def atp_star(task: Task) -> Scores:
    """For each edge the size of what its corruption changes, in the mean over pairs and over the layers left out."""
    import torch

    total = torch.zeros(task.net.shape, dtype=task.net.dtype)
    layers = sorted({stage.layer for stage in task.net.stages if stage.kind != "logits"})
    drops: list[int | None] = [None] if len(layers) < 2 else list(layers)
    for cut in task.pieces:
        for dropped in drops:
            total += _estimates(task, cut, dropped).abs().sum(dim=0) / max(1, len(layers) - 1)
    scores = (total / task.pairs).tolist()
    return {edge: float(scores[row][column]) for edge, (row, column) in task.net.places.items()}


def _estimates(task: Task, cut: slice, dropped: int | None) -> Tensor:
    """[pair, channel, writer]: how far each edge moves the metric, without what flows back through a layer."""
    import torch

    net, seen = task.net, defaultdict[int, dict[str, Any]](dict)

    def see(name: str, stage: int, x: Tensor) -> Tensor:
        if name in ("q", "k", "pattern"):
            seen[stage][name] = x
        return x.detach() if name == "writes" and dropped is not None and stage // 2 == dropped else x

    count = cut.stop - cut.start
    mask = torch.zeros((count, *net.shape), dtype=net.dtype, requires_grad=True)
    gap = task.other[cut] - task.base.writes[cut]
    ran = net.run(task.ids[cut], mask=mask, gap=gap, see=see)
    heads = [stage for stage in net.stages if stage.kind == "heads"]
    wanted = [mask, *(seen[stage.number]["pattern"] for stage in heads)]
    found, *slopes = torch.autograd.grad(
        task.metric(ran.logits, cut).sum(), wanted, allow_unused=True, materialize_grads=True
    )
    estimates = found.detach().clone()
    hidden = run.hidden_keys(task.ids[cut] == net.config.pad_id, net.config.causal, net.how.arrays)
    for stage, slope in zip(heads, slopes, strict=True):
        _follow(task, stage, seen[stage.number], slope, gap, hidden, estimates)
    return estimates


def _follow(
    task: Task, stage: Stage, seen: dict[str, Any], slope: Tensor, gap: Tensor, hidden: Any, estimates: Tensor
) -> None:
    """Put what each edge into a query or a key changes of the pattern in the place of what its gradient says."""
    import torch

    net, n = task.net, len(stage.nodes)
    q, k, pattern = (seen[name].detach() for name in ("q", "k", "pattern"))
    scale = net.how.heads[stage.layer].scale
    for side, role in enumerate(("query", "key")):
        weights = net.split(stage, role).movedim(1, 0)
        for column in range(stage.writers):
            off = gap[:, column, None] @ weights
            scores = ((q + off) @ k.mT if role == "query" else q @ (k + off).mT) * scale
            moved = torch.softmax(scores.masked_fill(hidden, -torch.inf), dim=-1) - pattern
            rows = slice(stage.first + side * n, stage.first + (side + 1) * n)
            estimates[:, rows, column] = (moved * slope).sum(dim=(2, 3))


METHODS = (Method("atp-star", "edges", atp_star, "gradients, exact through each softmax", "Kramár et al. 2024"),)
