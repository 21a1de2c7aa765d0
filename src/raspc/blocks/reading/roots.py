"""Each variable of a graph as a function of its roots: a fact of the graph alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Graph, Node, Table
from raspc.graph.tables import Joint, listings


@dataclass(frozen=True, eq=False)
class Roots:
    """A graph with each of its nodes listed over its roots; `joints[place]` is None for selectors and intervals.

    The roots of a table are the variables at the same position that it finally depends on (`raspc.graph.tables`).
    """

    graph: Graph
    joints: Sequence[Joint | None]

    @classmethod
    def of(cls, graph: Graph) -> Roots:
        """Every node of the graph over its roots. Of a graph that was asked for last, what is known of it already."""
        return _listed(graph)

    def derived(self, place: int) -> Joint | None:
        """A table as a function of its roots, or of its arguments if these are too many; None for other variables."""
        return self._derived[place]

    @cached_property
    def _derived(self) -> list[Joint | None]:
        """Of every node."""

        def one(place: int, node: Node, joint: Joint | None) -> Joint | None:
            if not isinstance(node, Table):
                return None
            return joint if joint is not None and joint.roots != (place,) else Joint(node.args, node.cells)

        return [one(place, *found) for place, found in enumerate(zip(self.graph.nodes, self.joints, strict=True))]

    def is_opaque(self, place: int) -> bool:
        """Whether a table has too many combinations of roots to be listed over them."""
        joint = self.joints[place]
        return isinstance(self.graph[place], Table) and joint is not None and joint.roots == (place,)

    def pulled_back(self, place: int, columns: Matrix) -> tuple[int, Matrix]:
        """Features of a function of one variable as features of that variable, and which it is."""
        joint = self.derived(place)
        while joint is not None and len(joint.roots) == 1:
            if columns.shape[1]:
                columns = over_root(joint, columns)
            place = joint.roots[0]
            joint = self.derived(place)
        return place, columns


@lru_cache(maxsize=1)
def _listed(graph: Graph) -> Roots:
    return Roots(graph, listings(graph.nodes))


def over_root(joint: Joint, columns: Matrix) -> Matrix:
    """Features [values, c] of a function of one variable, as features of that variable; 0 where it has no value."""
    return np.where((joint.cells >= 0)[:, None], columns[np.maximum(joint.cells, 0)], 0.0)
