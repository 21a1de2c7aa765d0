"""The best of the selected keys, as a node; and the keys that hold the best score, for what a head cannot rank.

A head ranks keys by a score that is added to its penalties, so that the best keys may be aggregated. What conjoins,
negates or counts them has to be made of tables: first the best score is picked, then the keys that hold it are
selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph.nodes import Best, Bits, Listed
from raspc.graph.scores import all_ranked, ranks
from raspc.graph.selectors import FALSE, Facts, is_injective, one_key
from raspc.graph.store import Store
from raspc.graph.tabulate import COMPARISON_LIMIT, tabulate

PAIRS = 1 << 17
"""The most pairs of two scores that are listed as one score."""


class Builder(Protocol):
    """What is needed of the builder of a graph."""

    store: Store

    @property
    def facts(self) -> Facts:
        """What proofs look at."""

    def gate(self, op: str, args: Sequence[int]) -> int:
        """A conjunction or disjunction."""

    def put_select(self, key: int, query: int, cells: Bits) -> int:
        """A selector."""

    def aggregate_of(self, selector: int, source: int, default: Any, told: str, single: bool = False) -> int:
        """The values at the selected keys."""

    def never_empty(self, selector: int) -> bool:
        """Whether every query selects a key."""


def best_of(builder: Builder, selector: int, score: int, end: str, told: str) -> int:
    """The selector of the best keys; the values of `score` are listed.

    Raises UnsupportedProgram for a score without an order.
    """
    store = builder.store
    score, end = _told_apart(store, score, end, told)
    if isinstance(inner := store.nodes[selector], Best):
        if (both := _lexicographic(store, inner, score, end, told)) is not None:
            return store.put(Best(inner.selector, *_over_root(store, both, "max")))
        selector = holders_of_best(builder, selector)
    domain = store.listed(score)
    if not (ranks(domain, end) >= 0).any():
        raise UnsupportedProgram.at(
            told,
            f"a score that has no order, such as {domain.values[0]!r}",
            "numbers",
            "map the values to numbers",
        )
    certain = all_ranked(domain) and not store.may_raise(score)
    nothing_to_rank = selector == store.put(FALSE) or len(domain) == 1 or one_key(builder.facts, selector)
    if store.does("fold", certain and nothing_to_rank):
        return selector
    return store.put(Best(selector, *_over_root(store, score, end)))


def _lexicographic(store: Store, inner: Best, score: int, end: str, told: str) -> int | None:
    """Of the best keys the best by another score: one score for both, if there are few enough pairs."""
    first, then = store.listed(inner.score), store.listed(score)
    if len(first) * len(then) > PAIRS or not (all_ranked(first) and all_ranked(then)):
        return None
    high, low = ({V.typed(x): int(r) for x, r in zip(domain.values, ranks(domain, way), strict=True)}
                 for domain, way in ((first, inner.end), (then, end)))  # fmt: skip
    size = len(then)
    place = tabulate(store, lambda x, y: high[V.typed(x)] * size + low[V.typed(y)], (inner.score, score), told)
    return store.call(place, "{}_then_{}", inner.score, score)


def _told_apart(store: Store, score: int, end: str, told: str) -> tuple[int, str]:
    """A score whose values are all different numbers: where several count as one, their places in the order."""
    if score not in store.exact:
        return score, end
    exact = Listed(store.exactly(score).values)
    place = {V.typed(value): int(rank) for value, rank in zip(exact.values, ranks(exact, "max"), strict=True)}
    if not all_ranked(exact):
        raise UnsupportedProgram.at(
            told, "a score of several kinds, whose numbers are near one another", "scores of one kind",
            "map the values to numbers that are clearly apart",
        )  # fmt: skip
    return tabulate(store, lambda value: place[V.typed(value)], (score,), told), end


def _over_root(store: Store, score: int, end: str) -> tuple[int, str]:
    """A score that rises or falls with another variable is that variable."""
    joint = store.joints[score]
    if joint is None or len(joint.roots) != 1 or joint.roots == (score,) or (joint.cells < 0).any():
        return score, end
    root, steps = joint.roots[0], np.diff(ranks(store.listed(score), end)[joint.cells])
    known = all_ranked(store.listed(root)) and all_ranked(store.listed(score))
    if known and store.does("compose", bool((steps > 0).all() or (steps < 0).all())):
        return root, "max" if (steps > 0).all() else "min"
    return score, end


def holders_of_best(builder: Builder, place: int) -> int:
    """The same keys without a node for the best: those selected that hold the best score.

    Raises UnsupportedProgram where there are too many scores for that.
    """
    store, best = builder.store, builder.store.nodes[place]
    assert isinstance(best, Best)
    keys = store.listed(best.score)
    if len(keys) ** 2 > COMPARISON_LIMIT:
        raise UnsupportedProgram.at(
            next(iter(best.names), "best"),
            f"a selection of the best of {len(keys):,} scores that is conjoined, negated or counted",
            f"at most {COMPARISON_LIMIT:,} pairs of scores to list",
            "aggregate it as it is, or shorten the maximum length",
        )  # fmt: skip
    reached = builder.aggregate_of(place, best.score, _no_score(keys), "the best score")
    queries = store.listed(reached)
    holds = builder.put_select(best.score, reached, _equal(keys, queries))
    return holds if is_injective(builder.facts, best.score) else builder.gate("and", [best.selector, holds])


def _no_score(keys: Listed) -> Any:
    """A value that no key holds."""
    return float(keys.numbers.min()) // 1 - 1 if keys.is_number.any() else -1


def _equal(keys: Listed, queries: Listed) -> Bits:
    """[key, query]: 1 where both are one value that has a rank."""
    number, ranked = {V.key(value): i for i, value in enumerate(queries.values)}, ranks(keys, "max") >= 0
    cells = np.zeros((len(keys), len(queries)), np.int8)
    for i, value in enumerate(keys.values):
        if ranked[i] and V.key(value) in number:
            cells[i, number[V.key(value)]] = 1
    return cells
