"""Which values a pick can move, by which tokens can stand where: the index of a marker is an index where it can stand.

Of a pick of indices at keys that hold "+", in a domain of `[0-9]{3}\\+[0-9]{3}=`, the only value is 3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.graph.nodes import Best, Gate, Listed, Select
from raspc.graph.store import Store
from raspc.graph.tables import joined, possible, union

MOST_CELLS = 1 << 20
"""The most combinations of token and index that are looked at."""


def reached(store: Store, selector: int, source: int, values: Listed, default: tuple[object, ...]) -> Listed:
    """Of the values of a pick those that some selected key can hold, and the default; all where nothing is known.

    Two at least stay where there are so many, so that no claim disappears in a constant.
    """
    held = np.ones(len(store.listed(source)), bool)
    for select in _conjuncts(store, selector):
        held &= _at_selected(store, select, source)
    if held.all():
        return values
    kept = {V.key(value) for value, there in zip(store.listed(source).values, held.tolist(), strict=True) if there}
    kept |= {V.key(value) for value in default}
    for value in values.values:
        if len(kept) >= min(2, len(values)):
            break
        kept.add(V.key(value))
    return Listed(tuple(value for value in values.values if V.key(value) in kept))


def _conjuncts(store: Store, selector: int) -> Iterator[Select]:
    """Tables that every selected pair is in."""
    node = store.nodes[selector]
    if isinstance(node, Best):
        yield from _conjuncts(store, node.selector)
    elif isinstance(node, Select):
        yield node
    elif isinstance(node, Gate) and node.op == "and":
        for arg in node.args:
            yield from _conjuncts(store, arg)


def _at_selected(store: Store, select: Select, source: int) -> NDArray[np.bool_]:
    """[source value]: whether it can stand where a key is selected by some query."""
    every = np.ones(len(store.listed(source)), bool)
    sides = [store.joints[select.key], store.joints[source]]
    joints = [joint for joint in sides if joint is not None]
    if store.standing is None or len(joints) < len(sides):
        return every
    roots = union(joints)
    sizes = [len(store.listed(root)) for root in roots]
    if np.prod(sizes, dtype=float) > MOST_CELLS:
        return every
    key, held = joined(joints, roots)
    there = possible(roots, store.nodes, sizes) & store.standing.mask([type(store.nodes[root]) for root in roots])
    selected = (select.cells != 0).any(axis=1)
    there = there & (key >= 0) & (held >= 0) & selected[np.maximum(key, 0)]
    found = np.zeros(len(every), bool)
    found[np.unique(np.broadcast_to(held, there.shape)[there])] = True
    return found
