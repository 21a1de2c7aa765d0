"""What a person gave to a function of the API, looked at before any work: a TypeError of ours names what is wrong."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Set
from itertools import islice
from typing import Any

from raspc.errors import InputError, InvalidProgram, wrong_kind

MOST_ITEMS = 1 << 22
"""The most values of a vocabulary, a promise, an input: `range(10**12)` is refused, not written out."""


def items(argument: str, given: Any, needed: str) -> list[Any]:
    """The items of a list, a set, a range or the like.

    Raises TypeError for what has no items, InputError for more than MOST_ITEMS.
    """
    try:
        found = list(islice(iter(given), MOST_ITEMS + 1))
    except TypeError:
        raise wrong_kind(argument, given, needed) from None
    if len(found) > MOST_ITEMS:
        raise InputError(f"{argument}: found more than {MOST_ITEMS:,} items, needed at most so many")
    return found


def ordered(argument: str, given: Any, needed: str) -> list[Any]:
    """The items of what has an order. Raises as `items` does, and TypeError for a set, which has none, or a mapping."""
    if isinstance(given, Set | Mapping):
        raise wrong_kind(argument, given, needed)
    return items(argument, given, needed)


def rows(argument: str, given: Any, needed: str) -> list[list[Any]]:
    """The items of each item, in order. Raises TypeError and InputError as `ordered` does, and says for which."""
    return [ordered(f"{argument} {i}", one, needed) for i, one in enumerate(items(argument, given, needed))]


def names(argument: str, given: Any) -> list[str]:
    """Names of variables. Raises TypeError for a text, which would be a name for each letter, and what is no name."""
    needed = "a list of names, as ['rank']"
    found = items(argument, given, needed)
    if isinstance(given, str) or not all(isinstance(name, str) for name in found):
        raise wrong_kind(argument, given, needed)
    return found


def an(kind: type | tuple[type, ...], argument: str, given: Any, needed: str) -> Any:
    """The argument, which is of a kind. Raises TypeError for another."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(given, kinds) or (isinstance(given, bool) and bool not in kinds):  # True is no number here
        raise wrong_kind(argument, given, needed)
    return given


def whole(argument: str, given: Any, least: int, most: int | None = None) -> int:
    """A whole number, NumPy's too. Raises TypeError for what is none, InputError for one that is not in the range."""
    try:
        found = operator.index(given)
    except TypeError:
        raise wrong_kind(argument, given, "a whole number") from None
    if isinstance(given, bool):
        raise wrong_kind(argument, given, "a whole number")
    if found < least or (most is not None and found > most):
        needed = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise InputError(f"{argument} is {found}, needed a number {needed}")
    return found


def path(argument: str, given: Any) -> str:
    """A path as a string. Raises TypeError for what is none."""
    found = os.fspath(an((str, os.PathLike), argument, given, "a path"))
    return found if isinstance(found, str) else os.fsdecode(found)


def says(argument: str, function: Callable[[list[Any]], Any], tokens: list[Any]) -> bool:
    """What a function that a person gave says of an input. Raises InvalidProgram where it raises anything."""
    try:
        return bool(function(tokens))
    except Exception as error:
        raise InvalidProgram(
            f"{argument}: the function raised {type(error).__name__}: {error} on {tokens!r}; let it say False there"
        ) from error
