"""Values as JSON, and JSON read with suspicion.

Tuples, infinities and NaN, which JSON lacks, are tagged objects: `{"tuple": [1, 2]}`, `{"float": "inf"}`.
Reading refuses what a hostile file can hold: duplicate keys, deep nesting, NaN outside a tag, huge integers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from raspc import values
from raspc.errors import ModelFormatError, UnsupportedProgram
from raspc.values import Value

MAX_DEPTH = 64
"""How deep lists and objects may nest in a file; ours stay below ten."""

MAX_ITEMS = 1 << 23
"""How many items and keys a file may hold: at about a hundred bytes each, what bounds the memory that reading takes."""

SPECIAL_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, also one that does not end: a quote without its partner is then met once, not once for each other quote."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1
_BEGINS = np.zeros(256, dtype=np.bool_)
_BEGINS[[ord("["), ord("{"), ord(","), ord(":")]] = True
_CHUNK = 1 << 20


def encode(value: Value) -> Any:
    """The value as an object that `json` can write and `decode` reads back as the same value.

    Raises UnsupportedProgram for a value of a type that cannot be stored.
    """
    value = values.plain(value)
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is tuple:
        return {"tuple": [encode(item) for item in value]}
    raise UnsupportedProgram.at(
        "saving", f"the value {value!r} of type {type(value).__name__}",
        "numbers, strings, booleans, None, or tuples of these", "map it to one of these first",
    )  # fmt: skip


def decode(obj: Any) -> Value:
    """The value that `encode` wrote.

    Raises ModelFormatError for an object that `encode` never writes.
    """
    if obj is None or isinstance(obj, bool | int | float | str):
        return obj
    if isinstance(obj, dict) and len(obj) == 1:
        ((tag, content),) = obj.items()
        if tag in _TAGS:
            return _TAGS[tag](content)
    raise ModelFormatError(f"found {_shown(obj)}, needed a value: a number, a string, or a tagged object")


def _tuple(content: Any) -> Value:
    if not isinstance(content, list):
        raise ModelFormatError(f"found a tuple of {_shown(content)}, needed a list")
    return tuple(decode(item) for item in content)


def _float(content: Any) -> Value:
    if not isinstance(content, str) or content not in SPECIAL_FLOATS:
        raise ModelFormatError(f"found the float {_shown(content)}, needed one of {sorted(SPECIAL_FLOATS)}")
    return SPECIAL_FLOATS[content]


_TAGS: dict[str, Callable[[Any], Value]] = {"tuple": _tuple, "float": _float}


def _shown(obj: Any) -> str:
    text = repr(obj)
    return text if len(text) <= 60 else text[:57] + "..."


def dumps(obj: Any, indent: int | None = None) -> bytes:
    """The bytes of a JSON file: keys sorted, ASCII, the same in every process.

    Raises UnsupportedProgram for what JSON cannot hold.
    """
    separators = (",", ": ") if indent else (",", ":")
    try:
        text = json.dumps(obj, sort_keys=True, indent=indent, separators=separators, allow_nan=False)
        data = text.encode("ascii") + b"\n"
        _check_printable(data, obj)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedProgram(f"saving: what JSON cannot hold: {error}") from error
    return data


def loads(data: bytes, what: str = "JSON") -> Any:
    """The object in a JSON file.

    Raises ModelFormatError for text that is not JSON, nests deeper than `MAX_DEPTH`, holds more than
    `MAX_ITEMS` items, repeats a key, or holds NaN, an infinity, an integer of thousands of digits or half a character.
    """
    depth, items = _extent(data)
    if depth > MAX_DEPTH:
        raise ModelFormatError(f"{what}: found nesting {depth} deep, needed at most {MAX_DEPTH}")
    if items > MAX_ITEMS:
        raise ModelFormatError(f"{what}: found {items} items, needed at most {MAX_ITEMS}")
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
        _check_printable(data, found)
        return found
    except ModelFormatError as error:
        raise ModelFormatError(f"{what}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"{what}: not well-formed JSON: {error}") from error


def _extent(data: bytes) -> tuple[int, int]:
    """The deepest nesting outside strings, and how many items begin there; counted before parsing, which recurses."""
    bare = np.frombuffer(_STRING.sub(b"", data), dtype=np.uint8)
    depth = deepest = items = 0
    for start in range(0, len(bare), _CHUNK):
        chunk = bare[start : start + _CHUNK]
        steps = np.cumsum(_STEPS[chunk], dtype=np.int64)
        deepest = max(deepest, depth + int(steps.max()))
        depth += int(steps[-1])
        items += int(_BEGINS[chunk].sum())
    return deepest, items


def _check_printable(data: bytes, obj: Any) -> None:
    """Half of a pair of surrogates, which JSON can write, is no character: ValueError where one stands alone."""
    if _SURROGATE.search(data):
        json.dumps(obj, ensure_ascii=False).encode("utf-8")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ModelFormatError(f"found a repeated key among {_shown([name for name, _ in pairs])}")
    return found


def _no_constant(text: str) -> Any:
    raise ModelFormatError(f"found {text}, which JSON lacks")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ModelFormatError(f"found the number {_shown(text)}, which is too large")
    return number
