"""What is read for each combination of values of the variables that are read: rows of numbers, errors, and values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.bounds import Reading, Seen
from raspc.certify.proof.meaning import Meaning
from raspc.graph.nodes import Ids

NUMBERS = 1 << 24
"""The most numbers that are computed at once."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of numbers that are read, [rows, width], their errors, and which value of a variable each row is for."""

    values: Matrix
    error: Matrix
    number: Ids

    def part(self, cut: slice) -> Rows:
        """Some of the rows."""
        return Rows(self.values[cut], self.error[cut], self.number[cut])

    def distinct(self) -> Rows:
        """Each row once."""
        whole = np.hstack([self.values, self.error, self.number[:, None]])
        _, first = np.unique(whole, axis=0, return_index=True)
        return Rows(self.values[first], self.error[first], self.number[first])


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


def rows_of(meaning: Meaning, read: Reading, number: Ids | None) -> Rows | None:
    """A row for each combination that can occur; `number` [a value for each variable read]: the value it stands for.

    None where there are too many.
    """
    if number is None or number.size * read.width > NUMBERS:
        return None
    known = number >= 0
    values, error = over_grid([one.values for one in read.seen.values()], number.shape, read.width), read.error[None]
    rows = (values + read.bias)[known]
    error = over_grid([one.error for one in read.seen.values()], number.shape, read.width)[known]
    error = error + (read.rounding if read.rounded_rows is None else read.rounded_rows[known])
    found = Rows(rows, error, number[known])
    return found.distinct() if len(rows) > MANY and number.ndim > 1 else found


def over_grid(parts: list[Matrix], shape: tuple[int, ...], width: int) -> Matrix:
    """The sum of what is told of each axis, for all combinations."""
    found: Matrix = np.zeros((*[1] * len(shape), width))
    for axis, part in enumerate(parts):
        found = found + part.reshape([*(len(part) if a == axis else 1 for a in range(len(shape))), width])
    return np.broadcast_to(found, (*shape, width))
