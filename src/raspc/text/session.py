"""One sitting at the prompt: an environment, what is shown, and the models compiled so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from raspc.errors import InputError, RaspcError
from raspc.rasp import SOp
from raspc.text import syntax
from raspc.text.commands import COMMANDS, Ended, misunderstood
from raspc.text.draw import draw
from raspc.text.environment import Done, Environment
from raspc.text.examine import as_input
from raspc.text.kinds import Builtin, Value, kind
from raspc.text.models import Models
from raspc.text.operators import Refused
from raspc.text.reader import Chunk
from raspc.text.settings import Settings
from raspc.text.show import KEY, show
from raspc.text.source import Location, Source

NAME = "<input>"


class Drawn(str):
    """The path of a picture that was drawn."""


class Session:
    """Carries out statements and commands; `write` receives each answer, `complain` each error."""

    def __init__(self, write: Callable[[str], None], complain: Callable[[str], None]) -> None:
        self.write, self.complain = write, complain
        self.environment = Environment(extra={"draw": DRAW})
        self.settings = Settings()
        self.models = Models()
        self.done: list[str] = []
        """The statements that succeeded, for `:save`."""

    def take(self, chunk: Chunk) -> bool:
        """Carries out a statement or command; an error is told and changes nothing.

        False where the sitting ends.
        """
        try:
            self._command(chunk.text) if chunk.command else self._statement(chunk)
        except Ended:
            return False
        except (RaspcError, Refused) as error:
            self.complain(str(error))
        except Exception as error:  # a fault of raspc itself, which must not end a person's sitting
            self.complain(f"raspc failed ({type(error).__name__}: {error}); nothing was changed; please report this")
        return True

    def value(self, text: str) -> Value:
        """The value of an expression that a command holds. Raises TextError."""
        (statement,) = self._parsed(f"{text};")
        return statement.value

    def names(self) -> Mapping[str, Value]:
        """Every name that can be used now."""
        return self.environment.names()

    def sop(self, name: str) -> SOp:
        """The s-op of this name. Raises InputError where there is none."""
        value = self.value(name)
        if not isinstance(value, SOp):
            raise InputError(f'"{name}" is {kind(value)}; needed an s-op')
        return value

    def _parsed(self, text: str) -> list[Done]:
        return list(self.environment.steps(Source(NAME, text)))

    def _command(self, text: str) -> None:
        text = text.rstrip("; ")
        for pattern, rule in COMMANDS:
            if match := pattern.fullmatch(text):
                rule(self, **{key: value or "" for key, value in match.groupdict().items()})
                return
        raise InputError(misunderstood(text))

    def _statement(self, chunk: Chunk) -> None:
        if not chunk.text.strip().strip(";"):
            return
        source = Source(NAME, chunk.text, chunk.line, chunk.column)
        for done in self.environment.steps(source):
            self.done.append(chunk.text.strip())
            for line in self._shown(done):
                self.write(line)

    def _shown(self, done: Done) -> Iterator[str]:
        where = done.source.at(done.statement.start, done.statement.end)
        if isinstance(done.statement, syntax.Load):
            yield f"{KEY}loaded: {', '.join(done.defined) or 'nothing new'}"
            return
        for name, value in done.defined.items():
            yield show(name, value, self.settings, where)
        if isinstance(done.statement, syntax.ExpressionStatement):
            yield self._shown_value(done.statement, done.value, where)

    def _shown_value(self, statement: syntax.ExpressionStatement, value: Value, where: Location) -> str:
        if isinstance(value, Drawn):
            return f"{KEY}drawn: {value}"
        name = statement.value.id if isinstance(statement.value, syntax.Name) else "out"
        return show(name, value, self.settings, where)


def _draw(sop: Value, example: Value, file: Value) -> Drawn:
    if not isinstance(sop, SOp):
        raise Refused(f"an s-op is drawn; found {kind(sop)}", 0)
    path = Path(file if isinstance(file, str) else f"{sop.name}.html")
    draw(sop, as_input(example), path)
    return Drawn(path)


DRAW = Builtin("draw", ("sop", "input", "file?"), _draw)
"""`draw(s-op, "input");` is a name of the language at the prompt only: a program writes no files."""
