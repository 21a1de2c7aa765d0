"""Frozen dataclasses as JSON and arrays, and back: read by their type hints, so that a file makes nothing else.

A dataclass is an object of its fields, a tuple a list, a mapping a list of pairs, an array `{"array": i}`: the i-th of
the arrays beside the JSON. Where a hint names several classes the object says which: `{"is": "Head", …}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from raspc import jsonvalues
from raspc.errors import ModelFormatError

NARROW = (np.int8, np.int16, np.int32, np.float32)
"""An array is stored in the first of these types that holds it, number for number."""


class Arrays:
    """The arrays of a value that is being written; equal ones are one."""

    def __init__(self) -> None:
        self.held: list[np.ndarray[Any, Any]] = []
        self.places: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def place(self, array: np.ndarray[Any, Any]) -> int:
        """The number of an array."""
        small = np.ascontiguousarray(narrowed(array))
        key = (small.dtype.str, small.shape, small.tobytes())
        if key not in self.places:
            self.places[key] = len(self.held)
            self.held.append(small)
        return self.places[key]


class Held:
    """The arrays of a file that is being read; each is widened once for each type that it is asked for in."""

    def __init__(self, arrays: Sequence[np.ndarray[Any, Any]]) -> None:
        self.arrays = arrays
        self.widened: dict[tuple[int, np.dtype[Any]], np.ndarray[Any, Any]] = {}

    def get(self, number: int, kind: np.dtype[Any], where: str) -> np.ndarray[Any, Any]:
        """An array in a type that has all its numbers. Raises ModelFormatError where there is none."""
        if not 0 <= number < len(self.arrays):
            raise ModelFormatError(f"{where}: there is no array {number}")
        if (number, kind) not in self.widened:
            with np.errstate(invalid="ignore"):
                found = self.arrays[number].astype(kind)
            if not np.array_equal(found, self.arrays[number], equal_nan=True):
                raise ModelFormatError(f"{where}: the array does not hold {kind}")
            found.setflags(write=False)
            self.widened[number, kind] = found
        return self.widened[number, kind]


def narrowed(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same numbers in the smallest type that has them all."""
    if array.dtype == np.bool_:
        return array.astype(np.int8)
    with np.errstate(invalid="ignore", over="ignore"):
        found = (array.astype(kind) for kind in NARROW)
        return next((small for small in found if np.array_equal(small, array)), array)


def to_plain(value: Any, hint: Any, arrays: Arrays) -> Any:
    """A value of that type as JSON data. Raises UnsupportedProgram for values that JSON lacks."""
    if isinstance(value, np.ndarray):
        return {"array": arrays.place(value)}
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        named = {"is": type(value).__name__} if len(_classes(hint)) > 1 else {}
        hints = fields_of(type(value))
        return named | {
            name: to_plain(getattr(value, name), hints[name], arrays)
            for name in hints
            if getattr(value, name) is not None or name not in where_given(type(value))
        }
    if isinstance(value, Mapping):
        key, inner = get_args(_without_none(hint))
        return [[to_plain(k, key, arrays), to_plain(v, inner, arrays)] for k, v in value.items()]
    if isinstance(value, tuple | list) and get_origin(_without_none(hint)) is not None:
        inner_hints = _items(_without_none(hint), len(value))
        return [to_plain(item, inner, arrays) for item, inner in zip(value, inner_hints, strict=True)]
    return jsonvalues.encode(value)


def from_plain(obj: Any, hint: Any, arrays: Held, where: str = "plan") -> Any:
    """The inverse of `to_plain`. Raises ModelFormatError that names the place in the file."""
    if get_origin(hint) in (Union, UnionType):
        if obj is None and NoneType in get_args(hint):
            return None
        return _from_union(obj, hint, arrays, where)
    rule = next((rule for fits, rule in _RULES if fits(hint)), None)
    if rule is None:
        return _value(obj, hint, where)
    return rule(obj, hint, arrays, where)


def _from_union(obj: Any, hint: Any, arrays: Held, where: str) -> Any:
    classes = _classes(hint)
    if len(classes) <= 1:
        return from_plain(obj, _without_none(hint), arrays, where)
    named = {kind.__name__: kind for kind in classes}
    name = obj.get("is") if isinstance(obj, dict) else None
    if name not in named:
        raise ModelFormatError(f"{where}: needed one of {sorted(named)}")
    rest = {key: value for key, value in obj.items() if key != "is"}
    return _object(rest, named[name], arrays, where)


