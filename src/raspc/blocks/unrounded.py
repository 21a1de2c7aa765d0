"""Which widths are to be counted so that sums with their shares do not round (`raspc.blocks.shares`)."""

from __future__ import annotations

from collections.abc import Sequence

from raspc.blocks.scoring import selects_of
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph
from raspc.graph.tables import Joint


def unrounded(graph: Graph, joints: Sequence[Joint | None]) -> set[int]:
    """Variables that are read beside others, or as a number, by somebody who bears no rounding of the sum.

    Heads that average or count take scores for equal; and a number is averaged, or given as the answer.
    """
    numbers = {graph.output} if graph.variable(graph.output).numerical else set[int]()
    compared = set[int]()
    for node in graph.nodes:
        mean = isinstance(node, N.Aggregate) and not node.pick
        if isinstance(node, N.Width | N.Aggregate) and (mean or isinstance(node, N.Width)):
            compared |= {side for select in selects_of(graph, node) for side in (select.key, select.query)}
        if isinstance(node, N.Aggregate) and mean:
            numbers.add(node.source)
    found = {place: _roots(place, joints) for place in numbers | compared}
    return {root for place, roots in found.items() if place in numbers or len(roots) > 1 for root in roots}


def _roots(place: int, joints: Sequence[Joint | None]) -> tuple[int, ...]:
    joint = joints[place]
    return (place,) if joint is None else joint.roots
