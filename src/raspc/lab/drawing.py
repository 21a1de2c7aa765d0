"""A circuit as a table, as JSON data, as Graphviz text, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from raspc import jsonvalues
from raspc.lab.circuits import Circuit
from raspc.lab.edges import FLAGS, Edge, pair_name
from raspc.lab.nodes import Node

HEADINGS = ("edge", "reads", "through", "rank", "carries")

COLOURS = {
    "void": "#b03030", "stray": "#b03030", "interference": "#b07030", "clearing": "#8a8a8a", "inert": "#a8a8a8",
    "varying": "#2f5fa8", "positional": "#2b7a43", "constant": "#666666",
}  # fmt: skip
"""Of an edge, by the first of its flags that stands here."""
FILLS = {"embedding": "#fff6dd", "head": "#e7f5ea", "mlp": "#eef3fc", "neuron": "#eef3fc", "bias": "#f3f3f3"}

WIDE, HIGH, ACROSS, DOWN, TEXT = 132, 40, 216, 66, 11
"""Sizes of boxes, the distance of columns and of rows, and of letters, in pixels."""


def told(edge: Edge) -> str:
    """The flags in words."""
    return ", ".join(flag for flag in FLAGS if flag in edge.flags)


def rows(circuit: Circuit) -> Iterator[tuple[str, str, str, str, str]]:
    """A row for each edge."""
    for edge in circuit.edges:
        through = edge.labels[0] if len(edge.labels) == 1 else edge.space
        through += f" (holds {edge.written} when it is written)" if "void" in edge.flags else ""
        yield pair_name(edge.pair), edge.variable, through, str(edge.rank), told(edge)


def table(circuit: Circuit) -> str:
    """The edges in columns, the headings first."""
    found = [HEADINGS, *rows(circuit)]
    widths = [max(len(row[i]) for row in found) for i in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in found]
    return "\n".join(lines)


def circuit_json(circuit: Circuit) -> dict[str, Any]:
    """JSON data: sizes and names of everything; weights as the largest entry of each matrix."""
    return {
        "granularity": circuit.granularity,
        "seen": {"inputs": len(circuit.seen.batch.lengths), "exhaustive": circuit.seen.exhaustive},
        "nodes": [_node(node) for node in circuit.nodes],
        "edges": [_edge(edge) for edge in circuit.edges],
        "spaces": [
            {
                "name": space.name, "variable": space.variable, "labels": list(space.labels), "dims": list(space.dims),
                "values": None if space.values is None else [jsonvalues.encode(value) for value in space.values],
                "from_stage": space.from_stage, "to_stage": space.to_stage, "until_stage": space.until_stage,
            }
            for space in circuit.spaces.values()
        ],
        "unread": list(circuit.unread),
    }  # fmt: skip


def _node(node: Node) -> dict[str, Any]:
    return {
        "name": node.name, "kind": node.kind, "layer": node.layer, "stage": node.stage, "index": node.index,
        "variables": list(node.variables), "selectors": list(node.selectors), "clears": list(node.clears),
    }  # fmt: skip


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "name": edge.name, "writer": edge.writer, "reader": edge.reader, "channel": edge.channel,
        "variable": edge.variable, "space": edge.space, "written": edge.written, "labels": list(edge.labels),
        "rank": edge.rank, "weight": edge.weight, "flags": [flag for flag in FLAGS if flag in edge.flags],
    }  # fmt: skip


def to_dot(circuit: Circuit) -> str:
    """Graphviz text, from left to right; nodes of one stage stand in one column."""
    lines = ["digraph circuit {", "  rankdir=LR;", '  node [shape=box, style="rounded,filled", fontname="sans-serif"];']
    for stage, nodes in columns(circuit):
        lines.append(f"  {{ rank=same; /* stage {stage} */")
        lines += [f"    {_quoted(n.name)} [label={_quoted(_title(n))}, fillcolor={_quoted(fill(n))}];" for n in nodes]
        lines.append("  }")
    for edge in circuit.edges:
        label = edge.channel + " " + (edge.labels[0] if len(edge.labels) == 1 else edge.space)
        style = ', style="dashed"' if not edge.varies else ""
        ends = f"{_quoted(edge.writer)} -> {_quoted(edge.reader)}"
        lines.append(f"  {ends} [label={_quoted(label)}, color={_quoted(colour(edge))}{style}];")
    return "\n".join([*lines, "}", ""])


def columns(circuit: Circuit) -> list[tuple[int, list[Node]]]:
    """The nodes that have edges, by their stages."""
    used = {end for edge in circuit.edges for end in (edge.writer, edge.reader)}
    found: dict[int, list[Node]] = {}
    for node in circuit.nodes:
        if node.name in used:
            found.setdefault(node.stage, []).append(node)
    return sorted(found.items())


def colour(edge: Edge) -> str:
    """Of its line."""
    return next(colour for flag, colour in COLOURS.items() if flag in edge.flags)


def fill(node: Node) -> str:
    """Of its box."""
    return FILLS.get(node.kind, "#ffffff")


def _title(node: Node) -> str:
    return "\n".join([node.name, *([", ".join(node.variables)] if node.variables else [])])


def _quoted(text: str) -> str:
    """A string of Graphviz, in which a line feed is written as an escape."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@dataclass(frozen=True)
