"""Faithfulness: how much of the answer the highest scores keep alone, at several sizes (MIB, Mueller et al. 2025).

    f(k) = (m(the k highest) − m(nothing)) / (m(everything) − m(nothing))

m is the metric of the task where all else is corrupted. CPR is the area under f, CMD the area between f and 1, over the
share of edges from 0.001 to 1, by trapezoids, as MIB's code has them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from raspc.lab.scores.ranking import Values, has_border, highest
from raspc.lab.tasks import Task

SIZES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""The shares of edges that MIB keeps."""
DRAWS = 4
"""How often equal scores at a border are drawn."""
SMALL = 1e-9

Keeping = Callable[[Collection[str]], Collection[str]]
"""The edges that are corrupted where these edges, or nodes, are kept."""


@dataclass(frozen=True)
class Curve:
    """`faithfulness` at each of `SIZES`, and the two areas; None where nothing that is corrupted changes the metric."""

    faithfulness: tuple[float, ...] | None
    cpr: float | None
    cmd: float | None


def curve(task: Task, names: tuple[str, ...], values: Values, corrupted: Keeping) -> Curve:
    """The faithfulness of the highest scores. `values` are compared as they are."""
    whole, nothing = _mean(task, ()), _mean(task, task.edges)
    if abs(whole - nothing) < SMALL:
        return Curve(None, None, None)
    rng = np.random.default_rng((task.seed, len(names)))
    known: dict[frozenset[str], float] = {}

    def at(size: int) -> float:
        found = []
        for _ in range(DRAWS if has_border(values, size) else 1):
            kept = frozenset(names[place] for place in highest(values, size, rng))
            if kept not in known:
                known[kept] = (_mean(task, corrupted(kept)) - nothing) / (whole - nothing)
            found.append(known[kept])
        return float(np.mean(found))

    told = tuple(at(int(share * len(names))) for share in SIZES)
    return Curve(told, area(SIZES, told), area(SIZES, [abs(1 - f) for f in told]))


def area(at: Collection[float], heights: Collection[float]) -> float:
    """Under a line through points."""
    x, y = np.array(list(at)), np.array(list(heights))
    return float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())


def _mean(task: Task, corrupted: Collection[str]) -> float:
    return float(task.metric(task.logits(corrupted)).mean())
