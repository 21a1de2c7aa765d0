"""`raspc circuit`: which part of a model reads what of which other part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from raspc.cli.options import Directory, Json, Seed, among
from raspc.cli.output import answer, say, table

if TYPE_CHECKING:
    from raspc.lab.circuits import Circuit
    from raspc.lab.under import Truth


def circuit(
    directory: Directory,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write it: .html, .svg, .json, .dot (Graphviz), or .txt.", show_default=False
        ),
    ] = None,
    granularity: Annotated[
        str,
        typer.Option(
            autocompletion=among("component", "neuron", "direction"),
            help="component (heads and MLPs), neuron, or direction (an edge for each one).",
        ),
    ] = "component",
    under: Annotated[
        str | None,
        typer.Option(
            autocompletion=among("zero", "mean", "resample", "shuffle"),
            help="Which edges matter under a corruption: zero, mean, resample or shuffle.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        int, typer.Option(min=1, metavar="N", help="With --under: the most inputs that are run, with a source each.")
    ] = 4096,
    seed: Seed = 0,
    dot: Annotated[bool, typer.Option("--dot", help="Print the circuit as Graphviz text.")] = False,
    as_json: Json = False,
) -> None:
    """Show the circuit of a model: its parts, what each reads of which other, and what varies.

    Each edge says which variable is read, through which space, at what rank, and what it carries.
    """
    from raspc.cli.loading import load_whole

    found: Circuit = load_whole(directory).circuit(granularity)
    truth = None if under is None else found.under(under, pairs=pairs, seed=seed)
    if output is not None:
        found.save(output)
    report = found.to_json() | ({} if truth is None else {"truth": truth.to_json()})
    answer(report, as_json, lambda: _tell(found, truth, output, dot))


def _tell(found: Circuit, truth: Truth | None, output: Path | None, dot: bool) -> None:
    """The table, unless a file or Graphviz text is asked for; what matters; what nobody reads."""
    from raspc.lab.drawing import HEADINGS, rows

    if dot:
        return say(found.to_dot().rstrip())
    if output is not None:
        say(f"{output}: {len(found.nodes)} nodes, {len(found.edges)} edges")
    elif truth is None:
        table(HEADINGS, list(rows(found)))
        say(f"what varies was seen on {found.seen.told()}")
    for name in found.unread:
        say(f"nobody reads {name}")
    if truth is not None:
        say(str(truth))
    return None
