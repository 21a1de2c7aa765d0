"""ACDC (Conmy et al. 2023): from the answer backward, take away each edge without which the answer stays near.

An edge that is taken away carries what the corrupted run does from then on. It goes if the divergence from the clean
answers rises by less than a threshold. Here ACDC runs once for each threshold; the score of an edge is the largest one
that it survives.
"""

from __future__ import annotations

from collections.abc import Sequence

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.methods.baselines import weights
from raspc.lab.methods.divergence import answers, divergence
from raspc.lab.methods.entry import Method, Scores
from raspc.lab.tasks import Task

THRESHOLDS = tuple(10.0**k for k in range(-6, 1))


def acdc(task: Task, thresholds: Sequence[float] = THRESHOLDS) -> Scores:
    """The largest threshold at which each edge is kept; 0 for an edge that no threshold keeps."""
    scores = dict.fromkeys(task.edges, 0.0)
    for threshold in sorted(thresholds):
        for edge in kept(task, threshold):
            scores[edge] = threshold
    return scores


def kept(task: Task, threshold: float) -> tuple[str, ...]:
    """The circuit that ACDC finds with a threshold, in the order of the edges.

    Raises TypeError for a threshold that is no number, InputError for one below 0 and for NaN.
    """
    if not arguments.an((int, float), "threshold", threshold, "a number of 0 or more") >= 0:
        raise InputError(f"threshold is {threshold!r}, needed a number of 0 or more")
    joined = weights(task)
    gone = {edge for edge in task.edges if not joined[edge]}  # nothing is read of it, so that nothing changes
    now = _distance(task, gone)
    for edge in reversed(task.edges):
        if edge in gone:
            continue
        then = _distance(task, {*gone, edge})
        if then - now < threshold:
            gone, now = {*gone, edge}, then
    return tuple(edge for edge in task.edges if edge not in gone)


def _distance(task: Task, corrupted: set[str]) -> float:
    import torch

    mask, total = task.net.mask(corrupted), 0.0
    with torch.no_grad():
        for cut in task.pieces:
            logits = task.net.run(task.ids[cut], task.other[cut], mask).logits
            total += float(divergence(task, logits, cut))
    return total / answers(task)


METHODS = (Method("acdc", "edges", acdc, "edges taken away from the answer backward", "Conmy et al. 2023"),)
