"""Values as a person types and reads them: `3`, `-0.5`, `a`, and `"3"` for the word that looks like 3."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from raspc import typed, values
from raspc.typed import PLAIN_WORD, value

__all__ = ["show", "show_all", "token", "value", "vocabulary"]


def vocabulary(text: str) -> list[Any]:
    """The values of `--vocab`: `a,b,3`, a JSON array, or letters. Raises InputError for text that is neither."""
    return typed.vocabulary(text, "--vocab")


def token(text: str, vocab: Sequence[Any]) -> Any:
    """The token of the vocabulary that a text stands for, else the value of the text.

    A word of the vocabulary that is written like a number, such as "1", is found by its letters
    unless the number itself is a token too.
    """
    found = value(text)
    known = {values.key(item) for item in vocab}
    if values.key(found) not in known and text in known:
        return text
    return found


def show(value_: Any) -> str:
    """A value as `value` reads it; numbers to six digits."""
    if isinstance(value_, str):
        return value_ if PLAIN_WORD.fullmatch(value_) and value(value_) == value_ else _quoted(value_)
    return f"{value_:.6g}" if isinstance(value_, float) else str(value_)


def show_all(values_: Sequence[Any]) -> str:
    """Values side by side."""
    return " ".join(map(show, values_))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
