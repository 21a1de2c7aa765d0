"""The names that hold at a place, and what every rule of evaluation needs."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from raspc.rasp import Expr
from raspc.text import syntax
from raspc.text.kinds import Value
from raspc.text.layout import USAGE
from raspc.text.operators import Refused
from raspc.text.source import Location, Source, TextError, nearest
from raspc.text.syntax import Node

MAX_STEPS = 1_000_000
"""The most nodes evaluated for one text, unless more are asked for: a loop over a loop over a loop, or a function
that calls itself for ever, ends in an error, not in a hang."""


ITEMS_PER_STEP = 10
"""How many items of lists and characters of strings a text may make for each step that it may take: what bounds the
memory of a list of long lists."""

LONG = (str, list, dict)
"""What has items."""

WORDS = frozenset({"select", "aggregate", "range", "zip", "len"})
"""Functions that belong to the grammar of RASP's own interpreter: they cannot be given another meaning."""


class Poison:
    """What stands for a name whose definition failed: its use is not reported as another fault."""


class Cascade(TextError):
    """A fault that only follows from one already reported."""


@dataclass
class Budget:
    """How many nodes of a text may be evaluated and how many items it may make, and how many still may be."""

    limit: int = MAX_STEPS
    remedy: str = "shorten its loops, end its recursion"
    left: int = field(init=False)
    items: int = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.items = self.limit, ITEMS_PER_STEP * self.limit

    @property
    def is_spent(self) -> bool:
        """Whether a step or an item was asked for that is not there."""
        return self.left < 0 or self.items < 0

    def spend(self) -> None:
        """One step more. Raises Refused where none is left."""
        self.left -= 1
        if self.left < 0:
            raise Refused(
                f"this text asks for more than {self.limit:,} steps; {self.remedy}, or give it more: {self._more}"
            )

    def hold(self, value: Value) -> None:
        """Takes the items of a list, or the characters of a string, that an operator or a function has just made.

        Those of a list that is written out, or of a comprehension, took a step each.
        Raises Refused where they are more than are left.
        """
        self.items -= len(value) if isinstance(value, LONG) else 0
        if self.items < 0:
            raise Refused(
                f"this text makes more than {ITEMS_PER_STEP * self.limit:,} items of lists and characters of strings; "
                f"make fewer, or give it more: {self._more}"
            )

    @property
    def _more(self) -> str:
        return f"--steps {10 * self.limit} on the command line, steps={10 * self.limit} in Python"


ABSENT = object()
"""What a name had before that had no value."""


class Frame:
    """The names that hold at a place, in scopes from the innermost out, and the source of the place.

    The innermost scope takes new names. Scopes are live: a function sees what its names mean when it is called.
    `budget`: what the text that is carried out has left, whatever file a function stands in.
    """

    def __init__(self, source: Source, budget: Budget, names: dict[str, Value], *outer: Mapping[str, Value]) -> None:
        self.source, self.budget, self.names, self.outer = source, budget, names, outer
        self.before: dict[str, Value] = {}
        """What each name that was bound through this frame had been, or ABSENT, in the order of binding."""

    def at(self, node: Node) -> Location:
        """Where the node stands."""
        return self.source.at(node.start, node.end)

    def find(self, name: str) -> Value:
        """The value of a name. Raises KeyError where it has none."""
        if name in self.names:
            return self.names[name]
        for names in self.outer:
            if name in names:
                return names[name]
        raise KeyError(name)

    def known(self) -> set[str]:
        """Every name that has a value."""
        return set(self.names).union(*self.outer)

    def bind(self, target: syntax.Name, value: Value) -> None:
        """Gives a name a value. Raises TextError for a word of the language."""
        if target.id in WORDS:
            raise TextError(f'"{target.id}" is a word of the language and keeps its meaning', self.at(target))
        self.before.setdefault(target.id, self.names.get(target.id, ABSENT))
        self.names[target.id] = value

    def undo(self) -> None:
        """Takes back what was bound through this frame."""
        for name, value in self.before.items():
            if value is ABSENT:
                self.names.pop(name, None)
            else:
                self.names[name] = value


Steps = Generator[tuple[Node, Frame], Value, Value]


def unknown(node: syntax.Name, frame: Frame) -> TextError:
    """The fault of a name that has no value here."""
    remedy = f"; the command is written {USAGE[node.id]}" if node.id in USAGE else nearest(node.id, frame.known())
    return TextError(f'unknown name "{node.id}"{remedy}', frame.at(node))


def placed(value: Value, node: Node, frame: Frame) -> Value:
    """An expression that was just built, with the place that it comes from; other values as they are."""
    if isinstance(value, Expr) and "location" not in value.annotations:
        return value.annotated(location=frame.at(node))
    return value
