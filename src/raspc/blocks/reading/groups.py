"""Groups of directions: what a variable is stored as, and what can be read off it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats

LOUDER = 2.0
"""How many times as far apart as noisy numbers what is read off them may lie: shares of two counts lie close."""


@dataclass(frozen=True, eq=False)
class Group:
    """Directions of one variable: a space's labels, and the code [features of the variable, directions].

    `steep`: whether they are powers for steep scores, right up to a part of themselves, which nothing else reads.
    `noisy`: whether they carry rounding that a reader must not make much of.
    """

    space: str
    labels: tuple[str, ...]
    code: Matrix
    steep: bool = False
    noisy: bool = False

    @cached_property
    def frame(self) -> Matrix:
        """An orthonormal basis of the columns and the constant."""
        return F.orthonormal(np.hstack([np.ones((len(self.code), 1)), self.code]))

    def offers(self, columns: Matrix) -> bool:
        """Whether features may be read off this group: off noisy numbers only what lies no further apart."""
        return not self.noisy or float(np.ptp(columns, axis=0).max()) <= LOUDER * float(np.ptp(self.code))

    def spans(self, feature: Floats) -> bool:
        """Whether the feature is an affine function of the columns. Solved for only where that is not plain to see."""
        if not self.offers(feature[:, None]):
            return False
        rest = feature - self.frame @ (feature @ self.frame)
        off = float(np.abs(rest).max(initial=0.0)) / max(1.0, float(np.abs(feature).max(initial=0.0)))
        return off < F.NEAR or (off < F.FAR and F.in_span(self.code, feature))


def outputs_of(groups: Sequence[Group]) -> Matrix:
    """All codes side by side: [values, directions]."""
    return np.hstack([group.code for group in groups])


def side_by_side(groups: Sequence[Group]) -> Iterator[tuple[Group, slice]]:
    """Each group with its columns, where the codes of all stand side by side."""
    start = 0
    for group in groups:
        yield group, slice(start, start + len(group.labels))
        start += len(group.labels)


def is_flat(columns: Matrix) -> bool:
    """Whether every entry is −1, 0 or 1."""
    return bool((np.abs(columns) == (columns != 0)).all())
