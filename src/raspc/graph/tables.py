"""Functions over several finite variables as arrays, one axis a variable.

The *roots* of an elementwise node are the variables that are not elementwise themselves: what it finally
depends on at its own position. `Joint` lists a node over its roots, so that arguments which share a root
are seen together: `x − x` is 0, and `length − index` is never below 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from raspc.graph.nodes import UNDEFINED, Ids, Index, Length, Node

JOINT_LIMIT = 1 << 18
"""The most cells over which a node is listed; beyond, it counts as a root of its own."""


@dataclass(frozen=True, eq=False)
class Joint:
    """The value number of a node for every combination of its roots' values, UNDEFINED where none."""

    roots: tuple[int, ...]
    cells: Ids

    def over(self, roots: Sequence[int]) -> Ids:
        """The same cells as a view with one axis (perhaps of size 1) for each of `roots`, a superset."""
        order = [self.roots.index(root) for root in roots if root in self.roots]
        moved = self.cells.transpose(order)
        sizes = iter(moved.shape)
        return moved.reshape([next(sizes) if root in self.roots else 1 for root in roots])


def union(joints: Sequence[Joint]) -> tuple[int, ...]:
    """All roots, in the order of their places in the graph."""
    return tuple(sorted(reduce(set.union, (set(joint.roots) for joint in joints), set[int]())))


def possible(roots: Sequence[int], nodes: Mapping[int, Node] | Sequence[Node], sizes: Sequence[int]) -> NDArray[np.bool_]:
    """Which combinations of the roots' values can occur at one position: an index is below the length."""
    axes = {type(nodes[root]): axis for axis, root in enumerate(roots)}
    grid = np.ones([1] * len(roots), bool)
    if Index in axes and Length in axes:
        shape = [size if axis in (axes[Index], axes[Length]) else 1 for axis, size in enumerate(sizes)]
        index, length = (
            np.arange(sizes[axes[kind]]).reshape([-1 if a == axes[kind] else 1 for a in range(len(roots))])
            for kind in (Index, Length)
        )
        grid = np.broadcast_to(index <= length, shape)  # the value with number i is the length i + 1
    return grid


def lookup(cells: Ids, args: Sequence[Ids]) -> Ids:
    """cells[args…] with UNDEFINED wherever an argument is."""
    if not args:
        return cells
    known = reduce(np.logical_and, (arg >= 0 for arg in args))
    found = cells[tuple(np.where(known, arg, 0) for arg in args)]
    return np.where(known, found, UNDEFINED).astype(np.int32)
