"""A staircase along one variable for each cell of the others, whose gates hold it shut elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.cells import Gate, gate, reach_of
from raspc.blocks.neurons.design import NEURON_LIMIT, Design, Worth, always
from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.neurons.steps import Steps, alternating, staircases
from raspc.graph.nodes import Floats


def gated_lines(
    grid: Grid, along: int, position: Floats, squares: Sequence[bool], noise: float, worth: Worth = always,
    sharpness: float = 1.0,
) -> Design | None:  # fmt: skip
    """A staircase along one axis for each cell of the other axes; None if there is none, or it is not worth it."""
    others = [axis for axis in range(grid.classes.ndim) if axis != along]
    numbers, small = merge(grid, others)
    gates = [gate(number, squares[axis]) for axis, number in zip(others, numbers, strict=True)]
    axes = (grid.axes[along], *(grid.axes[axis] for axis in others))
    features = [position[:, None], *(g.features for g in gates)]
    if not worth(grid.changes, axes, features):
        return None
    small = np.moveaxis(small, along, -1)
    known = small.reshape(-1, small.shape[-1]) >= 0
    cell, value = np.nonzero(known)
    order = np.lexsort((position[value], cell))
    s, c, stairs = position[value][order], small.reshape(known.shape)[known][order], cell[order]
    places = np.flatnonzero((c[1:] != c[:-1]) & (stairs[1:] == stairs[:-1]))
    steps = staircases(s, c, places, grid.outputs, noise, stairs, sharpness)
    if steps is None or not len(steps.stairs) or 2 * len(steps.slopes) + len(steps.stairs) > NEURON_LIMIT:
        return None
    stands = np.asarray((steps.first != steps.first[0]).any(axis=1))
    if not worth(2 * len(steps.slopes) + int(stands.sum()), axes, features):
        return None
    cells_of = np.stack(np.unravel_index(steps.stairs, small.shape[:-1]), axis=1)
    return _gated(axes, position, gates, steps, stands, cells_of)


def _gated(
    axes: tuple[int, ...], position: Floats, gates: Sequence[Gate], steps: Steps,
    stands: NDArray[np.bool_], cells_of: NDArray[np.int64],
) -> Design:  # fmt: skip
    """The neurons, one cell after the other: the gate itself where what the cell begins with is not the base
    (`stands`), a neuron without a slope; then two for each step, which a closed gate holds shut.
    """
    base = steps.first[0]
    own = np.searchsorted(steps.stairs, steps.of)
    up = np.repeat(steps.slopes, 2)
    order = np.argsort(np.concatenate([np.flatnonzero(stands), np.repeat(own, 2)]), kind="stable")
    alone = np.zeros(int(stands.sum()))
    slopes = np.concatenate([alone, up])[order]
    shut = 2.0 ** np.ceil(np.log2(up * float(np.ptp(position)) + 1))
    strength = np.concatenate([alone + 1, shut])[order]
    offset = np.tile([0.5, -0.5], len(steps.slopes)) - up * np.repeat(steps.thresholds, 2)
    bias = np.concatenate([alone + 1, offset])[order] - strength * len(gates)
    out = np.concatenate([steps.first[stands] - base, alternating(steps.change)])[order]
    slack = np.concatenate([alone, np.minimum(np.repeat(steps.slack, 2), 0.5)])[order]
    places = np.concatenate([cells_of[stands], np.repeat(cells_of[own], 2, axis=0)])[order]
    weights = []
    for i, g in enumerate(gates):
        weights.append(g.weights[:, places[:, i]] * strength)
        bias = bias + strength * g.bias[places[:, i]]
    return Design(
        axes,
        (position[:, None], *(g.features for g in gates)),
        (slopes[None, :], *weights),
        bias, out, base, steps.gap, slack, reach_of([g.weights.shape[1] for g in gates]),
    )  # fmt: skip
