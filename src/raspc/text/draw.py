"""The computation flow of a program on one input, as layers and heads: an SVG, alone or in an HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from raspc.interpret import Results, trace
from raspc.rasp import SOp
from raspc.text.flow import FULL, Head, Layer, layers
from raspc.text.render import render
from raspc.text.show import sequence, token
from raspc.weights.files import write_text

CELL, LINE, PAD = 16, 18, 14
CHAR = 7.2
"""The width of a character of the monospaced font, at 12 pixels."""

LONGEST = 88
"""How many characters of a label are shown."""

STYLE = """
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1b1f24; }
.title { font-weight: bold; } .dim { fill: #6a737d; }
.layer { fill: #f6f8fa; stroke: #d0d7de; }
.head { fill: #ffffff; stroke: #0969da; } .mlp { fill: #ffffff; stroke: #bc4c00; }
.on { fill: #0969da; } .off { fill: #eef1f4; }
.flow { stroke: #6a737d; stroke-width: 1.5; marker-end: url(#arrow); }
"""


@dataclass
class _Box:
    """SVG elements with the room that they take."""

    width: float = 0
    height: float = 0
    parts: list[str] = field(default_factory=list)

    def text(self, line: str, x: float, y: float, style: str = "") -> None:
        self.parts.append(f'<text x="{x:g}" y="{y:g}" class="{style}" xml:space="preserve">{escape(line)}</text>')
        self.width = max(self.width, x + CHAR * len(line) + PAD)

    def place(self, box: _Box, x: float, y: float) -> None:
        self.parts.append(f'<g transform="translate({x:g} {y:g})">{"".join(box.parts)}</g>')
        self.width, self.height = max(self.width, x + box.width), max(self.height, y + box.height)

    def framed(self, style: str) -> _Box:
        frame = f'<rect class="{style}" width="{self.width:g}" height="{self.height:g}" rx="6"/>'
        return _Box(self.width, self.height, [frame, *self.parts])


def draw(program: SOp, xs: Sequence[Any], path: Path) -> None:
    """Writes the flow of a program on an input: HTML where the path ends in `.html`, else SVG.

    Raises InputError for a path that cannot be written or an input on which the program is undefined.
    """
    svg = flow_svg(program, xs)
    write_text(path, _page(program.name, svg) if path.suffix.lower() in (".html", ".htm") else svg)


def flow_svg(program: SOp, xs: Sequence[Any]) -> str:
    """The flow as an SVG document. Raises InputError where the program is undefined on the input."""
    results = trace(program, xs) | trace(FULL, xs)
    picture = _Box()
    y: float = PAD
    for number, layer in enumerate(layers(program)):
        box = _layer(number, layer, results, xs)
        if number:
            picture.parts.append(f'<line class="flow" x1="40" x2="40" y1="{y - 22:g}" y2="{y - 4:g}"/>')
        picture.place(box, PAD, y)
        y += box.height + 24
    return _document(picture)


def _layer(number: int, layer: Layer, results: Results, xs: Sequence[Any]) -> _Box:
    box = _Box()
    box.text(f"layer {number}" if number else "input", PAD, LINE + 2, "title")
    x, y = float(PAD), LINE + PAD
    inside = [] if number else [_lines("tokens", [f"tokens = {sequence(list(xs))}"], "head")]
    inside += [_head(i, head, results, xs) for i, head in enumerate(layer.heads)]
    shown = [sop for sop in layer.elementwise if id(sop) in results]
    if shown:
        inside.append(_lines("elementwise", [_described(sop, results) for sop in shown], "mlp"))
    for part in inside:
        box.place(part, x, y)
        x += part.width + PAD
    box.width, box.height = max(box.width, x), box.height + PAD
    return box.framed("layer")


def _head(number: int, head: Head, results: Results, xs: Sequence[Any]) -> _Box:
    box = _Box()
    box.text(f"head {number}: {_cut(render(head.selector))}", PAD, LINE, "title")
    box.place(_matrix(results[id(head.selector)], xs), PAD, LINE + 8)
    for sop in head.serves:
        box.height += LINE
        box.text(_described(sop, results), PAD, box.height)
    box.height += 8
    return box.framed("head")


def _matrix(rows: Sequence[Sequence[bool]], xs: Sequence[Any]) -> _Box:
    names = [token(x) for x in xs]
    margin = CHAR * max(map(len, names), default=1) + 8
    step = max(CELL, CHAR * max(map(len, names), default=1) + 4)
    box = _Box()
    for k, name in enumerate(names):
        box.text(name, margin + k * step + 3, 12, "dim")
    for q, (name, row) in enumerate(zip(names, rows, strict=True)):
        top = LINE + q * CELL
        box.text(name, 0, top + 12, "dim")
        box.parts += [
            f'<rect class="{"on" if entry else "off"}" x="{margin + k * step:g}" y="{top}" '
            f'width="{step - 2:g}" height="{CELL - 2}" rx="2"/>'
            for k, entry in enumerate(row)
        ]  # fmt: skip
    box.width, box.height = max(box.width, margin + len(xs) * step + PAD), LINE + len(xs) * CELL
    return box


def _lines(title: str, lines: Sequence[str], style: str) -> _Box:
    box = _Box(height=LINE + 8 + LINE * len(lines))
    box.text(title, PAD, LINE, "title")
    for i, line in enumerate(lines):
        box.text(line, PAD, LINE * (i + 2))
    return box.framed(style)


def _described(sop: SOp, results: Results) -> str:
    """`name: expression = values`."""
    formula = _cut(render(sop, named=False))
    label = f"{sop.given_name}: {formula}" if sop.given_name else formula
    return f"{label} = {_cut(sequence(results[id(sop)]))}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _document(picture: _Box) -> str:
    width, height = picture.width + PAD, picture.height + PAD
    arrow = (
        '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" fill="#6a737d"/></marker>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}"><style>{STYLE}</style><defs>{arrow}</defs>'
        f"{''.join(picture.parts)}</svg>\n"
    )


def _page(title: str, svg: str) -> str:
    return f'<!doctype html>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n{svg}'
