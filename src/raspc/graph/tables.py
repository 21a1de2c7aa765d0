"""Functions over several finite variables as arrays, one axis a variable.

The *roots* of an elementwise node are the variables that are not elementwise themselves: what it finally
depends on at its own position. `Joint` lists a node over its roots, so that arguments which share a root
are seen together: `x − x` is 0, and `length − index` is never below 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.graph.nodes import UNDEFINED, Gate, Ids, Index, Length, Listed, Node, Sum, Table, Variable, Width, is_free

JOINT_LIMIT = 1 << 19
"""The most cells over which a node is listed; beyond, it counts as a root of its own."""


@dataclass(frozen=True, eq=False)
class Joint:
    """The value number of a node for every combination of its roots' values, UNDEFINED where none."""

    roots: tuple[int, ...]
    cells: Ids
    sums: dict[bytes, Any] = field(default_factory=dict)
    """Which features were found to be sums of features of the roots; kept here for as long as the listing is."""

    @cached_property
    def hub(self) -> tuple[tuple[int, ...], tuple[NDArray[np.bool_], ...]] | None:
        """A corner through which the axes reach every value of a root that occurs, and which values these are.

        None if no corner does.
        """
        known = self.cells >= 0
        axes = range(known.ndim)
        used = tuple(np.asarray(known.any(axis=tuple(a for a in axes if a != axis))) for axis in axes)
        for corner in product(*((0, extent - 1) for extent in known.shape)):
            lines = [known[self.line(corner, axis)] for axis in axes]
            if known[corner] and not any((used[axis] & ~line).any() for axis, line in enumerate(lines)):
                return corner, used
        return None

    @cached_property
    def steps(self) -> tuple[tuple[int, NDArray[np.intp], NDArray[np.intp]], ...] | None:
        """How to get from one cell to all values of two roots that occur, where no corner does: by cells that occur.

        Steps (axis, values, values of the other axis): these are reached from those, which an earlier step has reached.
        The first is the value to start from, on both axes. None where not all are reached, or of more roots.
        """
        if self.cells.ndim != 2:
            return None
        known = self.cells >= 0
        start = np.argwhere(known)[:1]
        if not len(start):
            return None
        reached = [np.zeros(size, bool) for size in known.shape]
        reached[0][start[0, 0]] = True
        found, axis = [(0, start[:, 0], start[:, 1])], 1
        for _ in range(sum(known.shape)):
            near = (known if axis else known.T) & reached[1 - axis][:, None]
            fresh = np.flatnonzero(near.any(axis=0) & ~reached[axis])
            if len(fresh):
                found.append((axis, fresh, near[:, fresh].argmax(axis=0)))
                reached[axis][fresh] = True
            axis = 1 - axis
        whole = all((known.any(axis=1 - a) <= reached[a]).all() for a in (0, 1))
        return tuple(found) if whole else None

    @cached_property
    def one_each(self) -> tuple[NDArray[np.intp], ...]:
        """The coordinates of one cell for each value that occurs."""
        flat = self.cells.ravel()
        last = np.full(int(flat.max(initial=UNDEFINED)) + 2, -1)  # where UNDEFINED stands is the last entry
        last[flat] = np.arange(flat.size)
        return np.unravel_index(last[:-1][last[:-1] >= 0], self.cells.shape)

    def line(self, corner: tuple[int, ...], axis: int) -> tuple[Any, ...]:
        """The index of the cells that differ from a corner along one axis."""
        return (*corner[:axis], slice(None), *corner[axis + 1 :])

    def over(self, roots: Sequence[int]) -> Ids:
        """The same cells as a view with one axis (perhaps of size 1) for each of `roots`, a superset."""
        order = [self.roots.index(root) for root in roots if root in self.roots]
        moved = self.cells.transpose(order)
        sizes = iter(moved.shape)
        return moved.reshape([next(sizes) if root in self.roots else 1 for root in roots])


def union(joints: Sequence[Joint]) -> tuple[int, ...]:
    """All roots, in the order of their places in the graph."""
    return tuple(sorted({root for joint in joints for root in joint.roots}))


def possible(
    roots: Sequence[int], nodes: Mapping[int, Node] | Sequence[Node], sizes: Sequence[int]
) -> NDArray[np.bool_]:
    """Which combinations of the roots' values can occur at one position: an index is below the length.

    The sum of n numbers is at least n times the least of them, and at most n times the greatest. Variables that are
    free go with anything.
    """
    axes = {type(nodes[root]): axis for axis, root in enumerate(roots) if not is_free(nodes[root])}
    grid = np.ones([1] * len(roots), bool)
    if Index in axes and Length in axes:
        shape = [size if axis in (axes[Index], axes[Length]) else 1 for axis, size in enumerate(sizes)]
        index, length = (
            np.arange(sizes[axes[kind]]).reshape([-1 if a == axes[kind] else 1 for a in range(len(roots))])
            for kind in (Index, Length)
        )
        grid = np.broadcast_to(index <= length, shape)  # the value with number i is the length i + 1
    for one, total in enumerate(roots):
        for other, count in enumerate(roots) if isinstance(nodes[total], Sum) else ():
            ends = _ends(nodes, total, count)
            if ends is not None:
                sums, counts = (
                    nodes[root].listed.numbers.reshape([-1 if a == axis else 1 for a in range(len(roots))])  # type: ignore[attr-defined]
                    for root, axis in ((total, one), (count, other))
                )
                grid = grid & (sums >= ends[0] * counts) & (sums <= ends[1] * counts)
    return grid


