"""What a compile was asked for: one value that every step after the expressions reads, and that no graph carries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import Enum

from raspc.numbers.memory import DEFAULT_BUDGET
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

    @property
    def lower(self) -> tuple[Level, ...]:
        """The levels that optimise less, the nearest first."""
        return tuple(reversed(list(Level)[: list(Level).index(self)]))

    def reaches(self, other: Level) -> bool:
        """Whether it optimises as much as another level, or more."""
        return other is self or other in self.lower


OBJECTIVES = ("layers", "size")
"""What makes one model better than another: fewer layers, then fewer parameters; or its parameters, at a price."""
PRICE = 4
"""By size, one more layer is worth it where the model is more than so many times smaller."""


@dataclass(frozen=True)
class Options:
    """What was asked for.

    `objective`: one of `OBJECTIVES`. `level`; `precision`: the number format that the model is to run in; `without`:
    the passes and choices that are left out; `target`: the name of the transformer that is compiled for
    (`raspc.target`). `uniform`: whether all layers have one width. `verify`: check what each pass requires and ensures,
    and `memory`: how many bytes the arrays may take; both are no property of the model. `sharpness`: by what scores and
    slopes are multiplied; `margin`: by how much the right logit is to lead, None where codes need no room.

    What the best design adds to that: `stored`, a lower level at which it is decided what is stored; `given_up`, passes
    and choices that it does without.
    """

    level: Level = Level.NAMED
    precision: Precision = PRECISIONS["float32"]
    without: tuple[str, ...] = ()
    stored: Level | None = None
    given_up: tuple[str, ...] = ()
    verify: bool = field(default=False, compare=False)
    target: str = "plain"
    memory: int = field(default=DEFAULT_BUDGET, compare=False)
    objective: str = "layers"
    uniform: bool = True
    sharpness: float = 1.0
    margin: float | None = None

    @property
    def storage(self) -> Level:
        """The level at which it is decided what is stored."""
        return self.level if self.stored is None else self.stored

    @property
    def softness(self) -> float:
        """By what the slopes of steps are multiplied: where codes have room they are as soft as they can be.

        Then neurons fire less, and noise in what they write with moves less.
        """
        return self.sharpness if self.margin is None else 0.0

    @property
    def asked(self) -> Options:
        """The same without what a design adds."""
        return replace(self, stored=None, given_up=())

    def has(self, name: str) -> bool:
        """Whether a pass, or a choice, is part of this compile."""
        return name not in self.without and name not in self.given_up

    def giving_up(self, *names: str) -> Options:
        """A design that does without these."""
        return replace(self, given_up=names)

    def leaving_out(self, names: Collection[str]) -> Options:
        """The same without these passes too."""
        return replace(self, without=tuple(dict.fromkeys((*self.without, *names))))


JOINT = (
    "causal", "sums", "share", "factor_keys", "complement_widths", "share_counts", "count_in_stretches", "fuse_chains",
    "virtual", "separable", "steep", "pulse",
)  # fmt: skip
"""What a total model does without: what rests on facts of several variables together, such as that positions differ;
what makes one variable of two; and what reads one variable off another."""

DEFAULT, SMALLEST = Options(), Options(Level.COMPACT)
"""What `raspc.compile` does unless told otherwise, and at level 2."""
