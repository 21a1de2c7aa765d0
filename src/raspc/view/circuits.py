"""A circuit as a figure, and as a file: a page, Graphviz text, JSON, or a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raspc.errors import InputError
from raspc.lab.circuits import Circuit
from raspc.lab.drawing import HEADINGS, HIGH, WIDE, picture, rows
from raspc.view.page import model_name
from raspc.weights.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;padding:0 1em;max-width:1200px;color:#222;background:#fff}"
    "div{overflow-x:auto}table{border-collapse:collapse;font-size:13px}td,th{padding:.25em .8em;text-align:left;"
    "border-bottom:1px solid #ddd}"
)


def plot_circuit(circuit: Circuit) -> Figure:
    """Boxes by stage and a curve for each edge. Raises InputError where Matplotlib is missing."""
    try:
        from matplotlib import pyplot
        from matplotlib.patches import FancyBboxPatch, PathPatch
        from matplotlib.path import Path as Curve
    except ImportError as error:
        raise InputError("plots need Matplotlib; pip install 'raspc[plots]'") from error
    found = picture(circuit)
    figure, axis = pyplot.subplots(figsize=(min(40, found.width / 90), min(40, found.height / 90)))
    pyplot.close(figure)
    for line in found.lines:
        numbers = [float(n) for n in line.path.replace("M", "").replace("C", " ").split()]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        curve = Curve(points, [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])
        axis.add_patch(PathPatch(curve, fill=False, ec=line.colour, lw=1, ls="--" if line.dashed else "-"))
    for box in found.boxes:
        axis.add_patch(
            FancyBboxPatch((box.x, box.y), WIDE, HIGH, "round,pad=0,rounding_size=6", fc=box.fill, ec="#7788aa")
        )
        words = f"{box.name}\n{box.below}".replace("$", r"\$")
        axis.text(box.x + WIDE / 2, box.y + HIGH / 2, words, ha="center", va="center", fontsize=7)
    axis.set_xlim(0, found.width)
    axis.set_ylim(found.height, 0)
    axis.axis("off")
    return figure


def circuit_page(circuit: Circuit) -> str:
    """One HTML file: the picture, the edges, what lives where; it runs nothing and asks the network for nothing."""
    title = f"The circuit of {model_name(circuit.model)}"
    spaces = [
        (space.name, space.variable, str(len(space.labels)), str(space.from_stage), str(space.to_stage))
        for space in circuit.spaces.values()
    ]
    body = "".join([
        f"<h1>{escape(title)}</h1><p>{len(circuit.nodes)} nodes, {len(circuit.edges)} edges at the granularity ",
        f"{circuit.granularity}. What varies was seen on {escape(circuit.seen.told())}. Blue: differs between inputs; ",
        "green: between positions; dashed: always the same; red: void.</p>",
        f"<div>{circuit.to_svg()}</div><h2>Edges</h2>{_table(HEADINGS, list(rows(circuit)))}",
        f"<h2>Spaces</h2>{_table(('space', 'variable', 'dimensions', 'from stage', 'to stage'), spaces)}",
    ])  # fmt: skip
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\"><meta name=\"viewport\" "
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def _table(headings: tuple[str, ...], found: list[Any]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in headings)
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in found)
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"


def _json(circuit: Circuit) -> str:
    return json.dumps(circuit.to_json(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


FORMATS: dict[str, Callable[[Circuit], str]] = {
    ".html": circuit_page, ".htm": circuit_page, ".json": _json, ".dot": Circuit.to_dot, ".gv": Circuit.to_dot,
    ".svg": Circuit.to_svg, ".txt": Circuit.table,
}  # fmt: skip


def write_circuit(circuit: Circuit, path: str | PathLike[str]) -> Path:
    """Write a circuit in the format that the ending of the path names.

    Raises InputError for another ending, or a path that cannot be written.
    """
    write = FORMATS.get(Path(path).suffix.lower())
    if write is None:
        raise InputError(f"{path}: found the ending {Path(path).suffix!r}, needed one of {', '.join(FORMATS)}")
    return write_text(path, write(circuit))
