"""`raspc repl`: RASP at a prompt, or from a pipe."""

from __future__ import annotations

import io
from typing import Annotated

import typer

from raspc.cli.options import AllowFiles, Json, Steps
from raspc.cli.output import answer


def repl(
    strict: Annotated[bool, typer.Option("--strict", help="Refuse text that can be read in two ways.")] = False,
    steps: Steps = None,
    allow_files: AllowFiles = False,
    force: Annotated[bool, typer.Option("--force", help="Let draw and :save replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Read RASP at a prompt, or from a pipe: each statement is shown on an example."""
    from raspc.text.environment import Manner
    from raspc.text.frames import MAX_STEPS
    from raspc.text.repl import main

    manner = Manner(strict, steps or MAX_STEPS, allow_files, force)
    if not as_json:
        raise typer.Exit(main(manner=manner))
    told = io.StringIO()
    code = main(stdout=told, manner=manner)
    answer({"lines": told.getvalue().splitlines()}, True, lambda: None)
    raise typer.Exit(code)
