"""Lines into statements and commands, as they come from a terminal or a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

COMMAND = re.compile(
    r"\s*(:|exit\b|quit\b|set\s+((s-op|selector)\s+)?example\b|show\s+((s-op|selector)\s+)?example\b"
    r"|((s-op|selector)\s+)?examples\s+(on|off)\b|full\s+seq\s+display\b)"
)
"""A line that opens like this, where no statement is open, is a command, and ends with the line."""

LOAD = re.compile(r'\s*load\s+"[^"]*"\s*$')
"""A load at the prompt may do without its semicolon."""

PIECE = re.compile(r'"(?:[^"\\\n]|\\.)*+(?:"|(?P<unclosed>))|#[^\n]*|[()\[\]{};]')
BEGUN = re.compile(r"(?:\s|#[^\n]*+)*+[^\s#]")
BLOCK = re.compile(r"\s*(?:#[^\n]*\n\s*)*(def|for)\b")
CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Chunk:
    """A statement or a command, and the line and column at which it starts."""

    text: str
    line: int
    column: int = 1
    command: bool = False


class Reader:
    """Takes lines, gives the chunks that they complete. Each line is scanned once."""

    def __init__(self) -> None:
        self.line = 1
        self.drop()

    def drop(self) -> None:
        """Forgets an open statement."""
        self.pending = ""
        self.start_line, self.start, self.scanned = self.line, 0, 0
        self.brackets: list[str] = []

    @property
    def open(self) -> bool:
        """A statement has begun and is not complete."""
        return bool(BEGUN.match(self.pending, self.start))

    def feed(self, line: str) -> Iterator[Chunk]:
        """The chunks that end in this line."""
        line = line.rstrip("\r\n")
        if not self.open:
            self.drop()
            if COMMAND.match(line):
                self.line += 1
                yield Chunk(line.strip(), self.line - 1, command=True)
                return
            line += ";" if LOAD.match(line) else ""
        self.pending += line + "\n"
        self.line += 1
        while (end := self._end()) is not None:
            yield self._cut(end)

    def finish(self) -> Iterator[Chunk]:
        """What is left at the end of the input."""
        if self.open:
            yield self._cut(len(self.pending))
        self.drop()

    def _cut(self, end: int) -> Chunk:
        column = self.start - self.pending.rfind("\n", 0, self.start)
        chunk = Chunk(self.pending[self.start : end], self.start_line, column)
        self.start_line += chunk.text.count("\n")
        self.start = self.scanned = end
        self.brackets = []
        return chunk

    def _end(self) -> int | None:
        """The offset at which the first pending statement ends, if it does.

        A string that is not closed ends it with its line, and a semicolon inside round or square
        brackets ends it too: both are errors already, and what follows deserves to be read.
        """
        block = bool(BLOCK.match(self.pending, self.start))
        for match in PIECE.finditer(self.pending, self.scanned):
            if match["unclosed"] is not None:
                return self.pending.index("\n", match.end())
            if self._ends(match.group(), block):
                return match.end()
        self.scanned = len(self.pending)
        return None

    def _ends(self, piece: str, block: bool) -> bool:
        inner = self.brackets[-1:]
        if piece in CLOSES.values():
            self.brackets.append(piece)
        elif piece in CLOSES:
            del self.brackets[-1:]
            return block and piece == "}" and not self.brackets
        return piece == ";" and not (block and inner == ["{"])
