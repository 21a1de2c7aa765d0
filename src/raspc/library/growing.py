"""How a random program grows: lines are proposed from templates, and kept if they are surely defined."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from raspc import rasp, values
from raspc.library.facts import Analysis, Rejected, SelectorFacts, SOpFacts
from raspc.rasp import Value

_T = TypeVar("_T")
_NAME = re.compile(r"\b[vs]\d+\b")
ATTEMPTS = 200
LEAVES = {"rasp.tokens": 5, "rasp.indices": 3, "rasp.length": 1}
"""What every line can use, and how often it comes up; an unused line comes up 12 times, a used one 2."""
TRIVIAL = 10
"""How often, of a hundred, a line may stay that is the same on all inputs."""
CONSTANTS = (0, 1, 2, 3, -1, -2, 0.5, -1.5, 0.25, True, False, "a", "b", "_", "", (1, "x"))
DEFAULTS = (None, None, None, 0, 0, 1, -1, 2, 0.5, "_", "none", False, True, (0, 1))


class Dice(Protocol):
    """Where choices come from."""

    def below(self, n: int) -> int:
        """A random integer from 0 to n − 1."""


@dataclass(frozen=True)
class Line:
    """One definition: `v1`, `v2`, … are s-ops, `s1`, `s2`, … selectors."""

    name: str
    text: str

    @property
    def is_sop(self) -> bool:
        """An s-op, not a selector."""
        return self.name.startswith("v")

    @property
    def uses(self) -> list[str]:
        """The names of earlier lines that this one needs."""
        return _NAME.findall(self.text)

    def renamed(self, old: str, new: str) -> Line:
        """With another name in the place of one that it uses."""
        return replace(self, text=re.sub(rf"\b{old}\b", new, self.text))


@dataclass
class Pool:
    """The lines so far, what they define, and what is known of it."""

    dice: Dice
    analysis: Analysis
    lines: list[Line] = field(default_factory=list)
    scope: dict[str, Any] = field(default_factory=lambda: {"rasp": rasp, "math": math})
    facts: dict[str, SOpFacts | SelectorFacts] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for leaf in LEAVES:
            self.facts[leaf] = self.analysis.of(eval(leaf, self.scope))

    def define(self, text: str) -> None:
        """Add a line.

        Raises Rejected, and adds nothing, if it may be undefined.
        """
        expr = self._evaluated(text)
        facts = self.analysis.of(expr)
        if facts.trivial and not self.chance(TRIVIAL):
            raise Rejected
        line = Line(f"{'v' if isinstance(expr, rasp.SOp) else 's'}{len(self.lines) + 1}", text)
        self.lines.append(line)
        self.scope[line.name], self.facts[line.name] = expr, facts
        self.used.update(line.uses)

    def _evaluated(self, text: str) -> rasp.Expr:
        try:
            # The text is put together from the templates of this package and the values of its caller.
            expr = eval(text, self.scope)
        except TypeError as error:
            # "a" % sop: a constant on the left may have an idea of its own of the operator.
            raise Rejected from error
        if not isinstance(expr, rasp.Expr):
            raise Rejected
        return expr

    def pick(self, options: Sequence[_T]) -> _T:
        """One of the options.

        Raises Rejected if there is none.
        """
        if not options:
            raise Rejected
        return options[self.dice.below(len(options))]

    def chance(self, percent: int) -> bool:
        """True in so many cases of a hundred."""
        return self.dice.below(100) < percent

    def sop(self, test: Callable[[SOpFacts], bool] = lambda facts: True) -> str:
        """The name of an s-op that passes the test; those not used yet come up more often."""
        found = {name: f for name, f in self.facts.items() if isinstance(f, SOpFacts) and test(f)}
        return self.pick([name for name in found for _ in range(self._weight(name))])

    def other(self, x: str, test: Callable[[SOpFacts], bool] = lambda facts: True) -> str:
        """The name of an s-op; seldom this one again."""
        y = self.sop(test)
        return self.sop(test) if x == y else y

    def selector(self, test: Callable[[SelectorFacts], bool] = lambda facts: True) -> str:
        """The name of a selector that passes the test; those not used yet come up more often."""
        found = {name: f for name, f in self.facts.items() if isinstance(f, SelectorFacts) and test(f)}
        return self.pick([name for name in found for _ in range(self._weight(name))])

    def _weight(self, name: str) -> int:
        return LEAVES.get(name, 2 if self.used[name] else 12)

    def values(self, name: str) -> tuple[Value, ...]:
        """What an s-op can be, None left out."""
        facts = self.facts[name]
        assert isinstance(facts, SOpFacts)
        return tuple(value for value in facts.values or () if value is not None)

    def constant(self, name: str) -> Value:
        """A constant to compare an s-op with or to combine it with: often one of its values."""
        return self.pick(self.values(name) if self.values(name) and self.chance(60) else CONSTANTS)

    def number(self) -> Value:
        """A small number."""
        return self.pick([value for value in CONSTANTS if values.is_number(value)])

    def size(self) -> int:
        """How many lines the output depends on, its own included."""
        return self._depends_on(self.output())

    def output(self) -> str:
        """The s-op that depends on most lines, the last of several."""
        names = [line.name for line in self.lines if line.is_sop]
        return max(names, key=lambda name: (self._depends_on(name), names.index(name)), default="rasp.tokens")

    def _depends_on(self, output: str) -> int:
        needed = {output}
        for line in reversed(self.lines):
            if line.name in needed:
                needed |= set(line.uses)
        return len(needed - set(LEAVES))


def grow(pool: Pool, kinds: Sequence[Callable[[Pool], str]]) -> None:
    """Add one line of a random kind; nothing, if none fits."""
    for _ in range(ATTEMPTS):
        try:
            return pool.define(pool.pick(kinds)(pool))
        except Rejected:
            continue
    return None
