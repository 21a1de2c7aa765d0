"""Selectors in negation normal form, and what can be proved of them.

A selector is a `Select` (a boolean table over one key and one query variable), or an "and" or an "or" of
selectors, or the `Best` of the keys that such a selector selects. An empty "and" selects every key, an empty "or" none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from raspc.graph.nodes import Best, Bits, Gate, Index, Length, Node, Select, Table, Width
from raspc.graph.rows import distinct_rows
from raspc.graph.tables import JOINT_LIMIT, Joint, possible, union

TRUE = Gate("and", ())
FALSE = Gate("or", ())


@dataclass(frozen=True)
class Facts:
    """What the proofs look at: nodes, their listing over roots, and the mask."""

    nodes: Sequence[Node]
    joints: Sequence[Joint | None]
    causal: bool

    def joint(self, place: int) -> Joint:
        """The listing of a variable."""
        joint = self.joints[place]
        assert joint is not None
        return joint

    def sizes(self, roots: Sequence[int]) -> list[int]:
        """How many values each root has."""
        return [len(self.nodes[root].domain) for root in roots]  # type: ignore[attr-defined]


def negated(cells: Bits) -> Bits:
    """The table of the negated selector; undefined stays undefined."""
    return np.where(cells < 0, cells, 1 - cells).astype(np.int8)


def both(x: Bits, y: Bits) -> Bits:
    """The table of the conjunction: undefined where either is."""
    return np.where((x < 0) | (y < 0), -1, x & y).astype(np.int8)


def either(x: Bits, y: Bits) -> Bits:
    """The table of the disjunction: undefined where either is."""
    return np.where((x < 0) | (y < 0), -1, x | y).astype(np.int8)


COMBINE: dict[str, Callable[[Bits, Bits], Bits]] = {"and": both, "or": either}


def without_hidden(cells: Bits) -> Bits:
    """A table over indices in which pairs that a causal mask hides are like the first, which it never hides."""
    return np.where(np.tri(len(cells), dtype=bool).T, cells, cells[0, 0]).astype(np.int8)


def score_rank(cells: Bits) -> int:
    """About how many score directions a table takes: none for everything, one if it has one side, three for a matching.

    What `raspc.blocks.scores.penalty` will do with it, told from the table alone.
    """
    selected = distinct_rows(distinct_rows(cells != 0)[0].T)[0].T
    if 1 in selected.shape:
        return int(not selected.all())
    if (selected.sum(axis=0) <= 1).all() and (selected.sum(axis=1) <= 1).all():
        return 3
    return int(min((~selected.all(axis=1)).sum(), (~selected.all(axis=0)).sum()))


def most_keys(nodes: Sequence[Node], place: int, length: int) -> int:
    """How many keys a query can select at most: where they are indices, as many as some table has for it.

    Of gates only conjunctions of tables are looked at, so that it takes no longer on any graph.
    """
    node = nodes[place]
    if isinstance(node, Best):
        return most_keys(nodes, node.selector, length)
    parts = [nodes[arg] for arg in node.args] if isinstance(node, Gate) and node.op == "and" else [node]
    tables = [part for part in parts if isinstance(part, Select) and _is_index(nodes[part.key])]
    return min([length, *(int((table.cells != 0).sum(axis=0).max(initial=0)) for table in tables)])


def _is_index(node: Node) -> bool:
    return isinstance(node, Index) and not node.free


def tells_position(nodes: Sequence[Node], place: int, causal: bool) -> bool:
    """Whether the values of a variable, in their order, are the positions.

    The index is, and under a causal mask the count of the keys in sight, and what numbers its values anew.
    """
    node = nodes[place]
    while (
        isinstance(node, Table)
        and not node.free
        and len(node.args) == 1
        and np.array_equal(node.cells, np.arange(len(node.listed)))
    ):
        node = nodes[node.args[0]]
    if isinstance(node, Index):
        return not node.free
    if not causal or not isinstance(node, Width) or node.free:
        return False
    seen, counts = nodes[node.selector], list(node.listed.values) == list(range(1, len(node.listed) + 1))
    return counts and isinstance(seen, Gate) and seen.op == "and" and not seen.args


def never_empty(facts: Facts, place: int) -> bool:
    """True if it is proved that every query of every input selects some key."""
    node = facts.nodes[place]
    if isinstance(node, Best):
        return never_empty(facts, node.selector)
    if isinstance(node, Gate) and node.op == "or":
        return any(never_empty(facts, arg) for arg in node.args)
    if isinstance(node, Gate):
        return all(_selects_itself(facts, arg) for arg in node.args)
    assert isinstance(node, Select)
    return _selects_itself(facts, place) or _selects_a_present_index(facts, node)


def _selects_itself(facts: Facts, place: int) -> bool:
    """Whether every query selects the key at its own position."""
    return holds(facts.nodes, place, partial(_table_selects_itself, facts))


def holds(nodes: Sequence[Node], place: int, leaf: Callable[[int], bool]) -> bool:
    """Whether something holds of a selector: of an "and" where it does of all its parts, of an "or" where of any.

    `leaf` says it of what is no gate. Each selector is asked once, however many gates read it.
    """
    found: dict[int, bool] = {}
    waiting = [place]
    while waiting:
        node = nodes[waiting[-1]]
        if ahead := [arg for arg in (node.args if isinstance(node, Gate) else ()) if arg not in found]:
            waiting.extend(ahead)
            continue
        here = waiting.pop()
        if isinstance(node, Gate):
            found[here] = (all if node.op == "and" else any)(found[arg] for arg in node.args)
        elif here not in found:
            found[here] = leaf(here)
    return found[place]


def _table_selects_itself(facts: Facts, place: int) -> bool:
    node = facts.nodes[place]
    if not isinstance(node, Select):
        return False
    keys, queries = facts.joint(node.key), facts.joint(node.query)
    roots = union([keys, queries])
    sizes = facts.sizes(roots)
    if np.prod(sizes, dtype=float) > JOINT_LIMIT:
        return False
    k, q = keys.over(roots), queries.over(roots)
    return bool(np.all((node.cells[k, q] == 1) | ~possible(roots, facts.nodes, sizes) | (k < 0) | (q < 0)))


def _selects_a_present_index(facts: Facts, node: Select) -> bool:
    """An equality with an index that is below the length, and its like."""
    if not tells_position(facts.nodes, node.key, facts.causal):
        return False
    queries = facts.joint(node.query)
    sizes = facts.sizes(queries.roots)
    present = np.ones([1] * len(sizes), np.int64)
    for axis, root in enumerate(queries.roots):
        if isinstance(facts.nodes[root], Length) or tells_position(facts.nodes, root, facts.causal):
            along = np.arange(1, sizes[axis] + 1).reshape([-1 if a == axis else 1 for a in range(len(sizes))])
            present = np.maximum(present, along)
    first = np.where((node.cells == 1).any(axis=0), (node.cells == 1).argmax(axis=0), len(node.cells))
    ok = (first[queries.cells] < present) | (queries.cells < 0)
    return bool(np.all(ok | ~possible(queries.roots, facts.nodes, sizes)))


def single_valued(facts: Facts, place: int, source: int) -> bool:
    """True if it is proved that all keys selected by one query hold one value of the source."""
    node = facts.nodes[place]
    if isinstance(node, Gate):
        return node.op == "and" and (
            any(single_valued(facts, arg, source) for arg in node.args) or _one_by_parts(facts, place)
        )
    if one_key(facts, place):
        return True
    if isinstance(node, Best):
        return single_valued(facts, node.selector, source) or _tells(facts, node.score, source)
    assert isinstance(node, Select)
    selected = visible(facts, node)
    together = _together(facts, node.key, source)
    if together is None:
        return False
    held = (selected.T.astype(np.float32) @ together.astype(np.float32)) > 0
    return bool((held.sum(axis=1) <= 1).all())


def one_key(facts: Facts, place: int) -> bool:
    """True if it is proved that no query selects more than one key."""
    node = facts.nodes[place]
    if isinstance(node, Gate):
        return node.op == "and" and (any(one_key(facts, arg) for arg in node.args) or _one_by_parts(facts, place))
    if isinstance(node, Best):
        return is_injective(facts, node.score) or one_key(facts, node.selector)
    assert isinstance(node, Select)
    return tells_position(facts.nodes, node.key, facts.causal) and bool((visible(facts, node).sum(axis=0) <= 1).all())


def _one_by_parts(facts: Facts, place: int) -> bool:
    """Whether the parts of a conjunction together select one key at most, none of which does so alone."""
    return _are_numbered(facts, place) or _digits_tell(facts, facts.nodes[place].refs)


def _are_numbered(facts: Facts, place: int) -> bool:
    """Whether keys of one kind are taken by a number that each has for itself: how many of the kind there are up to it.

    Under a causal mask each of the kind counts itself and all before it, so that its number is none of theirs.
    """
    parts, waiting = set[int](), [place]
    while waiting:
        if (one := waiting.pop()) not in parts:
            node = facts.nodes[one]
            waiting += node.args if isinstance(node, Gate) and node.op == "and" else ()
            parts.add(one)
    return facts.causal and any(
        isinstance(node, Select)
        and isinstance(number := facts.nodes[node.key], Width)
        and not number.free
        and number.selector in parts
        and _is_a_kind(facts.nodes[number.selector])
        and bool(((node.cells == 1).sum(axis=0) <= 1).all())
        for node in map(facts.nodes.__getitem__, parts)
    )


def _is_a_kind(node: Node) -> bool:
    """Whether keys are selected for what they are themselves, whatever the query."""
    return isinstance(node, Select) and bool(((node.cells >= 0) & (node.cells == node.cells[:, :1])).all())


def _digits_tell(facts: Facts, places: Sequence[int]) -> bool:
    """Whether some tables, each of which selects one value of its keys at most, tell a position by them together."""
    digits = [facts.joint(node.key).cells for place in places if (node := _one_value(facts, place)) is not None]
    return bool(digits) and len(set(zip(*map(np.ndarray.tolist, digits), strict=True))) == len(digits[0])


def _one_value(facts: Facts, place: int) -> Select | None:
    """A table whose keys are a function of the position, and of which no query selects two values."""
    node = facts.nodes[place]
    if not isinstance(node, Select) or (joint := facts.joints[node.key]) is None or len(joint.roots) != 1:
        return None
    told = tells_position(facts.nodes, joint.roots[0], facts.causal) and bool((joint.cells >= 0).all())
    return node if told and bool(((node.cells != 0).sum(axis=0) <= 1).all()) else None


def is_injective(facts: Facts, score: int) -> bool:
    """Whether a variable is another one at each position: a function of the index that takes no value twice."""
    joint = facts.joints[score]
    if joint is None or len(joint.roots) != 1 or not tells_position(facts.nodes, joint.roots[0], facts.causal):
        return False
    held = joint.cells[joint.cells >= 0]
    return len(np.unique(held)) == len(held)


def _tells(facts: Facts, score: int, source: int) -> bool:
    """Whether positions that share a value of the score share one of the source."""
    together = _together(facts, score, source)
    return together is not None and bool((together.sum(axis=1, dtype=np.int64) <= 1).all())


def visible(facts: Facts, node: Select) -> NDArray[np.bool_]:
    """[key id, query id]: what is selected, less the keys that the causal mask hides from the query."""
    selected = node.cells == 1
    if facts.causal and all(tells_position(facts.nodes, side, True) for side in (node.key, node.query)):
        selected = selected & ~np.tri(len(selected), k=-1, dtype=bool)
    return np.asarray(selected)


def _together(facts: Facts, key: int, source: int) -> Bits | None:
    """[key id, source id]: 1 where some position can hold both."""
    if facts.joints[source] is None or facts.joints[key] is None:
        return None
    joints = (facts.joint(key), facts.joint(source))
    roots = union(joints)
    sizes = facts.sizes(roots)
    if np.prod(sizes, dtype=float) > JOINT_LIMIT:
        return None
    k, s = np.broadcast_arrays(*(joint.over(roots) for joint in joints))
    ok = (k >= 0) & (s >= 0) & possible(roots, facts.nodes, sizes)
    shape = [len(facts.nodes[place].domain) for place in (key, source)]  # type: ignore[attr-defined]
    found = np.zeros(shape, np.int8)
    found[k[ok], s[ok]] = 1
    return found
