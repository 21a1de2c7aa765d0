"""Values as people read them, the way the command line reads them back: `3`, `a`, and `"3"` for the word."""

from __future__ import annotations

import json
import re
from typing import Any

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PLAIN_WORD = re.compile(r"[^\s,\"]+")


def show(value: Any) -> str:
    """A value in a few characters; a word that could be misread is quoted; `?` for no value."""
    if value is ...:
        return "?"
    if isinstance(value, str):
        plain = _PLAIN_WORD.fullmatch(value) and not _NUMBER.fullmatch(value)
        return value if plain else json.dumps(value, ensure_ascii=False)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def shortened(items: list[str], most: int = 8, between: str = " ") -> str:
    """The items side by side; of many the first, the last, and how many there are."""
    if len(items) <= most:
        return between.join(items)
    return f"{between.join(items[: most - 3])} … {items[-1]} ({len(items)})"
