"""Straight pieces along one sum: one that holds everywhere, and a neuron for each bend, which fires away from it.

    f(x) = f(x₀) + s·(x − x₀) + Σ (s_i − s_(i−1))·relu(x − x_i) above the piece of x₀, and its mirror image below,

where s is the slope of the piece of x₀, and s_i the slope from the bend x_i to the next one. The slope of the pieces is
the same on both sides of x₀, so that what is added up is as small as f is about x₀.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats


@dataclass(frozen=True, eq=False)
class Pieces:
    """`kinks` [k], ascending; `slopes` [k + 1, c]: of each piece, the first of which ends at the first kink.

    `start`: the piece from which the others bend away; at the point `at` of it, what is written is `value` [c].
    """

    kinks: Floats
    slopes: Matrix
    start: int
    at: float
    value: Floats


def bent(
    reads: tuple[Sequence[int], Sequence[Matrix]], pieces: Pieces, foot: float, gap: float, steep: float = 1.0
) -> Design:
    """The neurons: one for the piece that holds everywhere, then one for each kink.

    `reads`: the axes whose features are added, and these; `foot`: a place at which the first neuron begins, below all
    others; `gap`: the least distance of two values. Neurons read `steep` times the sum, a power of two. Bends above the
    start come from the far end: beside each other, two that are opposite would look like a step.
    """
    axes, features = reads
    turns, start = np.diff(pieces.slopes, axis=0), pieces.start
    order = np.r_[np.arange(start), np.arange(start, len(pieces.kinks))[::-1]]
    sign = np.r_[1.0, np.where(order < start, -1.0, 1.0)]
    feet, middle = np.r_[foot, pieces.kinks[order]], pieces.slopes[start]
    return Design(
        tuple(axes), tuple(features), tuple(steep * sign[None, :] for _ in axes), -steep * sign * feet,
        np.vstack([middle, turns[order]]) / steep, pieces.value - middle * (pieces.at - foot), gap,
        np.zeros(len(sign)),
    )  # fmt: skip
