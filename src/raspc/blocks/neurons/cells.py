"""One neuron for each cell of a grid: a gate for each variable, open at one of its merged values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.design import NEURON_LIMIT, Design, Worth, always
from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.neurons.steps import alternating
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Ids


@dataclass(frozen=True, eq=False)
class Gate:
    """A read that is 1 at one merged value of an axis and at most 0 at the others: features and weights."""

    features: Matrix
    weights: Matrix
    bias: Floats


def gate(number: NDArray[np.int64], squares: bool) -> Gate:
    """weights[:, v] and bias[v] make the gate of merged value v.

    By indicators, or by squares of the merged value's number n: 1 − (n − v)².
    """
    count = int(number.max()) + 1
    if not squares or count <= 3:
        return Gate((number[:, None] == np.arange(count)).astype(float), np.eye(count), np.zeros(count))
    n, v = number.astype(float) - count // 2, np.arange(count) - float(count // 2)
    return Gate(np.stack([n, n**2], axis=1), np.stack([2 * v, -np.ones(count)]), np.asarray(1.0 - v**2, np.float64))


def cells(grid: Grid, squares: Sequence[bool], worth: Worth = always) -> Design | None:
    """One neuron for each cell whose outputs are not the most common ones; None if that is not worth it."""
    kept, gates = [], []
    for axis, place in enumerate(grid.axes):
        number, _ = grid.merged(axis)
        if number.any():
            kept.append(axis)
            gates.append(gate(number, squares[axis]))
            if not worth(grid.changes, (place,), (gates[-1].features,)):  # seen before the other axes are merged
                return None
    _, small = merge(grid, range(len(grid.axes)))
    base = most_common(small)
    places = np.argwhere((small >= 0) & (small != base))
    if len(places) > NEURON_LIMIT:
        return None
    axes, features = tuple(grid.axes[axis] for axis in kept), tuple(g.features for g in gates)
    if not worth(len(places), axes, features):
        return None
    bias = np.full(len(places), 1.0 - len(kept))
    for axis, g in zip(kept, gates, strict=True):
        bias = bias + g.bias[places[:, axis]]
    outputs = grid.outputs[small[tuple(places.T)]] - grid.outputs[base]
    return Design(
        axes, features,
        tuple(g.weights[:, places[:, axis]] for axis, g in zip(kept, gates, strict=True)),
        bias, outputs, grid.outputs[base], np.inf, np.zeros(len(bias)), reach=reach_of(small.shape),
    )  # fmt: skip


def stepped(design: Design) -> Design:
    """The same cells with a step in place of each neuron, which clears away the error of what is read."""
    two = np.repeat(2.0 * design.bias, 2) - np.tile([0.5, 1.5], design.size)
    return Design(
        design.axes, design.features, tuple(np.repeat(2.0 * w, 2, axis=1) for w in design.weights),
        two, alternating(design.out), design.base, design.gap, np.full(2 * design.size, 0.5), design.reach,
    )  # fmt: skip


def reach_of(sizes: Sequence[int]) -> int:
    """How many gates of a grid are open or next to open at once: one cell, and its neighbours along the axes."""
    return 1 + sum(size - 1 for size in sizes)


def most_common(classes: Ids) -> int:
    known = classes[classes >= 0]
    return int(np.bincount(known).argmax()) if known.size else 0
