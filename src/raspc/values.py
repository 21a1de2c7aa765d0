"""What an s-op can hold at one position, and how two values compare.

Values that are equal under `==` are one value (True, 1 and 1.0). NaN equals itself here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

Value = Any

_MATH_DOMAIN = re.compile(r"math (domain|range) error|expected a (positive|nonnegative|noninteger|finite|number)")
"""How the standard library words a logarithm of 0 and its like, which it raises as ValueError."""

_SIMPLE = frozenset((int, bool, str, type(None)))
"""Types whose values are what they are: they carry no NumPy wrapper and can be hashed."""

NUMBERS = (int, float)
"""bool is an int: booleans count as 0 and 1."""


def is_number(value: Value) -> bool:
    """True of ints, floats and booleans."""
    return isinstance(value, NUMBERS)


KINDS = ("number", "word", "tuple")
"""Kinds of values that have an order; values of two kinds have none."""


def kind_of(value: Value) -> str | None:
    """The kind that a value has an order with; None for None, NaN and other values."""
    if isinstance(value, NUMBERS):
        return "number" if value == value else None
    return "word" if isinstance(value, str) else "tuple" if isinstance(value, tuple) else None


def plain(value: Value) -> Value:
    """The value without a NumPy wrapper."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


def whole(value: Value) -> Value:
    """The value as functions are given it: a whole number is an int, 2.0 is 2, so that equal numbers are one value."""
    if type(value) is float:
        return int(value) if -_FLOATS < value < _FLOATS and value.is_integer() else value
    if type(value) is tuple:
        return tuple(map(whole, value))
    return value


_FLOATS = 1 << 53
"""Whole numbers below this are floats, each and every one."""


def typed(value: Value) -> Value:
    """A hashable stand-in for what functions can tell apart: True is not 1; 1.0, which they are given as 1, is."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, tuple):
        return ("tuple", tuple(map(typed, value)))
    return key(value)


def key(value: Value) -> Value:
    """A hashable stand-in: equal for values that are one value.

    Raises TypeError for a value that cannot be hashed.
    """
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, float):
        return value if value == value else ("nan",)
    if isinstance(value, tuple):
        return ("tuple", tuple(key(item) for item in value))
    hash(value)
    return value


def same(x: Value, y: Value) -> bool:
    """True where the two are one value."""
    return bool(key(x) == key(y))


def is_same(x: Any, y: Value) -> bool:
    """The same of what may be no value at all, as a list: it is the same as none."""
    try:
        return same(x, y)
    except TypeError:
        return False


def order(value: Value) -> tuple[Any, ...]:
    """A sort key that is total over mixed types: numbers, strings, the rest, None last."""
    if value is None:
        return (4,)
    if is_number(value):
        return (1, "", 0.0) if value != value else (0, value)
    if isinstance(value, str):
        return (2, value)
    return (3, type(value).__name__, repr(_as_numbers(value)))


def _as_numbers(value: Value) -> Value:
    """A tuple with 0 for False and 1 for True, so that equal tuples have one place."""
    if isinstance(value, tuple):
        return tuple(map(_as_numbers, value))
    return int(value) if isinstance(value, bool) else value


def canonical(values: Iterable[Value]) -> tuple[Value, ...]:
    """The distinct values in a fixed order; of equal ones the int, then the float, then the bool, in tuples too."""
    pool = list(values)
    kinds = set(map(type, pool))
    if kinds <= _INTEGERS or kinds <= _BOOLEANS:
        return tuple(sorted(set(pool), key=None if kinds == {int} else order))
    floats = [x for x in reversed(pool) if type(x) is float] if kinds <= {int, float} else [math.nan]
    if not any(map(math.isnan, floats)):  # of equal ones an int stays, else the first
        numbers: dict[Value, Value] = {x: x for x in floats}
        numbers.update((x, x) for x in pool if type(x) is int)
        return tuple(sorted(numbers.values()))
    chosen: dict[Value, Value] = {}
    for value in pool:
        k = key(value)
        if k not in chosen or _rank(value) < _rank(chosen[k]):
            chosen[k] = value
    return tuple(sorted(chosen.values(), key=order))


def as_given(f: Callable[..., Value]) -> Callable[..., Value]:
    """The function, marked as one that is given 1.0 as it is, not as 1: its text differs, and what is computed of it
    stays a float."""
    f.as_given = True  # type: ignore[attr-defined]
    return f


_INTEGERS, _BOOLEANS = {int, str, type(None)}, {bool, str, type(None)}
"""Types of which no two values are equal but the same ones, so that a set holds one of each."""


def _rank(value: Value) -> tuple[Any, ...]:
    """Which of two equal values is chosen: the one with the least rank; of tuples, item by item."""
    if isinstance(value, tuple):
        return tuple(map(_rank, value))
    return (2,) if isinstance(value, bool) else (0,) if isinstance(value, int) else (1,)


def apply(f: Callable[..., Value], args: Sequence[Value], none_in_none_out: bool) -> Value:
    """`f` at one position: None in, None out (where so declared); an arithmetic error gives None.

    `f` is given whole numbers as ints, unless it is marked by `as_given`. Any other exception passes through: the
    function is undefined there.
    """
    if none_in_none_out:
        for arg in args:
            if arg is None:
                return None
    try:
        result = f(*args) if getattr(f, "as_given", False) else f(*map(whole, args))
    except ArithmeticError:
        return None
    except ValueError as error:
        if _MATH_DOMAIN.search(str(error)):
            return None
        raise
    if type(result) in _SIMPLE:
        return result
    result = plain(result)
    if isinstance(result, complex):
        raise TypeError(f"the complex number {result} is not a value of RASP")
    key(result)
    return result


def apply_beside(f: Callable[..., Value], one: Value, others: Sequence[Value], first: bool) -> list[Value]:
    """`apply` of a function of two to one value beside each of some others, none of which is None.

    `first`: whether the one value is the first argument. Where nothing out of the ordinary comes back, that takes
    hardly more than the calls of `f`.
    """
    same, each = repeat(one), others
    if not getattr(f, "as_given", False):
        same = repeat(whole(one))
        each = others if _WHOLE.issuperset(map(type, others)) else [*map(whole, others)]
    try:
        found = [*(map(f, same, each) if first else map(f, each, same))]
    except (ArithmeticError, ValueError):
        found = []
    if len(found) == len(others) and _ORDINARY.issuperset(map(type, found)):
        return found
    return [apply(f, (one, other) if first else (other, one), True) for other in others]


_WHOLE = {int, bool, str}
"""Types of values that functions are given as they are."""
_ORDINARY = _SIMPLE | {float}
"""Types of results that are values as they are."""
