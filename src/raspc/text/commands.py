"""The commands of the prompt: those of RASP's own interpreter, which are part of a text, and the compiler's own,
which open with a colon."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from raspc.errors import InputError
from raspc.rasp import SOp
from raspc.text.environment import Done
from raspc.text.examine import as_input, written
from raspc.text.kinds import Value
from raspc.text.models import Model, Models, describe_layers, describe_trace
from raspc.text.operators import Refused
from raspc.text.settings import Settings
from raspc.text.show import KEY
from raspc.text.source import TextError
from raspc.text.syntax import Command
from raspc.weights.files import write_text


class Sitting(Protocol):
    """What commands use of a sitting at the prompt: what is shown, the models so far, and the names of programs."""

    write: Callable[[str], None]
    settings: Settings
    models: Models
    done: list[str]

    def value(self, text: str) -> Value: ...
    def claim(self, path: Path) -> Path: ...
    def sop(self, name: str) -> SOp: ...


def obey(session: Sitting, done: Done) -> None:
    """Carries out a command that stands in a text. Raises TextError for a value that it does not take."""
    assert isinstance(done.statement, Command)
    words = done.statement.words
    kind = next((word for word in words if word in ("s-op", "selector")), "")
    rule = next(rule for word, rule in RULES.items() if word in words)
    try:
        rule(session, kind, words[-1], done.value)
    except Refused as error:
        where = done.statement.value or done.statement
        raise TextError(str(error), done.source.at(where.start, where.end)) from error


def _set_example(session: Sitting, kind: str, word: str, value: Value) -> None:
    session.settings = session.settings.with_example(kind, tuple(as_input(value)))


def _show_example(session: Sitting, kind: str, word: str, value: Value) -> None:
    settings = session.settings
    for name, example in (("s-op", settings.sop_example), ("selector", settings.selector_example)):
        if kind in ("", name):
            session.write(f"{KEY}{name} example: {written(example)}")


def _examples(session: Sitting, kind: str, switch: str, value: Value) -> None:
    session.settings = session.settings.with_shown(kind, switch == "on")


def _full(session: Sitting, kind: str, switch: str, value: Value) -> None:
    session.settings = session.settings.with_full(switch == "on")


def _nothing(session: Sitting, kind: str, switch: str, value: Value) -> None:
    """`exit`: the text ends, which is seen to by those who read it."""


RULES: dict[str, Callable[[Sitting, str, str, Value], None]] = {
    "set": _set_example, "show": _show_example, "examples": _examples, "full": _full, "exit": _nothing,
    "quit": _nothing,
}  # fmt: skip
"""By a word of the command."""


def _compile(session: Sitting, name: str, vocab: str, length: str, causal: str) -> None:
    """Compiles and checks; without a vocabulary and a length those of the example."""
    example = session.settings.sop_example
    tokens = _vocabulary(session, vocab) if vocab else list(dict.fromkeys(example))
    longest = int(length) if length else max(len(example), 1)
    for line in session.models.compile(name, session.sop(name), tokens, longest, bool(causal)):
        session.write(KEY + line)


def _vocabulary(session: Sitting, text: str) -> list[object]:
    if text[0] in '["':
        return as_input(session.value(text))
    return [_token(item) for item in text.split(",")]


def _token(text: str) -> object:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _layers(session: Sitting, name: str) -> None:
    for line in describe_layers(session.sop(name), _compiled(session, name)):
        session.write(KEY + line)


def _trace(session: Sitting, name: str, input: str) -> None:
    model = _compiled(session, name)
    for line in describe_trace(model, as_input(session.value(input))):
        session.write(KEY + line)


def _compiled(session: Sitting, name: str) -> Model:
    """The model of this name; compiled for the example if it is not, or no longer, compiled."""
    program = session.sop(name)
    if session.models.get(name, program) is None:
        _compile(session, name, "", "", "")
    return session.models.get(name, program)


def _save(session: Sitting, file: str) -> None:
    """A `.rasp` file receives the statements of this sitting, a directory the model compiled last."""
    path = session.claim(Path(file.strip('"')))
    if path.suffix == ".rasp":
        write_text(path, "".join(f"{statement}\n" for statement in session.done))
    else:
        session.models.save(path)
    session.write(f"{KEY}saved: {path}")


def _help(session: Sitting) -> None:
    session.write(HELP)


HELP = """\
     statement;                     anything of the language; its value is shown on the example
     set example "hello"            also: set s-op example, set selector example, show example
     examples on|off                also: s-op examples off, selector examples off
     full seq display on|off        the input above the output, instead of [1]*3
     load "file";                   beside this directory, then in the library: paper, dyck, addition
     hist("hello");                 an s-op or a selector on an input
     draw(hist, "hello");           its layers and heads, as hist.html; a third argument names the file
     :compile NAME [a,b,c] [8] [causal]   compile and check
     :layers NAME                   layers, heads and width of what was compiled
     :trace NAME "hello"            each variable beside what the compiled model holds
     :save DIRECTORY, :save FILE.rasp     the model compiled last; the statements so far
     exit"""

NAME = r"(?P<name>[A-Za-z_]\w*)"
VOCAB = r"(?P<vocab>\[[^\]]*\]|\"[^\"]*\"|[^\s;]*[^\s;\d][^\s;]*|\d+(,\d+)+)"

_TABLE: list[tuple[str, Callable[..., None]]] = [
    (rf":compile\s+{NAME}(\s+(?!causal\b){VOCAB})?(\s+(?P<length>\d+))?(\s+(?P<causal>causal))?", _compile),
    (rf":layers\s+{NAME}", _layers),
    (rf":trace\s+{NAME}\s+(?P<input>.*)", _trace),
    (r":save\s+(?P<file>\S.*)", _save),
    (r":help", _help),
]

COLON_COMMANDS = [(re.compile(pattern), rule) for pattern, rule in _TABLE]

USAGE = {
    ":compile": ":compile NAME [a,b,c] [LENGTH] [causal]",
    ":layers": ":layers NAME",
    ":trace": ':trace NAME "hello"',
    ":save": ":save DIRECTORY or :save FILE.rasp",
}
"""How a command of the compiler is written, by its word."""


def obey_colon(session: Sitting, text: str) -> None:
    """Carries out a command of the compiler. Raises InputError for one that is none."""
    for pattern, rule in COLON_COMMANDS:
        if match := pattern.fullmatch(text):
            rule(session, **{key: value or "" for key, value in match.groupdict().items()})
            return
    usage = next((usage for word, usage in USAGE.items() if word in text.split()), None)
    raise InputError(f"write {usage}" if usage else f'unknown command "{text}"; :help lists the commands')
