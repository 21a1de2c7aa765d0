"""Linear probes: which variable can be read from the compressed stream, after which stage.

Each variable is fitted by ridge regression on half of the inputs and read on the other half; the control fits
shuffled labels the same way (after Hewitt and Liang 2019), and shows what the probe alone achieves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.certify.checking.variables import stage_name
from raspc.compress.core import Pass
from raspc.compress.pool import Pool
from raspc.compress.rows import ProbeRow
from raspc.graph.evaluate import NUMBER, Column, run_graph
from raspc.graph.nodes import Interval, Variable

RIDGE = 1e-6


def probes(pool: Pool, found: Pass, run: int = 0, seed: int = 0) -> list[ProbeRow]:
    """A row for each variable and stage: accuracy (of an interval: R²), of the control, and of the commonest value."""
    real = pool.real[:, 1:].numpy()
    fit = np.repeat((np.random.default_rng(seed).permutation(len(real)) % 2 == 0)[:, None], real.shape[1], axis=1)[real]
    streams = [np.asarray(x[run].detach(), np.float64)[:, 1:][real] for x in found.stream]
    if fit.all() or not fit.any():
        return []
    program = run_graph(pool.graph, pool.batch)
    rows: list[ProbeRow] = []
    for place, node in enumerate(pool.graph.nodes):
        if isinstance(node, Variable):
            target = _targets(program.column(place), node, real)
            if target is not None:
                rows += _rows(pool.graph.labels[place], target, streams, fit, seed)
    return rows


def _targets(column: Column, node: Variable, real: NDArray[np.bool_]) -> Matrix | None:
    """[token, value] one-hot, or [token, 1] of a number; None for a variable that never varies."""
    if isinstance(node.domain, Interval):
        assert column.numbers is not None
        numbers = np.where(column.ids == NUMBER, column.numbers, 0.0)[real][:, None]
        return numbers if np.ptp(numbers) > 0 else None
    hot = np.eye(len(node.domain))[column.ids[real]]
    return hot if (hot.sum(axis=0) > 0).sum() > 1 else None


def _rows(label: str, target: Matrix, streams: list[Matrix], fit: NDArray[np.bool_], seed: int) -> list[ProbeRow]:
    shuffled = target[np.random.default_rng(seed).permutation(len(target))]
    majority = float(target[~fit].mean(axis=0).max()) if target.shape[1] > 1 else 0.0
    return [
        {
            "variable": label,
            "stage": stage - 1,
            "where": stage_name(stage - 1),
            "score": "accuracy" if target.shape[1] > 1 else "R²",
            "probe": _score(stream, target, fit),
            "control": _score(stream, shuffled, fit),
            "majority": majority,
        }
        for stage, stream in enumerate(streams)
    ]


def _score(stream: Matrix, target: Matrix, fit: NDArray[np.bool_]) -> float:
    design = np.hstack([stream, np.ones((len(stream), 1))])
    x, y = design[fit], target[fit]
    ridge = RIDGE * max(float(np.trace(x.T @ x)), 1e-30) / x.shape[1]
    weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    read, meant = design[~fit] @ weights, target[~fit]
    if target.shape[1] > 1:
        return float((read.argmax(axis=1) == meant.argmax(axis=1)).mean())
    spread = float(((meant - meant.mean()) ** 2).sum())
    return 1 - float(((read - meant) ** 2).sum()) / spread if spread else 1.0
