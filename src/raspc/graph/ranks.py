"""Ranks: numbers of keys that come before, in a strict order. Positions of one rank have much in common.

A stable sort takes for each position the number of keys that come before it, by their value or, where that is equal, by
their index. "Before" is a strict order: if a comes before b, all that come before a come before b, and so does a, so
that b has a higher rank. So two positions of one rank are such that neither comes before the other: equal in all that
is compared. Where the index is compared too they are one position, and who selects the key of one rank selects one key,
at any length. All this is shown from the tables of the selector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from raspc.graph import patterns as P
from raspc.graph.nodes import Best, Floats, Gate, Ids, Index, Length, Listed, Node, Select, Variable, Width
from raspc.graph.selectors import Facts, single_valued, visible
from raspc.graph.tables import Joint

RULES = {"and": lambda x, y: x * y, "or": lambda x, y: x + y - x * y}
"""Selectors of zeros and ones."""
STATES = 1 << 24
"""The most pairs of a key and a query that a table is listed over."""
Pairs = NDArray[np.bool_]


def picks_one(facts: Facts, selector: int, source: int) -> bool:
    """True if it is proved that all keys selected by one query hold one value of the source."""
    return single_valued(facts, selector, source) or one_of_a_rank(facts, selector, source)


def one_of_a_rank(facts: Facts, place: int, source: int) -> bool:
    """True if it is proved that keys selected by one query have one rank, and therefore one value of the source."""
    if facts.causal or (held := facts.joints[source]) is None:
        return False
    parts = [node for node in _conjuncts(facts, place) if (visible(facts, node).sum(axis=0) <= 1).all()]
    fixed = frozenset(root for part in parts for root in _fixed(facts, part.key))
    index = frozenset(place for place, node in enumerate(facts.nodes) if isinstance(node, Index))
    for part in parts:
        for order in orders_of(facts, part.key):
            alike = fixed | order.agree
            if order.within <= fixed and (alike & index or alike >= set(held.roots)):
                return True
    return False


def _conjuncts(facts: Facts, place: int) -> list[Select]:
    node = facts.nodes[place]
    if isinstance(node, Gate):
        return [part for arg in node.args for part in _conjuncts(facts, arg)] if node.op == "and" else []
    if isinstance(node, Best):
        return _conjuncts(facts, node.selector)
    assert isinstance(node, Select)
    return [node]


def _fixed(facts: Facts, place: int) -> tuple[int, ...]:
    """The variables whose values are known where that of another is: what it is itself, or tells apart."""
    joint = facts.joints[place]
    if joint is None or len(joint.roots) != 1 or len(np.unique(joint.cells)) < joint.cells.size:
        return ()
    return joint.roots


@dataclass(frozen=True)
class Order:
    """Two positions with one rank that agree in the variables `within` agree in the variables `agree`, too."""

    within: frozenset[int]
    agree: frozenset[int]


def orders_of(facts: Facts, place: int) -> Iterator[Order]:
    """What is known of positions where a variable is the same, if it is a rank in some order; nothing is masked."""
    joint = facts.joints[place]
    if joint is None or any(not _counts_by_itself(facts.nodes[root]) for root in joint.roots):
        return
    widths = [root for root in joint.roots if isinstance(facts.nodes[root], Width)]
    if len(widths) == 1 and not _tells(joint, widths[0]):
        return
    weights = _selected(facts, widths[0]) if len(widths) == 1 else _summed(facts, place, joint)
    for side in () if weights is None else _sides(weights):
        found = _order(dict(side.labels), side.table.astype(bool))
        if found is not None:
            yield found


def _counts_by_itself(node: Node) -> bool:
    """Whether a variable is a count, and never what it is forced to be."""
    return isinstance(node, Width | Length) and not node.free


def _tells(joint: Joint, width: int) -> bool:
    """Whether for each length a table has another value for each width."""
    columns = np.moveaxis(joint.cells, joint.roots.index(width), 0).reshape(
        joint.cells.shape[joint.roots.index(width)], -1
    )
    return all(len(np.unique(column[column >= 0])) == (column >= 0).sum() for column in columns.T)


def _selected(facts: Facts, width: int) -> P.Weights | None:
    node = facts.nodes[width]
    assert isinstance(node, Width)
    return weights_of(facts, node.selector)


def weights_of(facts: Facts, place: int) -> P.Weights | None:
    """What a selector gives for each pair of a key and a query; None where it may be undefined, or is too large."""
    node = facts.nodes[place]
    if isinstance(node, Gate):
        total: P.Weights | None = P.constant(int(node.op == "and"))
        for arg in node.args:
            part = weights_of(facts, arg)
            total = None if total is None or part is None else P.combined(RULES[node.op], total, part)
        return total
    if not isinstance(node, Select):
        return None
    keys, queries = facts.joints[node.key], facts.joints[node.query]
    if keys is None or queries is None or keys.cells.size * queries.cells.size > STATES:
        return None
    if (keys.cells < 0).any() or (queries.cells < 0).any() or (node.cells < 0).any():
        return None
    cells = node.cells[keys.cells.ravel()][:, queries.cells.ravel()]
    return P.selecting((_roots(facts, keys), _roots(facts, queries)), cells)


def _roots(facts: Facts, joint: Joint) -> tuple[P.Root, ...]:
    return tuple((root, _size(facts, root)) for root in joint.roots)


def _size(facts: Facts, root: int) -> range:
    node = facts.nodes[root]
    assert isinstance(node, Variable) and isinstance(node.domain, Listed)
    return range(len(node.domain))


def _summed(facts: Facts, place: int, joint: Joint) -> P.Weights | None:
    """What a sum of widths and lengths counts for each pair."""
    domain = facts.nodes[place].domain  # type: ignore[attr-defined]
    if not domain.all_numbers or not joint.roots:
        return None
    numbers = [facts.nodes[root].domain.numbers for root in joint.roots]  # type: ignore[attr-defined]
    found = affine(joint.cells, domain, numbers)
    total: P.Weights | None = None if found is None else P.constant(0)
    for root, factor in zip(joint.roots, found[0] if found else (), strict=False):
        part = P.constant(1) if isinstance(facts.nodes[root], Length) else _selected(facts, root)
        if total is not None:
            total = None if part is None else P.combined(partial(_plus, factor), total, part)
    return total


def _plus(factor: int, one: P.Integers, other: P.Integers) -> P.Integers:
    return one + factor * other


def affine(cells: Ids, domain: Listed, numbers: Sequence[Floats]) -> tuple[list[int], int] | None:
    """(factors, more) where the table is more + Σ factor·number wherever that is one of its values, else undefined."""
    known = cells >= 0
    if not known.any():
        return None
    held = domain.numbers[np.maximum(cells, 0)]
    factors = []
    for axis, own in enumerate(numbers):
        both = np.delete(known, 0, axis) & np.delete(known, -1, axis)
        if not both.any():
            return None
        at = tuple(np.argwhere(both)[0])
        step = own[at[axis] + 1] - own[at[axis]]
        if step == 0:  # of words, which are no numbers
            return None
        factors.append(float(np.diff(held, axis=axis)[at] / step))
    grid = sum(
        factor * own.reshape([-1 if a == axis else 1 for a in range(len(numbers))])
        for axis, (factor, own) in enumerate(zip(factors, numbers, strict=True))
    )
    at = tuple(np.argwhere(known)[0])
    more = float(held[at] - np.broadcast_to(grid, cells.shape)[at])
    total = np.asarray(grid) + more
    whole = all(number == int(number) for number in (*factors, more))
    fits = whole and bool((total == held)[known].all()) and not np.isin(total[~known], domain.numbers).any()
    return ([int(factor) for factor in factors], int(more)) if fits else None


def _sides(weights: P.Weights) -> list[P.Weights]:
    """Selectors of which a sum with two values for a pair counts the keys, up to a part that all positions share."""
    values = np.unique(weights.table)
    return [P.Weights(weights.labels, weights.table == value) for value in values] if len(values) == 2 else []


def _order(labels: Mapping[P.Group, P.Integers], table: Pairs) -> Order | None:
    """What order a selector is, group of variables by group; None if it is not seen to be one.

    Each group either orders positions by a number c: it selects wherever c of the key is below c of the query, and
    nothing where it is above, and other groups decide where the two are equal. Or it parts positions into classes:
    nothing is selected across these, and other groups decide within one. After the last group nothing is selected. What
    is built in this way is a strict order of the positions of one class; those of one rank agree in all numbers c.
    """
    if not table.any():
        return Order(frozenset(), frozenset())
    for axis, (group, numbers) in enumerate(labels.items()):
        found = _decided(group, numbers, np.moveaxis(table, axis, 0))
        rest = {other: own for other, own in labels.items() if other != group}
        if found is not None and (order := _order(rest, found[0])) is not None:
            return Order(order.within | found[1].within, order.agree | found[1].agree)
    return None


def _decided(group: P.Group, labels: P.Integers, table: Pairs) -> tuple[Pairs, Order] | None:
    """(what is left to decide where a group finds two positions equal, what these agree in).

    None where the group neither orders nor parts positions. `table` [labels, …].
    """
    keys, queries = group
    if keys != queries:
        return None
    states = int(np.prod([len(values) for _, values in keys], dtype=np.int64))
    pair, slices = labels.reshape(states, states), table.reshape(len(table), -1)
    above, never = np.asarray(slices.all(axis=1))[pair], ~np.asarray(slices.any(axis=1))[pair]
    before = above.sum(axis=0)
    least, same = before[:, None] < before[None, :], before[:, None] == before[None, :]
    if (above == least).all() and never[~least & ~same].all() and above.any():
        roots = [root for place, (root, _) in enumerate(keys) if _agree(keys, place)[same].all()]
        order = Order(frozenset(), frozenset(roots))
    else:
        same, order = ~never, Order(frozenset(root for root, _ in keys), frozenset())
        if not _is_equivalence(same):
            return None
    left = np.unique(pair[same])
    return None if (slices[left] != slices[left[0]]).any() else (np.asarray(table[left[0]]), order)


def _is_equivalence(same: Pairs) -> bool:
    """Whether a relation of states parts them into classes."""
    first = same.argmax(axis=0)
    return bool(same.diagonal().all() and (same == (first[:, None] == first[None, :])).all())


def _agree(roots: Sequence[P.Root], place: int) -> Pairs:
    """[states, states]: where one of the variables is the same."""
    shape = [len(values) for _, values in roots]
    own = np.broadcast_to(np.arange(shape[place]).reshape([-1 if a == place else 1 for a in range(len(shape))]), shape)
    return np.asarray(own.ravel()[:, None] == own.ravel()[None, :])
