"""Lines into statements and commands, as they come from a terminal or a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

COMMAND = re.compile(
    r"\s*(:|exit\b|quit\b|(set|show)\s*;?\s*$|(set|show)\s+((s-op|selector)\s+)?example\b"
    r"|((s-op|selector)\s+)?examples(\s+\w+)?\s*;?\s*$|full\s+seq\s+display\b)"
)
"""A line that opens like this, where no statement is open, is a command, and ends with the line."""

LOAD = re.compile(r'\s*load\s+"[^"]*"\s*$')
"""A load at the prompt may do without its semicolon."""

PIECE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|(?P<unclosed>))|#.*|[()\[\]{};]')
BLOCK = re.compile(r"\s*(?:def|for)\b")
BEGINNING = re.compile(r"\s*(?:(?P<block>(?:def|for)\b)|(?P<other>[^\s#]))")
CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Chunk:
    """A statement or a command, and the line and column at which it starts."""

    text: str
    line: int
    column: int = 1
    command: bool = False


class Reader:
    """Takes lines, gives the chunks that they complete. No token spans lines, so each is scanned once."""

    def __init__(self) -> None:
        self.line = 1
        self.drop()

    def drop(self) -> None:
        """Forgets an open statement."""
        self._begin(self.line, 1)

    def _begin(self, line: int, column: int) -> None:
        self.start_line, self.start_column = line, column
        self.parts: list[str] = []
        self.brackets: list[str] = []
        self.block: bool | None = None
        """Whether the open statement is a `def` or a `for`; None where no statement has begun."""

    @property
    def open(self) -> bool:
        """A statement has begun and is not complete."""
        return self.block is not None

    def feed(self, line: str) -> Iterator[Chunk]:
        """The chunks that end in this line."""
        line = line.rstrip("\r\n")
        if self.block is False and not self.brackets and BLOCK.match(line):
            # Nothing can go on with a definition or a loop: the statement before lacks its semicolon.
            yield from self.finish()
        if not self.open:
            self.drop()
            if COMMAND.match(line):
                self.line += 1
                yield Chunk(line.strip(), self.line - 1, command=True)
                return
            line += ";" if LOAD.match(line) else ""
        yield from self._statements(line)
        self.line += 1

    def finish(self) -> Iterator[Chunk]:
        """What is left at the end of the input."""
        if self.open:
            yield Chunk("".join(self.parts), self.start_line, self.start_column)
        self.drop()

    def _statements(self, line: str) -> Iterator[Chunk]:
        start = 0
        while (end := self._end(line, start)) is not None:
            yield Chunk("".join([*self.parts, line[start:end]]), self.start_line, self.start_column)
            start = end
            self._begin(self.line, start + 1)
        self.parts.append(line[start:] + "\n")

    def _end(self, line: str, start: int) -> int | None:
        """The offset at which the open statement, or one that begins here, ends in the line, if it does.

        A string that is not closed ends it with its line, and a semicolon inside round or square
        brackets ends it too: both are errors already, and what follows deserves to be read.
        """
        if self.block is None and (beginning := BEGINNING.match(line, start)):
            self.block = beginning["block"] is not None
        for match in PIECE.finditer(line, start):
            if match["unclosed"] is not None:
                return len(line)
            if self._ends(match.group(), bool(self.block)):
                return match.end()
        return None

    def _ends(self, piece: str, block: bool) -> bool:
        inner = self.brackets[-1:]
        if piece in CLOSES.values():
            self.brackets.append(piece)
        elif piece in CLOSES:
            del self.brackets[-1:]
            return block and piece == "}" and not self.brackets
        return piece == ";" and not (block and inner == ["{"])
