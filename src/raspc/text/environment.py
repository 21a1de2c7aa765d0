"""Environments: the names that statements have defined, and the files that they have loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from raspc.errors import InputError, InvalidProgram
from raspc.rasp import Expr, SOp
from raspc.text import builtins, syntax
from raspc.text.evaluate import evaluate
from raspc.text.files import read
from raspc.text.frames import MAX_STEPS, Budget, Cascade, Frame, Poison
from raspc.text.kinds import Value
from raspc.text.parsing import parse
from raspc.text.reader import parse_each
from raspc.text.readings import doubtful
from raspc.text.source import Location, Source, TextError, TextFaults, TextInputError, located, nearest
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

    @property
    def where(self) -> Location:
        """Where the statement stands."""
        return self.source.at(self.statement.start, self.statement.end)


@dataclass(frozen=True)
class Manner:
    """How texts are carried out.

    `strict`: text that Python would read otherwise is a fault. `steps`: the most that one text may ask for.
    `allow_files`: `load` may name any file of the machine. `force`: pictures and saved texts may replace files.
    `forgiving`: a bad statement of a loaded file is told, and the file gives its other names.
    """

    strict: bool = False
    steps: int = MAX_STEPS
    allow_files: bool = False
    force: bool = False
    forgiving: bool = False


DEFAULT = Manner()


@dataclass
class Files:
    """What an environment shares with the files that it loads: what has been loaded, and what was noted.

    `watch` is told of each statement of a loaded file that was carried out, `complain` of each that failed where
    the manner is forgiving.
    """

    exports: dict[Path, dict[str, Value]] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    loading: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    watch: Callable[[Done], None] | None = None
    complain: Callable[[str], None] | None = None

    def forget_if_changed(self) -> None:
        """Has all files read again if one of them is no longer what it was."""
        with suppress(InputError):
            if all(read(path).text == text for path, text in self.texts.items()):
                return
        self.exports.clear()
        self.texts.clear()


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
        manner: Manner | None = None,
    ) -> None:
        self.folder = folder or Path()
        self.language: Mapping[str, Value] = {**builtins.NAMES, **(extra or {})}
        self.files = files or Files()
        self.manner = manner or Manner()
        self.own: dict[str, Value] = {}
        self.loaded: dict[str, Value] = {}
        self.around: Mapping[str, Value] = _standard() if standard else {}
        self.results: dict[str, Value] = {}
        """`out`, the value of the last expression that was a statement."""
        self.order: dict[str, None] = {}
        """The names defined here, the last one last."""

    def names(self) -> dict[str, Value]:
        """Every name that can be used now."""
        return {**self.language, **self.around, **self.results, **self.loaded, **self.own}

    def exports(self) -> dict[str, Value]:
        """The public names that a loading file receives: those defined here and those loaded here."""
        return {name: v for name, v in {**self.loaded, **self.own}.items() if not name.startswith("_")}

    def last_sop(self) -> SOp | None:
        """The s-op that was defined last here, if any was."""
        return next((v for name in reversed(self.order) if isinstance(v := self.own.get(name), SOp)), None)

    def steps(self, source: Source) -> Iterator[Done]:
        """Carries out the statements of a source one by one.

        Raises TextError for text that does not parse (nothing is done) and at the first statement that fails.
        """
        budget = Budget(self.manner.steps)
        for statement in parse(source):
            done = self._do(statement, source, budget)
            yield done
            if is_exit(statement):
                return

    def run(self, source: Source) -> None:
        """Carries out a source.

        Raises InvalidProgram with every fault, each with its place; not those that follow from others.
        """
        if faults := list(self._faults(source, [(source, statement) for statement in parse(source)])):
            raise TextFaults(faults)

    def _faults(self, source: Source, statements: Iterable[tuple[Source, Node]]) -> Iterator[str]:
        """Carries out the statements, and gives what is wrong with them, up to a limit."""
        budget = Budget(self.manner.steps)
        told: set[str] = set()
        for source, statement in statements:
            try:
                done = self._do(statement, source, budget)
            except (InvalidProgram, TextInputError) as error:
                self.own |= {name: Poison() for name in _targets(statement)}
                new = [] if isinstance(error, Cascade) else [f for f in _faults(error) if f.split("\n")[0] not in told]
                told.update(fault.split("\n")[0] for fault in new)
                yield from new[: MAX_FAULTS - len(told) + len(new)]
            else:
                self._watch(done)
            if len(told) >= MAX_FAULTS or budget.is_spent or is_exit(statement):
                return

    def _watch(self, done: Done) -> None:
        """Whoever watches is told; else a command is noted, since nothing carries it out."""
        if self.files.watch:
            self.files.watch(done)
        elif is_exit(done.statement):
            self.files.notes.append(f"{done.where}: exit; nothing after it is read")
        elif isinstance(done.statement, syntax.Command) or _draws(done.statement):
            self.files.notes.append(f"{done.where}: skipped `{done.where.text}`, which is for the prompt")

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
        inside = Environment(path.parent, files=self.files, standard=path != STANDARD, manner=self.manner)
        inside.language = self.language
        self.files.loading.append(key)
        try:
            source = read(path)
            self.files.texts[key] = source.text
            inside._run_forgiving(source) if self.manner.forgiving else inside.run(source)
        finally:
            self.files.loading.pop()
        return {name: value for name, value in inside.exports().items() if not isinstance(value, Poison)}

    def _run_forgiving(self, source: Source) -> None:
        """Carries out what can be carried out of a source; each fault is told."""
        assert self.files.complain is not None
        statements, faults = parse_each(source)
        for fault in (*faults, *self._faults(source, statements)):
            self.files.complain(fault)

    def _receive(self, names: Mapping[str, Value]) -> None:
        self.loaded |= names
        # What was loaded last is what a name means. The scopes stay the same objects: functions see through them.
        for name in names:
            self.own.pop(name, None)

    def _do(self, statement: Node, source: Source, budget: Budget) -> Done:
        self._judge(statement, source)
        if isinstance(statement, syntax.Load):
            return self._load_statement(statement, source)
        if _draws(statement) and "draw" not in self.names():
            return Done(statement, source, {})
        frame = Frame(source, budget, self.own, self.loaded, self.results, self.around, self.language)
        try:
            value = evaluate(statement, frame)
        except BaseException:
            frame.undo()
            raise
        defined = {name: _named(name, self.own[name]) for name in frame.before}
        self.own |= defined
        for name in defined:
            self.order.pop(name, None)
            self.order[name] = None
        if isinstance(statement, syntax.ExpressionStatement):
            self.results["out"] = value
        return Done(statement, source, defined, value)

    def _judge(self, statement: Node, source: Source) -> None:
        """Notes text that Python would read otherwise. Raises TextError for it where the manner is strict."""
        for reading in doubtful([statement], source):
            if self.manner.strict:
                raise TextError(str(reading), reading.where)
            self.files.notes.append(located(str(reading), reading.where))

    def _load_statement(self, statement: syntax.Load, source: Source) -> Done:
        where = source.at(statement.file.start, statement.file.end)
        before = self.names()
        if self.manner.forgiving and not self.files.loading:
            self.files.forget_if_changed()
        try:
            self.load(find(statement.file.value, self.folder, self.manner.allow_files))
        except InputError as error:
            raise TextError(str(error), where) from error
        except InvalidProgram as error:
            raise TextFaults([*error.faults[:-1], f"{error.faults[-1]}\n  loaded at {where}"]) from error
        new = {name: v for name, v in self.loaded.items() if before.get(name) is not v}
        return Done(statement, source, new)


def is_exit(statement: Node) -> bool:
    """True of `exit` and `quit`, after which nothing is read."""
    return isinstance(statement, syntax.Command) and statement.words[0] in ("exit", "quit")


def _draws(statement: Node) -> bool:
    """True of `draw(…);`, which is told to the prompt."""
    call = statement.value if isinstance(statement, syntax.ExpressionStatement) else None
    return isinstance(call, syntax.Call) and isinstance(call.callee, syntax.Name) and call.callee.id == "draw"


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
        if isinstance(node, (syntax.Assignment, syntax.Loop)):
            yield from (target.id for target in node.targets)


@cache
def _standard() -> Mapping[str, Value]:
    """The names of the standard library, which every environment knows."""
    environment = Environment(LIBRARY, standard=False)
    environment.load(STANDARD)
    return environment.exports()


def find(name: str, folder: Path, allow_files: bool = False) -> Path:
    """The file that `load` names: in this folder, else in the working directory, else in the package's library;
    `.rasp` may be left out. A text may come from a stranger: files outside these folders are not looked at, unless
    `allow_files` says so.

    Raises InputError where there is none.
    """
    places = (folder, Path(), LIBRARY)
    files: list[tuple[Path, Path]] = []
    with suppress(OSError, ValueError, RuntimeError):  # a name too long, or that no file can have; a loop of links
        candidates = [(place, place / (name + suffix)) for place in places for suffix in ("", ".rasp")]
        files = [(place, path) for place, path in candidates if path.is_file()]
    for place, path in files:
        if allow_files or path.resolve().is_relative_to(place.resolve()):
            return path
    if files:
        raise InputError(
            f'"{name}" is a file outside the folder of the text, the working directory and the library; copy it '
            "there, or allow it: --allow-files on the command line, allow_files=True in Python"
        )
    stems = [path.stem for place in places for path in place.glob("*.rasp")]
    near = nearest(name.removesuffix(".rasp"), stems)
    looked = " or ".join(dict.fromkeys(str(place.resolve()) for place in places[:2]))
    raise InputError(f'no file "{name}" in {looked} or in the library of raspc{near}')
