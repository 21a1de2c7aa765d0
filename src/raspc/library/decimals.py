"""Random programs about decimals: sums and means that differ by rounding alone, and functions that tell them apart.

A line is kept if it is defined on a few inputs. The numbers that lines are compared with are often ones that they had
there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from raspc import rasp, values
from raspc.errors import InvalidProgram, RaspcError
from raspc.interpret import interpret
from raspc.library.growing import Dice, Line
from raspc.library.random_program import Rng, Script, dice_of
from raspc.rasp import Value

SAMPLES = 14
"""So many inputs are looked at."""
TOO_MANY = 40
"""A line that has more values on these is not built upon."""
PATIENCE = 12
"""So many lines may be proposed for each that is asked for."""

NUMBERS = (0.1, 0.2, 0.3, 0.6, 0.7, 1.1, 1 / 3, -0.1, -0.25, 1e-10, 1e-7, 1e6, 2, 3, 7, -1, 0.5, 1.5, 0)
DEFAULTS = (0, 0, 0, 0.5, 0.1, -1, 1, 1e-10)

LEAVES = ("rasp.tokens", "rasp.tokens", "rasp.indices", "rasp.length")
MAPS = (
    "lambda x: x > {c!r}", "lambda x: x >= {c!r}", "lambda x: x == {c!r}", "lambda x: x < {c!r}",
    "lambda x: round(x, 1)", "lambda x: round(x)", "lambda x: int(x / {p!r})", "lambda x: x % {p!r}",
    "lambda x: x // {p!r}", "lambda x: abs(x)", "lambda x: min(x, {c!r})", "lambda x: x if x > {c!r} else {d!r}",
    "lambda x: x * x", "lambda x: {{{c!r}: 1}}.get(x, 0)", "lambda x: len(str(x)) > 4", "lambda x: x is True",
    "lambda x: math.floor(10 * x)", "lambda x: -x", "lambda x: 0.3 * x + 0.1", "lambda x: math.sqrt(abs(x))",
)  # fmt: skip
ZIPS = (
    "lambda x, y: x + y > {c!r}", "lambda x, y: x == y", "lambda x, y: x > y", "lambda x, y: x * y",
    "lambda x, y: x if x > y else y", "lambda x, y: x + 0.1 * y", "lambda x, y: x - y == {c!r}",
    "lambda x, y: round(x - y, 1)", "lambda x, y: (x + y) % {p!r}", "lambda x, y: True if x > y else y",
)  # fmt: skip
OPERATORS = (
    "{x} + {y}", "{x} + {y}", "{x} - {y}", "{x} * {y}", "{x} + {n!r}", "{n!r} * {x}", "{x} / {p!r}", "{x} - {c!r}",
    "{x} > {c!r}", "{x} == {c!r}", "{x} <= {y}", "({x} > {c!r}) | {y}", "({x} > {c!r}) & {y}", "~({x} > {c!r})",
    "rasp.where({x} > {c!r}, {y}, {x})", "rasp.LinearSequenceMap({x}, {y}, {n!r}, {m!r})",
)  # fmt: skip
POSITIONS = (
    "lambda k, q: k == q - 1", "lambda k, q: k == q + 1", "lambda k, q: k <= q", "lambda k, q: k < q",
    "lambda k, q: True", "lambda k, q: k == 0",
)  # fmt: skip
COMPARISONS = ("EQ", "EQ", "LT", "LEQ", "GT", "GEQ", "NEQ")


@dataclass
class _Grown:
    """The lines so far, and what they hold on the samples."""

    dice: Dice
    samples: Sequence[Sequence[Value]]
    causal: bool
    lines: list[Line] = field(default_factory=list)
    scope: dict[str, Any] = field(default_factory=lambda: {"rasp": rasp, "math": math})
    held: dict[str, tuple[Value, ...]] = field(default_factory=dict)

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return options[self.dice.below(len(options))]

    def sop(self) -> str:
        """The name of an s-op of numbers, a late one more often."""
        names = [*LEAVES, *self.held, *4 * self.fresh()]
        return str(self.pick([name for name in names if name in LEAVES or len(self.held[name]) <= TOO_MANY]))

    def selector(self) -> str:
        """The name of a selector, or one made on the spot."""
        names = [line.name for line in self.lines if not line.is_sop]
        fresh = [name for name in names if not any(name in line.uses for line in self.lines)]
        return str(self.pick([*names, *3 * fresh])) if names and self.dice.below(3) else self.by_position()

    def filled(self, template: str) -> str:
        """A template with s-ops, and numbers that they had or that are near."""
        x, y = self.sop(), self.sop()
        had = [v for v in (*self.held.get(x, ()), *self.held.get(y, ())) if values.is_number(v) and math.isfinite(v)]
        c = self.pick(had) if had and self.dice.below(4) else self.pick(NUMBERS)
        p = self.pick([n for n in NUMBERS if n >= 0.1])
        return template.format(x=x, y=y, c=c, p=p, d=self.pick(DEFAULTS), n=self.pick(NUMBERS), m=self.pick(NUMBERS))

    def by_position(self) -> str:
        """A selector of positions."""
        return f"rasp.Select(rasp.indices, rasp.indices, {self.pick(POSITIONS)})"

    def proposal(self) -> str:
        """The text of one more line."""
        kind = self.dice.below(16)
        if kind < 4:
            return f"rasp.Map({self.filled(self.pick(MAPS))}, {self.sop()})"
        if kind < 6:
            return f"rasp.SequenceMap({self.filled(self.pick(ZIPS))}, {self.sop()}, {self.sop()})"
        if kind < 9:
            return self.filled(self.pick(OPERATORS))
        if kind < 12:
            return f"rasp.Aggregate({self.selector()}, {self.sop()}, default={self.pick(DEFAULTS)!r})"
        if kind < 13:
            return f"rasp.SelectorWidth({self.selector()})"
        if kind < 15:
            return f"rasp.Select({self.sop()}, {self.sop()}, rasp.Comparison.{self.pick(COMPARISONS)})"
        return f"({self.selector()} {self.pick('&|')} ~{self.selector()})"

    def keep(self, text: str) -> None:
        """Add a line, if it is defined on the samples and not the same everywhere."""
        try:
            # The text is put together from the templates above.
            expr = eval(text, self.scope)
            found = [x for xs in self.samples for x in interpret(expr, xs, self.causal)]
        except (RaspcError, TypeError, ValueError, OverflowError):
            return
        is_sop = isinstance(expr, rasp.SOp)
        distinct = values.canonical(found) if is_sop else ()
        if is_sop and (len(distinct) < 2 or not all(values.is_number(x) and math.isfinite(x) for x in distinct)):
            return
        line = Line(f"{'v' if is_sop else 's'}{len(self.lines) + 1}", text)
        self.lines.append(line)
        self.scope[line.name] = expr
        if is_sop:
            self.held[line.name] = distinct

    def fresh(self) -> list[str]:
        """The s-ops that nothing uses yet."""
        used = {name for line in self.lines for name in line.uses}
        return [name for name in self.held if name not in used]

    def gather(self) -> None:
        """Let the last line depend on most of what nothing else uses."""
        for name in self.fresh()[:-1]:
            self.keep(
                f"rasp.where({name} > {self.pick(self.held[name])!r}, {self.fresh()[-1]}, {self.pick(DEFAULTS)!r})"
            )


def random_decimal_script(
    rng: Rng, operations: int = 20, vocab: Sequence[Value] = (0.1, 0.2, 0.3), max_seq_len: int = 4, causal: bool = False
) -> Script:
    """A random program about numbers and how they are rounded, as a script of about so many operations.

    `vocab` holds numbers. The program may be undefined on some input.

    Raises InvalidProgram for a vocabulary that holds anything else.
    """
    if not all(values.is_number(token) for token in vocab) or not vocab or operations < 1:
        raise InvalidProgram(
            f"random_decimal_script: found the vocabulary {tuple(vocab)!r} and {operations} operations; needed numbers "
            "and at least 1"
        )
    dice = dice_of(rng)
    samples = [[vocab[dice.below(len(vocab))] for _ in range(1 + dice.below(max_seq_len))] for _ in range(SAMPLES)]
    grown = _Grown(dice, samples, causal)
    for _ in range(PATIENCE * operations):
        if len(grown.lines) >= operations:
            break
        grown.keep(grown.proposal())
    grown.gather()
    names = [line.name for line in grown.lines if line.is_sop]
    return Script(tuple(grown.lines), names[-1] if names else "rasp.tokens").live()
