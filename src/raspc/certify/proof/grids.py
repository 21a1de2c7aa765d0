"""What is read for each combination of values of the variables that are read: rows of numbers, errors, and values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.added import Seen
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.causes import Alone, Causes, used
from raspc.certify.proof.meaning import Meaning
from raspc.graph.nodes import Ids

NUMBERS = 1 << 24
"""The most numbers that are computed at once."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of numbers that are read, [rows, width], their errors, and which value of a variable each row is for.

    `causes`: all of the errors by their causes, where that is asked for.
    """

    values: Matrix
    error: Matrix
    number: Ids
    causes: tuple[Causes, ...] | None = None

    def part(self, cut: slice) -> Rows:
        """Some of the rows."""
        causes = None if self.causes is None else tuple(one.at(cut) for one in self.causes)
        return Rows(self.values[cut], self.error[cut], self.number[cut], causes)

    def distinct(self) -> Rows:
        """Rows of the same numbers that stand for the same value as one, with the largest of their errors."""
        order = np.lexsort([*self.values.T, self.number])
        values, number = self.values[order], self.number[order]
        fresh = np.r_[True, (values[1:] != values[:-1]).any(axis=1) | (number[1:] != number[:-1])][: len(order)]
        first = np.flatnonzero(fresh)
        if not len(first):
            return self
        causes = None
        if self.causes is not None:
            causes = tuple(replace(c, size=np.maximum.reduceat(c.size[order], first, axis=0)) for c in self.causes)
        error = np.maximum.reduceat(self.error[order], first, axis=0)
        return Rows(values[first], error, number[first], causes)


def decided(meaning: Meaning, place: int, read: Reading) -> tuple[Reading, Ids | None]:
    """The value of a listed variable for each combination of what is read, and the read that it is told by.

    Where what is read leaves several values, as they are all one to it, the variable itself is one more that is read.
    """
    axes = tuple(read.seen)
    found = meaning.ids(place, axes)
    if found is not None or place in axes:
        return read, found
    nothing = np.zeros((meaning.size(place), read.width))
    more = replace(read, seen={**read.seen, place: Seen(nothing, nothing, nothing)}, rounded_rows=None)
    return more, meaning.ids(place, tuple(more.seen))


MANY = 1 << 10
"""From so many rows on it is worth looking for equal ones."""


def rows_of(meaning: Meaning, read: Reading, number: Ids | None, causes: bool = False) -> Rows | None:
    """A row for each combination that can occur; `number` [a value for each variable read]: the value it stands for.

    `causes`: with the errors by their causes. None where there are too many.
    """
    if number is None or number.size * read.width > NUMBERS:
        return None
    known: Any = number >= 0
    every = (Ellipsis,) if number.ndim == 1 and known.all() else known  # all rows are no copies
    values = over_grid([one.values for one in read.seen.values()], number.shape, read.width)
    rows = (values + read.bias)[every]
    error = over_grid([one.error for one in read.seen.values()], number.shape, read.width)[every]
    rounding = np.broadcast_to(read.rounding, error.shape) if read.rounded_rows is None else read.rounded_rows[every]
    found = Rows(rows, error + rounding, number[known])
    if causes:
        found = replace(found, causes=_causes(read, known, rounding))
    shared = number.ndim > 1 or number.max(initial=0) + 1 < len(rows)  # a digit of many words has few values
    return found.distinct() if len(rows) > MANY and shared else found


def _causes(read: Reading, known: NDArray[np.bool_], rounding: Matrix) -> tuple[Causes, ...] | None:
    """What the errors of rows come of; None where that would be too much."""
    if known.sum() * sum(len(c.moves) for one in read.seen.values() for c in one.causes) > NUMBERS:
        return None
    own = Alone(rounding, np.eye(read.width))
    places = np.nonzero(known) if known.ndim else ()  # where nothing is read there is one row
    found = [c.at(rows) for rows, one in zip(places, read.seen.values(), strict=True) for c in one.causes]
    return used([*found, own])


def over_grid(parts: list[Matrix], shape: tuple[int, ...], width: int) -> Matrix:
    """The sum of what is told of each axis, for all combinations."""
    found: Matrix = np.zeros((*[1] * len(shape), width))
    for axis, part in enumerate(parts):
        found = found + part.reshape([*(len(part) if a == axis else 1 for a in range(len(shape))), width])
    return np.broadcast_to(found, (*shape, width))
