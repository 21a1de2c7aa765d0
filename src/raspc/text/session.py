"""One sitting at the prompt: an environment, what is shown, and the models compiled so far."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from raspc.errors import InputError, RaspcError
from raspc.rasp import SOp
from raspc.text import syntax
from raspc.text.commands import obey, obey_colon
from raspc.text.draw import draw
from raspc.text.environment import DEFAULT, Done, Environment, Files, Manner, is_exit
from raspc.text.examine import as_input
from raspc.text.kinds import Builtin, Value, kind, label
from raspc.text.models import Models
from raspc.text.operators import Refused
from raspc.text.reader import Chunk
from raspc.text.settings import Settings
from raspc.text.show import KEY, as_list, show, summary
from raspc.text.source import PROMPT, Source, located


class Drawn(str):
    """The path of a picture that was drawn."""


class Session:
    """Carries out statements and commands; `write` receives each answer, `complain` each error.

    `manner`: how strictly texts are read, how much they may ask for, which files they may name.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        complain: Callable[[str], None],
        manner: Manner = DEFAULT,
    ) -> None:
        self.write, self.complain = write, complain
        files = Files(watch=self._of_file, complain=complain)
        self.manner = replace(manner, forgiving=True)
        self.environment = Environment(extra={"draw": self._draw()}, files=files, manner=self.manner)
        self.settings = Settings()
        self.models = Models()
        self.command = Source(PROMPT, "")
        """The command of the compiler that is carried out, for the places of its faults."""
        self.done: list[str] = []
        """The statements that succeeded, for `:save`."""
        self.written: set[Path] = set()
        """What this sitting has written, which it may write anew."""

    def take(self, chunk: Chunk) -> bool:
        """Carries out a statement or command; an error is told and changes nothing.

        False where the sitting ends.
        """
        source = Source(PROMPT, chunk.text, chunk.line, chunk.column)
        try:
            return self._command(source) if chunk.command else self._statements(source)
        except (RaspcError, Refused) as error:
            self.complain(_with_place(error, source))
        except Exception as error:  # a fault of raspc itself, which must not end a person's sitting
            self.complain(f"raspc failed ({type(error).__name__}: {error}); nothing was changed; please report this")
        finally:
            self._tell_notes()
        return True

    def value(self, text: str) -> Value:
        """The value of an expression that a command holds. Raises TextError."""
        place = self.command.at(max(self.command.text.find(text), 0))
        (statement,) = self.environment.steps(Source(PROMPT, f"{text};", place.line, place.column))
        return statement.value

    def claim(self, path: Path) -> Path:
        """The path, to be written. Raises InputError where something stands there that this sitting did not write."""
        place = path.resolve()
        if place not in self.written and not self.manner.force and os.path.lexists(path):
            raise InputError(f"{path} is there already; choose another name, or start with: raspc repl --force")
        self.written.add(place)
        return path

    def names(self) -> Mapping[str, Value]:
        """Every name that can be used now."""
        return self.environment.names()

    def sop(self, name: str) -> SOp:
        """The s-op of this name. Raises InputError where there is none."""
        value = self.value(name)
        if not isinstance(value, SOp):
            raise InputError(f'"{name}" is {kind(value)}; needed an s-op')
        return value

    def _command(self, source: Source) -> bool:
        self.command = source
        obey_colon(self, source.text.rstrip("; "))
        return True

    def _statements(self, source: Source) -> bool:
        if not source.text.strip().strip(";"):
            return True
        for done in self.environment.steps(source):
            self._tell_notes()
            if is_exit(done.statement):
                return False
            if isinstance(done.statement, syntax.Command):
                obey(self, done)
                continue
            self.done.append(f"{done.where.text};")
            for line in self._shown(done):
                self.write(line)
        return True

    def _of_file(self, done: Done) -> None:
        """A statement of a loaded file was carried out: its commands are obeyed, its pictures told."""
        if isinstance(done.statement, syntax.Command):
            obey(self, done)
        elif isinstance(done.value, Drawn):
            self.write(f"{KEY}drawn: {done.value}")

    def _tell_notes(self) -> None:
        notes = self.environment.files.notes
        for note in notes:
            self.complain(f"warning: {note}")
        notes.clear()

    def _shown(self, done: Done) -> Iterator[str]:
        if isinstance(done.statement, syntax.Load):
            yield from ([summary(name, value) for name, value in done.defined.items()] or [f"{KEY}nothing new"])
        elif isinstance(done.statement, syntax.ExpressionStatement):
            yield self._shown_value(done)
        elif not isinstance(done.statement, syntax.Loop):
            for name, value in done.defined.items():
                yield show(name, as_list(value), self.settings, done.where)

    def _shown_value(self, done: Done) -> str:
        if isinstance(done.value, Drawn):
            return f"{KEY}drawn: {done.value}"
        assert isinstance(done.statement, syntax.ExpressionStatement)
        expression = done.statement.value
        name = expression.id if isinstance(expression, syntax.Name) else "out"
        value = done.value if isinstance(expression, syntax.Call) else as_list(done.value)
        return show(name, value, self.settings, done.where)

    def _draw(self) -> Builtin:
        """`draw(s-op, "input");` is a name of the language at the prompt only: a program writes no files."""

        def drawn(sop: Value, example: Value, file: Value) -> Drawn:
            if not isinstance(sop, SOp):
                raise Refused(f"an s-op is drawn; found {kind(sop)}", 0)
            path = Path(file if isinstance(file, str) else f"{label(sop) or sop.name}.html")
            xs = list(self.settings.sop_example) if example is None else as_input(example)
            draw(sop, xs, self.claim(path))
            return Drawn(path)

        return Builtin("draw", ("sop", "input?", "file?"), drawn)


def _with_place(error: Exception, source: Source) -> str:
    """An error in its own words; the place of the statement is added where it names none."""
    text = str(error)
    if "\n" in text or not source.text.strip():
        return text
    start = len(source.text) - len(source.text.lstrip())
    return located(text, source.at(start, len(source.text.rstrip())))
