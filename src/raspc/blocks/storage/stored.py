"""What is stored of each variable, and for whom: the result of the step that decides it. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from raspc.blocks.neurons.design import Design
from raspc.blocks.reading.groups import Group
from raspc.blocks.scores.selection import Selection
from raspc.blocks.spaces import WHERE_GIVEN, Matrix
from raspc.numbers.raised import Raised
from raspc.numbers.shares import Share

ANSWER, KEYS, QUERIES, VALUES, NEURONS = "answer", "keys", "queries", "values", "neurons"
"""What a variable is read for: the answer of the program, the two sides of a head's scores, what a head moves, and
neurons that compute or decode a variable."""


@dataclass(frozen=True)
class Reader:
    """Somebody who reads a variable, and what for.

    `by`: the variable that is computed from what is read, by its number in the graph; for the answer the output
    itself. `purpose`: `ANSWER`, `KEYS`, `QUERIES`, `VALUES` or `NEURONS`. `of`: the variable that the reader names,
    which may be a function of the one that is read.
    """

    by: int
    purpose: str
    of: int


@dataclass(frozen=True, eq=False)
class Restored:
    """What a variable is stored as once more: `groups`, written by the neurons of `design`, which read what was `kept`.

    These clear away what the first directions are off by; see `raspc.blocks.storage.restoring`.
    """

    groups: tuple[Group, ...]
    design: Design


@dataclass(frozen=True, eq=False)
class Stored:
    """One variable: what of it lies in the residual stream, how it gets there, and who reads it.

    `left`: what attention leaves of a count or a mean, before any neurons; `share`: how a count is taken from it.
    `kept`: the directions that are embedded, moved by a head, or written by the neurons of `design`.
    `raised`: how the head of a sum adds.
    `restored`: the directions that readers read, where they do not bear what those of `kept` are off by.
    `selection`: how the head of a count, a mean, a sum or a pick selects.
    `readers`: who reads the variable, and what for; `error`: how far off what they read may be, infinite where they
    read indicators and powers only, which are right by construction.
    `read_off`: the variables that a function is read off where it is not kept: its roots, or the terms of a sum.

    Of a variable that nobody reads nothing is stored, and of a function of others only what cannot be read off these.
    """

    left: Group | None = None
    share: Share | None = None
    kept: tuple[Group, ...] = ()
    design: Design | None = None
    selection: Selection | None = None
    readers: tuple[Reader, ...] = ()
    error: float = inf
    read_off: tuple[int, ...] = ()
    raised: Raised | None = None
    restored: Restored | None = field(default=None, metadata=WHERE_GIVEN)

    @property
    def groups(self) -> tuple[Group, ...]:
        """All directions of the variable: as attention leaves it, as it is kept, and as it is restored."""
        restored = () if self.restored is None else self.restored.groups
        return (*(() if self.left is None else (self.left,)), *self.kept, *restored)


@dataclass(frozen=True, eq=False)
class Storage:
    """What is stored of all variables of a graph.

    `variables`: one entry a node, None for selectors. `answer`: what the output is read as; where it is `numerical`
    [values, 1 + specials] the number and an indicator for each special value, else [values, answers] the logits.
    `steep_in_doubt`: neurons compute something other than a sum of what steep heads leave, which may take steps wider
    apart than exact ties would: without steep scores the model may be smaller.
    """

    variables: tuple[Stored | None, ...]
    answer: Matrix
    numerical: bool
    steep_in_doubt: bool = False

    def __getitem__(self, place: int) -> Stored:
        """What is stored of the variable with this number. Raises KeyError for a selector."""
        found = self.variables[place]
        if found is None:
            raise KeyError(f"%{place} is a selector: nothing is stored of it")
        return found

    def selection(self, place: int) -> Selection:
        """How the head of a count, a mean or a pick selects. Raises KeyError for other variables."""
        found = self[place].selection
        if found is None:
            raise KeyError(f"%{place} is computed by no head")
        return found
