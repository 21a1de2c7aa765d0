"""Notes on expressions: what the user gave, and what is derived when nobody gave it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from raspc.rasp import Encoding, Expr

NAME = "name"
ENCODING = "encoding"

Annotator = Callable[[Any], Any]
"""What works out an annotation of an expression that was given none."""

DEFAULT_ANNOTATORS: dict[str, Annotator] = {
    NAME: lambda expr: expr.default_name,
    ENCODING: lambda expr: Encoding.CATEGORICAL,
}
"""What an annotation is where none was given: a function of the expression. Users may add their own."""


class Annotations(Mapping[str, Any]):
    """The annotations of one expression: those given, and defaults worked out when they are asked for.

    Iteration and `len` see what was given; `[…]`, `get` and `in` also see the defaults.
    """

    def __init__(self, expr: Expr, given: Mapping[str, Any] = MappingProxyType({}), **more: Any) -> None:
        self._expr, self.given = expr, {**given, **more}

    def __getitem__(self, key: str) -> Any:
        if key in self.given:
            return self.given[key]
        if key not in DEFAULT_ANNOTATORS:
            raise KeyError(f"no annotation {key!r}; known are {sorted({*self.given, *DEFAULT_ANNOTATORS})}")
        return DEFAULT_ANNOTATORS[key](self._expr)

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)

    def __repr__(self) -> str:
        return f"Annotations({self.given!r})"
