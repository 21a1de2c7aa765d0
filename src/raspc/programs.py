"""From what a person types to a program: a library name, a RASP file, or an attribute of Python code.

| written | found |
|---|---|
| `reverse` | the library's program, with its default vocabulary and length |
| `prog.rasp`, `prog.rasp:name` | the last or the named definition of a RASP file; so in C-RASP and B-RASP |
| `file.py:attribute` | an s-op, or a function without arguments that gives one, in a Python file |
| `package.module:attribute` | the same in an importable module |
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from raspc import naming
from raspc.errors import InputError, RaspcError
from raspc.neighbours import beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raspc.rasp import SOp


_OWN = "a program of your own is prog.rasp, prog.crasp, prog.brasp, file.py:attribute or package.module:attribute"


TEXTS = (".rasp", ".crasp", ".brasp")
"""How the names of files end that hold a program as text: `raspc.text.SUFFIXES`, which costs the parser to ask."""

TEXT_LENGTH = 8
"""A RASP file says nothing of lengths; `raspc compile prog.rasp:reverse --vocab a,b,c` takes this one."""


@dataclass(frozen=True)
class Found:
    """A program, the name to save it under, and the defaults that it comes with.

    `writing`: of a program of the library that writes, `generate`, `stop` and `prompts`.
    """

    name: str
    program: SOp
    vocab: Sequence[Any] | None = None
    max_seq_len: int | None = None
    causal: bool = False
    writing: Mapping[str, Any] | None = None


def find(spec: str, strict: bool = False, steps: int | None = None, allow_files: bool = False) -> Found:
    """The program that a text names; Python code that it names is run.

    `strict`, `steps`, `allow_files`: how a text is read, as in `raspc.text.load_program`.

    Raises InputError where there is none, and whatever RaspcError the program's own source raises.
    """
    path, _, attribute = spec.rpartition(":")
    if spec.endswith(TEXTS) or path.endswith(TEXTS):
        file, name = (path, attribute) if path.endswith(TEXTS) else (spec, None)
        return _from_text(file, name, strict, steps, allow_files)
    if path:
        return _from_python(path, attribute)
    return _from_library(spec)


def _from_library(name: str) -> Found:
    from raspc import library

    if name.endswith(".py"):
        raise InputError(f"{name}: write {name}:ATTRIBUTE to name the program in the file")
    if name in library.WRITERS:
        writer = library.WRITERS[name]
        return Found(name, writer.program, writer.vocab, writer.max_seq_len, True, writer.options())
    try:
        entry = library.get(name)
    except InputError as error:
        raise InputError(f"{error} ({_OWN})") from None
    return Found(name, entry.program, entry.vocab, entry.max_seq_len, entry.causal)


def _from_text(path: str, name: str | None, strict: bool, steps: int | None, allow_files: bool) -> Found:
    from raspc import text
    from raspc.library.causal import says_so
    from raspc.rasp import SOp

    steps = steps or text.MAX_STEPS
    program = text.load_program(_file(path), name, strict=strict, steps=steps, allow_files=allow_files)
    if not isinstance(program, SOp):
        raise InputError(f"{path}:{name} is a selector; needed an s-op, such as an aggregate over it")
    return Found(name or Path(path).stem, program, max_seq_len=TEXT_LENGTH, causal=says_so(program))


def _from_python(place: str, name: str) -> Found:
    from raspc.library.causal import says_so

    with beside(_folder(place)):
        program = _program(attribute(f"{place}:{name}"), f"{place}:{name}")
    return Found(name, program, causal=says_so(program))


def _folder(place: str) -> Path:
    """Where the neighbours of a Python file or of a module stand."""
    return Path(place).parent if place.endswith(".py") else Path.cwd()


def attribute(spec: str) -> Any:
    """What `file.py:attribute` or `package.module:attribute` names; the Python code is run.

    Raises InputError where there is none.
    """
    place, _, name = spec.rpartition(":")
    if not place:
        raise InputError(f"{spec}: write file.py:ATTRIBUTE or package.module:ATTRIBUTE")
    module = _run_file(_file(place)) if place.endswith(".py") else _import_module(place)
    if not hasattr(module, name):
        raise InputError(f"{place} has no attribute {name!r}: it defines {_listed(_programs_in(module))}")
    return getattr(module, name)


def _program(value: Any, where: str) -> SOp:
    from raspc.rasp import Expr, SOp

    with _blamed(where), naming.watching():
        made = value() if callable(value) and not isinstance(value, Expr) else value
    # An entry of a library and a model that the file has compiled know their program.
    made = made if isinstance(made, Expr) else getattr(made, "program", made)
    if not isinstance(made, SOp):
        raise InputError(f"{where} is of type {type(made).__name__}; needed an s-op, or a function without arguments")
    return made


def _programs_in(module: ModuleType) -> list[str]:
    from raspc.rasp import SOp

    return sorted(name for name, value in vars(module).items() if isinstance(value, SOp))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "no s-op"


def _file(path: str) -> Path:
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file")
    return Path(path)


def _run_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_raspc_program_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a file that Python runs; needed one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    # As when Python runs the file: its neighbours can be imported, and its classes find their module.
    sys.modules[spec.name] = module
    with _blamed(str(path)), beside(_folder(str(path))), naming.watching() as watch:
        spec.loader.exec_module(module)
        watch.hold(vars(module))
    return module


def _import_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise InputError(f"{name!r} is neither a file (prog.rasp, file.py) nor a module's name")
    with _blamed(name), beside(_folder(name)):
        return importlib.import_module(name)


@contextmanager
def _blamed(where: str) -> Iterator[None]:
    """An exception in the user's own code is told as a fault of that code, with the line that raised it."""
    try:
        yield
    except RaspcError as error:
        raise InputError(f"{where}: {error}") from error
    except ModuleNotFoundError as error:
        raise InputError(f"{where}: there is no module {error.name!r}") from error
    except SyntaxError as error:
        raise InputError(f"{where}: line {error.lineno} is not Python: {error.msg}") from error
    except (Exception, SystemExit) as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        raise InputError(f"{where}: running it raised {type(error).__name__}: {error} (line {line})") from error
