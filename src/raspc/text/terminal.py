"""The prompt in a terminal: history, editing, completion and colours, from prompt_toolkit and Pygments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText, PygmentsTokens
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.lexers import PygmentsLexer

from raspc.text.environment import DEFAULT, Manner
from raspc.text.lexer import RaspLexer
from raspc.text.reader import Reader
from raspc.text.session import Session

PROMPT, MORE = ">> ", ".. "
WELCOME = "RASP: statements end with ;   :help lists the commands, exit leaves."

KEYWORDS = ("and", "def", "else", "False", "for", "if", "in", "indicator", "load", "not", "or", "return", "round",
            "True", "exit", "set example", "show example", "examples", "full seq display")  # fmt: skip
COLON = (":compile", ":layers", ":trace", ":save", ":help")
"""Completed only where a line opens with a colon."""

WORD = re.compile(r":\w*$|[A-Za-z_]\w*$")
SOURCE_LINE = re.compile(r"^(  (?:\d+ )?\| ?)(.*)$")


def converse(manner: Manner = DEFAULT) -> int:
    """Runs a sitting in the terminal until `exit` or the end of the input. Returns the exit status, 0.

    `manner`: as in `Session`.
    """
    session, reader = Session(_say, _complain, manner), Reader()
    prompt: PromptSession[str] = PromptSession(
        history=_history(), lexer=PygmentsLexer(RaspLexer), completer=_Completer(session),
        complete_while_typing=False, enable_history_search=True,
    )  # fmt: skip
    _say(WELCOME)
    while True:
        try:
            line = prompt.prompt(MORE if reader.open else PROMPT)
        except KeyboardInterrupt:
            reader.drop()
            continue
        except EOFError:
            return 0
        if not _take(session, reader, line):
            return 0


def _take(session: Session, reader: Reader, line: str) -> bool:
    try:
        return all(session.take(chunk) for chunk in reader.feed(line))
    except KeyboardInterrupt:
        _complain("interrupted; nothing was changed")
        return True


class _Completer(Completer):
    """The names of the environment and the words of the language."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """What the word before the cursor can become."""
        match = WORD.search(document.text_before_cursor)
        if match is None:
            return
        word = match.group()
        known = COLON if word.startswith(":") else (*KEYWORDS, *self.session.names())
        for name in sorted(set(known)):
            if name.startswith(word) and name != word:
                yield Completion(name, start_position=-len(word))


def _history() -> History:
    """Kept across sittings beside other programs' state; in memory where that cannot be written."""
    try:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        file = state / "raspc" / "history"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except (OSError, RuntimeError):  # RuntimeError: nobody knows where home is
        return InMemoryHistory()
    return FileHistory(str(file))


def _say(text: str) -> None:
    print_formatted_text(FormattedText([("", text)]))


def _complain(text: str) -> None:
    """An error: its words in red, the source line in the colours of the language."""
    for line in text.split("\n"):
        match = SOURCE_LINE.match(line)
        if match is None:
            print_formatted_text(FormattedText([("ansired", line)]))
        elif set(match[2]) <= set(" \t^"):
            print_formatted_text(FormattedText([("ansibrightblack", match[1]), ("ansired bold", match[2])]))
        else:
            print_formatted_text(FormattedText([("ansibrightblack", match[1])]), end="")
            print_formatted_text(PygmentsTokens(list(RaspLexer().get_tokens(match[2]))), end="")
