"""Which selectors of a graph are written steeply, and of which variables.

Steep features are powers, which cannot be added: a variable offers them if it is embedded, or left by attention as a
number of few values, or a function of one such variable, or a pick of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.scores import steep
from raspc.graph import nodes as N
from raspc.graph.nodes import Listed, Select, Table
from raspc.graph.rows import distinct_rows

SHORT = 512
"""Up to this length float32 tells counts so well apart that ramps between them are right to a part of themselves."""


@dataclass(frozen=True, eq=False)
class Orders:
    """The comparisons of a graph that may be steep.

    `roots`: the variables whose order is compared in fewer directions that way. An equality is steep only between such
    variables, whose steep features are there anyway.
    """

    ready: Readiness
    roots: frozenset[int] = frozenset()

    @classmethod
    def of(cls, ready: Readiness, tables: Sequence[Select]) -> Orders:
        """Those of the tables of heads whose selected keys may weigh a little less than others."""
        orders = cls(ready)
        return cls(ready, frozenset(root for select in tables for root in orders.gaining(select)))

    @property
    def n(self) -> int:
        """The longest input."""
        return self.ready.graph.max_seq_len

    def gaining(self, select: Select) -> set[int]:
        """The variables of an inequality that takes fewer score directions as a steep one; none of other tables."""
        found = self.compared(select)
        if found is None or found.relation == "==" or steep.rank(found, self.n) >= _classes(select) - 1:
            return set()
        return self.roots_of(select)

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
            one = joint is not None and len(joint.roots) == 1
            return self.offers(joint.roots[0]) if joint is not None and one else self.is_exact_sum(place)
        if isinstance(node, N.Aggregate) and node.pick:
            return self.offers(node.source)
        return isinstance(node, N.Token | N.Index) or self.is_apart(node)

    def is_exact_sum(self, place: int) -> bool:
        """Whether a function of several variables is a sum of what is exact and there, along which ramps lie."""
        node, joint = self.ready.graph.variable(place), self.ready.derived(place)
        if (
            joint is None
            or not node.listed.all_numbers
            or self.ready.is_noisy(place)
            or (node.listed.numbers % 1).any()
        ):
            return False
        return self.ready.is_free(joint, node.listed.numbers)

    def is_apart(self, node: N.Variable) -> bool:
        """Whether the values of a width, a mean or a sum lie far enough apart for ramps between them."""
        if isinstance(node, N.Sum):
            return False
        if not isinstance(node, N.Aggregate):
            return self.n <= SHORT
        numbers = node.listed.numbers
        gap = float(np.diff(np.sort(numbers)).min(initial=np.inf))
        return node.listed.all_numbers and gap > steep.APART * self.ready.precision.sum_unit * (self.n + 8) * (
            float(np.abs(numbers).max()) + 1
        )

    def roots_of(self, select: Select) -> set[int]:
        """What the key and the query are functions of."""
        return {self.ready.roots.pulled_back(place, np.zeros((1, 0)))[0] for place in (select.key, select.query)}


def _classes(select: Select) -> int:
    """The distinct rows or columns of a table, whichever are fewer."""
    return min(len(distinct_rows(cells)[0]) for cells in (select.cells, select.cells.T))
