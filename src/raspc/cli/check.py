"""`raspc check`: a compiled model against its program."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli.options import Directory, Json, Seed
from raspc.cli.output import answer, console, encoded, say
from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.certify.checking.check import Progress, Report
    from raspc.lab import Forcings
    from raspc.weights import Model

DEFAULT_LIMIT = 100_000


def check(
    directory: Directory,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="All inputs are run if there are so few, else so many.", show_default="100000"
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run all inputs, however many.")] = False,
    symmetry: Annotated[
        bool, typer.Option(help="Run one for all inputs that provably differ by exchanged tokens alone.")
    ] = True,
    state: Annotated[
        Path | None, typer.Option(help="Keep what is found in this file; go on from it if it is there.")
    ] = None,
    program: Annotated[
        str | None, typer.Option(help="The program that it was compiled from: its interpreter is asked too.")
    ] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="Check whole answers of a model that writes, on its prompts.")
    ] = False,
    prompts: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Other prompts than it was compiled for.", show_default=False)
    ] = None,
    prompts_file: Annotated[
        Path | None, typer.Option(help="Prompts from a text file, one a line.", show_default=False)
    ] = None,
    prompts_from: Annotated[
        str | None, typer.Option(metavar="file.py:ATTR", help="Prompts from Python code.", show_default=False)
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="file.py:ATTR", help="A Python function from a prompt to its answer.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many to work with.", show_default="one for each core")
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare the model with the interpreter, on all inputs or on many; exit 1 on a difference."""
    from raspc import programs
    from raspc.certify.checking.check import check as run_check
    from raspc.weights import load

    model = load(directory)
    written = None if program is None else programs.find(program).program
    sources = {"--prompts": prompts, "--prompts-file": prompts_file, "--prompts-from": prompts_from}
    given = [name for name, source in sources.items() if source is not None]
    if generate:
        report_of_writing(model, written, _prompts(sources, given), limit, seed, reference, as_json)
        return
    if given or reference is not None:
        raise InputError(f"{(given or ['--reference'])[0]} is for a model that writes; pass --generate as well")
    many = None if every else limit or DEFAULT_LIMIT
    with progress_bar("checking") as progress:
        report = run_check(
            model, many, seed, progress=progress, symmetric=symmetry, threads=threads, state=state, program=written
        )
    forced = _forced(model, written, seed)
    told = {} if forced is None else {"forced": _record_of_forced(forced)}
    answer({**_record(report), **told}, as_json, lambda: _tell(report, forced))
    if not report.ok or (forced is not None and not forced.ok):
        raise typer.Exit(1)


def _forced(model: Model, program: Any, seed: int) -> Forcings | None:
    """A total model with variables forced at random; None of another one."""
    from raspc import lab

    return lab.check_forced(model, program, seed=seed) if model.graph is not None and model.graph.total else None


def _record_of_forced(found: Forcings) -> dict[str, Any]:
    counts = {"tried": found.tried, "impossible": found.impossible, "failures": found.failures}
    return {**counts, "first": None if found.first is None else str(found.first)}


def _prompts(sources: Mapping[str, Any], given: Sequence[str]) -> Any:
    """The prompts that the options name; None for those that the model was compiled for."""
    from raspc import programs

    if len(given) > 1:
        raise InputError(f"{' and '.join(given)}: give one of them")
    if given == ["--prompts-file"]:
        lines = sources["--prompts-file"].read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line]
    if given == ["--prompts-from"]:
        found = programs.attribute(sources["--prompts-from"])
        return found() if callable(found) else found
    return sources["--prompts"]


def report_of_writing(
    model: Model, program: Any, prompts: Any, limit: int | None, seed: int, reference: str | None, as_json: bool
) -> None:
    """Check whole answers and tell of it; exit 1 on a difference."""
    from raspc import programs
    from raspc.generation.checking import check_writing

    own = None if reference is None else programs.attribute(reference)
    report = check_writing(model, prompts, limit, seed, program, own)
    answer(report.to_json(), as_json, lambda: say(str(report)))
    if not report.ok:
        raise typer.Exit(1)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """A bar on standard error while the block runs; none where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _record(report: Report) -> dict[str, Any]:
    inputs = ("tokens", "expected", "found")
    symmetric = [encoded(tokens) for tokens in report.symmetric]
    return report.to_json() | {name: encoded(getattr(report, name)) for name in inputs} | {"symmetric": symmetric}


def _tell(report: Report, forced: Forcings | None = None) -> None:
    from raspc.view.told import report_lines

    for line in report_lines(report):
        say(line)
    if forced is not None:
        say(str(forced))
