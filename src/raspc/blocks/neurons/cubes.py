"""One neuron for each cube of a grid: a gate for some of the variables, whatever the others are.

`a if a is not none else b if b is not none else c` is told by the value of a, or where that is none by that of b, and
so on: there are as many cubes as values of all, where there are as many cells as products of them.

The cubes are the leaves of a tree. A part of the grid that has several classes is cut along one variable, into a part
for each of its values: along the one that leaves the fewest parts with several classes, then the fewest parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from raspc.blocks.neurons.cells import Gate, gate, most_common
from raspc.blocks.neurons.design import Design, Worth, always
from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Ids
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "cubes", "neurons",
    "values of some of the variables are told whatever the others are, by one neuron",
    "no variable is undecoded; fewer neurons than cells",
    "one neuron for each leaf of a tree of cases",
)  # fmt: skip

MOST = 1 << 11
"""The most cubes that are looked for."""

Cube = Mapping[int, int]
"""The value, after merging, of each axis that a cube is told by."""


def cubes(grid: Grid, squares: Sequence[bool], worth: Worth = always) -> Design | None:
    """One neuron for each cube whose outputs are not the most common ones; None if that is not worth it."""
    axes = range(len(grid.axes))
    numbers, small = merge(grid, axes)
    base = most_common(small)
    found: list[tuple[Cube, int]] = []
    for cube, number in leaves(small):
        if number == base:
            continue
        found.append((cube, number))
        if len(found) > MOST or not worth(len(found), (), ()):
            return None
    told = [axis for axis in axes if any(axis in cube for cube, _ in found)]
    gates = [gate(numbers[axis], squares[axis]) for axis in told]
    places, features = tuple(grid.axes[axis] for axis in told), tuple(one.features for one in gates)
    if not worth(len(found), places, features):
        return None
    bias = 1.0 - np.array([len(cube) for cube, _ in found], np.float64)
    weights = []
    for axis, one in zip(told, gates, strict=True):
        columns, more = _gated(one, [cube.get(axis) for cube, _ in found])
        weights.append(columns)
        bias = bias + more
    outputs = grid.outputs[np.array([number for _, number in found], np.intp)] - grid.outputs[base]
    return Design(
        places, features, tuple(weights), bias, outputs, grid.outputs[base], np.inf,
        np.zeros(len(found)), reach=len(found),
    )  # fmt: skip


def _gated(one: Gate, values: Sequence[int | None]) -> tuple[Matrix, Matrix]:
    """The weights and the biases of the gate at these values; at none of them it is left open."""
    some = np.array([value is not None for value in values])
    at = np.array([0 if value is None else value for value in values])
    return np.where(some, one.weights[:, at], 0.0), np.where(some, one.bias[at], 0.0)


def leaves(classes: Ids) -> Iterator[tuple[Cube, int]]:
    """The cubes of one class each, and their classes, which cover all cells that are known."""
    waiting: list[tuple[dict[int, int], Ids]] = [({}, classes)]
    while waiting:
        cube, part = waiting.pop()
        known = part[part >= 0]
        if not known.size:
            continue
        if known.min() == known.max():
            yield cube, int(known[0])
            continue
        axis = _most_telling(part)
        for value in range(part.shape[axis]):
            index = [slice(None)] * part.ndim
            index[axis] = slice(value, value + 1)
            waiting.append(({**cube, axis: value}, part[tuple(index)]))


def _most_telling(part: Ids) -> int:
    """The axis along which the fewest parts have several classes; of several such axes the shortest."""
    least = np.where(part >= 0, part, np.iinfo(part.dtype).max)

    def mixed(axis: int) -> tuple[int, int]:
        others = tuple(a for a in range(part.ndim) if a != axis)
        return int((part.max(axis=others) > least.min(axis=others)).sum()), part.shape[axis]

    return min((axis for axis in range(part.ndim) if part.shape[axis] > 1), key=mixed)
