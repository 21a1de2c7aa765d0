"""The kinds of value that a name can hold, and how messages speak of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from raspc import rasp
from raspc.text.source import Source
from raspc.text.syntax import Define

Value = Any
"""An atom (int, float, str, bool), a list, a dict, an s-op, a selector, or a function."""

ATOMS = (bool, int, float, str)

MAX_SIZE = 1_000_000
"""The most items in a list and characters in a string."""

MAX_DEPTH = 50
"""How deep the lists in a constant may be nested, and how deep a list is shown."""


@dataclass(frozen=True)
class Comparator:
    """`==` and its like as an argument of select."""

    symbol: str


@dataclass(frozen=True, eq=False)
class Function:
    """A function of a RASP text, with the scopes around it: its free names are looked up when it is called."""

    define: Define = field(repr=False)
    source: Source = field(repr=False)
    scopes: tuple[Mapping[str, Value], ...] = field(repr=False)
    defaults: Mapping[str, Value] = field(repr=False)

    @property
    def name(self) -> str:
        """The name under which it was defined."""
        return self.define.name.id

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, in order."""
        return tuple(parameter.name for parameter in self.define.parameters)


@dataclass(frozen=True, eq=False)
class Builtin:
    """A function of the language itself. `parameters` ends in `?` where one may be left out."""

    name: str
    parameters: tuple[str, ...]
    call: Callable[..., Value]
    repeats: bool = False
    """It takes any number of arguments, at least as many as it has parameters."""


KINDS: list[tuple[type | tuple[type, ...], str]] = [
    (rasp.SOp, "an s-op"),
    (rasp.Selector, "a selector"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a dictionary"),
    ((Function, Builtin), "a function"),
    (Comparator, "a comparison"),
]


def kind(value: Value) -> str:
    """The kind of a value, with its article."""
    return next((text for types, text in KINDS if isinstance(value, types)), type(value).__name__)


def label(expr: rasp.Expr) -> str | None:
    """The name that an s-op or selector was given, or has in the language; None where it has none."""
    return expr.given_name or expr.annotations.get("shown") or LABELS.get(type(expr))


LABELS: dict[type[rasp.Expr], str] = {rasp.IndicesType: "indices", rasp.LengthType: "length"}


def is_atom(value: Value) -> bool:
    """True of numbers, strings and booleans."""
    return isinstance(value, ATOMS)


def is_elementwise(value: Value) -> bool:
    """True of what an elementwise operator takes: s-ops and atoms."""
    return isinstance(value, (rasp.SOp, *ATOMS))


def constant(value: Value) -> Value:
    """The value as what an s-op can hold at a position: a list becomes a tuple.

    Raises TypeError where it holds s-ops, selectors, functions or dictionaries, lists nested too deep, or more than
    MAX_SIZE items, counted in each place where a list stands.
    """
    if isinstance(value, list):
        _check_extent(value, {}, 0)
        return _tuple_of(value)
    if not isinstance(value, (*ATOMS, tuple)):
        raise TypeError(f"{kind(value)} is no constant")
    return value


def _tuple_of(value: Value) -> Value:
    return tuple(map(_tuple_of, value)) if isinstance(value, list) else constant(value)


def _check_extent(value: list[Value], known: dict[int, int], depth: int) -> int:
    """How many items a list and those in it hold; each list is gone through once, however often it stands there."""
    if depth > MAX_DEPTH:
        raise TypeError(f"lists nested more than {MAX_DEPTH} deep")
    if id(value) not in known:
        inner = (_check_extent(item, known, depth + 1) for item in value if isinstance(item, list))
        known[id(value)] = len(value) + sum(inner)
        if known[id(value)] > MAX_SIZE:
            raise TypeError(f"lists of lists with more than {MAX_SIZE:,} items, those inside counted")
    return known[id(value)]
