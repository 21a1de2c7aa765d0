"""Levenberg and Marquardt's method on W: the losses of a number are sums of squares, and W is small.

A few dozen steps with the exact Jacobian in float64 do what a hundred thousand of a first-order method do not:
they end at 1e-10 where Adam stays near 1e-5.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from raspc.compress import core
from raspc.compress.protocol import Protocol
from raspc.compress.runs import Runs
from raspc.target import WRITERS

ROWS = 80
"""So many inputs give the residuals."""
MOST = 1200
"""Beyond so many entries of W the Jacobian is too large to be worth it."""
PATIENCE = 30
"""A run that gains less than a tenth in so many steps is at the bottom."""


def can_polish(runs: Runs, protocol: Protocol) -> bool:
    """Numbers, and nothing trained but W."""
    is_number = runs.pool.model.config.output.kind == "numerical"
    small = runs.w.shape[1] * runs.w.shape[2] <= MOST
    return is_number and small and not runs.own and runs.form == "wide" and protocol.polish > 0


def polished(runs: Runs, protocol: Protocol) -> Runs:
    """The runs, the best few of them taken to the bottom of their valley."""
    with torch.no_grad():
        output, layer = runs.losses()
    totals = torch.nan_to_num(output + protocol.layer_weight * layer, nan=torch.inf)
    best = [int(i) for i in totals.argsort(stable=True)[: protocol.polish_best] if torch.isfinite(totals[i])]
    w = runs.w.detach().double().clone()
    with warnings.catch_warnings():
        # Forward-mode differentiation loads a part of PyTorch that uses what PyTorch itself deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        for place in best:
            w[place] = _descend(_residuals(runs, protocol), w[place].flatten(), protocol).view_as(w[place])
    return Runs(runs.pool, runs.shape, runs.form, w, {n: a.double() for n, a in runs.wide.items()}, {})


def _residuals(runs: Runs, protocol: Protocol) -> Callable[[Tensor], Tensor]:
    """All residuals as a function of a flat W; their squares sum to the loss."""
    pool, shape = runs.pool, runs.shape
    wide = {name: array.double() for name, array in runs.wide.items()}
    rows = pool.some(ROWS)
    ids, real, tokens = pool.ids[rows], pool.real[rows], pool.tokens[rows]
    logits = pool.target.logits[0, rows].double()
    outputs = [x[0, rows].double() for x in pool.target.outputs]
    written = [_written(wide, i, shape) for i in range(len(outputs))]
    by_output = 1 / math.sqrt(int(real.sum()) * logits.shape[-1])
    by_layer = math.sqrt(protocol.layer_weight / int(tokens.sum()))

    def residuals(flat: Tensor) -> Tensor:
        w = flat.view(1, *runs.w.shape[1:])
        found = core.forward(core.folded(wide, w, shape.n_layers), wide, None, ids, shape)
        parts = [((found.logits[0] - logits)[real]).flatten() * by_output]
        for ours, theirs, columns in zip(found.outputs, outputs, written, strict=True):
            parts.append((ours[0] - theirs)[tokens][:, columns].flatten() * by_layer)
        return torch.cat(parts)

    return residuals


def _written(wide: core.Tensors, place: int, shape: core.Frame) -> Tensor:
    """The dimensions that a sublayer writes to; elsewhere its output is 0 or a constant whatever W is."""
    layer = shape.target.names.layer(place // 2)
    return wide[getattr(layer, WRITERS[place % 2]).w].abs().sum(0) > 0


def _descend(residuals: Callable[[Tensor], Tensor], w: Tensor, protocol: Protocol) -> Tensor:
    jacobian = torch.func.jacfwd(residuals)
    r = residuals(w)
    damping, costs = 1e-2, [cost := float(r @ r)]
    while len(costs) <= protocol.polish and not _is_done(costs, protocol.goal):
        j = jacobian(w)
        normal, slope = j.T @ j, j.T @ r
        scale = torch.eye(len(w), dtype=w.dtype) * normal.diagonal().mean()
        for _ in range(10):
            moved = w - torch.linalg.solve(normal + damping * scale, slope)
            trial = residuals(moved)
            if float(trial @ trial) < cost:
                w, r, cost, damping = moved, trial, float(trial @ trial), max(damping / 4, 1e-13)
                break
            damping *= 4
        costs.append(cost)
    return w


def _is_done(costs: Sequence[float], goal: float) -> bool:
    """Good enough, stuck, or in a valley whose bottom is near."""
    stuck = len(costs) > 1 and costs[-1] >= costs[-2]
    return costs[-1] <= goal or stuck or (len(costs) > PATIENCE and costs[-1] > 0.9 * costs[-1 - PATIENCE])
