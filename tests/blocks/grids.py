"""Random grids for the designs of MLPs, and what a design computes, by brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.grid import Grid
from raspc.graph.nodes import Floats


@st.composite
def grids(draw: st.DrawFn, min_axes: int = 1, max_axes: int = 3) -> Grid:
    """Up to three variables of up to four values; any cell may be one that cannot occur, but not all."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=min_axes, max_size=max_axes)))
    count = draw(st.integers(1, 4))
    classes = draw(hnp.arrays(np.int32, shape, elements=st.integers(-1, count - 1)))
    classes[tuple(0 for _ in shape)] = max(0, int(classes[tuple(0 for _ in shape)]))
    outputs = draw(hnp.arrays(np.float64, (count, draw(st.integers(1, 3))), elements=st.integers(-4, 4).map(float)))
    return Grid(tuple(10 * (axis + 1) for axis in range(len(shape))), classes, outputs)


def wanted(grid: Grid) -> Floats:
    """[known cells, outputs]"""
    return grid.outputs[grid.classes[grid.classes >= 0]]


def reads(design: Design, grid: Grid, shift: float = 0.0, along: int | None = None) -> Any:
    """[known cells, neurons]: what each neuron reads; `shift` is added to what is read of one variable."""
    shape = grid.classes.shape
    total = np.zeros((*shape, design.size)) + design.bias
    for place, features, weights in zip(design.axes, design.features, design.weights, strict=True):
        moved = features + (shift if place == along else 0.0)
        axis = grid.axes.index(place)
        read = (moved @ weights).reshape([shape[a] if a == axis else 1 for a in range(len(shape))] + [design.size])
        total = total + read
    return total[grid.classes >= 0]


def computed(design: Design, grid: Grid, shift: float = 0.0, along: int | None = None) -> Any:
    """[known cells, outputs]: what the neurons give."""
    return np.maximum(reads(design, grid, shift, along), 0.0) @ design.out + design.base


def slackened(design: Design, grid: Grid, seed: int) -> Any:
    """[known cells, outputs]: what the neurons give when each step is read as far off as its slack allows."""
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], design.size)
    halves = np.flatnonzero(design.slack > 0)
    signs[halves[1::2]] = signs[halves[::2]]  # the two halves of a step err alike
    return np.maximum(reads(design, grid) + 0.999 * signs * design.slack, 0.0) @ design.out + design.base
