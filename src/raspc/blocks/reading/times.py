"""When a variable can be there: the first stage, and the last one for a model that makes nothing wait.

Stages are numbered as in `raspc.graph.stages`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from raspc.blocks.reading.roots import Roots
from raspc.graph import nodes as N
from raspc.graph.nodes import Node
from raspc.graph.stages import EMBEDDED, attention_after, neurons_after

AT_ONCE = 1 << 12
"""A function of so few combinations need not wait for other functions of these."""


@dataclass(frozen=True)
class Times:
    """Of each node a stage. `soonest`: no model has what is left of it by attention, or embedded, before.

    `latest`: the same at the latest, if nothing waits for more than it reads. `decoded`: every feature of it then too.
    """

    soonest: tuple[int, ...]
    latest: tuple[int, ...]
    decoded: tuple[int, ...]

    @classmethod
    def of(cls, roots: Roots, left: Collection[int], virtual: bool) -> Times:
        """Of a graph. `left`: its counts and means; `virtual`: functions of one variable are read off that one."""
        soonest, latest, decoded = list[int](), list[int](), list[int]()
        for place, node in enumerate(roots.graph.nodes):
            first, reads = (_latest(times, node) for times in (soonest, decoded))
            if isinstance(node, N.Width | N.Length | N.Aggregate):
                soonest.append(attention_after(first))
                latest.append(attention_after(reads))
                decoded.append(latest[-1] + (place in left))
                continue
            joint = roots.derived(place)
            rests_on = node.refs if joint is None else joint.roots
            soonest.append(max((soonest[i] for i in rests_on), default=EMBEDDED))
            latest.append(max((latest[i] for i in rests_on), default=EMBEDDED))
            if joint is None or (virtual and len(joint.roots) < 2):
                decoded.append(max((decoded[i] for i in rests_on), default=EMBEDDED))
            else:
                at_once = (
                    max((decoded[i] for i in rests_on), default=EMBEDDED) if joint.cells.size <= AT_ONCE else reads
                )
                decoded.append(neurons_after(min(reads, at_once)))
        return cls(tuple(soonest), tuple(latest), tuple(decoded))


def _latest(times: list[int], node: Node) -> int:
    """When all that a node refers to is there."""
    return max((times[ref] for ref in node.refs), default=EMBEDDED)
