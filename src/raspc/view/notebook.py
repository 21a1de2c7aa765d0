"""How models and their answers show themselves: small HTML in Jupyter and marimo, lines in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from raspc.errors import RaspcError
from raspc.graph import nodes as N
from raspc.interpret import interpret
from raspc.rasp import Expr, Selector, topological
from raspc.rasp.words import MEANT
from raspc.view import expressions, program, told
from raspc.view.show import shortened, show
from raspc.weights import wording
from raspc.weights.alignment import HeadPart, Part
from raspc.weights.config import in_words
from raspc.weights.model import Model, ModelOutput

if TYPE_CHECKING:
    from raspc.certify.checking.check import Report
    from raspc.graph.nodes import Graph
    from raspc.lab.circuits import Circuit
    from raspc.lab.interventions import Intervened
    from raspc.weights.certificate import Certificate

CELL = "padding:1px 8px;text-align:left;font-family:monospace;border-bottom:1px solid #8884"
MOST_ROWS = 40
LONGEST = 60
"""A longer line of a node that nobody named is a row of its own."""
INPUTS = (N.Token, N.Index, N.Length)
MOST_POSITIONS = 24


def model_text(model: Model) -> str:
    """The model in one line."""
    config = model.config
    name = f" {model.graph.labels[model.graph.output]}" if model.graph is not None else ""
    heads, size, neurons = map(in_words, (config.n_heads, config.d_head, config.d_mlp))
    layers = _counted(str(config.n_layers), "layer")
    return (
        f"<raspc model{name}: {layers}, {_counted(heads, 'head')}, d_model {config.d_model}, "
        f"d_head {size}, d_mlp {neurons}, inputs of up to {config.max_seq_len} of "
        f"{shortened([show(token) for token in _real_tokens(model)])}{', causal' if config.causal else ''}>"
    )


def _counted(number: str, thing: str) -> str:
    return f"{number} {thing}{'' if number == '1' else 's'}"


def model_html(model: Model) -> str:
    """The line, and the program with the place of each variable."""
    head = f"<p><code>{escape(model_text(model))}</code></p>"
    graph = model.graph
    if graph is None:
        return head
    folded = _folded(model, graph)
    rows = [
        (graph.labels[i], program.inlined(graph, i, folded), where(model, graph.labels[i]))
        for i in range(len(graph))
        if i not in folded
    ]
    return head + table(("name", "program", "computed in"), rows)


def _folded(model: Model, graph: Graph) -> set[int]:
    """Nodes that stand in the lines of others: constants, and what nobody named and no part computes by itself."""
    readers = Counter(ref for node in graph.nodes for ref in set(node.refs))
    found: set[int] = set()
    for i, node in enumerate(graph.nodes):
        facts = model.alignment.variables.get(graph.labels[i])
        is_own = node.names or node.called or isinstance(node, INPUTS) or (facts is not None and facts.computed_by)
        is_short = len(program.inlined(graph, i, found)) <= LONGEST
        if i != graph.output and (program.is_constant(node) or (not is_own and readers[i] == 1 and is_short)):
            found.add(i)
    return found


def where(model: Model, label: str) -> str:
    """The part that computes a variable, or what it is read off."""
    facts = model.alignment.variables.get(label)
    if facts is None:
        return _parts(model.alignment.selectors.get(label, ()))
    sources = f"read off {', '.join(facts.read_from)}" if facts.read_from else ""
    return _parts(facts.computed_by) or sources or ("embedding" if facts.spaces else "")


def _parts(parts: Iterable[Part]) -> str:
    return ", ".join(dict.fromkeys(map(_part, parts)))


def _part(part: Part) -> str:
    if isinstance(part, HeadPart):
        return f"layer {part.layer} head {part.head}"
    start, stop = part.neurons
    return f"layer {part.layer} neurons {start}–{stop - 1}"


def _real_tokens(model: Model) -> list[Any]:
    config = model.config
    return [token for i, token in enumerate(config.vocab) if i not in (config.bos_id, config.pad_id)]


def output_text(output: ModelOutput) -> str:
    """The answer under its tokens."""
    tokens, answers = map(show, output.tokens), map(show, output.decoded)
    pairs = list(zip(tokens, answers, strict=True)) if output.tokens else [("", show(x)) for x in output.decoded]
    widths = [max(map(len, pair)) for pair in pairs]
    rows = [
        " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in zip(*pairs, strict=True)
    ]
    names = ("tokens ", "answers") if output.tokens else ("", "answers")
    return "\n".join(f"{name} {row}".rstrip() for name, row in zip(names, rows, strict=True) if name)


def intervened_text(output: Intervened) -> str:
    """The answer under an intervention, what the program gives, and what is to be known of both."""
    lines = [output.told, output_text(output)]
    lines += ["program " + " ".join(map(show, output.expected))] if output.expected is not None else []
    lines += ["impossible: the program has no answer to this"] if output.impossible else []
    lines += [f"graded: interference of up to {output.interference:.2g} of the largest weight"] if output.graded else []
    return "\n".join(lines)


def output_html(output: ModelOutput) -> str:
    """The answer under its tokens by position, BOS not counted, and each head's pattern."""
    places = range(min(len(output.decoded), MOST_POSITIONS))
    shown = [("token", output.tokens), ("answer", output.decoded)] if output.tokens else [("answer", output.decoded)]
    rows = [[name, *(show(values[i]) for i in places)] for name, values in shown]
    answer = table(["position", "", *(str(i - 1) for i in places[1:])], rows)
    patterns = [
        f"<figure style='display:inline-block;margin:4px 12px 4px 0'><figcaption>layer {layer} head {head}</figcaption>"
        f"{heat(pattern[0, head])}</figure>"
        for layer, pattern in enumerate(output.attn_patterns)
        for head in range(pattern.shape[1])
    ]
    return answer + "".join(patterns[:12])


