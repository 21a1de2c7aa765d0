"""Which widths are to be counted so that sums with their shares do not round (`raspc.numbers.shares`)."""

from __future__ import annotations

from raspc.blocks.reading.roots import Roots
from raspc.blocks.reading.selectors import selects_of
from raspc.graph import nodes as N


def unrounded(roots: Roots) -> set[int]:
    """Variables that are read beside others, or as a number, by somebody who bears no rounding of the sum.

    Heads that average or count take scores for equal; and a number is averaged, or given as the answer.
    """
    graph = roots.graph
    numbers = {graph.output} if graph.variable(graph.output).numerical else set[int]()
    compared = set[int]()
    for node in graph.nodes:
        mean = isinstance(node, N.Sum) or (isinstance(node, N.Aggregate) and not node.pick)
        if isinstance(node, N.Width | N.Aggregate | N.Sum) and (mean or isinstance(node, N.Width)):
            compared |= {side for select in selects_of(graph, node) for side in (select.key, select.query)}
        if isinstance(node, N.Aggregate | N.Sum) and mean:
            numbers.add(node.source)
    found = {place: _roots_of(roots, place) for place in numbers | compared}
    return {root for place, own in found.items() if place in numbers or len(own) > 1 for root in own}


def _roots_of(roots: Roots, place: int) -> tuple[int, ...]:
    joint = roots.joints[place]
    return (place,) if joint is None else joint.roots
