"""The commands of the prompt: those of RASP's own interpreter, and with a colon those of the compiler."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from raspc.text.examine import as_input, shown
from raspc.text.files import write
from raspc.text.models import Model, describe_layers, describe_trace
from raspc.text.show import KEY

if TYPE_CHECKING:
    from raspc.text.session import Session


class Ended(Exception):
    """The sitting is over."""


def _exit(session: Session) -> None:
    raise Ended


def _set_example(session: Session, kind: str, input: str) -> None:
    example = tuple(as_input(session.value(input)))
    session.settings = session.settings.with_example(kind, example)


def _show_example(session: Session, kind: str) -> None:
    settings = session.settings
    for name, example in (("s-op", settings.sop_example), ("selector", settings.selector_example)):
        if kind in ("", name):
            session.write(f"{KEY}{name} example: {shown(example)}")


def _examples(session: Session, kind: str, switch: str) -> None:
    session.settings = session.settings.with_shown(kind, switch == "on")


def _full(session: Session, switch: str) -> None:
    session.settings = session.settings.with_full(switch == "on")


def _compile(session: Session, name: str, vocab: str, length: str, causal: str) -> None:
    """Compiles and checks; without a vocabulary and a length those of the example."""
    example = session.settings.sop_example
    tokens = _vocabulary(session, vocab) if vocab else list(dict.fromkeys(example))
    longest = int(length) if length else max(len(example), 1)
    for line in session.models.compile(name, session.sop(name), tokens, longest, bool(causal)):
        session.write(KEY + line)


def _vocabulary(session: Session, text: str) -> list[object]:
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


def _layers(session: Session, name: str) -> None:
    for line in describe_layers(session.sop(name), _compiled(session, name)):
        session.write(KEY + line)


def _trace(session: Session, name: str, input: str) -> None:
    model = _compiled(session, name)
    for line in describe_trace(model, as_input(session.value(input))):
        session.write(KEY + line)


def _compiled(session: Session, name: str) -> Model:
    """The model of this name; compiled for the example if it is not, or no longer, compiled."""
    program = session.sop(name)
    if session.models.get(name, program) is None:
        _compile(session, name, "", "", "")
    return session.models.get(name, program)


def _save(session: Session, file: str) -> None:
    """A `.rasp` file receives the statements of this sitting, a directory the model compiled last."""
    path = Path(file.strip('"'))
    if path.suffix == ".rasp":
        write(path, "".join(f"{statement}\n" for statement in session.done))
    else:
        session.models.save(path)
    session.write(f"{KEY}saved: {path}")


def _help(session: Session) -> None:
    session.write(HELP)


HELP = """\
     statement;                     anything of the language; its value is shown on the example
     set example "hello"            also: set s-op example, set selector example, show example
     examples on|off                also: s-op examples off, selector examples off
     full seq display on|off        [1, 1, 1] instead of [1]*3
     load "file";                   beside this directory, then in the library: paper, dyck, addition
     hist("hello");                 an s-op or a selector on an input
     draw(hist, "hello");           its layers and heads, as hist.html; a third argument names the file
     :compile NAME [a,b,c] [8] [causal]   compile and check
     :layers NAME                   layers, heads and width of what was compiled
     :trace NAME "hello"            each variable beside what the compiled model holds
     :save DIRECTORY, :save FILE.rasp     the model compiled last; the statements so far
     exit"""

KIND = r"((?P<kind>s-op|selector)\s+)?"
NAME = r"(?P<name>[A-Za-z_]\w*)"
SWITCH = r"(?P<switch>on|off)"
VOCAB = r"(?P<vocab>\[[^\]]*\]|\"([^\"\\]|\\.)*\"|[^\s;]*[^\s;\d][^\s;]*|\d+(,\d+)+)"

_TABLE: list[tuple[str, Callable[..., None]]] = [
    (r"(exit|quit)\s*(\(\s*\))?", _exit),
    (rf"set\s+{KIND}example\s+(?P<input>.*)", _set_example),
    (rf"show\s+{KIND}example", _show_example),
    (rf"{KIND}examples\s+{SWITCH}", _examples),
    (rf"full\s+seq\s+display\s+{SWITCH}", _full),
    (rf":compile\s+{NAME}(\s+(?!causal\b){VOCAB})?(\s+(?P<length>\d+))?(\s+(?P<causal>causal))?", _compile),
    (rf":layers\s+{NAME}", _layers),
    (rf":trace\s+{NAME}\s+(?P<input>.*)", _trace),
    (r":save\s+(?P<file>\S.*)", _save),
    (r":help", _help),
]

COMMANDS = [(re.compile(pattern), rule) for pattern, rule in _TABLE]

USAGE = {
    "set": 'set [s-op|selector] example "hello"',
    "show": "show [s-op|selector] example",
    "examples": "[s-op|selector] examples on|off",
    "full": "full seq display on|off",
    ":compile": ":compile NAME [a,b,c] [LENGTH] [causal]",
    ":layers": ":layers NAME",
    ":trace": ':trace NAME "hello"',
    ":save": ":save DIRECTORY or :save FILE.rasp",
}
"""How a command is written, by a word of it."""


def misunderstood(text: str) -> str:
    """What to say of a command that is none."""
    usage = next((usage for word, usage in USAGE.items() if word in text.split()), None)
    return f"write {usage}" if usage else f'unknown command "{text}"; :help lists the commands'
