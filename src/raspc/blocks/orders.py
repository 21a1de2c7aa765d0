"""Which selectors of a graph are written steeply, and of which variables.

Steep features are powers, which cannot be added: a variable offers them if it is embedded, or left by attention as a
number of few values, or a function of one such variable, or a pick of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raspc.blocks import steep
from raspc.blocks.ramps import APART
from raspc.blocks.readiness import Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph import nodes as N
from raspc.graph.nodes import Listed, Select, Table
from raspc.graph.rows import distinct_rows

SHORT = 512
"""Up to this length float32 tells counts so well apart that ramps between them are right to a part of themselves."""


class Orders:
    """The comparisons of a graph that may be steep.

    `roots`: the variables whose order is compared in fewer directions that way. An equality is steep only between such
    variables, whose steep features are there anyway.
    """

    def __init__(self, ready: Readiness, tables: Sequence[Select]) -> None:
        self.ready, self.n = ready, ready.graph.max_seq_len
        self.roots: set[int] = set()
        for select in tables:
            found = self.compared(select)
            if found is not None and found.relation != "==" and steep.rank(found, self.n) < _classes(select) - 1:
                self.roots |= self.roots_of(select)

    def comparison(self, select: Select) -> steep.Comparison | None:
        """The table as a comparison that may be steep."""
        return self.compared(select) if self.roots and self.roots_of(select) <= self.roots else None

    def compared(self, select: Select) -> steep.Comparison | None:
        """The table as a comparison of variables that offer steep features."""
        if not (self.offers(select.key) and self.offers(select.query)):
            return None
        keys, queries = self.ready.graph.variable(select.key).listed, self.ready.graph.variable(select.query).listed
        return steep.compared(select.cells, keys, queries)

    def offers(self, place: int) -> bool:
        """Whether steep features of this variable can be had."""
        node = self.ready.graph.variable(place)
        if not isinstance(node.domain, Listed):
            return False
        if isinstance(node, Table):
            joint = self.ready.derived(place)
            return joint is not None and len(joint.roots) == 1 and self.offers(joint.roots[0])
        if isinstance(node, N.Aggregate) and node.pick:
            return self.offers(node.source)
        return isinstance(node, N.Token | N.Index) or self.is_apart(node)

    def is_apart(self, node: N.Variable) -> bool:
        """Whether the values of a width or a mean lie far enough apart for ramps between them."""
        if not isinstance(node, N.Aggregate):
            return self.n <= SHORT
        numbers = node.listed.numbers
        gap = float(np.diff(np.sort(numbers)).min(initial=np.inf))
        return node.listed.all_numbers and gap > APART * self.ready.precision.sum_unit * (self.n + 8) * (
            float(np.abs(numbers).max()) + 1
        )

    def roots_of(self, select: Select) -> set[int]:
        """What the key and the query are functions of."""
        return {pulled_back(self.ready, place, np.zeros((1, 0)))[0] for place in (select.key, select.query)}


def _classes(select: Select) -> int:
    """The distinct rows or columns of a table, whichever are fewer."""
    return min(len(distinct_rows(cells)[0]) for cells in (select.cells, select.cells.T))


def pulled_back(ready: Readiness, place: int, columns: Matrix) -> tuple[int, Matrix]:
    """Features of a function of one variable as features of that variable, and which it is."""
    joint = ready.derived(place)
    while joint is not None and len(joint.roots) == 1:
        if columns.shape[1]:
            columns = np.where((joint.cells >= 0)[:, None], columns[np.maximum(joint.cells, 0)], 0.0)
        place = joint.roots[0]
        joint = ready.derived(place)
    return place, columns
