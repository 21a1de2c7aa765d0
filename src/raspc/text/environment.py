"""Environments: the names that statements have defined, and the files that they have loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from raspc.errors import InputError, InvalidProgram
from raspc.rasp import Expr, Selector, SOp
from raspc.text import builtins, syntax
from raspc.text.evaluate import evaluate
from raspc.text.files import read
from raspc.text.frames import Budget, Cascade, Frame, Poison
from raspc.text.kinds import Value, kind
from raspc.text.parsing import parse
from raspc.text.source import Source, TextError, TextFaults, TextInputError, nearest
from raspc.text.syntax import Node

LIBRARY = Path(__file__).parent / "lib"
STANDARD = LIBRARY / "standard.rasp"
MAX_FAULTS = 20


@dataclass(frozen=True)
class Done:
    """A statement that was carried out: what it defined, and the value of an expression."""

    statement: Node
    source: Source
    defined: Mapping[str, Value]
    value: Value = None


@dataclass
class Files:
    """What has been loaded, shared by an environment and the files that it loads."""

    exports: dict[Path, dict[str, Value]] = field(default_factory=dict)
    loading: list[Path] = field(default_factory=list)


class Environment:
    """Names and their values. A statement that fails changes nothing.

    `folder`: where `load` looks first. `extra`: more names of the language (the prompt has `draw`).
    """

    def __init__(
        self,
        folder: Path | None = None,
        extra: Mapping[str, Value] | None = None,
        files: Files | None = None,
        standard: bool = True,
    ) -> None:
        self.folder = folder or Path()
        self.reserved: Mapping[str, Value] = {**builtins.NAMES, **(extra or {})}
        self.files = files or Files()
        self.own: dict[str, Value] = {}
        self.loaded: dict[str, Value] = {}
        self.around: Mapping[str, Value] = _standard() if standard else {}

    def names(self) -> dict[str, Value]:
        """Every name that can be used now."""
        return {**self.reserved, **self.around, **self.loaded, **self.own}

    def exports(self) -> dict[str, Value]:
        """The public names that a loading file receives: those defined here and those loaded here."""
        return {name: v for name, v in {**self.loaded, **self.own}.items() if not name.startswith("_")}

    def steps(self, source: Source) -> Iterator[Done]:
        """Carries out the statements of a source one by one.

        Raises TextError for text that does not parse (nothing is done) and at the first statement that fails.
        """
        budget = Budget()
        for statement in parse(source):
            yield self._do(statement, source, budget)

    def run(self, source: Source) -> None:
        """Carries out a source.

        Raises InvalidProgram with every fault, each with its place; not those that follow from others.
        """
        faults: list[str] = []
        budget = Budget()
        for statement in parse(source):
            try:
                self._do(statement, source, budget)
            except (InvalidProgram, TextInputError) as error:
                faults += [] if isinstance(error, Cascade) else _faults(error)
                self.own |= {name: Poison() for name in _targets(statement)}
            if len(faults) >= MAX_FAULTS or budget.left < 0:
                break
        if faults:
            raise TextFaults(faults[:MAX_FAULTS])

    def load(self, path: Path) -> None:
        """Carries out a file, once; its public names, and those that it loads, are names of this environment.

        Raises InputError for a file that cannot be read, and whatever is wrong in it.
        """
        key = path.resolve()
        if key not in self.files.exports:
            self.files.exports[key] = self._run_file(path, key)
        self._receive(self.files.exports[key])

    def _run_file(self, path: Path, key: Path) -> dict[str, Value]:
        if key in self.files.loading:
            cycle = [*self.files.loading[self.files.loading.index(key) :], key]
            raise InputError(f"files load each other: {' → '.join(p.name for p in cycle)}; break the cycle")
        inside = Environment(path.parent, files=self.files, standard=path != STANDARD)
        inside.reserved = self.reserved
        self.files.loading.append(key)
        try:
            inside.run(read(path))
        finally:
            self.files.loading.pop()
        return inside.exports()

    def _receive(self, names: Mapping[str, Value]) -> None:
        self.loaded |= names
        # What was loaded last is what a name means.
        self.own = {name: value for name, value in self.own.items() if name not in names}

    def _do(self, statement: Node, source: Source, budget: Budget) -> Done:
        if isinstance(statement, syntax.Load):
            return self._load_statement(statement, source)
        frame = Frame(source, {}, self.own, self.loaded, self.around, self.reserved)
        value = evaluate(statement, frame, budget)
        defined = {name: _named(name, v) for name, v in frame.names.items()}
        for name, v in defined.items():
            # The last defined name is the last in order.
            self.own.pop(name, None)
            self.own[name] = v
        return Done(statement, source, defined, value)

    def _load_statement(self, statement: syntax.Load, source: Source) -> Done:
        where = source.at(statement.file.start, statement.file.end)
        before = self.names()
        try:
            self.load(find(statement.file.value, self.folder))
        except InputError as error:
            raise TextError(str(error), where) from error
        except InvalidProgram as error:
            raise TextFaults([*error.faults[:-1], f"{error.faults[-1]}\n  loaded at {where}"]) from error
        new = {name: v for name, v in self.loaded.items() if before.get(name) is not v}
        return Done(statement, source, new)


def _named(name: str, value: Value) -> Value:
    """An s-op or selector under the public name that it was given."""
    if name.startswith("_") or not isinstance(value, Expr) or value.given_name == name:
        return value
    return value.named(name)


def _faults(error: InvalidProgram | TextInputError) -> Sequence[str]:
    return error.faults if isinstance(error, InvalidProgram) else [str(error)]


def _targets(statement: Node) -> Iterator[str]:
    """The names that a failed statement would have bound."""
    if isinstance(statement, syntax.Define):
        yield statement.name.id
        return
    for node in syntax.walk(statement):
        if isinstance(node, syntax.Assignment):
            yield from (target.id for target in node.targets)


@cache
def _standard() -> Mapping[str, Value]:
    """The names of the standard library, which every environment knows."""
    environment = Environment(LIBRARY, standard=False)
    environment.load(STANDARD)
    return environment.exports()


def find(name: str, folder: Path) -> Path:
    """The file that `load` names: in this folder, else in the package's library; `.rasp` may be left out.

    Raises InputError where there is none.
    """
    candidates = [place / (name + suffix) for place in (folder, LIBRARY) for suffix in ("", ".rasp")]
    with suppress(OSError, ValueError):  # a name too long, or that no file can have
        if found := next((path for path in candidates if path.is_file()), None):
            return found
    files = [path.stem for place in (folder, LIBRARY) for path in place.glob("*.rasp")]
    near = nearest(name.removesuffix(".rasp"), files)
    raise InputError(f'no file "{name}" in {folder.resolve()} or in the library of raspc{near}')


def load_program(path_or_source: str | Path, name: str | None = None) -> SOp | Selector:
    """The s-op or selector of this name in a RASP file or text; without a name, the last s-op defined there.

    A `Path`, or a string that ends in `.rasp` or `.rasp:name`, is a file; any other string is the text.

    Raises InputError for a file that cannot be read or a name that it lacks, InvalidProgram for faults in it.
    """
    source, folder, attribute = _locate(path_or_source)
    environment = Environment(folder, files=Files(loading=[Path(source.name).resolve()]))
    environment.run(source)
    return _program(environment, source.name, name or attribute)


def _locate(path_or_source: str | Path) -> tuple[Source, Path, str | None]:
    if isinstance(path_or_source, Path):
        return read(path_or_source), path_or_source.parent, None
    path, _, attribute = path_or_source.rpartition(":")
    if not path.endswith(".rasp"):
        path, attribute = path_or_source, ""
    if path.endswith(".rasp") and "\n" not in path:
        return read(Path(path)), Path(path).parent, attribute or None
    return Source("<text>", path_or_source), Path(), None


def _program(environment: Environment, where: str, name: str | None) -> SOp | Selector:
    defined = {**environment.loaded, **environment.own}
    if name is None:
        sops = [value for value in environment.own.values() if isinstance(value, SOp)]
        if not sops:
            raise InputError(f"{where}: defines no s-op; assign one, as in `answer = …;`")
        return sops[-1]
    if name not in defined:
        raise InputError(f'{where}: defines no "{name}"{nearest(name, defined)}')
    value = defined[name]
    if not isinstance(value, (SOp, Selector)):
        raise InputError(f'{where}: "{name}" is {kind(value)}; needed an s-op or a selector{_remedy(value, name)}')
    return value


def _remedy(value: Value, name: str) -> str:
    parameters: Sequence[str] = getattr(value, "parameters", ())
    return f"; apply it in the file, as in `answer = {name}({', '.join(parameters)});`" if parameters else ""
