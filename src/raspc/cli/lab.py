"""`raspc lab`: hold methods against models whose circuits are known, many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli.options import Json, among, listed
from raspc.cli.output import answer, bar, say, table
from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.lab.runs import Line
    from raspc.lab.scores import Interval

TOLD = ("auroc", "average_precision", "cpr", "cmd")
"""The scores in the table; the page has all."""


def _suites(incomplete: str) -> list[str]:
    from raspc.lab.runs import SUITES

    return among(*SUITES)(incomplete)


def _methods(incomplete: str) -> list[str]:
    from raspc.lab.methods import METHODS

    return listed(*METHODS)(incomplete)


Out = Annotated[Path, typer.Argument(metavar="DIR", help="What `raspc lab run` wrote.", show_default=False)]


def run(
    suite: Annotated[
        str,
        typer.Option(
            metavar="NAME|DIR", help="A suite by name, or a directory of saved models.", autocompletion=_suites
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where answers are kept.")],
    methods: Annotated[
        str, typer.Option(help="Several, by commas; file.py:function is your own.", autocompletion=_methods)
    ],
    corruption: Annotated[
        str,
        typer.Option(
            help="Several, by commas: zero, mean, resample, shuffle.",
            autocompletion=listed("zero", "mean", "resample", "shuffle"),
        ),
    ] = "shuffle",
    levels: Annotated[
        str,
        typer.Option("-O", "--levels", help="Levels of a named suite.", autocompletion=listed("0", "1", "2")),
    ] = "0,2",
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="How many draws of pairs.")] = 1,
    pairs: Annotated[int, typer.Option(min=1, metavar="N", help="The most pairs of inputs of a question.")] = 64,
    granularity: Annotated[
        str,
        typer.Option(help="component (heads, MLPs) or neuron.", autocompletion=among("component", "neuron")),
    ] = "component",
    dtype: Annotated[
        str, typer.Option(help="float64 or float32.", autocompletion=among("float64", "float32"))
    ] = "float64",
    workers: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Processes, by default one a core; 0: this one.", show_default=False),
    ] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Ray cluster that does the work.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask methods which edges matter, of every model of a suite, and score what they say.

    What is answered is kept in DIR: the same command goes on where it was interrupted, and asks nothing twice.
    """
    from raspc.lab import runs

    with bar("asking") as progress:
        rows = runs.run(
            suite, _several(methods), _several(corruption), output, levels=_levels(levels), seeds=seeds, pairs=pairs,
            granularity=granularity, dtype=dtype, workers=workers, ray=ray, progress=progress,
        )  # fmt: skip
    answer({"directory": str(output), "rows": rows}, as_json, lambda: _tell(output, rows))


def report(directory: Out, as_json: Json = False) -> None:
    """Write a page and two Parquet files of what is answered, beside the answers."""
    from raspc.lab import runs

    written = runs.report(directory)
    told: dict[str, Any] = {"page": str(written.page), "tables": [str(path) for path in written.tables]}
    told |= {"answers": written.answers, "planned": written.planned}

    def tell() -> None:
        for path in written.tables:
            say(str(path))
        of = "" if written.answers == written.planned else f" of {written.planned:,}"
        say(f"{written.page}: {written.answers:,}{of} answers; open it in a browser")

    answer(told, as_json, tell)


def list_known(as_json: Json = False) -> None:
    """List suites, methods and corruptions."""
    from raspc.lab import runs

    found = runs.known()
    answer(found, as_json, lambda: _tell_known(found))


def _several(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _levels(text: str) -> list[int]:
    found = _several(text)
    if wrong := [word for word in found if word not in ("0", "1", "2")]:
        raise InputError(f"--levels: found {wrong[0]!r}; needed some of 0, 1, 2, as 0,2")
    return [int(word) for word in found]


def _tell(output: Path, rows: list[dict[str, Any]]) -> None:
    """The mean of each score over models, with the interval of AUROC."""
    from raspc.lab.runs import summary

    headers = ("corruption", "truth", "level", "method", "models", "AUROC", "", "average precision", "CPR", "CMD")
    lines = summary(rows)
    table(headers, [(*_question(line), *_scores(line.means)) for line in lines])
    refused = sum(row["refused"] is not None for row in rows)
    say(
        f"{output}: {len(rows):,} rows" + (f", {refused:,} refused" if refused else "") + f"; raspc lab report {output}"
    )


def _question(line: Line) -> tuple[str, ...]:
    level = "" if line.level is None else f"-O{line.level}"
    found = line.means["auroc"]
    return line.corruption, line.truth, level, line.method, str(0 if found is None else found.models)


def _scores(means: Mapping[str, Interval | None]) -> tuple[str, ...]:
    auroc = means["auroc"]
    spread = "" if auroc is None else f"[{auroc.low:.2f}, {auroc.high:.2f}]"
    first, *rest = ("–" if (m := means[name]) is None else f"{m.mean:.3f}" for name in TOLD)
    return first, spread, *rest


def _tell_known(found: dict[str, list[dict[str, Any]]]) -> None:
    names = {"suites": "suite", "methods": "method", "corruptions": "corruption"}
    for kind, rows in found.items():
        headers = (names[kind], *[*rows[0]][1:])
        table(headers, [tuple(row.values()) for row in rows])


COMMANDS = (("run", run), ("report", report), ("list", list_known))
"""The commands under `raspc lab`."""
