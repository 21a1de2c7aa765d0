"""Methods that ask gradients what a corruption would do, so that one run backward scores all edges.

An edge carries a; corrupted, a′. To first order the metric then changes by (a′ − a) · its gradient at what the reader
reads. Where a softmax is saturated or a neuron is off the gradient is 0, whatever the edge does; the methods differ in
where they take it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from raspc.lab.methods.entry import Method, Scores
from raspc.lab.net import See, unseen
from raspc.lab.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any

STEPS = 5
"""How many points between the corrupted run and the clean one, as in the papers' code."""


def eap(task: Task) -> Scores:
    """The gradient of the clean run (Syed et al. 2023): how much the metric falls, to first order, over all pairs."""
    return _by_edge(task, -sum(_slope(task, cut) for cut in task.pieces))


def eap_ig(task: Task, steps: int = STEPS) -> Scores:
    """The mean gradient of runs whose embeddings go from the corrupted ones to the clean ones (Hanna et al. 2024)."""
    total = 0.0
    for cut in task.pieces:
        clean, corrupt = task.base.writes[cut, 0], task.other[cut, 0]
        for k in range(1, steps + 1):
            total = total - _slope(task, cut, embedded=corrupt + k / steps * (clean - corrupt)) / steps
    return _by_edge(task, total)


def eap_ig_activations(task: Task, steps: int = STEPS) -> Scores:
    """The same, but what each stage writes goes from corrupted to clean in runs of its own (Marks et al. 2024).

    The edges of a writer are scored by the runs in which the nodes of its stage are between the two.
    """
    import torch

    total = torch.zeros(task.net.shape, dtype=task.net.dtype)
    for number, columns in _stages(task):
        for cut in task.pieces:
            clean, corrupt = task.base.writes[cut, columns], task.other[cut, columns]
            for k in range(1, steps + 1):
                between = corrupt + k / steps * (clean - corrupt)
                found = _slope(task, cut, see=_placing(number, between))
                total[:, columns] -= found[:, columns] / steps
    return _by_edge(task, total)


def attribution(task: Task) -> Scores:
    """Attribution patching of nodes (Nanda 2023): the gradient of the clean run, at what each node writes."""
    scores = eap(task)
    return {node: sum(scores[edge] for edge in task.out_of(node)) for node in task.nodes}


def _slope(task: Task, cut: slice, see: See = unseen, embedded: Any = None) -> Any:
    """[channel, writer]: the gradient of the metric along the mask, added over pairs.

    What an edge would change by is taken from the clean and from the corrupted run, wherever the gradient is taken.
    """
    import torch

    mask = torch.zeros((1, *task.net.shape), dtype=task.net.dtype, requires_grad=True)
    gap = task.other[cut] - task.base.writes[cut]
    ran = task.net.run(task.ids[cut], mask=mask, gap=gap, see=see, embedded=embedded)
    (found,) = torch.autograd.grad(task.metric(ran.logits, cut).sum(), mask)
    return found[0]


def _placing(number: int, x: Tensor) -> See:
    return lambda name, stage, y: x if name == "writes" and stage == number else y


def _stages(task: Task) -> Iterator[tuple[int, slice]]:
    """The number of each stage that writes, and its columns of a mask."""
    yield -1, slice(0, 1)
    for stage in task.net.stages:
        if stage.kind != "logits":
            yield stage.number, slice(stage.writers, stage.writers + len(stage.nodes))


def _by_edge(task: Task, found: Any) -> Scores:
    scores = (found / task.pairs).tolist()
    return {edge: float(scores[row][column]) for edge, (row, column) in task.net.places.items()}


METHODS = (
    Method("eap", "edges", eap, "the gradient of the clean run", "Syed et al. 2023"),
    Method("eap-ig", "edges", eap_ig, "gradients between corrupted and clean inputs", "Hanna et al. 2024"),
    Method(
        "eap-ig-activations", "edges", eap_ig_activations, "gradients between corrupted and clean activations",
        "Marks et al. 2024; Hanna et al. 2024",
    ),
    Method("attribution", "nodes", attribution, "the gradient at what a node writes", "Nanda 2023"),
)  # fmt: skip
