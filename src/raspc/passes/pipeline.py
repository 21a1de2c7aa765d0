"""The passes, in order: each takes a graph and gives a graph that means the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from raspc.errors import RaspcError
from raspc.graph.nodes import Gate, Graph, Select
from raspc.numbers.options import SMALLEST, Options
from raspc.passes.complement_widths import complement_widths
from raspc.passes.join_clauses import join_clauses
from raspc.passes.split_widths import split_widths

Pass: TypeAlias = Callable[[Graph, Options], Graph]


@dataclass(frozen=True)
class Step:
    """What a pass left behind: its name, and how many nodes there were after it."""

    name: str
    nodes_before: int
    nodes_after: int


PASSES: dict[str, Pass] = {
    "complement_widths": complement_widths, "split_widths": split_widths, "join_clauses": join_clauses,
}  # fmt: skip
"""By name. `join_clauses` cannot be switched off: heads take only conjunctions. All others: `raspc.passes.switches`."""


COMPACT = ("complement_widths",)
"""What is done from level 2 on only: below, a person finds the selectors that were written."""


def run_passes(graph: Graph, options: Options = SMALLEST) -> tuple[Graph, tuple[Step, ...]]:
    """All passes of a level of optimisation, but those that are left out."""
    steps: list[Step] = []
    for name, run in PASSES.items():
        if not options.has(name) or (options.level.readable and name in COMPACT):
            continue
        try:
            after = run(graph, options)
        except RaspcError as error:
            error.add_note(f"in the pass {name}, after {[step.name for step in steps]}")
            raise
        steps.append(Step(name, len(graph), len(after)))
        graph = after
    check_lowerable(graph)
    return graph, tuple(steps)


def check_lowerable(graph: Graph) -> None:
    """What lowering requires: selectors in use are tables, or conjunctions of tables."""
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Gate) and any(place in other.refs for other in graph.nodes):
            conjunction = node.op == "and" and all(isinstance(graph[arg], Select) for arg in node.args)
            assert conjunction or not node.args, f"%{place} is neither a table nor a conjunction of tables"
