"""`raspc repl`: RASP at a prompt, or from a pipe."""

from __future__ import annotations

import io

import typer

from raspc.cli.options import Json
from raspc.cli.output import answer


def repl(as_json: Json = False) -> None:
    """Read RASP at a prompt, or from a pipe: each statement is shown on an example."""
    from raspc.text.repl import main

    if not as_json:
        raise typer.Exit(main())
    told = io.StringIO()
    code = main(stdout=told)
    answer({"lines": told.getvalue().splitlines()}, True, lambda: None)
    raise typer.Exit(code)
