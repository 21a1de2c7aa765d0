"""The passes, in order, and the runner: each takes a graph and gives a graph that means the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from raspc.errors import InternalError, RaspcError, UnsupportedProgram
from raspc.graph.nodes import Graph
from raspc.numbers.options import SMALLEST, Options
from raspc.passes.complement_widths import COMPLEMENT_WIDTHS
from raspc.passes.conditions import COMMON, CONJUNCTIONS
from raspc.passes.contract import Pass
from raspc.passes.count_in_stretches import COUNT_IN_STRETCHES
from raspc.passes.count_means import COUNT_MEANS
from raspc.passes.count_positions import COUNT_POSITIONS
from raspc.passes.count_sums import COUNT_SUMS
from raspc.passes.factor_keys import FACTOR_KEYS
from raspc.passes.fuse_chains import FUSE_CHAINS
from raspc.passes.join_clauses import JOIN_CLAUSES
from raspc.passes.share_counts import SHARE_COUNTS
from raspc.passes.split_widths import SPLIT_WIDTHS

PIPELINE: tuple[Pass, ...] = (
    FACTOR_KEYS, COMPLEMENT_WIDTHS, SPLIT_WIDTHS, JOIN_CLAUSES, COUNT_MEANS, COUNT_SUMS, SHARE_COUNTS, COUNT_POSITIONS,
    FUSE_CHAINS, COUNT_IN_STRETCHES,
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What a pass left behind: its name, how many nodes there were before and after it, and whether it did anything."""

    name: str
    nodes_before: int
    nodes_after: int
    changed: bool = True


def run_passes(
    graph: Graph, options: Options = SMALLEST, pipeline: Sequence[Pass] = PIPELINE
) -> tuple[Graph, tuple[Step, ...]]:
    """The graph after all passes of a level and a format, but those that are left out; and what each did.

    With `options.verify` what each pass requires and ensures is checked.

    Raises UnsupportedProgram where a pass refuses the program, InternalError for a pass that does not keep its word.
    """
    steps: tuple[Step, ...] = ()
    for one in pipeline:
        if not one.applies(options):
            continue
        after = _run(one, graph, options, [step.name for step in steps])
        steps = (*steps, Step(one.name, len(graph), len(after), after is not graph))
        graph = after
    _stop(CONJUNCTIONS.faults(graph), f"blocks require that {CONJUNCTIONS.says}", [step.name for step in steps])
    return graph, steps


def _run(one: Pass, graph: Graph, options: Options, ran: Sequence[str]) -> Graph:
    """One pass, checked at both ends if that is asked for. An error says in which pass it arose."""
    try:
        if options.verify:
            check_required(one, graph, ran)
        after = _after(one, graph, replace(options.asked, level=one.level))
        if options.verify:
            check_ensured(one, graph, after, options, ran)
    except RaspcError as error:
        if isinstance(error, UnsupportedProgram):
            error.graph = graph
        error.add_note(f"in the pass {one.name}, after {list(ran)}")
        raise
    return after


@lru_cache(maxsize=len(PIPELINE))
def _after(one: Pass, graph: Graph, options: Options) -> Graph:
    """The graph after a pass, remembered: the designs of one compile have most of their passes in common.

    So no pass sees the level or what a design gives up.
    """
    return one.run(graph, options)


def check_required(one: Pass, graph: Graph, ran: Sequence[str] = ()) -> None:
    """Raises InternalError where a pass is given a graph that it does not take."""
    for required in one.requires:
        _stop(required.faults(graph), f"the pass {one.name} requires that {required.says}", ran)


def check_ensured(one: Pass, before: Graph, after: Graph, options: Options, ran: Sequence[str] = ()) -> None:
    """Raises InternalError where a pass gives a graph that is not as it promises, or not as every pass must."""
    for ensured in (*COMMON, *one.ensures):
        _stop(ensured.faults(before, after, options), f"the pass {one.name} ensures that {ensured.says}", ran)


def _stop(faults: Iterable[str], claim: str, ran: Sequence[str]) -> None:
    """Raises InternalError for the first fault, if there is one."""
    for fault in faults:
        earlier = f"after {', '.join(ran)}" if ran else "before any other pass"
        raise InternalError(f"{claim}, but {fault} ({earlier}); this is a fault of raspc, please report it")
