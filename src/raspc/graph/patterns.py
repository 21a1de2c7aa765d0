"""Sums of selectors as what they give for each pair of a key and a query: a form that tells equal ones.

A selector tests some variables of the key and some of the query. Those that the same table tests are a *group*; of a
group only counts which of its pairs are told apart (`labels`). The whole is a table of integers over the labels of all
groups. The number of keys that a sum of selectors selects is the sum of these integers over all keys, so that two sums
with the same integers for every pair count the same; as integers, an "or" is x + y − xy, and a complement 1 − x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.graph.rows import distinct_rows

Integers = NDArray[np.int64]
Root = tuple[int, Any]
"""A variable: its class, and its values in order."""
Group = tuple[tuple[Root, ...], tuple[Root, ...]]
"""The variables of keys, and those of queries, that are tested together."""

CELLS = 1 << 16
"""The most combinations of labels."""
PAIRS = 1 << 18
"""Up to so many pairs of a key and a query are listed, whatever the groups are."""


@dataclass(frozen=True, eq=False)
class Weights:
    """An integer for each pair of a key and a query: `labels[group]` [its pairs], and a table over all labels."""

    labels: Mapping[Group, Integers]
    table: Integers

    @property
    def pairs(self) -> int:
        """How many pairs of a key and a query there are, by all the variables that are tested."""
        roots = {(side, root) for group in self.labels for side in (0, 1) for root in group[side]}
        return prod(len(values) for _, (_, values) in roots)

    def form(self, bound: tuple[int, int] | None = None, pairs: int = PAIRS) -> Any:
        """What is the same for equal weights over the same groups, or over pairs that are few enough to list.

        `bound`: the classes of the index and of the length, the first of which is below the second. `pairs`: how many
        are few enough.
        """
        whole = _listed(self, bound, pairs)
        labels, table = dict(self.labels), self.table
        if whole is not None:
            labels, table = whole.labels, whole.table  # type: ignore[assignment]
        kept = [_merged(group, labels[group], table, axis) for axis, group in enumerate(labels)]
        order = sorted(
            (axis for axis in range(len(kept)) if kept[axis].count > 1), key=lambda axis: _classes(kept[axis].group)
        )
        first = tuple(kept[axis].first if axis in order else np.zeros(1, np.int64) for axis in range(len(kept)))
        small = table[np.ix_(*first)] if first else table
        small = small.transpose([*order, *(axis for axis in range(len(kept)) if axis not in order)])
        return tuple((kept[axis].group, kept[axis].labels.tobytes()) for axis in order), small.tobytes()


def _class(root: Root) -> int:
    return root[0]


def _classes(group: Group) -> list[list[int]]:
    return [[_class(root) for root in side] for side in group]


def selecting(group: Group, cells: NDArray[Any]) -> Weights:
    """A table: 1 where it selects. `cells`: over all pairs of the group."""
    return Weights({group: cells.ravel().astype(np.int64)}, np.arange(2))


def weighing(group: Group, numbers: NDArray[Any]) -> Weights:
    """Whole numbers over all pairs of the group."""
    values, labels = np.unique(numbers.ravel(), return_inverse=True)
    return Weights({group: labels.ravel().astype(np.int64)}, values.astype(np.int64))


def constant(number: int) -> Weights:
    """The same for all pairs."""
    return Weights({}, np.array(number))


def combined(f: Callable[[Integers, Integers], Integers], one: Weights, other: Weights) -> Weights | None:
    """f of both, pair by pair; None where there are too many labels."""
    labels: dict[Group, Integers] = {}
    index: dict[Group, tuple[Integers, Integers]] = {}
    for group in (*one.labels, *(group for group in other.labels if group not in one.labels)):
        left, right = (weights.labels.get(group, np.zeros(1, np.int64)) for weights in (one, other))
        many = int(right.max(initial=0)) + 1
        found, labels[group] = numbered(left * many + right)
        index[group] = (found // many, found % many)
    if prod(len(first) for first, _ in index.values()) > CELLS:
        return None
    sides = [
        _spread(weights, list(labels), [pair[side] for pair in index.values()])
        for side, weights in enumerate((one, other))
    ]
    return Weights(labels, np.asarray(f(*sides), np.int64))


def numbered(codes: Integers) -> tuple[Integers, Integers]:
    """(the different numbers in order, for each number its place among them); quick where none is large."""
    least, most = int(codes.min(initial=0)), int(codes.max(initial=0))
    if most - least > 4 * codes.size + CELLS:
        found, number = np.unique(codes, return_inverse=True)
        return found, number.ravel()
    there = np.zeros(most - least + 1, bool)
    there[codes - least] = True
    return np.flatnonzero(there) + least, (np.cumsum(there) - 1)[codes - least]


def _spread(weights: Weights, groups: Sequence[Group], index: Sequence[Integers]) -> Integers:
    """The table of weights with an axis for each of `groups`, at these labels."""
    own = list(weights.labels)
    shape = [weights.table.shape[own.index(group)] if group in own else 1 for group in groups]
    table = weights.table.transpose([own.index(group) for group in groups if group in own]).reshape(shape)
    at = [labels if group in own else np.zeros(1, np.int64) for group, labels in zip(groups, index, strict=True)]
    full = table[np.ix_(*at)] if at else table
    return np.broadcast_to(full, [len(labels) for labels in index])


@dataclass(frozen=True, eq=False)
class _Merged:
    """A group with those of its labels as one that make no difference, numbered as they first occur."""

    group: Group
    labels: Integers
    first: Integers
    count: int


def _merged(group: Group, labels: Integers, table: Integers, axis: int) -> _Merged:
    slices = np.ascontiguousarray(np.moveaxis(table, axis, 0).reshape(table.shape[axis], -1))
    _, kind = distinct_rows(slices)
    found = kind[labels]
    met = np.full(int(kind.max(initial=-1)) + 1, len(found))
    met[found[::-1]] = np.arange(len(found) - 1, -1, -1)  # of a number that is written twice, the last one stays
    order = np.argsort(met, kind="stable")[: np.count_nonzero(met < len(found))]
    rank = np.zeros(len(met), np.int64)
    rank[order] = np.arange(len(order))
    first = np.array([int((kind == old).argmax()) for old in order], np.int64)
    return _Merged(group, rank[found], first, len(order))


def _listed(weights: Weights, bound: tuple[int, int] | None, pairs: int) -> Weights | None:
    """The same over all variables of keys and of queries at once, without those that make no difference."""
    keys, queries = (sorted({root for group in weights.labels for root in group[side]}, key=_class) for side in (0, 1))
    sizes = [len(values) for _, values in (*keys, *queries)]
    if len(weights.labels) < 1 or prod(sizes) > pairs:
        return None
    at = []
    for group, labels in weights.labels.items():
        own = [*(keys.index(root) for root in group[0]), *(len(keys) + queries.index(root) for root in group[1])]
        cube = labels.reshape([sizes[axis] for axis in own])
        cube = cube.transpose(np.argsort(own))
        at.append(cube.reshape([sizes[axis] if axis in own else 1 for axis in range(len(sizes))]))
    full: Any = np.broadcast_to(weights.table[tuple(at)], sizes)
    for first, side in ((0, keys), (len(keys), queries)):
        full = _in_range(full, first, [root[0] for root in side], bound)
    for axis in range(len(sizes) - 1, -1, -1):
        if (full == full.take([0], axis=axis)).all():
            full = np.asarray(full.take(0, axis=axis))
            (keys if axis < len(keys) else queries).pop(axis if axis < len(keys) else axis - len(keys))
    if not full.ndim:
        return constant(int(full))
    values, labels = numbered(full.ravel())
    return Weights({(tuple(keys), tuple(queries)): labels}, values)


def _in_range(full: Integers, first: int, classes: Sequence[int], bound: tuple[int, int] | None) -> Integers:
    """0 wherever an index is not below the length: no position is there."""
    if bound is None or not set(bound) <= set(classes):
        return full
    index, length = (
        np.arange(full.shape[axis]).reshape([-1 if a == axis else 1 for a in range(full.ndim)])
        for axis in (first + classes.index(one) for one in bound)
    )
    return np.where(index <= length, full, 0)
