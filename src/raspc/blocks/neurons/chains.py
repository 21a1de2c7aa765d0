"""A number along a sum that bends: a chain of straight pieces, one neuron a value, where a staircase takes two a step.

Attention leaves a count as a share of attention, W/(W + count), which is no straight line along the count. Steps are
flat at every value, but each that is passed adds the difference of two large numbers, and many of them round. So

    f(x) = f_0 + s·(x − x_0) + Σ (s_i − s_(i−1))·relu(x − x_i),  s_i the slope from x_i to x_(i+1),

which is right at every value. Its pieces bend little, so that what is added is as small as the number itself.

Requires: one place along the line for each value; readers that bear a small error of all columns.
Ensures: an error e of x moves a column by e times the steeper of the two slopes beside its value.
"""

from __future__ import annotations

import numpy as np

from raspc.blocks.neurons.bent import Pieces, bent
from raspc.blocks.neurons.design import NEURON_LIMIT, Design
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "chains", "neurons",
    "numbers that are read of a count are a chain of straight pieces along the share of attention that it is left as",
    "level 2; readers that bear what the share is off by, times the slope of the chain",
    "one neuron a value, in place of two; sums round as little as the number itself",
)  # fmt: skip


def chain(place: int, position: Floats, columns: Matrix) -> Design | None:
    """The neurons for columns [values, c] along the position [values]; None where values stand at one place.

    The piece from which others bend away is that with the least to add.
    """
    order = np.argsort(position, kind="stable")
    x, wanted = position[order], columns[order]
    gaps = np.diff(x)
    if len(x) < 3 or len(x) > NEURON_LIMIT or gaps.min() <= 0:
        return None
    slopes = np.diff(wanted, axis=0) / gaps[:, None]
    found = [_bent(place, position, x, wanted, slopes, start) for start in sorted({0, len(gaps) // 2, len(gaps) - 1})]
    return min(found, key=lambda design: float(design.noise(1.0).max()))


def moved(position: Floats, columns: Matrix, noise: Floats) -> Matrix:
    """[values, c]: how far the chain moves where the position of each value is off by its noise."""
    order = np.argsort(position, kind="stable")
    slopes = np.abs(np.diff(columns[order], axis=0) / np.diff(position[order])[:, None])
    found = np.empty_like(columns)
    found[order] = np.maximum(np.vstack([slopes[:1], slopes]), np.vstack([slopes, slopes[-1:]]))
    return found * noise[:, None]


def _bent(place: int, position: Floats, x: Floats, wanted: Matrix, slopes: Matrix, start: int) -> Design:
    """The chain that is straight from place `start` to the next one, and bends at the others on either side.

    `x`, `wanted`: in ascending order. Neurons read the line in steps of about one value, which are powers of two.
    """
    steep = 2.0 ** np.round(np.log2(len(slopes) / (x[-1] - x[0])))
    pieces = Pieces(x[1:-1], slopes, start, float(x[start]), wanted[start])
    return bent(((place,), (position[:, None],)), pieces, float(x[0]), float(np.diff(x).min()), float(steep))
