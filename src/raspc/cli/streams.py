"""Standard output and standard error as they may be: closed, full, or of an encoding that lacks our signs."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

PLAIN = {
    "−": "-", "–": "-", "—": "-", "…": "...", "×": "x", "·": "*", "≤": "<=", "≥": ">=", "≠": "!=", "→": "->", "←": "<-",
    "∞": "inf", "β": "beta", "λ": "lambda", "π": "pi", "√": "sqrt ", "²": "^2", "½": "1/2", "’": "'",
    "“": '"', "”": '"', "ᵀ": "^T", "∈": "in", "∧": "and", "∨": "or", "¬": "not ",
}  # fmt: skip
"""What stands for a sign where an encoding lacks it; any other character is shown as its escape."""

PLAINLY = "raspc.plainly"

BY_DEFAULT = {"strict", "surrogateescape", "backslashreplace"}
"""What Python does with a lacking sign where nobody has said what it should."""


def prepare() -> None:
    """Makes both streams take any text: a closed one swallows it, a narrow one is given what stands for our signs."""
    codecs.register_error(PLAINLY, _plainly)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 it stays open as long as we run
        elif getattr(stream, "errors", None) in BY_DEFAULT:
            stream.reconfigure(errors=PLAINLY)


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign) or ascii(sign)[1:-1] for sign in lacking), error.end


def is_unicode(stream: TextIO) -> bool:
    """Whether a stream takes every character."""
    encoding: Any = getattr(stream, "encoding", None)
    return not encoding or codecs.lookup(encoding).name.startswith("utf")


def flushed() -> OSError | None:
    """The error of what was written and has not arrived; later text then goes nowhere, so that there is one error."""
    try:
        sys.stdout.flush()
    except OSError as error:
        abandon()
        return error
    return None


def abandon() -> None:
    """Standard output goes nowhere from now on: it is full, or its reader is gone."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
