"""Sizes of memory as people write them: "2 GiB"."""

from __future__ import annotations

import re
from typing import Any

from raspc.errors import InvalidProgram

UNITS = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9}
BYTES = 12
"""What a parameter takes: once in float64, as it is assembled, and once in float32, as the model holds it."""
DEFAULT_BUDGET = 2 * 2**30
"""What the arrays of one model may take while it is compiled, in bytes."""


def bytes_of(size: Any) -> int:
    """The bytes of a size: a number of them, or text such as "2 GiB", "500MB".

    Raises InvalidProgram for anything else, and for less than one byte.
    """
    if isinstance(size, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", size)):
        number, unit = float(match[1]), match[2].lower() or "b"
        if unit in UNITS and number * UNITS[unit] >= 1:
            return int(number * UNITS[unit])
    elif isinstance(size, int) and not isinstance(size, bool) and size >= 1:
        return int(size)
    raise InvalidProgram(f'the memory budget is {size!r}; needed a number of bytes, or a size such as "2 GiB"')


def in_words(size: int) -> str:
    """A number of bytes in the largest unit that it has one of."""
    unit = next((name for name in ("GiB", "MiB", "KiB") if size >= UNITS[name.lower()]), "B")
    return f"{size / UNITS[unit.lower()]:.3g} {unit}"
