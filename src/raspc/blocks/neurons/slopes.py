"""A straight line along a count for each cell of the other variables: one neuron each, where steps take two a count.

relu(x − K·(1 − gate)) is the count x where the gate is open, and 0 where it is shut, as K exceeds all counts; written
with the slope of its cell. What the count is off by is passed on, times the slope: for readers that bear it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.cells import gate, reach_of
from raspc.blocks.neurons.design import NEURON_LIMIT, Design, Worth, always
from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.reading.slopes import Slopes, straight
from raspc.graph.nodes import Floats
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "slopes", "neurons",
    "a function that is straight along a count for each value of the others takes one neuron for each",
    "attention leaves the count as a number; the readers bear what that is off by, times the slope",
    "no step for each count",
)  # fmt: skip

SHARE = 4
"""What the count is off by may come to this part of what the readers bear."""


def slopes(
    grid: Grid, along: int, position: Floats, squares: Sequence[bool], noise: float, bears: float,
    worth: Worth = always,
) -> Design | None:  # fmt: skip
    """One neuron for each cell of the other axes with a slope, one for each that starts elsewhere than most do.

    None where the function is not straight along the axis, where `bears` is not enough, or it is not worth it.
    """
    others = [axis for axis in range(grid.classes.ndim) if axis != along]
    numbers, small = merge(grid, others)
    found = straight(small, along, position, grid.outputs)
    if found is None or not found.known.any() or SHARE * noise * found.steepest > bears:
        return None
    (base, stands), found = min(
        ((_standing(one), one) for one in (found, found.seen_from(min(0.0, found.origin)))),
        key=lambda one: one[0][1].sum(),
    )
    leans = found.known & found.slope.any(axis=1)
    gates = [gate(number, squares[axis]) for axis, number in zip(others, numbers, strict=True)]
    axes = (grid.axes[along], *(grid.axes[axis] for axis in others))
    features = (position[:, None], *(one.features for one in gates))
    cells = np.concatenate([np.flatnonzero(leans), np.flatnonzero(stands)])
    if len(cells) > NEURON_LIMIT or not worth(len(cells), axes, features):
        return None
    own = np.r_[np.ones(int(leans.sum())), np.zeros(int(stands.sum()))]
    shut = 2.0 ** np.ceil(np.log2(float(position.max()) - found.origin + 1))
    strength = np.where(own > 0, shut, 1.0)
    bias = np.where(own > 0, -found.origin, 1.0) - strength * len(gates)
    places = np.unravel_index(cells, [size for axis, size in enumerate(small.shape) if axis != along])
    weights = [own[None, :]]
    for one, at in zip(gates, places, strict=True):
        weights.append(one.weights[:, at] * strength)
        bias = bias + strength * one.bias[at]
    out = np.concatenate([found.slope[leans], found.start[stands] - base])
    return Design(
        axes, features, tuple(weights), bias, out, base, 2 * bears / max(found.steepest, 1.0), np.zeros(len(cells)),
        reach_of([one.weights.shape[1] for one in gates]),
    )  # fmt: skip


def _standing(found: Slopes) -> tuple[Floats, NDArray[np.bool_]]:
    """What most cells start with, and which start elsewhere."""
    starts, kind = np.unique(found.start[found.known], axis=0, return_inverse=True)
    base = starts[np.bincount(kind.ravel()).argmax()]
    return base, np.asarray(found.known & (found.start != base).any(axis=1))
