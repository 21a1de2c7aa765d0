"""Which keys a query selects, on many inputs at once: the table of a selector as sets of bits.

Most tables have few kinds of rows or of columns. So for each key the kinds of queries that select it are the bits of
one small number, and a query has the bit of its kind: two small numbers have a bit in common, or not. That takes a byte
or two for a pair of positions, where looking the pair up in the table takes eight and a search in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from raspc.graph.nodes import Ids, Select

Sets = NDArray[np.unsignedinteger]

WORDS = (np.uint8, np.uint16, np.uint32, np.uint64)
SMALL = 1 << 14
"""Fewer pairs are looked up one by one."""


@dataclass(frozen=True, eq=False)
class Packed:
    """For the number of each key a set of bits, and for that of each query one; they meet where a cell is `cell`."""

    keys: Sets
    queries: Sets

    def meet(self, keys: Ids, queries: Ids) -> NDArray[np.bool_]:
        """[key, B, query]: for numbers of keys [B, key] and of queries [B, query]."""
        own = np.ascontiguousarray(self.keys.take(keys).T)[:, :, None]  # else what is found were not, nor quick to read
        found: NDArray[np.bool_] = (own & self.queries.take(queries)) != 0
        return found


def cells_at(node: Select, keys: Ids, queries: Ids) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """[key, B, query]: which pairs are selected, and which are undefined, None where none can be."""
    pairs = keys.shape[1] * queries.size
    packed = _packed(node) if pairs >= SMALL else None
    if packed is not None:
        selected, undefined = packed
        return selected.meet(keys, queries), None if undefined is None else undefined.meet(keys, queries)
    found = node.cells.ravel().take((keys * node.cells.shape[1]).T[:, :, None] + queries)
    return found > 0, found < 0 if node.cells.min(initial=0) < 0 else None


Both = tuple[Packed, Packed | None]
_KNOWN: WeakKeyDictionary[Select, Both | None] = WeakKeyDictionary()


def _packed(node: Select) -> Both | None:
    """The table of a node as bits, found once; None where it has more than 64 kinds both of rows and of columns."""
    if node not in _KNOWN:
        _KNOWN[node] = _found(node.cells)
    return _KNOWN[node]


def _found(cells: NDArray[np.int8]) -> Both | None:
    rows, columns = _kinds(cells), _kinds(cells.T)
    if min(len(rows[0]), len(columns[0])) > 64:
        return None
    undefined = cells < 0

    def packed(table: NDArray[np.bool_]) -> Packed:
        if len(columns[0]) <= len(rows[0]):
            sets, own = _bits(table[:, columns[0]], columns[1])
            return Packed(sets, own)
        sets, own = _bits(table[rows[0]].T, rows[1])
        return Packed(own, sets)

    return packed(cells > 0), packed(undefined) if undefined.any() else None


def _kinds(rows: NDArray[np.int8]) -> tuple[list[int], NDArray[np.intp]]:
    """Where each kind of row stands first, and of which kind each row is."""
    first: dict[bytes, int] = {}
    whole = np.ascontiguousarray(rows)
    kinds = [first.setdefault(row.tobytes(), place) for place, row in enumerate(whole)]
    number = {place: kind for kind, place in enumerate(first.values())}
    return list(first.values()), np.array([number[place] for place in kinds], np.intp)


def _bits(table: NDArray[np.bool_], kinds: NDArray[np.intp]) -> tuple[Sets, Sets]:
    """For each row of a table [row, kind] the set of its kinds, and for each of others the set of its own kind."""
    word = next(word for word in WORDS if table.shape[1] <= np.dtype(word).itemsize * 8)
    weights = np.left_shift(np.ones(table.shape[1], word), np.arange(table.shape[1], dtype=word)).astype(word)
    sets = np.bitwise_or.reduce(np.where(table, weights, word(0)), axis=1, initial=word(0)).astype(word)
    return sets, weights[kinds]
