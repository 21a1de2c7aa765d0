"""`raspc parity`: the same activations on every installed backend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli.options import Json
from raspc.cli.output import answer, console, say
from raspc.cli.run import typed_input
from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.parity import Report
    from raspc.weights import Config, Model


def _backends(incomplete: str) -> list[str]:
    from raspc.parity.backends import BACKENDS

    return [name for name in BACKENDS if name.startswith(incomplete)]


def parity(
    models: Annotated[
        list[str],
        typer.Argument(metavar="DIR|PROGRAM...", help="Saved models, or programs of the library to compile."),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", help="An input such as 'a b c', once or more [default: many]."),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="Relative to the largest activation.")] = 1e-5,
    require: Annotated[str, typer.Option(help="Backends that must be there, as torch,jax.")] = "",
    only: Annotated[
        str,
        typer.Option(autocompletion=_backends, help="Backends to run, as torch,jax [default: all installed]."),
    ] = "",
    causal: Annotated[bool, typer.Option("--causal", help="Compile programs with a causal mask.")] = False,
    optimize: Annotated[int, typer.Option("-O", min=0, max=2, help="The level at which programs are compiled.")] = 1,
    as_json: Json = False,
) -> None:
    """Compare every activation of every installed backend with the NumPy forward; exit 1 on a difference."""
    from raspc import parity as comparison

    reports = {}
    for name in models:
        model = _model(name, causal, optimize)
        chosen = _inputs(inputs, model.config)
        reports[name] = comparison.run(model, chosen, tolerance, _names(require), _names(only) or None)
        if not as_json:
            _tell(name, reports[name])
    ok = all(report.ok for report in reports.values())
    if as_json:
        answer({"ok": ok, "models": [_record(*item) for item in reports.items()]}, True, lambda: None)
    if not ok:
        raise typer.Exit(1)


def _model(name: str, causal: bool, optimize: int) -> Model:
    """A saved model where there is such a directory, else a program of the library."""
    import raspc
    from raspc import library

    if Path(name).is_dir() or name not in library.PROGRAMS:
        return raspc.load(name)
    entry = library.get(name)
    return raspc.compile(
        entry.program,
        entry.vocab,
        entry.max_seq_len,
        causal=causal or entry.causal,
        optimize=optimize,
        partial=causal,
    )


def _inputs(texts: list[str] | None, config: Config) -> list[list[Any]] | None:
    if not texts:
        return None
    return [typed_input(_words(text), config) for text in texts]


def _words(text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text, posix=False)
    except ValueError as error:
        raise InputError(f"--input {text!r}: {error}") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _record(name: str, report: Report) -> dict[str, Any]:
    return {"model": name, **report.to_json()}


def _tell(name: str, report: Report) -> None:
    console().print(report.table(f"{name}: parity with the NumPy forward"))
    for fault in report.faults():
        say(fault)
