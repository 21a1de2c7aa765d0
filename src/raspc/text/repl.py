"""`raspc repl`: RASP at a prompt, or from a pipe."""

from __future__ import annotations

import sys
from typing import TextIO

from raspc.text.environment import DEFAULT, Manner
from raspc.text.reader import Reader
from raspc.text.session import Session


def main(stdin: TextIO | None = None, stdout: TextIO | None = None, manner: Manner = DEFAULT) -> int:
    """Runs a sitting to its end. From a pipe it prints plainly and goes on after an error.

    `manner`: how strictly texts are read, how much they may ask for, which files they may name. Errors go where
    answers go, so that each stands below its statement. Returns the exit status, 0.
    """
    stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
    if stdin.isatty() and stdout.isatty():
        from raspc.text.terminal import converse

        return converse(manner)
    return _script(stdin, stdout, manner)


def _script(stdin: TextIO, stdout: TextIO, manner: Manner) -> int:
    def write(text: str) -> None:
        print(text, file=stdout, flush=True)

    session, reader = Session(write, write, manner), Reader()
    for line in stdin:
        if not all(session.take(chunk) for chunk in reader.feed(line)):
            return 0
    all(session.take(chunk) for chunk in reader.finish())
    return 0
