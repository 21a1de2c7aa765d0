"""`raspc export`: a compiled model as another framework's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from raspc.cli import syntax
from raspc.cli.options import Directory, Json, among
from raspc.cli.output import answer, say


def _targets(incomplete: str) -> list[str]:
    from raspc.export import CONVERTERS

    return [name for name in CONVERTERS if name.startswith(incomplete)]


def export(
    directory: Directory,
    to: Annotated[
        str, typer.Option("--to", metavar="TARGET", autocompletion=_targets, help="torch, onnx, llama, gguf, …")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The file or directory to write.")],
    dtype: Annotated[
        str | None,
        typer.Option(
            autocompletion=among("float32", "float16", "bfloat16"),
            help="float32, float16 or bfloat16.",
            show_default="that of the model",
        ),
    ] = None,
    exit: Annotated[
        str | None,
        typer.Option(
            autocompletion=among("lm", "labels"),
            help="Of a stock family: lm (answers are tokens) or labels.",
            show_default=False,
        ),
    ] = None,
    stop: Annotated[
        str | None, typer.Option(help="Of the exit lm: the token that ends an answer.", show_default=False)
    ] = None,
    norm_scale: Annotated[
        float | None,
        typer.Option(help="Of a stock family: the constant that keeps a norm still.", show_default=False),
    ] = None,
    step_sharpness: Annotated[
        float | None,
        typer.Option(help="Of a stock family: K of relu(z) = act(Kz)/K.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the model in DIR for another framework, or as a checkpoint of a stock family."""
    from raspc.weights import load

    model = load(directory)
    given = {
        "exit": exit, "stop": None if stop is None else syntax.token(stop, model.config.output.values),
        "norm_scale": norm_scale, "step_sharpness": step_sharpness,
    }  # fmt: skip
    model.to(to, output, dtype=dtype, **{name: value for name, value in given.items() if value is not None})
    report = {"directory": str(directory), "target": to, "dtype": dtype, "output": str(output)} | _facts(output)
    knobs = "of norm scale {norm_scale:g} and step sharpness {step_sharpness:g}"
    made = f", a {report['architecture']} {knobs.format(**report)}" if "architecture" in report else ""
    answer(report, as_json, lambda: say(f"{output}: {directory} for {to}{made}"))


def _facts(output: Path) -> dict[str, Any]:
    """What was made, of a checkpoint of a stock family."""
    from raspc.export.checkpoint.writing import FACTS

    if not (output / FACTS).is_file():
        return {}
    facts = json.loads((output / FACTS).read_bytes())
    return {name: facts[name] for name in ("architecture", "exit", "norm_scale", "step_sharpness")}