def expression_text(expr: Expr) -> str:
    """A program with a line for each part that has a name."""
    return expressions.text(expr)


def expression_html(expr: Expr) -> str:
    """The same as a table, and what it is on an example, if it has a value there."""
    kind = "selector" if isinstance(expr, Selector) else "s-op"
    head = f"<p><code>{escape(expr.name)}</code>, {kind}{', causal' if MEANT in expr.annotations else ''}</p>"
    return head + table(("name", "program"), expressions.lines(expr)) + _example(expr)


EXAMPLE = "hello"
MOST_EXPRESSIONS = 400
"""Programs of more parts than this are shown without an example."""


def _example(expr: Expr) -> str:
    if len(topological(expr)) > MOST_EXPRESSIONS:
        return ""
    try:
        found = interpret(expr, EXAMPLE)
    except RaspcError:
        return ""
    if isinstance(expr, Selector):
        return f"<p>on {EXAMPLE}, a row for each query:</p>{heat(found)}"
    return table(["token", *EXAMPLE], [["value", *map(show, found)]])


def graph_html(graph: Graph) -> str:
    """The tabulated program, with the values that each node can take."""
    return table(("name", "program", "values"), told.graph_rows(graph))


def report_html(report: Report) -> str:
    """What a check found."""
    return "".join(f"<p>{escape(line)}</p>" for line in told.report_lines(report))


def certificate_html(found: Certificate) -> str:
    """The verdict, and the decisions that use most of their margin."""
    head = "".join(f"<p>{escape(line)}</p>" for line in told.certificate_lines(found))
    return head + table(wording.HEADS, wording.rows(found, MOST_ROWS))


def circuit_html(circuit: Circuit) -> str:
    """The picture, and its edges as a table under a fold."""
    from raspc.lab.drawing import HEADINGS, rows

    edges = table(HEADINGS, rows(circuit))
    count = len(circuit.edges)
    picture = f"<div style='overflow-x:auto'>{circuit.to_svg()}</div>"
    return f"{picture}<details><summary>{count} edges</summary>{edges}</details>"


def heat(values: Any) -> str:
    """A matrix of weights from 0 to 1 as small squares."""
    size = MOST_POSITIONS
    rows = "".join(
        "<tr>" + "".join(f"<td style='{_square(float(value))}'></td>" for value in row[:size]) + "</tr>"
        for row in np.asarray(values)[:size]
    )
    return f"<table style='border-collapse:collapse'>{rows}</table>"


def _square(value: float) -> str:
    return (
        f"width:12px;height:12px;padding:0;border:1px solid #8883;background:rgba(91,75,196,{max(value, 0) ** 0.5:.2f})"
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are text, escaped; long ones end in a count."""
    found = list(rows)
    body = "".join(_row("td", row) for row in found[:MOST_ROWS])
    more = f"<p>and {len(found) - MOST_ROWS} more</p>" if len(found) > MOST_ROWS else ""
    return f"<table style='border-collapse:collapse'>{_row('th', headers)}{body}</table>{more}"


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag} style='{CELL}'>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
