"""The names that hold at a place, and what every rule of evaluation needs."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from raspc.rasp import Expr
from raspc.text import syntax
from raspc.text.kinds import Value
from raspc.text.source import Location, Source, TextError, nearest
from raspc.text.syntax import Node

MAX_STEPS = 1_000_000
"""The most nodes evaluated for one text: a loop over a loop over a loop ends in an error, not in a hang."""


class Poison:
    """What stands for a name whose definition failed: its use is not reported as another fault."""


class Cascade(TextError):
    """A fault that only follows from one already reported."""


@dataclass
class Budget:
    """How many nodes may still be evaluated."""

    left: int = MAX_STEPS


class Frame:
    """The names that hold at a place, in scopes from the innermost out, and the source of the place.

    The innermost scope takes new names; the outermost holds the names of the language.
    """

    def __init__(self, source: Source, names: dict[str, Value], *outer: Mapping[str, Value]) -> None:
        self.source, self.names, self.outer = source, names, outer

    @property
    def reserved(self) -> Mapping[str, Value]:
        """The names of the language, which keep their meaning."""
        return self.outer[-1]

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
        """Gives a name a value. Raises TextError for a name of the language."""
        if target.id in self.reserved:
            raise TextError(f'"{target.id}" is a name of the language and keeps its meaning', self.at(target))
        self.names[target.id] = value


Steps = Generator[tuple[Node, Frame], Value, Value]


def unknown(node: syntax.Name, frame: Frame) -> TextError:
    """The fault of a name that has no value here."""
    return TextError(f'unknown name "{node.id}"{nearest(node.id, frame.known())}', frame.at(node))


def placed(value: Value, where: Location) -> Value:
    """An expression that was just built, with the place that it comes from; other values as they are."""
    if isinstance(value, Expr) and "location" not in value.annotations:
        return value.annotated(location=where)
    return value
