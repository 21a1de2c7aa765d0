"""What the graph says that variables are, value by value, given what is read of others at the same position.

Nothing here is of the compiler: tables are looked up as the graph has them, on all combinations of the values of the
variables that are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from raspc.graph import nodes as N
from raspc.graph.nodes import UNDEFINED, Floats, Graph, Ids, Interval, Listed, Table

GRID = 1 << 22
"""The most combinations of values that are listed."""
TOGETHER = 1 << 18
"""The most combinations over which it is found out which values can occur together."""

Axes = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Meaning:
    """The variables of a graph as functions of others at the same position.

    In a total graph a variable is a function of its arguments, and of nothing else: these may have any values.
    """

    graph: Graph
    _known: dict[tuple[int, Axes], Ids | None] = field(default_factory=dict)
    _occurs: dict[int, NDArray[np.bool_] | None] = field(default_factory=dict)

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, graph: Graph) -> Meaning:
        """The same for all that are proved of one graph, with what was looked up so far."""
        return cls(graph)

    def size(self, place: int) -> int:
        """How many values a variable has; of an interval its two ends, and its special values."""
        domain = self.graph.variable(place).domain
        return len(domain) if isinstance(domain, Listed) else 2 + len(domain.specials)

    def sizes(self, axes: Sequence[int]) -> tuple[int, ...]:
        """The same of several variables."""
        return tuple(map(self.size, axes))

    def ids(self, place: int, axes: Axes) -> Ids | None:
        """[a value for each axis]: the number of a listed variable's value; UNDEFINED where the values cannot meet.

        None where the axes do not decide it, or have too many combinations.
        """
        key = (place, axes)
        if key not in self._known:
            self._known[key] = self._ids(place, axes)
        return self._known[key]

    def _ids(self, place: int, axes: Axes) -> Ids | None:
        if prod(self.sizes(axes)) > GRID or not isinstance(self.graph.variable(place).domain, Listed):
            return None
        found = self.followed(place, axes)
        if found is None and self.graph.total:
            return None
        if found is None:
            return self.by_what_all_rest_on(place, axes)
        found = np.broadcast_to(found, self.sizes(axes))
        met = self.meetings(axes)
        return found if met is None else np.where(met, found, UNDEFINED).astype(np.int32)

    def followed(self, place: int, axes: Axes) -> Ids | None:
        """The value by looking up tables until variables of the axes are met; None where others are met.

        A variable of one value is known whatever it rests on.
        """
        if place in axes:
            shape = [-1 if axis == place else 1 for axis in axes]
            return np.arange(self.size(place), dtype=np.int32).reshape(shape)
        node = self.graph[place]
        if isinstance(node, Table) and node.free:
            return self.of_arguments(node, axes)
        args = [self.followed(arg, axes) for arg in node.args] if isinstance(node, Table) else [None]
        known = [arg for arg in args if arg is not None]
        if isinstance(node, Table) and len(known) == len(args):
            return looked_up(node.cells, known, len(axes))
        # wherever it has a value, that is the only one that it can have
        return np.zeros([1] * len(axes), np.int32) if self.size(place) == 1 else None

    def of_arguments(self, node: Table, axes: Axes) -> Ids | None:
        """A table of a total graph where its arguments are axes; None where one that makes a difference is not."""
        cells, read = node.cells, list[int]()
        for arg in node.args:
            axis, one = len(read), cells.max(axis=len(read), keepdims=True)
            if arg not in axes and (self.size(arg) == 1 or ((cells == one) | (cells < 0)).all()):
                cells = np.asarray(one.squeeze(axis))
            elif arg in axes:
                read.append(arg)
            else:
                return None
        found = [self.followed(arg, axes) for arg in read]
        return looked_up(cells, [one for one in found if one is not None], len(axes))

    def leaves(self, places: Sequence[int]) -> Axes:
        """What variables finally depend on at their own position, in the order of the graph."""
        found: set[int] = set()
        todo = list(places)
        while todo:
            node = self.graph[place := todo.pop()]
            if isinstance(node, Table):
                todo.extend(node.args)
            else:
                found.add(place)
        return tuple(sorted(found))

    def over_leaves(self, places: Sequence[int]) -> tuple[list[Ids], NDArray[np.bool_]] | None:
        """The values of several variables over the leaves of all, and which combinations of these can occur."""
        leaves = self.leaves(places)
        sizes = self.sizes(leaves)
        if prod(sizes) > TOGETHER or not all(isinstance(self.graph.variable(p).domain, Listed) for p in leaves):
            return None
        found = [self.followed(place, leaves) for place in places]
        values = [np.broadcast_to(one, sizes) for one in found if one is not None]
        if len(values) < len(places):
            return None
        occurs = reduce(np.logical_and, (one >= 0 for one in values), self.in_range(leaves))
        return values, np.broadcast_to(occurs, sizes)

    def in_range(self, axes: Axes) -> NDArray[np.bool_]:
        """Which combinations have an index below the length."""
        shape = [1] * len(axes)
        places = {type(self.graph[place]): axis for axis, place in enumerate(axes)}
        if N.Index not in places or N.Length not in places:
            return np.ones(shape, bool)
        index, length = (
            np.arange(self.size(axes[places[kind]])).reshape([-1 if a == places[kind] else 1 for a in range(len(axes))])
            for kind in (N.Index, N.Length)
        )
        return index <= length  # the value with number i is the length i + 1

    def occurs(self, place: int) -> NDArray[np.bool_] | None:
        """Which values of a variable can occur, as far as what it rests on tells; None where nothing is known."""
        if place not in self._occurs:
            found = self.over_leaves((place,)) if isinstance(self.graph[place], Table) else None
            known = None
            if found is not None:
                (values,), possible = found
                known = np.zeros(self.size(place), bool)
                known[values[possible]] = True
            self._occurs[place] = known
        return self._occurs[place]

    def meetings(self, axes: Axes) -> NDArray[np.bool_] | None:
        """Which values of the axes can be at one position; None where all can, or nothing is known."""
        if self.graph.total:
            return None
        found = self.together(axes)
        for axis, place in enumerate(axes):
            known = self.occurs(place)
            if known is not None and not known.all():
                own = known.reshape([-1 if a == axis else 1 for a in range(len(axes))])
                found = own if found is None else found & own
        return found

    def together(self, axes: Axes) -> NDArray[np.bool_] | None:
        """The same for axes that rest on one variable, or on the index and the length."""
        leaves = self.leaves(axes)
        bound = {type(self.graph[place]) for place in leaves} >= {N.Index, N.Length}
        apart = len(leaves) == sum(len(self.leaves((axis,))) for axis in axes)
        found = self.over_leaves(axes) if len(axes) > 1 and (bound or not apart) else None
        if found is None:
            return None
        values, occurs = found
        met = np.zeros(self.sizes(axes), bool)
        met[tuple(one[occurs] for one in values)] = True
        return met

    def by_what_all_rest_on(self, place: int, axes: Axes) -> Ids | None:
        """The value where it and the axes are functions of the same variables; None where the axes do not decide it."""
        found = self.over_leaves((*axes, place))
        if found is None:
            return None
        (*values, own), occurs = found
        sizes = self.sizes(axes)
        cell = (
            np.ravel_multi_index(tuple(one[occurs] for one in values), sizes) if axes else np.zeros(occurs.sum(), int)
        )
        least, most = np.full(prod(sizes), np.iinfo(np.int32).max), np.full(prod(sizes), UNDEFINED)
        np.minimum.at(least, cell, own[occurs])
        np.maximum.at(most, cell, own[occurs])
        return most.reshape(sizes).astype(np.int32) if ((most == UNDEFINED) | (least == most)).all() else None

    def amounts(self, place: int, axes: Axes) -> Amounts | None:
        """[a value for each axis]: a variable as a number or a special value; of intervals the axes have the ends.

        None where the axes do not decide it, or have too many combinations.
        """
        domain = self.graph.variable(place).domain
        if isinstance(domain, Listed):
            ids = self.ids(place, axes)
            return None if ids is None else _listed(domain, ids)
        if prod(self.sizes(axes)) > GRID:
            return None
        found = self.summed(place, axes)
        if found is None:
            return None
        met = self.meetings(axes)
        shape = self.sizes(axes)  # also over axes that make no difference
        numbers, special = np.broadcast_to(found.numbers, shape), np.broadcast_to(found.special, shape)
        known = np.broadcast_to(found.known, shape)
        return Amounts(numbers, special, known if met is None else known & met)

    def summed(self, place: int, axes: Axes) -> Amounts | None:
        """An interval that is one of the axes, or a sum of numbers that these decide."""
        node = self.graph.variable(place)
        shape = [-1 if axis == place else 1 for axis in axes]
        if place in axes and isinstance(node.domain, Interval):
            ends = np.array([node.domain.lo, node.domain.hi, *(0.0 for _ in node.domain.specials)])
            special = np.array([-1, -1, *range(len(node.domain.specials))])
            return Amounts(ends.reshape(shape), special.reshape(shape), np.ones([1] * len(axes), bool))
        if isinstance(node.domain, Listed):
            ids = self.followed(place, axes)
            return None if ids is None else _listed(node.domain, ids)
        if not isinstance(node, N.Affine):
            return None
        total, known = np.full([1] * len(axes), node.bias), np.ones([1] * len(axes), bool)
        for arg, coef in zip(node.args, node.coefs, strict=True):
            term = self.summed(arg, axes) if coef else Amounts(np.zeros([1] * len(axes)), *_plain(axes))
            if term is None:
                return None
            total, known = total + coef * term.numbers, known & term.known & (term.special < 0)
        return Amounts(total, np.full(total.shape, -1), known)


@dataclass(frozen=True, eq=False)
class Amounts:
    """Numbers, or the places of special values among those of the domain (−1 for none); where they can occur."""

    numbers: Floats
    special: NDArray[np.int64]
    known: NDArray[np.bool_]


def _plain(axes: Axes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """No special value, and possible everywhere."""
    return np.full([1] * len(axes), -1), np.ones([1] * len(axes), bool)


def _listed(domain: Listed, ids: Ids) -> Amounts:
    order = np.where(domain.is_number, -1, np.cumsum(~domain.is_number) - 1)
    held = np.maximum(ids, 0)
    return Amounts(domain.numbers[held], order[held], ids >= 0)


def looked_up(cells: Ids, args: Sequence[Ids], axes: int) -> Ids:
    """cells[args…], UNDEFINED wherever an argument is; the arguments have these axes."""
    if not args:
        return cells.reshape([1] * axes)
    known = reduce(np.logical_and, (arg >= 0 for arg in args))
    return np.where(known, cells[tuple(np.where(arg >= 0, arg, 0) for arg in args)], UNDEFINED).astype(np.int32)


def where(axes: Axes, ids: Ids, cell: int) -> Mapping[int, int]:
    """The values of the axes in one of the combinations that can occur."""
    places = np.argwhere(ids >= 0)[cell]
    return dict(zip(axes, map(int, places), strict=True))