def _ends(nodes: Mapping[int, Node] | Sequence[Node], total: int, count: int) -> tuple[float, float] | None:
    """The least and the greatest number of a sum over the keys that a count counts; None for another variable."""
    node, counted = nodes[total], nodes[count]
    if not isinstance(node, Sum) or node.free or is_free(counted):
        return None
    if isinstance(counted, Length):
        selector = nodes[node.selector]
        same = isinstance(selector, Gate) and selector.op == "and" and not selector.args
    else:
        same = isinstance(counted, Width) and counted.selector == node.selector
    source = nodes[node.source].domain if same else None  # type: ignore[attr-defined]
    if not isinstance(source, Listed):
        return None
    numbers = source.numbers[source.is_number]
    return float(numbers.min()), float(numbers.max())


def lookup(cells: Ids, args: Sequence[Ids]) -> Ids:
    """cells[args…] with UNDEFINED wherever an argument is."""
    if not args:
        return cells
    known = reduce(np.logical_and, (arg >= 0 for arg in args))
    flat = np.zeros((), np.intp)
    for arg, size in zip(args, cells.shape, strict=True):
        flat = flat * size + arg
    return np.where(known, cells.ravel().take(np.where(known, flat, 0)), UNDEFINED).astype(np.int32)


def stands(args: Sequence[int], joints: Sequence[Joint | None], roots: tuple[int, ...]) -> bool:
    """Whether the arguments of a table are roots themselves, in their order, so that it is listed as it stands."""
    return tuple(args) == roots and all(
        joint is not None and joint.roots == (arg,) for arg, joint in zip(args, joints, strict=True)
    )


def joined(joints: Sequence[Joint | None], roots: Sequence[int]) -> list[Ids]:
    """Several listings over the same roots."""
    columns = [joint.over(roots) for joint in joints if joint is not None]
    return list(np.broadcast_arrays(*columns)) if columns else []


def listing(
    nodes: Sequence[Node], joints: Sequence[Joint | None], args: Sequence[int], cells: Ids, trimmed: bool = True
) -> Joint | None:
    """The node cells[args…] over its roots; None (it becomes a root) if they have too many combinations."""
    known = [joints[arg] for arg in args]
    roots = union([joint for joint in known if joint is not None])
    extent = [len(nodes[root].domain) for root in roots]  # type: ignore[attr-defined]
    if np.prod(extent, dtype=float) > JOINT_LIMIT:
        return None
    found = cells if stands(args, known, roots) else lookup(cells, joined(known, roots))
    ok = np.broadcast_to(possible(roots, nodes, extent), extent)
    found = np.where(ok, np.broadcast_to(found, extent), UNDEFINED).astype(np.int32)
    return _trimmed(roots, found, ok) if trimmed else Joint(roots, found)


def _trimmed(roots: tuple[int, ...], cells: Ids, ok: NDArray[np.bool_]) -> Joint:
    """Without the roots that make no difference."""
    for axis in range(len(roots) - 1, -1, -1):
        if _first_two_differ(cells, ok, axis):  # as most do, and that is soon seen
            continue
        merged = cells.max(axis=axis, keepdims=True)
        if np.all((cells == merged) | ~ok):
            roots = roots[:axis] + roots[axis + 1 :]
            cells, ok = merged.squeeze(axis), np.asarray(ok.any(axis=axis))
    return Joint(roots, cells.copy(order="C"))


def _first_two_differ(cells: Ids, ok: NDArray[np.bool_], axis: int) -> bool:
    """Whether the first two values of an axis make a difference, whatever the others do."""
    if cells.shape[axis] < 2:
        return False
    (one, other), (here, there) = (np.moveaxis(array, axis, 0)[:2] for array in (cells, ok))
    return bool(((one != other) & here & there).any())


def own_listing(place: int, node: Node) -> Joint | None:
    """A variable as a root of its own; None for selectors and intervals."""
    if not isinstance(node, Variable) or not isinstance(node.domain, Listed):
        return None
    if isinstance(node, Table) and not node.args:
        return Joint((), node.cells)
    return Joint((place,), np.arange(len(node.domain), dtype=np.int32))


def listings(nodes: Sequence[Node]) -> list[Joint | None]:
    """Every node over its roots; one that is free is a root of its own."""
    joints: list[Joint | None] = []
    for place, node in enumerate(nodes):
        bound = isinstance(node, Table) and not node.free
        found = listing(nodes, joints, node.args, node.cells) if isinstance(node, Table) and bound else None
        joints.append(found or own_listing(place, node))
    return joints


def once_each(args: Sequence[int], cells: Ids) -> tuple[tuple[int, ...], Ids]:
    """A table whose arguments are all different variables: of one that is there twice, the diagonal."""
    own = tuple(dict.fromkeys(args))
    if len(own) == len(args):
        return own, cells
    places = np.indices([cells.shape[args.index(arg)] for arg in own], sparse=True)
    return own, cells[tuple(places[own.index(arg)] for arg in args)]
