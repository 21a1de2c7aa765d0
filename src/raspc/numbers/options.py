"""What a compile was asked for: one value that every step after the expressions reads, and that no graph carries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum

from raspc.numbers.precision import PRECISIONS, Precision


class Level(Enum):
    """How far a model is optimised: the `optimize` of `raspc.compile`.

    `ALL` (0): directions of its own for every s-op, as in the paper. `NAMED` (1): for every s-op with a name, and for
    the output. `COMPACT` (2): for nothing but what readers need; the fewest layers, then the smallest widths.
    """

    ALL = 0
    NAMED = 1
    COMPACT = 2

    @property
    def readable(self) -> bool:
        """Whether a person is to find variables in directions of their own."""
        return self is not Level.COMPACT

    @property
    def compact(self) -> bool:
        """Whether only what readers need is stored."""
        return self is Level.COMPACT

    @property
    def unnamed(self) -> bool:
        """Whether s-ops without a name are to be found in the stream too."""
        return self is Level.ALL


@dataclass(frozen=True)
class Options:
    """`level`; `precision`: the number format that the model is to run in; `without`: the passes that are left out."""

    level: Level = Level.NAMED
    precision: Precision = PRECISIONS["float32"]
    without: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether a pass, or a choice, is part of this compile."""
        return name not in self.without

    def leaving_out(self, names: Collection[str]) -> Options:
        """The same without these passes too."""
        return replace(self, without=tuple(dict.fromkeys((*self.without, *names))))


DEFAULT, SMALLEST = Options(), Options(Level.COMPACT)
"""What `raspc.compile` does unless told otherwise, and at level 2."""
