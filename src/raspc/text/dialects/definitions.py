"""A text into its definitions, so that each can have its own fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from raspc.text.source import Source

HEAD = re.compile(r'//[^\n]*+|"[^"\n]*+"?|(?<!\w)(?P<head>(?P<name>[^\W\d]\w*+)\s*+(?:\([^()\n]*+\)\s*+)?(?::=|≔))')
"""A comment; a string; or what opens a definition. Matched possessively, so that no text takes long."""

BLANK = re.compile(r"(?:\s|;|//[^\n]*+)*+")


@dataclass(frozen=True)
class Definition:
    """A stretch of a source that defines one name."""

    name: str
    start: int
    text: str


def definitions(source: Source) -> tuple[list[Definition], int | None]:
    """The definitions of a text, and where something stands before the first of them, if it does."""
    heads = list(_heads(source.text))
    starts = [*(start for _, start in heads), len(source.text)]
    found = [
        Definition(name, start, source.text[start:end]) for (name, start), end in zip(heads, starts[1:], strict=True)
    ]
    opening = BLANK.match(source.text)
    begins = opening.end() if opening else 0
    return found, begins if begins < starts[0] or not heads else None


def _heads(text: str) -> Iterator[tuple[str, int]]:
    for match in HEAD.finditer(text):
        if match["head"]:
            yield match["name"], match.start()
