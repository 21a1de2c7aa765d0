"""Whether a head selects what the graph says: the score of every key for every query, from weights and what is held.

Scores are sums over the conjuncts of a selector. The score of a conjunct is computed for every pair of values that its
keys and queries can have: equal where the graph selects, and lower by a gap where it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.causes import WORK, work
from raspc.certify.proof.grids import Rows, decided, rows_of
from raspc.certify.proof.meaning import Meaning
from raspc.graph import nodes as N
from raspc.graph.nodes import Best, Bits, Gate, Graph, Ids, Select
from raspc.graph.selectors import Facts, one_key, tells_position

PAIRS = 1 << 19
"""How many pairs of a key and a query are looked at at once."""
BLURRED = 2.0**-4
"""From this error of a score on, in steps of a penalty, it is worth asking what the error comes of."""


@dataclass(frozen=True)
class Apart:
    """Of one conjunct: how far selected scores can be from equal, and the least distance to one not selected.

    `floor`: the least score that is the best of a query. `blur`: the largest error of a score. `exact`: whether every
    selected key scores 0, to the last digit. `reach`: the most that terms of a score add up to, whatever their signs;
    infinite where nobody asks. `beside`: how far selected scores of one query can be from the best of them, where `tie`
    is how far they can be from that of BOS.
    """

    tie: float
    gap: float
    floor: float = 0.0
    at: Mapping[int, int] = field(default_factory=dict)
    blur: float = 0.0
    exact: bool = False
    reach: float = np.inf
    beside: float | None = None

    @property
    def uneven(self) -> float:
        """How far selected scores of one query can be from the best of them."""
        return self.tie if self.beside is None else min(self.beside, self.tie)

    def or_(self, other: Apart) -> Apart:
        """What two proofs of the same conjunct show together."""
        better = other if other.gap > self.gap else self
        blur, beside = min(self.blur, other.blur), min(self.uneven, other.uneven)
        exact, reach = self.exact or other.exact, min(self.reach, other.reach)
        return Apart(
            min(self.tie, other.tie), better.gap, max(self.floor, other.floor), better.at, blur, exact, reach, beside
        )  # fmt: skip


UNKNOWN = Apart(0.0, -np.inf)
"""Where it cannot be said what is read."""


def selects_of(graph: Graph, node: N.Variable) -> tuple[Select, ...] | None:
    """The conjuncts of what a count, a mean or a pick selects by; None where it is no conjunction of tables."""
    if isinstance(node, N.Length):
        return ()
    assert isinstance(node, N.Width | N.Aggregate | N.Sum)
    best = best_of(graph, node)
    return _conjuncts(graph, node.selector if best is None else best.selector)


def best_of(graph: Graph, node: N.Variable) -> Best | None:
    """By what the keys that compete are ranked; None where all of them are selected."""
    selector = graph[node.selector] if isinstance(node, N.Aggregate) else None
    return selector if isinstance(selector, Best) else None


def _conjuncts(graph: Graph, place: int) -> tuple[Select, ...] | None:
    node = graph[place]
    if isinstance(node, Select):
        return (node,)
    if not isinstance(node, Gate):
        return None
    if node.op == "or" and not node.args:
        return (_nothing(graph),)
    parts = [_conjuncts(graph, arg) for arg in node.args] if node.op == "and" or len(node.args) == 1 else [None]
    known = [part for part in parts if part is not None]
    return tuple(select for part in known for select in part) if len(known) == len(parts) else None


def _nothing(graph: Graph) -> Select:
    """A table that selects no key."""
    token = next(place for place, node in enumerate(graph.nodes) if isinstance(node, N.Token))
    size = len(graph.variable(token).listed)
    return Select(key=token, query=token, cells=np.zeros((size, size), np.int8))


def is_single(facts: Facts, node: N.Variable, selects: tuple[Select, ...]) -> bool:
    """Whether a query selects at most one key: by some conjunct, as the last or first of many, or by promise."""
    if isinstance(node, N.Aggregate) and (node.single or one_key(facts, node.selector)):
        return True
    return any(
        tells_position(facts.nodes, select.key, facts.causal) and bool(((select.cells == 1).sum(axis=0) <= 1).all())
        for select in selects
    )


@dataclass(frozen=True)
class Noise:
    """What a score errs by, relative to the size of its terms and to itself; `competing`: selected ones must be 0.

    `averaged`: once some key is selected, it only matters how selected ones are shared among themselves.
    `whole`: sums that never get further from 0 than this do not round, whatever the order of their terms. `common`: the
    part of itself that a score is off by besides.
    """

    rounding: float
    narrow: float
    competing: bool
    whole: float = 0.0
    averaged: bool = False
    common: float = 0.0

    def beside(self, own: float) -> Noise:
        """The noise of one conjunct, whose terms are at most so large in all: the others leave it that much more."""
        return replace(self, whole=self.whole + own)


def apart(meaning: Meaning, select: Select, query: Reading, key: Reading, cut: slice, noise: Noise) -> Apart:
    """How far one conjunct parts keys, by the score directions `cut`."""
    noise = noise.beside(float((query.size * key.size)[cut].sum()))
    found = _apart(meaning, select, query, key, cut, noise, causes=False)
    if found.blur > BLURRED:
        found = found.or_(_apart(meaning, select, query, key, cut, noise, causes=True))
    return found


def _apart(
    meaning: Meaning, select: Select, query: Reading, key: Reading, cut: slice, noise: Noise, causes: bool
) -> Apart:
    """The same, by the errors of what is read, or by what these come of."""
    sides = [
        side_of(meaning, place, reading, cut, causes) for place, reading in ((select.key, key), (select.query, query))
    ]
    known = [side for side in sides if side is not None]
    if len(known) < 2 or (causes and _takes_long(*known)):
        return UNKNOWN
    keys, queries = known
    step = max(1, PAIRS // max(1, len(keys.number)))
    found = [
        _pairwise(keys, queries.part(slice(start, start + step)), select, noise)
        for start in range(0, len(queries.number), step)
    ]
    if not found:
        return Apart(0.0, np.inf, exact=True, reach=0.0)
    worst = min(found, key=lambda one: one.gap)
    return replace(
        worst,
        tie=max(one.tie for one in found),
        floor=min(one.floor for one in found),
        blur=max(one.blur for one in found),
        exact=all(one.exact for one in found),
        reach=max(one.reach for one in found),
        beside=max(one.uneven for one in found),
    )


def _takes_long(one: Rows, other: Rows) -> bool:
    """Whether there is too much to do to ask what errors come of, or there is nothing to ask."""
    if one.causes is None or other.causes is None:
        return True
    return work(one.causes, len(other.values)) + work(other.causes, len(one.values)) > 8 * WORK


def side_of(meaning: Meaning, place: int, reading: Reading, cut: slice, causes: bool) -> Rows | None:
    """What is read as a key or a query for each value that the variable can have."""
    part, number = decided(meaning, place, reading.columns(cut))
    return rows_of(meaning, part, number, causes)


def _pairwise(key: Rows, query: Rows, select: Select, noise: Noise) -> Apart:
    """For every key and every query the score and its error: the least distance, and the largest error of equals.

    Where BOS competes, selected keys should score 0; else as much as the best of them, from which they then differ by
    what the query errs times the difference of the keys.
    """
    score = key.values @ query.values.T
    cells: Bits = select.cells[key.number][:, query.number]
    chosen, other = cells == 1, cells == 0
    some = chosen.any(axis=0)
    top = np.where(chosen, score, -np.inf).argmax(axis=0)
    absolute = score_errors(key, query, score, noise)
    best = np.zeros(len(query.number))
    error: Matrix | float = absolute
    if not noise.competing:
        best = np.where(some, score[top, np.arange(len(top))], 0.0)
        error = _errors_beside(key, query, score, top, noise)
    tie = float(np.where(chosen, error + np.abs(best - score), 0.0).max(initial=0.0))
    floor = np.where(chosen, score - absolute, np.inf).min(initial=np.inf) if some.any() else 0.0
    blur = float(np.max(error, initial=0.0))
    exact = not np.where(chosen, np.abs(score) + absolute, 0.0).any()
    reach = float(_reach(key, query).max(initial=0.0)) if noise.narrow else np.inf
    beside = _beside(key, query, score, chosen, noise) if noise.competing and noise.averaged and tie > 0 else None
    if not other.any():
        return Apart(tie, np.inf, float(floor), blur=blur, exact=exact, reach=reach, beside=beside)
    gap = np.where(other, best - score - error, np.inf)
    k, q = np.unravel_index(gap.argmin(), gap.shape)
    where = {select.query: int(query.number[q]), select.key: int(key.number[k])}
    return Apart(tie, float(gap[k, q]), float(floor), where, blur, exact, reach, beside)


def _beside(key: Rows, query: Rows, score: Matrix, chosen: Bits, noise: Noise) -> float:
    """How far the scores of selected keys can be from the best of their query."""
    top = np.where(chosen, score, -np.inf).argmax(axis=0)
    away = score[top, np.arange(len(top))] - score
    apart = _errors_beside(key, query, score, top, noise) + np.abs(away)
    return float(np.where(chosen, apart, 0.0).max(initial=0.0))


def _reach(key: Rows, query: Rows) -> Matrix:
    """[keys, queries]: the size of all terms of each score."""
    return (np.abs(key.values) + key.error) @ (np.abs(query.values) + query.error).T


def score_errors(key: Rows, query: Rows, score: Matrix, noise: Noise) -> Matrix | float:
    """How far off each score can be."""
    return _with_rounding(_moved(key, query), key, query, score, noise)


def _moved(key: Rows, query: Rows) -> Matrix | float:
    """What the errors of keys and queries make of their products."""
    if not (key.error.any() or query.error.any()):
        return 0.0
    found: Matrix = _of_keys(key, query)
    if query.causes is None:
        return found + np.abs(key.values) @ query.error.T
    return found + sum(one.along(key.values).T for one in query.causes)


def _of_keys(key: Rows, query: Rows) -> Matrix:
    """What the errors of keys make of products, with queries as they are."""
    if key.causes is None:
        return key.error @ (np.abs(query.values) + query.error).T
    return key.error @ query.error.T + sum(one.along(query.values) for one in key.causes)


def _with_rounding(moved: Matrix | float, key: Rows, query: Rows, score: Matrix, noise: Noise) -> Matrix | float:
    if noise.rounding == noise.narrow == noise.common == 0.0:
        return moved
    size = np.abs(key.values) @ np.abs(query.values).T
    # positive terms add up to half of (size + score), negative ones to half of (size − score)
    rounding = np.where((size + np.abs(score)) / 2 + moved <= noise.whole, 0.0, noise.rounding)
    found: Matrix = moved + rounding * (size + moved) + (noise.narrow + noise.common) * (np.abs(score) + moved)
    return found


def _errors_beside(key: Rows, query: Rows, score: Matrix, top: Ids, noise: Noise) -> Matrix | float:
    """How far off the distance of each score from that of one key can be, `top` [queries]: they have a query in common.

    (k + e)·(q + d) − (t + f)·(q + d) − (k − t)·q = (k − t)·d + (e − f)·(q + d).
    """
    moved: Matrix | float = 0.0
    if key.error.any() or query.error.any():
        own = _of_keys(key, query)
        moved = _of_queries(key, query, top) + own + own[top, np.arange(len(top))]
    one = _with_rounding(0.0, key, query, score, noise)
    rounded = one if isinstance(one, float) else one + one[top, np.arange(len(top))]
    return moved + rounded


def _of_queries(key: Rows, query: Rows, top: Ids) -> Matrix:
    """What the error of each query makes of the distances of keys from its `top`."""
    found: Matrix = np.zeros((len(key.values), len(query.values)))
    if query.causes is None:
        for k, d in zip(key.values.T, query.error.T, strict=True):
            found += np.abs(k[:, None] - k[top][None, :]) * d
        return found
    for one in np.unique(top):
        queries = np.flatnonzero(top == one)
        away = key.values - key.values[one]
        for cause in query.causes:
            found[:, queries] += cause.at(queries).along(away).T
    return found
