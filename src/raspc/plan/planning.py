"""From a program to its plan: passes, what is stored, blocks, layers, places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from raspc.blocks.lower import Lowered, lower
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.storage.storing import store
from raspc.errors import UnsupportedProgram
from raspc.graph.nodes import Graph
from raspc.layout.balance import balanced
from raspc.layout.layout import Layout, lay_out
from raspc.layout.placement import reuse
from raspc.layout.schedule import Schedule, as_soon_as_possible, greedy, late_spaces
from raspc.layout.smallest import schedules, smallest
from raspc.layout.solver import solved
from raspc.numbers.options import DEFAULT, Level, Options
from raspc.passes.pipeline import run_passes
from raspc.plan.alternatives import Refused, attempt, best
from raspc.plan.budget import is_far_beyond
from raspc.plan.plan import Plan, rows_of, size_of
from raspc.plan.unsure import CAN_BE_GIVEN_UP, unsure_of


def planned(program: Graph, options: Options = DEFAULT) -> Plan:
    """The smallest plan of a program that these options allow, whether its certificate holds or not.

    Raises UnsupportedProgram for one that cannot be computed exactly.
    """
    return best(alternatives(program, options), lambda plan: plan.cost, lambda plan: plan)


def alternatives(
    program: Graph, options: Options, given_up: Sequence[str] = ()
) -> Iterator[list[Plan | Refused]]:  # fmt: skip
    """The plans of all designs, in rounds; a later round is wanted where all plans of the earlier ones are refused.

    `given_up`: passes and choices that all of them do without.

    A plan of which nothing is in doubt is no larger than those of lower levels. Where there is none, they are in the
    same round: so a higher level never gives a larger model. In any case they come last: so it never refuses what a
    lower one compiles. After these come plans that store no more than higher levels do: so a lower level does not
    refuse what a higher one compiles either.
    """
    asked = options.asked.giving_up(*given_up)
    levels = [asked, *(replace(asked, stored=level) for level in asked.level.lower)]
    for firsts in zip(*map(first_designs, levels), strict=True):
        yield settled(program, firsts)
    higher = [replace(asked, stored=level) for level in Level if not asked.level.reaches(level)]
    yield from (explored(program, first) for level in (*levels[1:], *higher) for first in first_designs(level))


def settled(program: Graph, firsts: Sequence[Options]) -> list[Plan | Refused]:
    """The plans of one level after the other, up to the first level that has one of which nothing is in doubt.

    `firsts`: where the search begins at each level. Lower ones are no part of it where the first has no plan.
    """
    found: list[Plan | Refused] = []
    for first in firsts:
        found += explored(program, first)
        plans = [plan for plan in found if isinstance(plan, Plan)]
        if not all(map(doubts_of, plans)) or not plans:
            break
    return found


def first_designs(options: Options) -> list[Options]:
    """Where the search begins; in narrow formats with means that are decoded, and then with means that are counted."""
    counted = options.precision.narrow and options.has("count_means")
    return [options.giving_up(*options.given_up, "count_means"), options] if counted else [options]


def explored(program: Graph, first: Options) -> list[Plan | Refused]:
    """The plan of a design, and of those that give up what others have in doubt; by size, also layers."""
    found: dict[frozenset[str], Plan | Refused] = {}
    waiting = [frozenset(first.given_up)]
    if first.objective == "size":
        waiting.append(waiting[0] | {"soonest"})
    while waiting:
        given_up = waiting.pop(0)
        if given_up not in found:
            design = first.giving_up(*sorted(given_up))
            plan = found[given_up] = attempt(partial(plan_by, program, design))
            doubts = doubts_of(plan) if isinstance(plan, Plan) else _refused_for(design)
            waiting += [given_up | {name} for name in CAN_BE_GIVEN_UP if name in doubts]
    return list(found.values())


def doubts_of(plan: Plan) -> frozenset[str]:
    """What may be the reason why a plan is not the smallest.

    Of one that is refused for its size whatever is given up nothing is: to look for it takes as much memory again.
    """
    return frozenset() if is_far_beyond(plan) else unsure_of(plan)


def _refused_for(design: Options) -> frozenset[str]:
    """What may be the reason why a design is refused: steep scores make numbers large."""
    steeply = design.storage.compact and design.has("steep") and not design.precision.narrow
    return frozenset({"steep"} if steeply else ())


def plan_by(program: Graph, design: Options) -> Plan:
    """The plan of one design. Raises UnsupportedProgram for a program that it cannot compute exactly."""
    graph, steps = run_passes(program, design)
    try:
        ready = Readiness.of(graph, design)
        storage = store(ready)
        lowered = lower(ready, storage)
    except UnsupportedProgram as error:
        error.graph = graph
        raise
    return Plan(design, program, graph, steps, storage, lowered, *placed(graph, lowered, design))


def placed(graph: Graph, lowered: Lowered, options: Options) -> tuple[Schedule, Layout]:
    """Which layer holds which block, and where everything lies.

    What is stored as at a lower level is laid out as at either, whichever is smaller.
    """
    levels = {options.level, options.storage}
    found = [_placed(graph, lowered, replace(options, level=level)) for level in Level if level in levels]
    return min(found, key=lambda pair: size_of(graph, lowered, *pair))


def _placed(graph: Graph, lowered: Lowered, options: Options) -> tuple[Schedule, Layout]:
    """The same at one level. The solver, and the smallest model, are compact."""
    rows, late = rows_of(graph, lowered), late_spaces(lowered, options)

    def laid_out(schedule: Schedule) -> Layout:
        layout = lay_out(lowered, schedule, options)
        return reuse(lowered, schedule, layout, rows) if options.level.compact and options.has("reuse") else layout

    if not options.has("schedule"):
        return smallest(lowered, [as_soon_as_possible(lowered.blocks, late)], laid_out, rows)
    if options.level.compact and options.has("smallest") and len(possible := schedules(lowered.blocks, late=late)) > 1:
        return smallest(lowered, possible, laid_out, rows)
    scheduler = solved if options.level.compact and options.has("solver") else greedy
    start = scheduler(lowered.blocks, late)
    moved = balanced(lowered, start, options) if options.has("balance") else start
    return smallest(lowered, [start] if moved is start else [start, moved], laid_out, rows)
