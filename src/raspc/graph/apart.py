"""Values that count as one, and a reader that tells them apart: the reader is computed from what makes them.

A sum is read from its terms: each cell of their table knows exactly which sum it is. A pick moves a label in place of
the value. A mean is read from how many of the selected keys hold each number. What is none of these cannot be told
apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.errors import UnsupportedProgram
from raspc.graph.exact import (
    Exact,
    Listing,
    Slack,
    as_function,
    merged,
    rounding,
    scale_of,
    stands_for_all,
    unrooted,
)
from raspc.graph.means import too_many
from raspc.graph.nodes import UNDEFINED, Bits, Ids
from raspc.graph.rows import distinct_rows
from raspc.graph.store import Store
from raspc.graph.tables import JOINT_LIMIT, possible

CELLS = 1 << 16
"""The most cells of a table that stands in for a sum which a reader wants to know exactly."""

Values = Callable[[Sequence[Sequence[Any]], Sequence[Any]], tuple[tuple[Any, ...], Ids]]
"""From pools of arguments, and rows of places in them, to the exact values and which of them each row has."""


class ToldApart(UnsupportedProgram):
    """Two values of a variable that count as one, and that a reader tells apart; the builder finds words for it."""

    def __init__(self, place: int, values: tuple[Any, Any], reader: str) -> None:
        super().__init__(f"{reader} tells {values[0]!r} from {values[1]!r}, which count as one value")
        self.place, self.values, self.reader = place, values, reader


@dataclass(frozen=True, eq=False)
class _Grid:
    """All combinations of the roots' exact values: which can occur, and which exact value each argument then has.

    `rooted`: the roots are roots indeed, and not the arguments themselves, taken as if each were on its own.
    """

    roots: tuple[int, ...]
    shape: tuple[int, ...]
    where: NDArray[np.intp]
    columns: tuple[Ids, ...]
    rooted: bool

    def filled(self, found: Ids) -> Ids:
        """Results for the combinations that can occur, as an array over all."""
        cells = np.full(int(np.prod(self.shape)), UNDEFINED, np.int32)
        cells[self.where] = found
        return cells.reshape(self.shape)


def told_apart(store: Store, values_of: Values, args: Sequence[int], name: str, slack: Slack | None) -> Listing:
    """A function of variables of which some values count as one, as a table.

    Over the variables themselves where it agrees on these values; else over what makes them. Raises ToldApart.
    """
    unique = tuple(dict.fromkeys(args))
    views = [store.exactly(arg) for arg in unique]
    grid = _grid(store, unique, views, name)
    pools, axes = [view.values for view in views], [unique.index(arg) for arg in args]
    flat = np.ravel_multi_index(grid.columns, [len(pool) for pool in pools])
    once, inverse = np.unique(flat, return_inverse=True)
    rows = np.unravel_index(once, [len(pool) for pool in pools])
    values, numbers = values_of([pools[axis] for axis in axes], [rows[axis] for axis in axes])
    domain, ids = merged(values, slack or rounding(scale_of(pools)), tidy=slack is not None)
    exactly = numbers[inverse.ravel()]
    results = np.where(exactly >= 0, ids[np.maximum(exactly, 0)], UNDEFINED).astype(np.int32)
    exact = None
    if not stands_for_all(domain, values):
        exact = Exact(grid.roots, grid.filled(exactly), values, ids) if grid.rooted else unrooted(values, ids)
    raises = bool((results < 0).any())
    sizes = [len(store.listed(arg)) for arg in unique]
    keys = np.ravel_multi_index([view.ids[c] for view, c in zip(views, grid.columns, strict=True)], sizes)
    table = as_function(keys, results, int(np.prod(sizes)))
    if table is not None:
        return Listing(unique, table.reshape(sizes), domain, raises, exact)
    own, cells = _over_roots(store, grid.roots, grid.filled(results), name)
    return Listing(own, cells, domain, raises, exact)


def _grid(store: Store, args: tuple[int, ...], views: Sequence[Exact], name: str) -> _Grid:
    roots = tuple(sorted({root for view in views for root in view.roots}))
    extent = tuple(len(store.exactly(root).values) for root in roots)
    rooted = bool(np.prod(extent, dtype=float) <= JOINT_LIMIT)
    if not rooted:
        roots, extent = args, tuple(len(view.values) for view in views)
        if np.prod(extent, dtype=float) > JOINT_LIMIT:
            found = f"a function with {int(np.prod(extent, dtype=float)):,} combinations of values to list"
            raise too_many(store.nodes, args, name, found, JOINT_LIMIT)
        views = [Exact((arg,), np.arange(n, dtype=np.int32), (), _NONE) for arg, n in zip(args, extent, strict=True)]
    columns = [np.broadcast_to(view.over(roots), extent).ravel() for view in views]
    can_meet = possible(roots, store.nodes, extent)
    if rooted and store.standing is not None:
        can_meet = can_meet & store.standing.mask([type(store.nodes[root]) for root in roots])
    can_be = np.broadcast_to(can_meet, extent).ravel()
    where = np.flatnonzero(np.logical_and.reduce([can_be, *(column >= 0 for column in columns)]))
    return _Grid(roots, extent, where, tuple(column[where] for column in columns), rooted)


_NONE: Ids = np.zeros(0, np.int32)


def _over_roots(store: Store, roots: Sequence[int], cells: Ids, name: str) -> tuple[tuple[int, ...], Ids]:
    """The same cells over variables of the graph: the roots, or what tells their exact values apart."""
    args: list[int] = []
    for root in roots:
        axis = len(args)
        labels = _labels(np.moveaxis(cells, axis, 0))
        if not labels.any():
            cells = np.asarray(cells.take(0, axis), np.int32)
            continue
        arg, kept = side(store, root, labels, name)
        args.append(arg)
        cells = cells.take(kept, axis)
    if cells.size > CELLS:
        raise UnsupportedProgram.at(
            name, f"values that differ by rounding alone, made in {cells.size:,} ways", f"at most {CELLS:,} ways",
            "round the sum, for example to 6 digits, before it is compared, or shorten the maximum length",
        )  # fmt: skip
    return tuple(args), cells


def _labels(slices: Ids) -> NDArray[np.intp]:
    """For each slice along the first axis the number of its like."""
    return distinct_rows(slices.reshape(len(slices), -1))[1]


def side(store: Store, place: int, labels: NDArray[np.intp], name: str) -> tuple[int, NDArray[np.intp]]:
    """(a variable that tells apart what has different labels; for each of its values an exact value that it is).

    `labels`: one for each exact value of the variable at `place`.
    """
    view = store.exactly(place)
    if place not in store.exact:
        return place, np.arange(len(view.values))
    if as_function(view.ids, labels.astype(np.int32), len(store.listed(place))) is not None:
        return place, _first(view.ids, range(len(store.listed(place))))
    found = store.split(place, labels.tolist(), name)
    if found is None:
        raise ToldApart(place, _pair(view, labels), name)
    return found, _first(labels, store.listed(found).values)


def _first(labels: NDArray[Any], wanted: Sequence[int]) -> NDArray[np.intp]:
    """The first place of each label; where one is nowhere, any place does."""
    return np.array([int((labels == label).argmax()) for label in wanted], np.intp)


def _pair(view: Exact, labels: NDArray[np.intp]) -> tuple[Any, Any]:
    """Two exact values that one value stands for, and that have different labels."""
    seen: dict[int, int] = {}
    for place, number in enumerate(view.ids.tolist()):
        other = seen.setdefault(number, place)
        if labels[other] != labels[place]:
            return view.values[other], view.values[place]
    raise AssertionError("labels that follow from the values of the graph need no splitting")


def sides(store: Store, key: int, query: int, cells: Bits, name: str) -> tuple[int, int, Bits]:
    """A predicate over the exact values of two variables, as a table over variables that tell apart what it does."""
    key, keys = side(store, key, distinct_rows(cells)[1], name)
    query, queries = side(store, query, distinct_rows(np.ascontiguousarray(cells.T))[1], name)
    return key, query, np.ascontiguousarray(cells[np.ix_(keys, queries)])
