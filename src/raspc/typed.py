"""Values and vocabularies as a person types them, on a command line or into a field."""

from __future__ import annotations

import json
import re
import shlex
import warnings
from functools import partial
from typing import Any

from raspc.errors import DoubtfulText, InputError

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_QUOTED = re.compile(r'"([^"\\]|\\.)*"')
PLAIN_WORD = re.compile(r"[^\s,\"]+")
"""Text without spaces, commas and quotation marks: a word that needs no quotes."""


def value(text: str) -> Any:
    """The value that a text stands for: a number, a quoted JSON string, or the text itself as a word."""
    if _NUMBER.fullmatch(text) or _QUOTED.fullmatch(text):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def vocabulary(text: str, option: str = "") -> list[Any]:
    """The values of `a,b,3`, of a JSON array `["a", ",", 3]`, or of letters: `abc` is `a,b,c`, as `vocab="abc"` is in
    Python, and a warning says how one token of several letters is written. It says too how spaces, stray
    quotation marks and an array without its end were read.

    `option`: of the command line, by which it was given; none where it was typed into a field.

    Raises InputError for text that is neither, or holds an empty item.
    """
    what, beyond_doubt = option or "vocabulary", partial(_written, option)
    if len(text) > 1 and PLAIN_WORD.fullmatch(text) and not text.startswith("[") and not _is_signed(text):
        warnings.warn(
            f"{what} {text}: read as {len(text)} tokens, {','.join(text)}; for one token of these letters "
            f"write {beyond_doubt([text])}",
            DoubtfulText, stacklevel=2,
        )  # fmt: skip
        return [value(letter) for letter in text]
    if text.startswith("[") and text.endswith("]"):
        return _json_array(text, what)
    written = _items(text)
    items = [value(item) for item in written]
    if "" in items:
        raise InputError(f"{what}: found an empty token in {text!r}; write a,b,c or a JSON array")
    if any(map(_is_slip, written)) or _HALF_ARRAY.match(text):
        warnings.warn(
            f"{what} {text}: read as the tokens {json.dumps(items, ensure_ascii=False)}; spaces, quotation marks and "
            f"half of an array are part of a token here; if that is meant, {beyond_doubt(items)} says it beyond doubt",
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


def _written(option: str, items: list[Any]) -> str:
    """The items as a JSON array, behind the option where there is one."""
    told = json.dumps(items, ensure_ascii=False)
    return f"{option} {shlex.quote(told)}" if option else told


def _json_array(text: str, what: str) -> list[Any]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f'{what}: {text[:60]} is not a JSON array ({error}); for brackets write ["[", "]"]') from None
    if any(isinstance(item, list | dict) for item in items):
        raise InputError(f"{what}: found an array or object among the tokens; tokens are numbers, strings or booleans")
    return list(items)