class Box:
    """The box of a node: its corner, the words in it, and those that are told where the pointer rests."""

    x: int
    y: int
    name: str
    below: str
    words: str
    fill: str


@dataclass(frozen=True)
class Line:
    """The line of an edge, as a path of SVG; dashed where what it carries never varies."""

    path: str
    colour: str
    dashed: bool
    words: str


@dataclass(frozen=True)
class Picture:
    """A circuit laid out in pixels."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON data, from which a page draws it."""
        return asdict(self)


def picture(circuit: Circuit) -> Picture:
    """Boxes by stage from left to right, a line for each edge."""
    where = {
        node.name: (16 + ACROSS * column, 16 + DOWN * row)
        for column, (_, nodes) in enumerate(columns(circuit))
        for row, node in enumerate(nodes)
    }
    width = 32 + WIDE + max((x for x, _ in where.values()), default=0)
    height = 32 + HIGH + max((y for _, y in where.values()), default=0)
    boxes = tuple(_box(node, *where[node.name]) for node in circuit.nodes if node.name in where)
    return Picture(width, height, boxes, tuple(_lines(circuit.edges, where)))


def _box(node: Node, x: int, y: int) -> Box:
    words = "\n".join([_title(node), *node.selectors])
    return Box(x, y, node.name, _short(", ".join(node.variables)), words, fill(node))


def _lines(edges: Sequence[Edge], where: Mapping[str, tuple[int, int]]) -> Iterator[Line]:
    """Edges between the same boxes run beside each other."""
    beside: dict[tuple[str, str], int] = {}
    for edge in edges:
        ends = edge.writer, edge.reader
        beside[ends] = beside.get(ends, -1) + 1
        (x, y), (u, v) = where[edge.writer], where[edge.reader]
        x, y, v = x + WIDE, y + HIGH // 2 + 4 * beside[ends], v + HIGH // 2 + 4 * beside[ends]
        bend = max(40, (u - x) // 2)
        path = f"M{x} {y}C{x + bend} {y} {u - bend} {v} {u} {v}"
        yield Line(path, colour(edge), not edge.varies, f"{edge.name}\nrank {edge.rank}; {told(edge)}")


def to_svg(circuit: Circuit) -> str:
    """A picture that stands for itself; words appear where the pointer rests."""
    found = picture(circuit)
    body = "".join([*map(_svg_line, found.lines), *map(_svg_box, found.boxes)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="the circuit" width="{found.width}" '
        f'height="{found.height}" viewBox="0 0 {found.width} {found.height}" font-family="sans-serif" '
        f'font-size="{TEXT}">{body}</svg>'
    )


def _svg_line(line: Line) -> str:
    dashes = ' stroke-dasharray="4 3"' if line.dashed else ""
    return (
        f'<path d="{line.path}" fill="none" stroke="{line.colour}" stroke-width="1.4"{dashes}>'
        f"<title>{escape(line.words)}</title></path>"
    )


def _svg_box(box: Box) -> str:
    return (
        f'<g><title>{escape(box.words)}</title><rect x="{box.x}" y="{box.y}" width="{WIDE}" height="{HIGH}" rx="6" '
        f'fill="{box.fill}" stroke="#7788aa"/><text x="{box.x + 8}" y="{box.y + 16}" font-weight="bold" '
        f'fill="#222">{escape(box.name)}</text><text x="{box.x + 8}" y="{box.y + 31}" fill="#444">'
        f"{escape(box.below)}</text></g>"
    )


def _short(text: str, most: int = 20) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
