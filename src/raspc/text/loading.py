"""From a RASP file or text to the one program that is wanted of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType

from raspc import arguments
from raspc.errors import DoubtfulText, InputError
from raspc.rasp import Selector, SOp
from raspc.text.dialects import DIALECTS, read_program
from raspc.text.environment import Environment, Files, Manner
from raspc.text.files import read
from raspc.text.frames import MAX_STEPS
from raspc.text.kinds import Function, Value, kind
from raspc.text.source import Source, nearest
from raspc.text.statements import unbound

SUFFIXES = (".rasp", *(f".{dialect}" for dialect in DIALECTS))
"""How the names of files end that hold a program as text: RASP's own syntax, and its dialects."""


def load_program(
    path_or_source: str | Path,
    name: str | None = None,
    *,
    strict: bool = False,
    steps: int = MAX_STEPS,
    allow_files: bool = False,
    dialect: str | None = None,
) -> SOp | Selector:
    """The s-op or selector of this name in a RASP file or text; without a name, the last s-op defined there.

    A `Path`, or a string that ends in `.rasp` or `.rasp:name`, is a file; any other string is the text. `dialect`:
    "rasp", "crasp" or "brasp"; if it is not given, what the ending of a file says, and RASP of a text. What is
    doubtful in it is warned of (`raspc.DoubtfulText`): text that Python would read otherwise, which `strict` refuses;
    commands of the prompt, which are skipped; names in functions that nothing defines. `steps`: the most that the
    text may ask for. `allow_files`: its `load` may name files outside its folder, the working directory and the
    library.

    Raises InputError for a file that cannot be read or a name that it lacks, InvalidProgram for faults in it.
    """
    arguments.an((str, Path), "path_or_source", path_or_source, "the path of a RASP file, or its text")
    arguments.an((str, NoneType), "name", name, "the name of an s-op, or None for the last one")
    arguments.an((str, NoneType), "dialect", dialect, "the name of a dialect, or None for that of the file")
    source, folder, attribute = _locate(path_or_source)
    chosen = _dialect(source, dialect)
    if chosen in DIALECTS:
        return read_program(source, chosen, name or attribute, _counted(steps))
    files = Files(loading=[Path(source.name).resolve()])
    environment = Environment(folder, files=files, manner=Manner(strict, _counted(steps), allow_files))
    environment.run(source)
    for note in (*environment.files.notes, *_undefined(environment)):
        warnings.warn(note, DoubtfulText, stacklevel=2)
    return _program(environment, source.name, name or attribute)


def _dialect(source: Source, given: str | None) -> str:
    """The dialect of a text. Raises InputError for one that there is not."""
    known = [suffix.removeprefix(".") for suffix in SUFFIXES]
    ending = source.name.rpartition(".")[2]
    found = given or (ending if ending in known else "rasp")
    if found not in known:
        raise InputError(f"dialect is {found!r}; there are {', '.join(known)}")
    return found


def _counted(steps: int) -> int:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps is {steps!r}; needed a whole number of at least 1")
    return steps


def _undefined(environment: Environment) -> Iterator[str]:
    """The names that functions of the text mention and that have no value, though nothing has called for them."""
    for name, value in environment.own.items():
        if isinstance(value, Function):
            for free in unbound(value):
                where = value.source.at(free.start, free.end)
                yield f'{where}: unknown name "{free.id}" in {name}{nearest(free.id, environment.names())}'


def _locate(path_or_source: str | Path) -> tuple[Source, Path, str | None]:
    if isinstance(path_or_source, Path):
        return read(path_or_source), path_or_source.parent, None
    path, _, attribute = path_or_source.rpartition(":")
    if not path.endswith(SUFFIXES):
        path, attribute = path_or_source, ""
    if path.endswith(SUFFIXES) and "\n" not in path:
        return read(Path(path)), Path(path).parent, attribute or None
    return Source("<text>", path_or_source), Path(), None


def _program(environment: Environment, where: str, name: str | None) -> SOp | Selector:
    defined = {**environment.loaded, **environment.own}
    if name is None:
        if (last := environment.last_sop()) is None:
            raise InputError(f"{where}: defines no s-op; assign one, as in `answer = …;`")
        return last
    if name not in defined:
        raise InputError(f'{where}: defines no "{name}"{nearest(name, defined)}')
    value = defined[name]
    if not isinstance(value, (SOp, Selector)):
        raise InputError(f'{where}: "{name}" is {kind(value)}; needed an s-op or a selector{_remedy(value, name)}')
    return value


def _remedy(value: Value, name: str) -> str:
    parameters: Sequence[str] = getattr(value, "parameters", ())
    return f"; apply it in the file, as in `answer = {name}({', '.join(parameters)});`" if parameters else ""
