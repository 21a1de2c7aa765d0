"""How each head scores: for every table of its selector the best penalty there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from raspc.blocks.reading.groups import is_flat
from raspc.blocks.reading.plain import rests_on
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.reading.selectors import best_of, selects_of
from raspc.blocks.scores import steep
from raspc.blocks.scores.orders import Orders
from raspc.blocks.scores.penalty import Factors, candidates
from raspc.blocks.scores.ranking import Ranking, ranking_of
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Bits, Graph, Select, Variable
from raspc.target.families import is_centred
from raspc.target.rotation import counts_positions, is_of_positions, shift_in

DIGITS = 24
"""Whole numbers of so many binary digits are added without rounding: those of float32."""
MIXED, MIXED_NUMBER = 1 << 12, 1 << 9
"""Where scores are added to steep ones, N times their largest terms should not be above this: they are rounded then.
Less where a count is to be left as a number. It does not matter where all terms of what is selected are 0."""


DIRECTIONS = 1 << 10
"""A table over what is computed takes at most so many score directions: as many features of it are stored then, and the
work of making them independent grows with the cube of that."""


@dataclass(frozen=True, eq=False)
class Conjunct:
    """One penalty: of which key and which query variable, for which table `cells` [keys, queries], with which factors.

    `shortfall`: how far below 0 it can lie where selected; above 0 its factors are steep.
    """

    key: int
    query: int
    cells: Bits
    factors: Factors
    shortfall: float = 0.0


@dataclass(frozen=True, eq=False)
class Selection:
    """How one head selects: the sum of these penalties, those that are steep last; of none, it selects all keys.

    `ties_round`: keys are to share the attention alike, and their scores carry rounding, which parts them, as all do
    after a layer norm.
    `ranking`: by what the best of the selected keys are picked; None where all of them are.
    `turned`: how many of the last score directions a rotation of the target stands for, and `shift`: how many positions
    before the query that is to find the key, None where it ranks keys or there is none.
    """

    conjuncts: tuple[Conjunct, ...]
    ties_round: bool = False
    ranking: Ranking | None = None
    turned: int = 0
    shift: int | None = None

    @property
    def weight(self) -> float:
        """What a step of a penalty takes from a score."""
        return 1.0 if self.ranking is None else self.ranking.weight

    @property
    def shortfall(self) -> float:
        """How far below 0 the score of a selected key can lie."""
        return sum((conjunct.shortfall for conjunct in self.conjuncts), 0.0)

    @property
    def read(self) -> set[int]:
        """The variables that are read as keys or queries."""
        ranked = set() if self.ranking is None else {self.ranking.score}
        return ranked | {place for conjunct in self.conjuncts for place in (conjunct.key, conjunct.query)}


def selections(ready: Readiness) -> Mapping[int, Selection]:
    """How the head of each count, mean and pick of a graph selects."""
    scorer = _Scorer(ready, _steep_orders(ready))
    heads = ((place, node) for place, node in enumerate(ready.graph.nodes) if isinstance(node, _ATTENTION))
    return {place: scorer.selection(place, node) for place, node in heads}


@lru_cache(maxsize=1)
def _made(graph: Graph) -> dict[tuple[int, int, bytes, bool, tuple[str, ...], bool], list[Factors]]:
    """The candidates for the tables of a graph, for the next design of it: they follow from the graph alone."""
    return {}


_ATTENTION = (N.Width, N.Length, N.Aggregate, N.Sum)


def shares_alike(node: N.Node) -> bool:
    """Whether all selected keys of a head are to have the same weight: those of a count or a mean."""
    return not isinstance(node, N.Aggregate) or not node.pick


def _steep_orders(ready: Readiness) -> Orders:
    """The comparisons that may be steep: of compact models in formats with the exponents of float32."""
    options = ready.options
    steeply = options.storage.compact and options.has("steep") and not options.precision.narrow
    heads = [node for node in ready.graph.nodes if isinstance(node, Variable) and _bears_shortfall(ready.graph, node)]
    return Orders.of(ready, [select for node in heads if steeply for select in selects_of(ready.graph, node)])


@dataclass(frozen=True, eq=False)
class _Scorer:
    """Penalties for the heads of one graph, of which many select alike: candidates are made once."""

    ready: Readiness
    orders: Orders

    @property
    def graph(self) -> Graph:
        return self.ready.graph

    def selection(self, place: int, node: Variable) -> Selection:
        """How a head selects."""
        best = best_of(self.graph, node)
        ranking = None if best is None else ranking_of(self.ready, best)
        found = self.turned(Selection(self.conjuncts(place, node, ranking), ranking=ranking), node)
        rounds = is_centred(self.ready.options.target) or any(map(self.ready.is_noisy, found.read))
        return replace(found, ties_round=shares_alike(node) and rounds)

    def turned(self, found: Selection, node: Variable) -> Selection:
        """What of it a rotation of the target stands for: ranks, or the tables over positions, which are put last."""
        if found.ranking is not None:
            return replace(found, turned=int(found.ranking.turned != 0))
        own = [self.graph_of(one) for one in found.conjuncts]
        if not counts_positions(self.ready.options) or (by := shift_in(self.graph, own)) is None:
            return found
        last = [is_of_positions(self.graph, select) for select in own]
        order = sorted(range(len(own)), key=lambda i: last[i])
        width = sum(one.factors.rank for one, of_positions in zip(found.conjuncts, last, strict=True) if of_positions)
        return replace(found, conjuncts=tuple(found.conjuncts[i] for i in order), turned=width, shift=by)

    def graph_of(self, conjunct: Conjunct) -> Select:
        """The table that a conjunct stands for."""
        return Select(key=conjunct.key, query=conjunct.query, cells=conjunct.cells)

    def conjuncts(self, place: int, node: Variable, ranking: Ranking | None) -> tuple[Conjunct, ...]:
        """The penalties of a head, those that are steep last."""
        narrow = self.ready.precision.narrow  # then only a penalty of 0 is sure to be stored alike for all
        competing = not isinstance(node, N.Aggregate) or node.may_be_empty or narrow
        selects = selects_of(self.graph, node)
        turned = counts_positions(self.ready.options) and any(is_of_positions(self.graph, one) for one in selects)
        tied, steeply = shares_alike(node), _bears_shortfall(self.graph, node) and not turned
        orders = [self.orders.comparison(select) if steeply else None for select in selects]
        steep_too = tied and any(order is not None and order.relation != "==" for order in orders)
        mixed = (MIXED_NUMBER if self.ready.is_rough(place) else MIXED) if steep_too else None
        found = [
            self.conjunct(select, competing, tied, order, mixed, ranking)
            for select, order in zip(selects, orders, strict=True)
        ]
        return tuple(sorted(found, key=lambda conjunct: conjunct.shortfall > 0))

    def conjunct(
        self, select: Select, competing: bool, tied: bool, order: steep.Comparison | None, mixed: int | None,
        ranking: Ranking | None,
    ) -> Conjunct:  # fmt: skip
        """The best penalty for one table: read soonest, then exact among equals, then narrow.

        `mixed`: how large its scores may be where they are added to steep ones, and so are no integers; None elsewhere.
        """
        n = self.graph.max_seq_len

        def cost(factors: Factors) -> tuple[float, int, int, int, int]:
            sides = ((select.key, factors.keys), (select.query, factors.queries))
            late = any(not self.ready.is_ready(p, column) for p, columns in sides for column in columns.T[:8])
            rounds = tied and any(self.ready.is_noisy(p) and not is_flat(columns) for p, columns in sides)
            return (
                0.0 if self.holds(factors, ranking) else factors.size,
                not self.ranks_exactly(factors, ranking),
                late,
                rounds or (mixed is not None and factors.exceeds(mixed / n) and not factors.is_definite),
                factors.rank,
            )

        exact = not (
            self.ready.is_noisy(select.key) or self.ready.is_noisy(select.query)
        )  # else bits are decoded first
        small = ranking is not None or (mixed is not None and exact)
        best = min(self.candidates(select, competing, small), key=cost)
        powers = cost(best)[2] and self.orders.is_exact_sum(select.key)  # neurons make these, if they have to make any
        if order is not None and (powers or (False, steep.rank(order, n)) <= cost(best)[3:]):
            shortfall = steep.shortfall(n, order.sides)
            return Conjunct(select.key, select.query, select.cells, steep.factors(order, n), shortfall)
        if best.rank > DIRECTIONS and not exact:
            raise self.too_many(select, best.rank)
        return Conjunct(select.key, select.query, select.cells, best)

    def too_many(self, select: Select, rank: int) -> UnsupportedProgram:
        """The refusal of a table that takes too many score directions."""
        keys, queries = (len(self.graph.variable(side).listed) for side in (select.key, select.query))
        return UnsupportedProgram.at(
            self.graph.labels[select.query],
            f"a comparison of {keys:,} keys and {queries:,} queries that takes {rank:,} score directions",
            f"at most {DIRECTIONS:,} where what is compared is computed",
            "compare fewer different numbers, such as rounded ones, or shorten the maximum length",
        )

    def candidates(self, select: Select, competing: bool, small: bool) -> list[Factors]:
        """All ways to write one table exactly."""
        made, without = _made(self.graph), self.ready.options.without
        if len(rests_on(self.ready.roots, select.query)) < 2:
            without = (*without, "neighbours")  # its square is read off one variable, which may hold that of keys too
        key = (select.key, select.query, select.cells.tobytes(), competing, without, small)
        if key not in made:
            keys, queries = self.graph.variable(select.key).listed, self.graph.variable(select.query).listed
            made[key] = list(candidates(select.cells, keys, queries, competing, without, small))
        return made[key]

    def ranks_exactly(self, factors: Factors, ranking: Ranking | None) -> bool:
        """Whether ranks that are added to a penalty are exact, or what is rounded has lost."""
        if ranking is None:
            return True
        if ranking.turned:
            return factors.is_definite
        most = 2.0 ** min(DIGITS, self.ready.precision.sum_bits)
        return ranking.weight * factors.size + ranking.top < most or factors.is_definite

    def holds(self, factors: Factors, ranking: Ranking | None) -> bool:
        """Whether the format holds the factors, and the largest score is far below its largest number."""
        precision = self.ready.precision
        if not precision.narrow:
            return True
        largest = factors.size if ranking is None else (ranking.weight * factors.size + ranking.top) / 2
        fits = largest < 2.0 ** (precision.highest - 9)
        return fits and precision.holds(factors.keys) and precision.holds(factors.queries)


def _bears_shortfall(graph: Graph, node: Variable) -> bool:
    """Whether selected keys may weigh a little less than others: those of a count, which is decoded, or of a pick.

    A count of two values may be read as it is; ranks are added to penalties of 0.
    """
    if best_of(graph, node) is not None:
        return False
    if isinstance(node, N.Width):
        return len(node.listed) > 2
    return isinstance(node, N.Aggregate) and node.pick
