"""Values as a person types and reads them: `3`, `-0.5`, `a`, and `"3"` for the word that looks like 3."""

from __future__ import annotations

import json
import re
import shlex
import warnings
from collections.abc import Sequence
from typing import Any

from raspc import values
from raspc.errors import DoubtfulText, InputError

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_QUOTED = re.compile(r'"([^"\\]|\\.)*"')
_PLAIN_WORD = re.compile(r"[^\s,\"]+")


def value(text: str) -> Any:
    """The value that a text stands for: a number, a quoted JSON string, or the text itself as a word."""
    if _NUMBER.fullmatch(text) or _QUOTED.fullmatch(text):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def vocabulary(text: str) -> list[Any]:
    """The values of `a,b,3`, of a JSON array `["a", ",", 3]`, or of letters: `abc` is `a,b,c`, as `vocab="abc"` is in
    Python, and a warning says how one token of several letters is written. It says too how spaces, stray
    quotation marks and an array without its end were read.

    Raises InputError for text that is neither, or holds an empty item.
    """
    if len(text) > 1 and _PLAIN_WORD.fullmatch(text) and not text.startswith("[") and not _is_signed(text):
        warnings.warn(
            f"--vocab {text}: read as {len(text)} tokens, {','.join(text)}; for one token of these letters "
            f"write --vocab '{json.dumps([text], ensure_ascii=False)}'",
            DoubtfulText, stacklevel=2,
        )  # fmt: skip
        return [value(letter) for letter in text]
    if text.startswith("[") and text.endswith("]"):
        return _json_array(text)
    written = _items(text)
    items = [value(item) for item in written]
    if "" in items:
        raise InputError(f"--vocab: found an empty token in {text!r}; write a,b,c or a JSON array")
    if any(map(_is_slip, written)) or _HALF_ARRAY.match(text):
        told = json.dumps(items, ensure_ascii=False)
        warnings.warn(
            f"--vocab {text}: read as the tokens {told}; spaces, quotation marks and half of an array are part of a "
            f"token here; if that is meant, --vocab {shlex.quote(told)} says it beyond doubt",
            DoubtfulText, stacklevel=2,
        )  # fmt: skip
    return items


_HALF_ARRAY = re.compile(r"\[[^],]+(,|$)|\{[^},]+:")
"""How a JSON array that is not closed begins, or a JSON object."""


def _is_slip(written: str) -> bool:
    """Whether an item of several letters has a space or a quotation mark in it that is hardly meant."""
    if len(written) < 2 or _QUOTED.fullmatch(written):
        return False
    return re.search(r"[\s\"]|^'.*'$", written) is not None


def _is_signed(text: str) -> bool:
    """Whether it is one number for its sign, point or exponent."""
    return _NUMBER.fullmatch(text) is not None and not text.isdigit()


def _items(text: str) -> list[str]:
    """Split at commas outside quotes; no text has no items."""
    return re.findall(r'(?:^|(?<=,))((?:"(?:[^"\\]|\\.)*"(?=,|$))|[^,]*)(?:,|$)', text) if text else []


def _json_array(text: str) -> list[Any]:
    try:
        items = json.loads(text)
    except ValueError as error:
        raise InputError(f'--vocab: {text} is not a JSON array ({error}); for brackets write ["[", "]"]') from None
    if any(isinstance(item, list | dict) for item in items):
        raise InputError("--vocab: found an array or object among the tokens; tokens are numbers, strings or booleans")
    return list(items)


def token(text: str, vocab: Sequence[Any]) -> Any:
    """The token of the vocabulary that a text stands for, else the value of the text.

    A word of the vocabulary that is written like a number, such as "1", is found by its letters
    unless the number itself is a token too.
    """
    typed = value(text)
    known = {values.key(item) for item in vocab}
    if values.key(typed) not in known and text in known:
        return text
    return typed


def show(value_: Any) -> str:
    """A value as `value` reads it; numbers to six digits."""
    if isinstance(value_, str):
        return value_ if _PLAIN_WORD.fullmatch(value_) and value(value_) == value_ else _quoted(value_)
    return f"{value_:.6g}" if isinstance(value_, float) else str(value_)


def show_all(values_: Sequence[Any]) -> str:
    """Values side by side."""
    return " ".join(map(show, values_))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
