"""Lines into statements and commands, as they come from a terminal or a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from raspc.text.parsing import parse
from raspc.text.source import Source, TextError
from raspc.text.syntax import Node

COLON = re.compile(r"\s*:")
"""A line that opens like this, where no statement is open, is a command of the compiler, and ends with the line."""

NO_NAME = r"(?!(?:def|for|load|return|if|else|and|or|not|in|round|indicator|True|False)\b)"

WORDS = re.compile(
    rf"\s*(?:(?:exit|quit)\b(?:\s*\(\s*\))?\s*(?:;|#|$)|(?:set|show|examples|full)\s*(?:;|#|$)"
    rf'|{NO_NAME}[A-Za-z_]\w*(?:-op)?\s+(?:"|{NO_NAME}[A-Za-z_]))'
)
"""Two names, or a name and a string, side by side are no statement: a command, known or not, that ends with its line,
unless a bracket is open."""

LOAD = re.compile(r'\s*load\s+"[^"]*"\s*(#.*)?$')
"""A load at the prompt may do without its semicolon."""

PIECE = re.compile(r'"[^"]*(?:"|(?P<unclosed>$))|#.*|[()\[\]{};]')
BLOCK = re.compile(r"\s*(?:def|for)\b")
BEGINNING = re.compile(r"\s*(?:(?P<block>(?:def|for)\b)|(?P<other>[^\s#]))")
AWAITS = re.compile(r"(?:\b(?:in|and|or|not|if|else|round|indicator)|[-+*/^%<>=,])$")
"""Text after which a brace opens a dictionary, not the body of a loop."""

CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Chunk:
    """A statement or a command, and the line and column at which it starts. `command`: one of the compiler's."""

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
        self.command = False
        """Whether it is a command, which ends with its line."""
        self.body = False
        """Whether the braces of its body are open: the braces of a dictionary do not end it."""
        self.tail = ""
        """What stands last in it, blanks and comments left out."""

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
            if COLON.match(line):
                self.line += 1
                yield Chunk(_uncommented(line).strip(), self.line - 1, _indent(line) + 1, command=True)
                return
        yield from self._statements(line)
        if self.command and not self.brackets:
            yield from self.finish()
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
            self.command = bool(WORDS.match(line, start) or LOAD.match(line, start))
        for match in PIECE.finditer(line, start):
            if match["unclosed"] is not None:
                return len(line)
            self.tail = line[start : match.start()].strip() or self.tail
            if self._ends(match.group(), bool(self.block)):
                return match.end()
            self.tail = self.tail if match.group().startswith("#") else match.group()
            start = match.end()
        self.tail = line[start:].strip() or self.tail
        return None

    def _ends(self, piece: str, block: bool) -> bool:
        inner = self.brackets[-1:]
        if piece in CLOSES.values():
            self.body = self.body or (block and piece == "{" and not self.brackets and not AWAITS.search(self.tail))
            self.brackets.append(piece)
        elif piece in CLOSES:
            del self.brackets[-1:]
            return block and piece == "}" and self.body and not self.brackets
        return piece == ";" and not (block and inner == ["{"])


def _uncommented(line: str) -> str:
    comments = (match.start() for match in PIECE.finditer(line) if match.group().startswith("#"))
    return line[: next(comments, len(line))]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def parse_each(source: Source) -> tuple[list[tuple[Source, Node]], list[str]]:
    """The statements of a source that parse, each with the source that holds it, and the faults of the others."""
    with suppress(TextError):
        return [(source, statement) for statement in parse(source)], []
    reader = Reader()
    statements: list[tuple[Source, Node]] = []
    faults: list[str] = []
    chunks = [chunk for line in source.text.split("\n") for chunk in reader.feed(line)]
    for chunk in (*chunks, *reader.finish()):
        piece = Source(source.name, chunk.text, chunk.line, chunk.column)
        try:
            statements += ((piece, statement) for statement in parse(piece))
        except TextError as error:
            faults += error.faults
    return statements, faults
