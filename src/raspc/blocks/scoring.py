"""How each head scores: for every table of its selector the best penalty there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raspc.blocks import steep
from raspc.blocks.orders import Orders
from raspc.blocks.penalty import Factors, candidates
from raspc.blocks.readiness import Readiness, is_flat
from raspc.graph import nodes as N
from raspc.graph.nodes import Bits, Graph, Select, Variable

MIXED = 1 << 12
"""Where scores are added to steep ones, N times their largest terms should not be above this: they are rounded then."""


@dataclass(frozen=True, eq=False)
class Conjunct:
    """One penalty: of which key and which query variable, for which table, with which factors.

    `slant`: how far below 0 it can lie where selected; above 0 its factors are steep.
    """

    key: int
    query: int
    cells: Bits
    factors: Factors
    slant: float = 0.0


class Scoring:
    """Penalties for the heads of one graph. `steeply`: some may be steep (`raspc.blocks.steep`)."""

    def __init__(self, ready: Readiness, steeply: bool) -> None:
        self.ready, self.graph = ready, ready.graph
        self.penalties: dict[tuple[int, int, bytes, bool], list[Factors]] = {}  # many heads select alike
        heads = [node for node in self.graph.nodes if _bears_slant(node)] if steeply else []
        self.orders = Orders(
            ready, [s for node in heads if isinstance(node, Variable) for s in selects_of(self.graph, node)]
        )

    def conjuncts(self, node: Variable) -> tuple[Conjunct, ...]:
        """The penalties of a head, those that are steep last."""
        narrow = self.ready.precision.narrow  # then only a penalty of 0 is sure to be stored alike for all
        competing = not isinstance(node, N.Aggregate) or node.may_be_empty or narrow
        tied = not isinstance(node, N.Aggregate) or not node.pick
        selects, steeply = selects_of(self.graph, node), _bears_slant(node)
        orders = [self.orders.comparison(select) if steeply else None for select in selects]
        mixed = tied and any(order is not None and order.relation != "==" for order in orders)
        found = [
            self.conjunct(select, competing, tied, order, mixed) for select, order in zip(selects, orders, strict=True)
        ]
        return tuple(sorted(found, key=lambda conjunct: conjunct.slant > 0))

    def conjunct(
        self, select: Select, competing: bool, tied: bool, order: steep.Comparison | None, mixed: bool
    ) -> Conjunct:
        """The best penalty for one table: read soonest, then exact among equals, then narrow.

        `mixed`: its scores are added to steep ones, and so are no integers; then large ones are not exact either.
        """
        keys, queries = self.graph.variable(select.key).listed, self.graph.variable(select.query).listed
        n = self.graph.max_seq_len

        def cost(factors: Factors) -> tuple[int, int, int, int]:
            sides = ((select.key, factors.keys), (select.query, factors.queries))
            late = any(not self.ready.is_ready(p, column) for p, columns in sides for column in columns.T[:8])
            rough = tied and any(self.ready.is_noisy(p) and not is_flat(columns) for p, columns in sides)
            return not self.holds(factors), late, rough or (mixed and factors.size * n > MIXED), factors.rank

        key = (select.key, select.query, select.cells.tobytes(), competing)
        if key not in self.penalties:
            self.penalties[key] = list(candidates(select.cells, keys, queries, competing, self.ready.options.without))
        best = min(self.penalties[key], key=cost)
        if order is not None and (False, steep.rank(order, n)) <= cost(best)[2:]:
            slant = steep.slant(n, order.sides)
            return Conjunct(select.key, select.query, select.cells, steep.factors(order, n), slant)
        return Conjunct(select.key, select.query, select.cells, best)

    def holds(self, factors: Factors) -> bool:
        """Whether the format holds the factors, and the largest score is far below its largest number."""
        precision = self.ready.precision
        if not precision.narrow:
            return True
        largest = float((np.abs(factors.keys) @ np.abs(factors.queries).T).max(initial=0.0))
        fits = largest < 2.0 ** (precision.highest - 9)
        return fits and precision.holds(factors.keys) and precision.holds(factors.queries)


def _bears_slant(node: N.Node) -> bool:
    """Whether selected keys may weigh a little less than others: those of a count, which is decoded, or of a pick.

    A count of two values may be read as it is.
    """
    if isinstance(node, N.Width):
        return len(node.listed) > 2
    return isinstance(node, N.Aggregate) and node.pick


def selects_of(graph: Graph, node: Variable) -> tuple[Select, ...]:
    """The conjuncts of a head's selector."""
    if isinstance(node, N.Length):
        return ()
    assert isinstance(node, N.Width | N.Aggregate)
    selector = graph[node.selector]
    if isinstance(selector, Select):
        return (selector,)
    assert isinstance(selector, N.Gate)
    if selector.op == "or":
        return (_nothing(graph),)
    conjuncts = [graph[arg] for arg in selector.args]
    assert all(isinstance(c, Select) for c in conjuncts)
    return tuple(c for c in conjuncts if isinstance(c, Select))


def _nothing(graph: Graph) -> Select:
    """A table that selects no key, for what remains of a disjunction of none."""
    token = next(place for place, node in enumerate(graph.nodes) if isinstance(node, N.Token))
    size = len(graph.variable(token).listed)
    return Select(key=token, query=token, cells=np.zeros((size, size), np.int8))
