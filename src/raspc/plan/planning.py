"""From a program to its plan: passes, what is stored, blocks, layers, places."""

from __future__ import annotations

from raspc.blocks.lower import Lowered, lower
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.storage.storing import store
from raspc.errors import UnsupportedProgram
from raspc.graph.nodes import Graph
from raspc.layout.layout import Layout, lay_out
from raspc.layout.placement import reuse
from raspc.layout.schedule import Schedule, as_soon_as_possible, greedy
from raspc.layout.smallest import schedules, smallest
from raspc.layout.solver import solved
from raspc.numbers.options import DEFAULT, Options
from raspc.passes.pipeline import run_passes
from raspc.plan.plan import Plan, rows_of


def planned(program: Graph, options: Options = DEFAULT) -> Plan:
    """The plan of a program; with steep scores, or without them where that makes a smaller model.

    Raises UnsupportedProgram for one that cannot be computed exactly.
    """
    if options.level.readable or not options.has("steep") or options.precision.narrow:
        return _with_counts(program, options)
    plain = options.giving_up("steep")
    try:
        found = _with_counts(program, options)
    except UnsupportedProgram:
        return _with_counts(program, plain)
    try:
        if not found.storage.steep_in_doubt:
            return found
        return min(found, _with_counts(program, plain), key=lambda plan: plan.size)
    except UnsupportedProgram:
        return found


def _with_counts(program: Graph, options: Options) -> Plan:
    """The plan of a design; in a narrow format with counts for means where need be."""
    if not options.precision.narrow or not options.has("count_means"):
        return _plan(program, options)
    try:
        return _plan(program, options.giving_up("count_means"))
    except UnsupportedProgram:
        return _plan(program, options)


def _plan(program: Graph, options: Options) -> Plan:
    graph, steps = run_passes(program, options)
    ready = Readiness.of(graph, options)
    storage = store(ready)
    lowered = lower(ready, storage)
    return Plan(options, program, graph, steps, storage, lowered, *placed(graph, lowered, options))


def placed(graph: Graph, lowered: Lowered, options: Options) -> tuple[Schedule, Layout]:
    """Which layer holds which block, and where everything lies. The solver, and the smallest model, are compact."""
    rows = rows_of(graph, lowered)

    def laid_out(schedule: Schedule) -> Layout:
        layout = lay_out(lowered, schedule, options)
        return reuse(lowered, schedule, layout, rows) if options.level.compact and options.has("reuse") else layout

    if not options.has("schedule"):
        possible = [as_soon_as_possible(lowered.blocks)]
    elif options.level.readable:
        possible = [greedy(lowered.blocks)]
    else:
        scheduler = solved if options.has("solver") else greedy
        possible = schedules(lowered.blocks) if options.has("smallest") else []
        possible = possible if len(possible) > 1 else [scheduler(lowered.blocks)]
    return smallest(lowered, possible, laid_out, rows)
