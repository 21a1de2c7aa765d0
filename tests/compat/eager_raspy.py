"""RASPy's notation, eagerly: sequences are lists of one input, selectors are matrices. Nothing of raspc is used."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any


class Seq:
    """The values of one input."""

    def __init__(self, held: Sequence[Any]) -> None:
        self.held = list(held)

    def map(self, f: Callable[[Any], Any]) -> Seq:
        """Each value."""
        return Seq([f(x) for x in self.held])

    def has(self, value: Any) -> Seq:
        """Whether it stands somewhere."""
        wanted = value.held if isinstance(value, Seq) else [value] * len(self.held)
        return Seq([x in self.held for x in wanted])

    def round(self) -> Seq:
        """The nearest whole number."""
        return self.map(round)

    def name(self, text: str) -> Seq:
        """Itself."""
        return self


def _pairwise(f: Callable[[Any, Any], Any], reflected: bool = False) -> Any:
    def applied(self: Seq, other: Any) -> Seq:
        others = other.held if isinstance(other, Seq) else [other] * len(self.held)
        return Seq([f(y, x) if reflected else f(x, y) for x, y in zip(self.held, others, strict=True)])

    return applied


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Seq, f"__{_name}__", _pairwise(getattr(operator, _name)))
    setattr(Seq, f"__r{_name}__", _pairwise(getattr(operator, _name), reflected=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Seq, f"__{_name}__", _pairwise(getattr(operator, _name)))
Seq.__and__ = _pairwise(lambda x, y: x and y)  # type: ignore[attr-defined]
Seq.__or__ = _pairwise(lambda x, y: x or y)  # type: ignore[attr-defined]
Seq.__invert__ = lambda self: self.map(operator.not_)  # type: ignore[attr-defined]
Seq.__neg__ = lambda self: self.map(operator.neg)  # type: ignore[attr-defined]


class Side:
    """Keys or queries."""

    def __init__(self, world: World, given: Any, is_key: bool) -> None:
        self.held, self.is_key = world.seq(given).held, is_key


def _select(f: Callable[[Any, Any], bool]) -> Any:
    def compared(self: Side, other: Side) -> Sel:
        n = len(self.held)
        pairs = (
            (lambda q, k: (self.held[k], other.held[q])) if self.is_key else lambda q, k: (self.held[q], other.held[k])
        )
        return Sel([[f(*pairs(q, k)) for k in range(n)] for q in range(n)])

    return compared


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Side, f"__{_name}__", _select(getattr(operator, _name)))


class Sel:
    """A matrix."""

    def __init__(self, rows: list[list[bool]]) -> None:
        self.rows = rows

    def _each(self, f: Callable[..., bool], *others: Sel) -> Sel:
        n = range(len(self.rows))
        return Sel([[bool(f(self.rows[q][k], *(o.rows[q][k] for o in others))) for k in n] for q in n])

    def __and__(self, other: Sel) -> Sel:
        return self._each(operator.and_, other)

    def __or__(self, other: Sel) -> Sel:
        return self._each(operator.or_, other)

    def __invert__(self) -> Sel:
        return self._each(operator.not_)

    def value(self, given: Any, default: Any = 0) -> Seq:
        """The sum of what is selected. Raises TypeError for several words, and for a word and a number."""
        held = given.held if isinstance(given, Seq) else [given] * len(self.rows)
        return Seq([_sum([x for x, s in zip(held, row, strict=True) if s], default) for row in self.rows])


def _sum(chosen: list[Any], default: Any) -> Any:
    if len(chosen) > 1 and any(isinstance(x, str) for x in chosen):
        raise TypeError("a sum of words")
    return functools.reduce(operator.add, chosen) if chosen else default


class World:
    """The names of the notation, for one input."""

    def __init__(self, xs: Sequence[Any]) -> None:
        self.tokens, self.indices = Seq(xs), Seq(range(len(xs)))
        self.length = Seq([len(xs)] * len(xs))

    def seq(self, given: Any) -> Seq:
        """A constant as a sequence."""
        return given if isinstance(given, Seq) else Seq([given] * len(self.tokens.held))

    def key(self, given: Any) -> Side:
        """Keys."""
        return Side(self, given, True)

    def query(self, given: Any) -> Side:
        """Queries."""
        return Side(self, given, False)

    def where(self, condition: Any, true: Any, false: Any) -> Seq:
        """The choice."""
        parts = zip(*(self.seq(part).held for part in (condition, true, false)), strict=True)
        return Seq([a if c else b for c, a, b in parts])
