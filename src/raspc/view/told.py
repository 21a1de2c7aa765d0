"""Reports, certificates and graphs as lines for a terminal: what `print` shows of them, and the command line too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from raspc.view import program
from raspc.view.show import show
from raspc.weights import wording

if TYPE_CHECKING:
    from raspc.certify.checking.check import Report
    from raspc.graph.nodes import Graph
    from raspc.weights.certificate import Certificate

MOST_LINES, MOST_LINKS = 60, 8
"""How many nodes of a graph are shown, and how many decisions of a certificate."""


def report_text(report: Report) -> str:
    """What a check found, in a line or a few."""
    return "\n".join(report_lines(report))


def report_lines(report: Report) -> list[str]:
    """The same line by line."""
    scope = f"all {report.checked:,}" if report.exhaustive else f"{report.checked:,} random"
    inputs = f"inputs of {report.where}" if report.where else "inputs"
    if report.undefined:
        scope += f" (but {report.undefined:,} on which the program is undefined; it has a value on {report.compared:,})"
    if not report.failures and not report.compared:
        return [f"nothing was compared: the program has no value on any of the {report.checked:,} inputs"]
    if report.ok:
        within = f"; numbers within {report.max_error:.1g}" if report.max_error else ""
        why = _why_fewer_ran(report)
        ran = [f"  {report.ran:,} of them were run; {why}"] if why else []
        return [f"equal on {scope} {inputs}{within}", *ran, f"  asked: {report.oracles}"]
    rows = (("input", report.tokens), ("program", report.expected), ("model", report.found))
    return [
        f"{report.failures:,} of {scope} {inputs} differ; the first:",
        *(f"  {name:8}{side_by_side(items or ())}" for name, items in rows),
        *_arises(report),
    ]


def _arises(report: Report) -> list[str]:
    if (first := report.difference) is None:
        return []
    held, meant = show(first.found), show(first.expected)
    return [f"  arises in {first.where}: {first.variable} at position {first.position} is {held}, not {meant}"]


def _why_fewer_ran(report: Report) -> str:
    """What became of the inputs that were compared without a run of their own; "" where there are none."""
    if report.symmetric:
        classes = " and ".join(side_by_side(tokens) for tokens in report.symmetric)
        begin = "begin one of these, or " if report.beginnings else ""
        return f"the others {begin}are the same with tokens exchanged among {classes}"
    if report.beginnings and report.ran < report.checked:
        return "the others are what these begin with: a causal mask hides what follows"
    return ""


def side_by_side(values: Sequence[Any]) -> str:
    """Values as the command line reads them."""
    return " ".join(map(show, values))


def certificate_lines(found: Certificate) -> list[str]:
    """The verdict, the format and the lengths, and what the verdict means."""
    return [
        wording.headline(found),
        f"in {found.dtype}, for inputs of up to {found.max_seq_len} tokens",
        f"{found.verdict.partition(':')[0]}: {found.says}",
        *(f"assumed: {text.removeprefix('assumed: ')}" for text in found.assumptions),
    ]


def certificate_text(found: Certificate) -> str:
    """The same, and the decisions that use most of their margin."""
    rows = [wording.HEADS, *wording.rows(found, MOST_LINKS)]
    width = max(len(used) for used, _ in rows)
    more = [f"and {len(found.links) - MOST_LINKS} more"] if len(found.links) > MOST_LINKS else []
    table = [f"{used.rjust(width)}  {decision}" for used, decision in rows] if found.links else []
    return "\n".join([*certificate_lines(found), *table, *more])


def graph_text(graph: Graph) -> str:
    """The program with a line for each node but the constants."""
    found = graph_rows(graph)
    width = max(len(name) for name, _, _ in found)
    shown = [f"{name.ljust(width)} = {text}" for name, text, _ in found[:MOST_LINES]]
    return "\n".join([*shown, *([f"and {len(found) - MOST_LINES} more"] if len(found) > MOST_LINES else [])])


def graph_rows(graph: Graph) -> list[tuple[str, str, str]]:
    """Name, formula and values of each node; constants stand in the formulas."""
    return [
        (graph.labels[i], program.text(graph, i), program.value_set(node.domain) if hasattr(node, "domain") else "")
        for i, node in enumerate(graph.nodes)
        if i == graph.output or not program.is_constant(node)
    ]
