"""`raspc export`: a compiled model as another framework's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from raspc.cli.options import Directory, Json
from raspc.cli.output import answer, say


def _targets(incomplete: str) -> list[str]:
    from raspc.export import CONVERTERS

    return [name for name in CONVERTERS if name.startswith(incomplete)]


def export(
    directory: Directory,
    to: Annotated[
        str, typer.Option("--to", metavar="TARGET", autocompletion=_targets, help="torch, jax, onnx, npz, …")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The file or directory to write.")],
    dtype: Annotated[
        str | None,
        typer.Option(help="float32, float16 or bfloat16; that of the model if not given.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the model in DIR for another framework."""
    from raspc.weights import load

    load(directory).to(to, output, dtype=dtype)
    report = {"directory": str(directory), "target": to, "dtype": dtype, "output": str(output)}
    answer(report, as_json, lambda: say(f"{output}: {directory} for {to}"))
