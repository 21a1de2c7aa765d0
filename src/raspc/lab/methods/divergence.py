"""How far the answers of a run are from those of the clean one: what ACDC and learned masks keep small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raspc.lab.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any


def divergence(task: Task, logits: Tensor, cut: slice) -> Tensor:
    """The sum over answers of KL(clean ‖ run) of tokens; of numbers and their indicators |clean − run|."""
    import torch

    clean, real = task.base.logits[cut], torch.from_numpy(task.real[cut])
    if task.model.config.output.kind == "categorical":
        told = torch.log_softmax(clean, dim=-1)
        off = (told.exp() * (told - torch.log_softmax(logits, dim=-1))).sum(dim=-1)
    else:
        off = (clean - logits).abs().sum(dim=-1)
    return off[real].sum()


def answers(task: Task) -> int:
    """How many answers count."""
    return int(task.real.sum())
