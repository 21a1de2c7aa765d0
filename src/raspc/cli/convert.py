"""`raspc convert`: a script that was written for Tracr to a directory of weights."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raspc.cli import syntax
from raspc.cli.compile import report, tell
from raspc.cli.options import Json
from raspc.cli.output import answer
from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.compat.tracr.compiler.assemble import AssembledTransformerModel
    from raspc.programs import Found


def convert(
    program: Annotated[
        str,
        typer.Argument(metavar="SCRIPT.py:PROGRAM", help="A program, or a model that the script compiles."),
    ],
    vocab: Annotated[
        str | None, typer.Option(help="Tokens a,b,c or a JSON array.", show_default="as the script has it")
    ] = None,
    max_seq_len: Annotated[
        int | None, typer.Option(help="The longest input.", show_default="as the script has it")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write.", show_default="build/NAME")
    ] = None,
    causal: Annotated[
        bool | None, typer.Option("--causal/--no-causal", help="Hide later keys from a query.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Compile a program from a script that imports Tracr, which need not be installed."""
    from raspc import programs
    from raspc.compat.tracr import install
    from raspc.compat.tracr.compiler import compiling

    install()
    # What the script prints is not an answer of this command.
    with compiling.recorded() as made, redirect_stdout(sys.stderr):
        found = programs.find(program)
    if vocab is None and max_seq_len is None and causal is None:
        model = _made(found, made)
    elif vocab is None or max_seq_len is None:
        raise InputError(f"{found.name}: give both --vocab and --max-seq-len, or neither")
    else:
        tokens = syntax.vocabulary(vocab)
        hides = found.causal if causal is None else causal
        model = compiling.compile_rasp_to_model(found.program, tokens, max_seq_len, hides)
    directory = output or Path("build") / found.name
    model.compiled.save(directory)
    answer(report(directory, model.compiled), as_json, lambda: tell(directory, model.compiled))


def _made(found: Found, models: list[AssembledTransformerModel]) -> AssembledTransformerModel:
    """The model into which the script itself compiled the program, the last one of several."""
    model = next((model for model in reversed(models) if model.program is found.program), None)
    if model is None:
        raise InputError(
            f"{found.name}: the script does not compile it; give --vocab and --max-seq-len, as --vocab a,b,c"
        )
    return model
