"""`raspc repl`: RASP at a prompt, or from a pipe."""

from __future__ import annotations

import io
from typing import Annotated

import typer

from raspc.cli.options import Json, Steps
from raspc.cli.output import answer


def repl(
    strict: Annotated[bool, typer.Option("--strict", help="Refuse text that can be read in two ways.")] = False,
    steps: Steps = None,
    as_json: Json = False,
) -> None:
    """Read RASP at a prompt, or from a pipe: each statement is shown on an example."""
    from raspc.text.frames import MAX_STEPS
    from raspc.text.repl import main

    limit = steps or MAX_STEPS
    if not as_json:
        raise typer.Exit(main(strict=strict, steps=limit))
    told = io.StringIO()
    code = main(stdout=told, strict=strict, steps=limit)
    answer({"lines": told.getvalue().splitlines()}, True, lambda: None)
    raise typer.Exit(code)
