"""`raspc view`: a page that shows a model, its program, and a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from raspc.cli.options import Directory, Json, Tokens
from raspc.cli.output import answer, encoded, say


def view(
    directory: Directory,
    tokens: Tokens,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write the page.")] = Path("page.html"),
    as_json: Json = False,
) -> None:
    """Write one HTML page that shows the model on TOKENS, and recomputes for others, offline."""
    from raspc.cli.loading import load_whole
    from raspc.cli.run import typed_input
    from raspc.view import write_page

    model = load_whole(directory)
    inputs = typed_input(tokens, model)
    path = write_page(model, inputs[1:], output)
    size = path.stat().st_size
    report = {"page": str(path), "bytes": size, "input": encoded(inputs[1:])}
    answer(report, as_json, lambda: say(f"{path}: {size / 1000:.0f} kB; open it in a browser"))