def _object(obj: Any, hint: Any, arrays: Held, where: str) -> Any:
    hints = fields_of(hint)
    if not isinstance(obj, dict) or not set(hints) - optional(hint) <= set(obj) <= set(hints):
        raise ModelFormatError(f"{where}: needed an object with {', '.join(hints)}")
    return hint(**{name: from_plain(item, hints[name], arrays, f"{where}.{name}") for name, item in obj.items()})


def _array(obj: Any, hint: Any, arrays: Held, where: str) -> Any:
    number = obj.get("array") if isinstance(obj, dict) and len(obj) == 1 else None
    if type(number) is not int:
        raise ModelFormatError(f"{where}: needed the number of an array")
    return arrays.get(number, np.dtype(get_args(get_args(hint)[1])[0]), where)


def _mapping(obj: Any, hint: Any, arrays: Held, where: str) -> Any:
    key, inner = get_args(hint)
    if not isinstance(obj, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in obj):
        raise ModelFormatError(f"{where}: needed a list of pairs")
    keys = [from_plain(pair[0], key, arrays, f"{where} key") for pair in obj]
    return {k: from_plain(pair[1], inner, arrays, f"{where}[{k}]") for k, pair in zip(keys, obj, strict=True)}


def _sequence(obj: Any, hint: Any, arrays: Held, where: str) -> Any:
    if not isinstance(obj, list):
        raise ModelFormatError(f"{where}: needed a list")
    hints = _items(hint, len(obj))
    if len(hints) != len(obj):
        raise ModelFormatError(f"{where}: needed {len(hints)} items, found {len(obj)}")
    items = [
        from_plain(item, inner, arrays, f"{where}[{i}]") for i, (item, inner) in enumerate(zip(obj, hints, strict=True))
    ]
    return items if get_origin(hint) is list else tuple(items)


def _enum(obj: Any, hint: Any, arrays: Held, where: str) -> Any:
    if type(obj) not in (int, str) or obj not in [member.value for member in hint]:
        raise ModelFormatError(f"{where}: needed one of {[member.value for member in hint]}")
    return hint(obj)


def _value(obj: Any, hint: Any, where: str) -> Any:
    """A plain value: a number, a string, a truth value; anything that JSON values have where the hint is Any."""
    found = jsonvalues.decode(obj)
    if hint is float and type(found) is int:
        return float(found)
    if hint is not Any and type(found) is not hint:
        raise ModelFormatError(f"{where}: needed {hint.__name__}, found {str(obj)[:40]}")
    return found


def _items(hint: Any, count: int) -> list[Any]:
    """The hints of so many items of a tuple or a list."""
    args = get_args(hint)
    if get_origin(hint) is tuple and not (len(args) == 2 and args[1] is ...):
        return list(args)
    return [args[0]] * count


def _classes(hint: Any) -> list[Any]:
    return [kind for kind in (get_args(hint) or (hint,)) if isinstance(kind, type) and is_dataclass(kind)]


def _without_none(hint: Any) -> Any:
    """The one type of a union with None."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    return next(kind for kind in get_args(hint) if kind is not NoneType)


@cache
def optional(kind: Any) -> frozenset[str]:
    """The fields that have a default: a file of an earlier version need not have them."""
    found = (one for one in fields(kind) if one.default is not MISSING or one.default_factory is not MISSING)
    return frozenset(one.name for one in found)


@cache
def where_given(kind: Any) -> frozenset[str]:
    """The fields that a file has only where they are not None: so plans without them are as they ever were."""
    return frozenset(one.name for one in fields(kind) if one.metadata.get("where_given"))


@cache
def fields_of(kind: Any) -> dict[str, Any]:
    """The hints of what a class is made from, but for what is no part of its value."""
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind) if one.init and one.compare}


def _is_array(hint: Any) -> bool:
    return get_origin(hint) is np.ndarray


_RULES: tuple[tuple[Any, Any], ...] = (
    (_is_array, _array),
    (lambda hint: isinstance(hint, type) and is_dataclass(hint), _object),
    (lambda hint: isinstance(hint, type) and issubclass(hint, Enum), _enum),
    (lambda hint: _originates(hint, Mapping), _mapping),
    (lambda hint: _originates(hint, Sequence), _sequence),
)


def _originates(hint: Any, kind: type) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, kind)
