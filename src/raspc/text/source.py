"""Source text, places in it, and errors that show the place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from heapq import nsmallest
from pathlib import PurePath

from raspc.errors import InputError, InvalidProgram

EXCERPT_WIDTH = 96
"""A source line longer than this is cut around the caret: a file may be one line of a megabyte."""


PROMPT = "<input>"
"""The name of what is typed at the prompt."""


@dataclass(frozen=True)
class Source:
    """A text of RASP, the name under which errors cite it, and the line and column at which it starts there."""

    name: str
    text: str
    first_line: int = 1
    first_column: int = 1

    @property
    def stem(self) -> str:
        """The name without folder and ending; `console` for the prompt."""
        return "console" if self.name == PROMPT else PurePath(self.name).stem

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset at which each line starts."""
        return [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]

    def line(self, row: int) -> str:
        """A line of the text, counted from 0, without its end."""
        start = self.line_starts[row]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")

    def at(self, start: int, end: int | None = None) -> Location:
        """The place between two offsets (of at least one character)."""
        return Location(self, start, max(start + 1, start if end is None else end))


@dataclass(frozen=True)
class Location:
    """A stretch of a source, as offsets."""

    source: Source
    start: int
    end: int

    @cached_property
    def _row(self) -> int:
        return bisect_right(self.source.line_starts, self.start) - 1

    @property
    def line(self) -> int:
        """The number of the line on which it starts."""
        return self.source.first_line + self._row

    @property
    def column(self) -> int:
        """The column at which it starts, counted from 1."""
        shift = self.source.first_column if self._row == 0 else 1
        return self.start - self.source.line_starts[self._row] + shift

    @property
    def text(self) -> str:
        """What stands there."""
        return self.source.text[self.start : self.end]

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def excerpt(self) -> str:
        """The source line with a caret below the place."""
        full, column = self.source.line(self._row), self.start - self.source.line_starts[self._row]
        cut = max(0, column - EXCERPT_WIDTH // 2) if len(full) > EXCERPT_WIDTH else 0
        line = full[cut : cut + EXCERPT_WIDTH]
        shift = column - cut
        # Tabs stay tabs, so that the caret stands below its character at any tab width.
        indent = "".join("\t" if char == "\t" else " " for char in line[:shift]).ljust(shift)
        carets = "^" * max(1, min(self.end - self.start, len(line) - shift))
        label = f"{self.line} | "
        return f"  {label}{line}\n  {' ' * (len(label) - 2)}| {indent}{carets}"


def located(message: str, where: Location) -> str:
    """The message with its place before it, and the line with a caret below."""
    return f"{where}: {message}\n{where.excerpt()}"


class TextError(InvalidProgram):
    """A fault in a RASP text. The message holds file, line, column, the line with a caret, and the remedy."""

    def __init__(self, message: str, where: Location) -> None:
        super().__init__(located(message, where))
        self.bare, self.where = message, where

    def called_from(self, where: Location) -> TextError:
        """The same fault, with the call that led to it."""
        self.faults = (f"{self.faults[0]}\n  called at {where}\n{where.excerpt()}",)
        self.args = self.faults
        return self


class TextFaults(InvalidProgram):
    """Every fault of a text, each as `TextError` words it."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(faults)
        self.args = ("\n".join(faults),)


class TextInputError(InputError):
    """An input on which a RASP text is undefined; the message shows the place as `TextError` does."""

    def __init__(self, message: str, where: Location) -> None:
        super().__init__(located(message, where))
        self.bare, self.where = message, where


LONGEST_NAME, MOST_NAMES = 80, 2_000
"""Which names a typo is compared with: comparing takes the product of two lengths, for each name."""


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean "…"?` where a known name is near, else nothing.

    Long names are not tried, and of very many names only those of a like length.
    """
    if len(name) > LONGEST_NAME:
        return ""
    short = (one for one in known if len(one) <= LONGEST_NAME)
    near = get_close_matches(name, nsmallest(MOST_NAMES, short, key=lambda one: abs(len(one) - len(name))), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
