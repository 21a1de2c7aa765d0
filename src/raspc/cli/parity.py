"""`raspc parity`: the same activations on every installed backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli.options import Json, among, families, listed
from raspc.cli.output import answer, console, say, table
from raspc.cli.run import typed_input
from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.parity import ParityReport
    from raspc.parity.sweep import Case
    from raspc.weights import Model

SAME, STOCK = 1e-5, 1e-3
"""The tolerance where the same numbers are computed, and where a stock class computes them in its own way."""


def _backends(incomplete: str) -> list[str]:
    from raspc.parity.backends import BACKENDS

    return listed(*BACKENDS)(incomplete)


def parity(
    model: Annotated[
        str | None, typer.Argument(metavar="DIR|PROGRAM", help="A saved model, or a program of the library.")
    ] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="An input such as 'a b c', once or more.", show_default="many")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="X", help="Relative to the largest activation.", show_default="1e-5; with --to 1e-3"
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FAMILY",
            autocompletion=families,
            help="A stock family, as gpt2, in transformers.",
            show_default=False,
        ),
    ] = None,
    exit: Annotated[
        str | None,
        typer.Option(autocompletion=among("lm", "labels"), help="With --to: lm or labels.", show_default=False),
    ] = None,
    require: Annotated[
        str, typer.Option(autocompletion=_backends, help="Backends that must be there, as torch,jax.")
    ] = "",
    only: Annotated[
        str, typer.Option(autocompletion=_backends, help="Backends to run, as torch,jax.", show_default="all installed")
    ] = "",
    library: Annotated[bool, typer.Option("--library", help="Run programs of the library, -O0 and -O1.")] = False,
    artifacts: Annotated[Path | None, typer.Option(help="With majority: where its mirror's files go.")] = None,
    results: Annotated[Path | None, typer.Option(help="With majority: where the summary goes.")] = None,
    as_json: Json = False,
) -> None:
    """Compare every activation of every installed backend with the NumPy forward; exit 1 on a difference."""
    if library == (model is not None):
        raise InputError("raspc parity needs either a model (DIR or PROGRAM) or --library")
    if exit is not None and to is None:
        raise InputError("--exit belongs to `raspc parity --to FAMILY`")
    within = tolerance if tolerance is not None else STOCK if to is not None else SAME
    if to is not None:
        ok = _stock(str(model), to, exit, inputs, within, as_json)
    elif artifacts or results:
        ok = _majority(model, artifacts, results, within, as_json)
    elif library:
        ok = _library(within, _names(require), as_json)
    else:
        ok = _one(str(model), inputs, within, _names(require), _names(only), as_json)
    if not ok:
        raise typer.Exit(1)


def _one(
    name: str,
    inputs: list[str] | None,
    tolerance: float,
    require: tuple[str, ...],
    only: tuple[str, ...],
    as_json: bool,
) -> bool:
    from raspc.parity import run

    model = _model(name)
    report = run(model, _inputs(inputs, model), tolerance, require, only or None)
    answer(report.to_json(), as_json, lambda: _tell(name, report))
    return report.ok


def _stock(name: str, family: str, exit: str | None, inputs: list[str] | None, tolerance: float, as_json: bool) -> bool:
    from raspc.parity import stock

    model = _model(name)
    report = stock.run(model, family, _inputs(inputs, model), tolerance, exit)
    answer(report.to_json(), as_json, lambda: _tell(name, report))
    return report.ok


def _model(name: str) -> Model:
    """A saved model where there is such a directory, else a program of the library."""
    from raspc import library
    from raspc.compiler import compile
    from raspc.weights import load

    if Path(name).is_dir() or name not in library.PROGRAMS:
        return load(name)
    entry = library.get(name)
    return compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal)


def _inputs(texts: list[str] | None, model: Model) -> list[list[Any]] | None:
    return [typed_input(_words(text), model) for text in texts] if texts else None


def _words(text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text, posix=False)
    except ValueError as error:
        raise InputError(f"--input {text!r}: {error}") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _tell(name: str, report: ParityReport) -> None:
    page = console()
    page.print(report.table(f"{name}: parity with the NumPy forward", page.width))
    for fault in report.faults():
        say(fault)


def _library(tolerance: float, require: tuple[str, ...], as_json: bool) -> bool:
    from raspc.parity.sweep import library

    cases = list(_told(library(tolerance=tolerance, require=require)))
    ok = all(case.report.ok for case in cases)
    answer({"ok": ok, "cases": [case.to_json() for case in cases]}, as_json, lambda: _tell_cases(cases))
    return ok


def _told(cases: Iterator[Case]) -> Iterator[Case]:
    """The cases as they come, each named on standard error where a person waits."""
    with console(stderr=True).status("parity") as status:
        for case in cases:
            status.update(case.label)
            yield case


def _tell_cases(cases: list[Case]) -> None:
    rows = [(case.label, len(case.report.matched), "; ".join(case.report.faults()) or "match") for case in cases]
    table(("program", "backends", "verdict"), rows)


def _majority(model: str | None, artifacts: Path | None, results: Path | None, tolerance: float, as_json: bool) -> bool:
    from raspc.parity.majority import run

    if model != "majority":
        raise InputError("--artifacts and --results belong to `raspc parity majority`")
    summary = run(artifacts or "artifacts", results or "results", tolerance)
    answer(summary.to_json(), as_json, lambda: say("\n".join(summary.lines())))
    return summary.ok
