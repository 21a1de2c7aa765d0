"""`raspc compress`: sweeps of learned compression, and the page of their results."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from raspc.cli.options import Json, among, listed
from raspc.cli.output import answer, bar, say, table
from raspc.errors import InputError

METHODS = "trained,pca,svd,pruned,readers"
Subject = Annotated[
    list[str],
    typer.Argument(
        metavar="DIR | report OUT", help="A compiled model; or `report` and a sweep's directory.", show_default=False
    ),
]


def compress(
    target: Subject,
    dims: Annotated[str | None, typer.Option(help="Widths: 4..14, 6, or 4,6,8.", show_default=False)] = None,
    seeds: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many seeds of each width; all are trained at once.")
    ] = 10,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT", help="The sweep's directory.")] = None,
    methods: Annotated[
        str,
        typer.Option(
            autocompletion=listed(*METHODS.split(",")),
            help=f"Several, by commas: {METHODS.replace(',', ', ')}.",
            show_default="all",
        ),
    ] = METHODS,
    starts: Annotated[
        str | None,
        typer.Option(
            autocompletion=listed("narrowed", "random", *METHODS.split(",")),
            help="Where training begins: narrowed, random, or a method.",
            show_default=False,
        ),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(autocompletion=among("quick", "paper"), help="quick, or paper: 300,000 steps and hours."),
    ] = "quick",
    steps: Annotated[
        int | None, typer.Option(min=0, metavar="X", help="Steps of training.", show_default=False)
    ] = None,
    form: Annotated[
        str,
        typer.Option(autocompletion=among("wide", "narrow"), help="wide: layers keep their size; narrow: they shrink."),
    ] = "wide",
    train_weights: Annotated[bool, typer.Option("--train-weights", help="Train the weights too.")] = False,
    noise: Annotated[float, typer.Option(min=0, metavar="X", help="Noise added to W at each step.")] = 0.0,
    temperature: Annotated[
        float | None, typer.Option(help="Margin of heads; 0 leaves them.", show_default=False)
    ] = None,
    soften: Annotated[
        str,
        typer.Option(autocompletion=among("averaging", "all"), help="Which heads: averaging, or all."),
    ] = "all",
    layer_weight: Annotated[
        float | None, typer.Option(min=0, metavar="X", help="Weight λ of the layer loss.", show_default=False)
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, metavar="N", help="CPU threads.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Compress the model in DIR to narrower streams, or write the page of a sweep: `raspc compress report OUT`."""
    if target[0] == "report" and len(target) == 2:
        _report(Path(target[1]), as_json)
        return
    if len(target) != 1:
        raise InputError(f"found {' '.join(target)!r}; needed a model directory, or `report` and a sweep's directory")
    if dims is None or output is None:
        raise InputError("needs --dims and -o, as --dims 4..14 -o OUT")
    options: dict[str, Any] = {"form": form, "train_weights": train_weights, "noise": noise, "soften": soften}
    options |= {} if steps is None else {"steps": steps}
    options |= {} if threads is None else {"threads": threads}
    options |= {} if layer_weight is None else {"layer_weight": layer_weight}
    options |= {} if temperature is None else {"temperature": temperature or None}
    names = (methods.split(","), starts.split(",") if starts else None)
    rows = _sweep(target[0], output, widths(dims), seeds, names, protocol, options)
    answer({"directory": str(output), "rows": [_plain(row) for row in rows]}, as_json, lambda: _tell(output, rows))


def widths(text: str) -> list[int]:
    """`4..14` both ends included, `6`, `4,6,8`, or such joined by commas. Raises InputError."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\.\.(\d{1,6}))?\s*", part)
        if match is None:
            raise InputError(f"--dims: found {part!r}; needed widths such as 4..14 or 4,6,8")
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low:
            raise InputError(f"--dims: found {part!r}; needed the smaller width first")
        found += range(low, high + 1)
    return found


def _sweep(
    directory: str, output: Path, dims: list[int], seeds: int, names: Any, protocol: str, options: dict[str, Any]
) -> list[dict[str, Any]]:
    from raspc.compress import PAPER, QUICK, sweep
    from raspc.weights import load

    known = {"quick": QUICK, "paper": PAPER}
    if protocol not in known:
        raise InputError(f"--protocol: found {protocol!r}; needed quick or paper")
    model = load(directory)
    with bar("compressing") as progress:
        return sweep(model, dims, output, seeds, names[0], names[1], known[protocol], progress=progress, **options)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _tell(output: Path, rows: list[dict[str, Any]]) -> None:
    """The best run of each width."""
    from raspc.compress.results import read_settings, total_loss

    weight = read_settings(output).protocol.layer_weight

    def loss(row: dict[str, Any]) -> float:
        return total_loss(row, weight)

    best = [min((r for r in rows if r["d"] == d), key=loss) for d in sorted({r["d"] for r in rows})]
    headers = ("d", "best method", "output loss", "layer loss", "accuracy", "cosine")
    table(
        headers,
        [
            (
                r["d"],
                " from ".join(filter(None, (r["method"], r["start"]))),
                f"{r['output_loss']:.1e}",
                f"{r['layer_loss']:.1e}",
                f"{r['accuracy']:.4f}",
                f"{r['cosine']:.3f}",
            )
            for r in best
        ],
    )
    say(f"{output}: {len(rows)} runs; raspc compress report {output}")


def _report(place: Path, as_json: bool) -> None:
    from raspc.compress import write_page

    path = write_page(place)
    answer({"page": str(path)}, as_json, lambda: say(f"{path}: open it in a browser"))
