"""Neurons that read one sum of many variables, too many to list all combinations of their values.

Between two thresholds what such neurons write is an affine function of the sum, so that of all sums that give one value
only the least and the greatest between each two thresholds need to be looked at. These are found by halves: all sums of
the one half of the variables, in order, against all of the other (Horowitz and Sahni 1974, "Computing partitions with
applications to the knapsack problem"). Where even a half has too many sums, those that lie nearest to each other are
joined to intervals, which contain them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod

import numpy as np

from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.cells import Cells, Read3, slopes_of, thresholds
from raspc.certify.proof.meaning import Axes, Meaning
from raspc.graph.nodes import Floats, Ids, Table
from raspc.graph.rows import distinct_rows

HALF = 1 << 17
"""The most sums of one half, before some are joined."""
JOINED = 1 << 11
"""How many intervals are left then."""
LABELS = 1 << 12
"""The most ways in which what one half says may differ for the other."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Intervals on the line, in order and apart."""

    low: Floats
    high: Floats

    @classmethod
    def at(cls, points: Floats) -> Sums:
        """Single points."""
        found = np.unique(points)
        return cls(found, found)

    def __len__(self) -> int:
        return len(self.low)

    def plus(self, other: Sums) -> Sums:
        """All sums of one number of each."""
        if len(self) * len(other) <= HALF:
            return Sums.joined(np.add.outer(self.low, other.low).ravel(), np.add.outer(self.high, other.high).ravel())
        return self.fewer(JOINED).plus(other.fewer(HALF // JOINED))

    def fewer(self, most: int) -> Sums:
        """The same numbers, and others: those that lie nearest to each other are joined."""
        if len(self) <= most:
            return self
        gaps = self.low[1:] - self.high[:-1]
        kept = np.sort(np.argsort(gaps)[len(gaps) - most + 1 :])
        return Sums(self.low[np.r_[0, kept + 1]], self.high[np.r_[kept, len(self) - 1]])

    @classmethod
    def joined(cls, low: Floats, high: Floats) -> Sums:
        """Intervals in any order, those that overlap as one."""
        order = np.argsort(low, kind="stable")
        low, reach = low[order], np.maximum.accumulate(high[order])
        fresh = np.flatnonzero(np.r_[True, low[1:] > reach[:-1]])
        return cls(low[fresh], reach[np.r_[fresh[1:] - 1, len(low) - 1]])

    @classmethod
    def union(cls, parts: Sequence[Sums]) -> Sums:
        """All of several."""
        return cls.joined(np.concatenate([p.low for p in parts]), np.concatenate([p.high for p in parts]))

    def extremes(self, other: Sums, floor: float, ceiling: float) -> tuple[float, float] | None:
        """The least and the greatest of all sums of one number of each that lie in an interval; None if none does."""
        first = np.searchsorted(other.high, floor - self.high, side="left")
        last = np.searchsorted(other.low, ceiling - self.low, side="right") - 1
        hit = first <= last
        if not hit.any():
            return None
        low = self.low[hit] + other.low[first[hit]]
        high = self.high[hit] + other.high[last[hit]]
        return max(float(low.min()), floor), min(float(high.max()), ceiling)


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the variables: for each way in which they decide arguments (`given`, by argument) the sums there."""

    given: list[dict[int, int]]
    sums: list[Sums]


def cells_by_sums(meaning: Meaning, place: int, read: Reading) -> Cells | None:
    """The outermost sums between all thresholds, for each value that they give; None where this is not to be told."""
    node, axes = meaning.graph[place], tuple(read.seen)
    values = [one.values for one in read.seen.values()]
    slopes = slopes_of(values)
    if not isinstance(node, Table) or slopes is None:
        return None
    parts = _parts(meaning, node, axes, [part[:, 0] for part in values])
    if parts is None or not parts:
        return None
    halves = [_together(half) for half in _halved(parts)]
    if any(half is None for half in halves):
        return None
    one, other = (half for half in halves if half is not None)
    found = _outermost(node, one, other, thresholds(read, slopes))
    if not found:
        return None
    sums, ids = (np.array(column) for column in zip(*found, strict=True))

    def reads(cut: slice) -> Read3:
        return sums[cut][:, None] * slopes + read.bias, read.passed[None], read.rounding[None]

    return Cells(ids.astype(np.int32), read.width, reads, whole=False)


def _parts(meaning: Meaning, node: Table, axes: Axes, sums: Sequence[Floats]) -> list[Part] | None:
    """The axes, together where an argument depends on several."""
    given = [meaning.followed(arg, axes) for arg in node.args]
    known = [one for one in given if one is not None]
    if len(known) < len(given):
        return None
    groups = _groups(len(axes), [[a for a, size in enumerate(one.shape) if size > 1] for one in known])
    if any(prod(len(sums[a]) for a in group) > HALF for group in groups):
        return None
    return [_part(group, known, sums) for group in groups]


def _groups(count: int, sets: Sequence[Sequence[int]]) -> list[list[int]]:
    """Numbers below `count`, together where they are in one set."""
    of = list(range(count))
    for members in sets:
        joined = {of[a] for a in members}
        of = [min(joined) if group in joined else group for group in of]
    return [[a for a in range(count) if of[a] == group] for group in sorted(set(of))]


def _part(group: Sequence[int], given: Sequence[Ids], sums: Sequence[Floats]) -> Part:
    """What a group of axes decides, and its sums."""
    own = [i for i, one in enumerate(given) if any(one.shape[a] > 1 for a in group)]
    shape = [len(sums[a]) for a in group]
    total = sum(sums[a].reshape([-1 if b == a else 1 for b in group]) for a in group)
    columns = [np.broadcast_to(given[i].reshape([given[i].shape[a] for a in group]), shape).ravel() for i in own]
    flat = np.broadcast_to(total, shape).ravel()
    if not own:
        return Part([{}], [Sums.at(flat)])
    rows, number = distinct_rows(np.stack(columns, axis=1))
    kept = [k for k in range(len(rows)) if (rows[k] >= 0).all()]
    return Part(
        [dict(zip(own, rows[k].tolist(), strict=True)) for k in kept], [Sums.at(flat[number == k]) for k in kept]
    )


def _halved(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Part]]:
    """In two, so that the larger half has the fewest sums."""
    sizes = [float(sum(map(len, part.sums))) for part in parts]
    cut = min(range(len(parts) + 1), key=lambda i: max(prod(sizes[:i]), prod(sizes[i:])))
    return parts[:cut], parts[cut:]


def _together(parts: Sequence[Part]) -> Part | None:
    """Several parts as one; None where they differ in too many ways."""
    if prod(len(part.given) for part in parts) > LABELS:
        return None
    found = Part([{}], [Sums.at(np.zeros(1))])
    for part in parts:
        both = list(product(zip(found.given, found.sums, strict=True), zip(part.given, part.sums, strict=True)))
        found = Part([a | b for (a, _), (b, _) in both], [x.plus(y) for (_, x), (_, y) in both])
    return found


def _outermost(node: Table, one: Part, other: Part, thresholds: Floats) -> list[tuple[float, int]]:
    """(sum, value) for the least and the greatest sum between two thresholds, of those that give one value."""
    table = np.array([[_value(node, a | b) for b in other.given] for a in one.given], np.int32).reshape(
        len(one.given), len(other.given)
    )
    rows, row_of = distinct_rows(table)
    columns, column_of = distinct_rows(np.ascontiguousarray(rows.T))
    left = [Sums.union([one.sums[i] for i in np.flatnonzero(row_of == k)]) for k in range(len(rows))]
    right = [Sums.union([other.sums[j] for j in np.flatnonzero(column_of == k)]) for k in range(len(columns))]
    return list(_found(columns.T, left, right, thresholds))


def _found(table: Ids, left: Sequence[Sums], right: Sequence[Sums], thresholds: Floats) -> Iterator[tuple[float, int]]:
    for (i, a), (j, b) in product(enumerate(left), enumerate(right)):
        value = int(table[i, j])
        for floor, ceiling in pairwise(thresholds.tolist()) if value >= 0 else ():
            for total in set(a.extremes(b, floor, ceiling) or ()):
                yield total, value


def _value(node: Table, given: dict[int, int]) -> int:
    return int(node.cells[tuple(given[i] for i in range(len(node.args)))])
