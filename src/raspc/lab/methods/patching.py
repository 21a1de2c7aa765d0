"""Activation patching: corrupt one edge, or one node, at a time, and see how far the answer goes.

What follows is computed anew. The score is how much the metric of the task (`Task.metric`) falls, in the mean over
pairs without its sign, so that changes for better and worse do not cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from raspc.lab.methods.entry import Method, Scores
from raspc.lab.tasks import NUMBERS, Task

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any


def edges(task: Task) -> Scores:
    """Each edge alone (Conmy et al. 2023, section 2.3; Wang et al. 2023)."""
    return dict(zip(task.edges, effects(task, [(edge,) for edge in task.edges]), strict=True))


def nodes(task: Task) -> Scores:
    """Each node alone: all edges that it writes to (Vig et al. 2020; Meng et al. 2022)."""
    return dict(zip(task.nodes, effects(task, [task.out_of(node) for node in task.nodes]), strict=True))


def effects(task: Task, sets: Sequence[Sequence[str]]) -> list[float]:
    """For each set of edges, corrupted together, how far the metric goes: the mean over pairs, without sign."""
    import torch

    totals = torch.zeros(len(sets), dtype=task.net.dtype)
    base = task.metric(task.base.logits)
    masks = torch.cat([task.net.mask(one) for one in sets]) if sets else torch.zeros(0)
    for cut in task.pieces:
        count = cut.stop - cut.start
        at_once = max(1, NUMBERS // max(1, count * _each(task)))
        for start in range(0, len(sets), at_once):
            found = _together(task, cut, masks[start : start + at_once])
            totals[start : start + at_once] += (base[cut] - found).abs().sum(dim=1)
    return [float(total) for total in totals / task.pairs]


def _together(task: Task, cut: slice, masks: Tensor) -> Tensor:
    """[set, pair]: the metric of some pairs, with the edges of each set corrupted."""
    import torch

    count, n = cut.stop - cut.start, len(masks)
    ids, other = task.ids[cut].repeat(n, 1), task.other[cut].repeat(n, 1, 1, 1)
    with torch.no_grad():
        logits = task.net.run(ids, other, masks.repeat_interleave(count, dim=0)).logits
    return torch.stack([task.metric(logits[i * count : (i + 1) * count], cut) for i in range(n)])


def _each(task: Task) -> int:
    readers, writers = task.net.shape
    return int(task.clean.shape[1] * task.model.config.d_model * (readers + 3 * writers))


METHODS = (
    Method("patching", "edges", edges, "each edge corrupted alone", "Wang et al. 2023; Conmy et al. 2023"),
    Method("node-patching", "nodes", nodes, "each node corrupted alone", "Vig et al. 2020; Meng et al. 2022"),
)
