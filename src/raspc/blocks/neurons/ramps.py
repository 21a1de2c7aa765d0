"""Neurons that compute steep features of a number: one ramp a level, on top of those of the levels below.

A steep feature (`raspc.blocks.scores.steep`) may be off by a part of itself, not by a part of its greatest value.
Steps, whose differences cancel, cannot offer that; ramps can, as each is much higher than all before it:

    f(x) = f(x_0) + Σ_i a_i·relu(x − t_i),  t_i halfway between x_(i−1) and x_i,  all a_i > 0.

Requires: a feature that never falls, or never rises, along the values of x; where it stops, it stays.
Ensures: f is right at every value; an error e of x makes a relative error of at most 2e/gap, and ramps of higher levels
add nothing at all. One neuron a level, and one more where it stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.scores.steep import APART
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats


def ramps(place: int, position: Floats, noise: float, columns: Matrix) -> Design | None:
    """Neurons along one variable for some steep columns; None if its values are too close together."""
    return ramps_along((place,), (position[:, None],), position, noise, columns)


def ramps_along(
    axes: tuple[int, ...], features: tuple[Matrix, ...], position: Floats, noise: float, columns: Matrix
) -> Design | None:
    """The same along a sum of features of several variables; `position`: what it is for each value."""
    order = np.argsort(position, kind="stable")
    along = position[order]
    gap = float(np.diff(along).min(initial=np.inf))
    if gap < max(APART * noise, 1e-9):
        return None
    found = [(j, *knot) for j, column in enumerate(columns.T) for knot in _knots(along, column[order])]
    signs = np.array([sign for _, sign, _, _, _ in found], np.float64)
    feet = np.array([foot for _, _, foot, _, _ in found], np.float64)
    out = np.zeros((len(found), columns.shape[1]))
    for row, (j, _, _, height, _) in enumerate(found):
        out[row, j] = height
    leads = np.array([lead for *_, lead in found], np.float64)
    base = np.abs(columns).min(axis=0)
    return Design(
        axes,
        features,
        tuple(signs[None, :] for _ in axes),
        -signs * feet,
        out,
        base,
        gap,
        np.zeros(len(found)),
        0,
        leads,
    )


def _knots(along: Floats, column: Floats) -> Iterator[tuple[float, float, float, float]]:
    """(sign, foot, slope, lead) of each neuron slope·relu(sign·(x − foot)), from the low end of the column up."""
    sign = 1.0 if column[-1] >= column[0] else -1.0
    ends, values = (along, column) if sign > 0 else (along[::-1], column[::-1])
    slope = 0.0
    for (x0, f0), (x1, f1) in pairwise(zip(ends.tolist(), values.tolist(), strict=True)):
        if f1 == f0:
            if slope:
                yield sign, x0, -slope, abs(x1 - x0)
            slope = 0.0
            continue
        foot = (x0 + x1) / 2
        rest = f1 - f0 - slope * abs(foot - x0)
        steeper = rest / abs(x1 - foot)
        yield sign, foot, steeper - slope, abs(x1 - foot)
        slope = steeper
