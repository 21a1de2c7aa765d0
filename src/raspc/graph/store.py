"""The nodes made so far: equal ones are shared, value sets are listed when somebody needs them listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.evaluate import Run
from raspc.graph.means import apart, possible_means, too_near
from raspc.graph.nodes import (
    Affine,
    Aggregate,
    Bits,
    Graph,
    Interval,
    Listed,
    Node,
    Table,
    Variable,
    renumbered,
)
from raspc.graph.selectors import FALSE, TRUE
from raspc.graph.tables import Joint, own_listing

COMPUTED = (Table, N.Width, Aggregate)
"""What equal nodes are shared of; tokens, indices and the gates of none are one each in any case."""

LIST_LIMIT = 1 << 18
"""The most values that a value set may have when it is listed."""


class Store:
    """Nodes in topological order, each with its listing over roots."""

    def __init__(self, max_len: int, without: Collection[str] = ()) -> None:
        self.max_len, self.without = max_len, tuple(without)
        self.changes: Counter[str] = Counter()
        self.nodes: list[Node] = []
        self.joints: list[Joint | None] = []
        self.runs: list[Run] | None = None
        self._known: dict[Any, int] = {}

    def does(self, name: str, applies: bool = True) -> bool:
        """Whether a pass changes something here: it applies, and is not left out. Counted."""
        done = applies and name not in self.without
        self.changes[name] += done
        return done

    def put(self, node: Node, joint: Joint | None = None) -> int:
        """The place of this node, or of one equal to it."""
        identity = _identity(node)
        known = self._known.get(identity)
        if known is not None and (not isinstance(node, COMPUTED) or self.does("share")):
            return known
        place = self._known[identity] = len(self.nodes)
        self.nodes.append(node)
        self.joints.append(joint or own_listing(place, node))
        return place

    def select(self, key: int, query: int, cells: Bits, certain: bool = True) -> int:
        """A selector; one that is `certain` and does not vary is a constant."""
        constant = certain and bool(cells.flat[0] >= 0 and (cells == cells.flat[0]).all())
        if self.does("fold", constant):
            return self.put(TRUE if cells.flat[0] else FALSE)
        return self.put(N.Select(key=key, query=query, cells=cells))

    def describe(self, place: int, name: str | None, numerical: bool | None) -> int:
        """The place, after its node has taken a name and advice."""
        node = self.nodes[place]
        if name is not None and name not in node.names:
            node = replace(node, names=(*node.names, name))
        if numerical is not None:
            node = replace(node, numerical=numerical)
        self.nodes[place] = node
        return place

    def domain(self, place: int) -> N.Domain:
        """The value set of a variable."""
        node = self.nodes[place]
        assert isinstance(node, Variable)
        return node.domain

    def listed(self, place: int) -> Listed:
        """The value set of a variable that has been listed."""
        domain = self.domain(place)
        assert isinstance(domain, Listed)
        return domain

    def may_raise(self, place: int) -> bool:
        """Whether this node, or one that it rests on, is undefined somewhere."""
        seen, stack = {place}, [place]
        while stack:
            node = self.nodes[stack.pop()]
            if isinstance(node, Table) and node.raises:
                return True
            if isinstance(node, N.Select) and (node.cells < 0).any():
                return True
            if isinstance(node, Aggregate) and self._may_mix(node):
                return True
            fresh = [ref for ref in node.refs if ref not in seen]
            seen.update(fresh)
            stack.extend(fresh)
        return False

    def _may_mix(self, node: Aggregate) -> bool:
        """Whether it is not proved that the aggregate never averages unequal values that are not all numbers."""
        source = self.domain(node.source)
        single = isinstance(source, Listed) and len(source) == 1
        return node.proof != "structure" and bool(source.specials) and not single

    def affine(self, args: Sequence[int], coefs: Sequence[float], bias: float) -> int:
        """bias + Σ coefs·args."""
        low, high = bias, bias
        for arg, coef in zip(args, coefs, strict=True):
            ends = sorted(coef * x for x in _range(self.domain(arg)))
            low, high = low + ends[0], high + ends[-1]
        domain = Interval(float(low), float(high))
        return self.put(Affine(domain=domain, args=tuple(args), coefs=tuple(map(float, coefs)), bias=float(bias)))

    def aggregate_domain(self, source: N.Domain, pick: bool, default: Any, maybe_empty: bool) -> N.Domain:
        """What a pick or a mean of the source can be."""
        extra = (default,) if maybe_empty else ()
        if pick and isinstance(source, Listed):
            return Listed(V.canonical((*source.values, *extra)))
        specials = source.specials
        low, high = _range(source)
        numbers = [low, high, *(x for x in extra if V.is_number(x))]
        words = V.canonical((*specials, *(x for x in extra if not V.is_number(x))))
        return Interval(float(min(numbers)), float(max(numbers)), words)

    def list_values(self, place: int, reader: str) -> Listed:
        """List the value set of a variable, because `reader` depends on its single values.

        Raises UnsupportedProgram where it has too many.
        """
        node = self.nodes[place]
        assert isinstance(node, Variable)
        if isinstance(node.domain, Listed):
            return node.domain
        domain = self._listing(node, reader)
        if domain is None:
            name = next(iter(node.names), f"%{place}")
            raise UnsupportedProgram.at(
                name, "a mean or sum of numbers with too many possible values, or values within 1e-9 of each other",
                f"at most {LIST_LIMIT} of them, clearly apart, because {reader} depends on the exact value",
                "shorten the maximum length, average fewer distinct numbers, or count with SelectorWidth",
            )  # fmt: skip
        self.nodes[place] = self._with_listing(node, domain)
        self.joints[place] = own_listing(place, self.nodes[place])
        for run in self.runs or []:
            del run.cells[place:]
        return domain

    def _with_listing(self, node: Variable, domain: Listed) -> Variable:
        if isinstance(node, Aggregate):
            return replace(node, domain=domain)
        assert isinstance(node, Affine)
        total = _outer(node, [self.listed(arg).numbers for arg in node.args])
        ids = np.abs(domain.numbers[:, None] - total.reshape(1, -1)).argmin(axis=0) if total.size < 1 << 12 else None
        if ids is None:
            right = np.clip(np.searchsorted(domain.numbers, total.ravel()), 1, len(domain) - 1)
            below = total.ravel() - domain.numbers[right - 1] < domain.numbers[right] - total.ravel()
            ids = right - below
        cells = ids.reshape(total.shape).astype(np.int32)
        return Table(domain=domain, args=node.args, cells=cells, names=node.names, numerical=node.numerical)

    def _listing(self, node: Variable, reader: str) -> Listed | None:
        if isinstance(node, Affine):
            args = [self.list_values(arg, reader) for arg in node.args]
            if np.prod([len(arg) for arg in args], dtype=float) > 16 * LIST_LIMIT:
                return None
            found = _distinct(_outer(node, [arg.numbers for arg in args]).ravel())
            return Listed(tuple(_tidy(found))) if len(found) <= LIST_LIMIT else None
        assert isinstance(node, Aggregate)
        source = self.list_values(node.source, reader)
        if node.pick:
            return Listed(V.canonical((*source.values, *([node.default] if node.may_be_empty else []))))
        numbers = [v for v in source.values if V.is_number(v)]
        if too_near(numbers):
            return None
        means = possible_means(numbers, self.max_len, LIST_LIMIT) if numbers else []
        extra = (node.default,) if V.is_number(node.default) else ()
        assert isinstance(node.domain, Interval)
        return None if means is None else Listed(V.canonical((*means, *extra, *node.domain.specials)))

    def rooted(self, place: int, cells: Bits) -> tuple[int, Bits]:
        """A table over a variable with one root, as a table over that root: cells[id, …]."""
        joint = self.joints[place]
        assert joint is not None
        if not self.does("compose", len(joint.roots) == 1 and joint.roots[0] != place):
            return place, cells
        moved = np.where((joint.cells >= 0)[:, None], cells[np.maximum(joint.cells, 0)], -1)
        return joint.roots[0], moved.astype(np.int8)

    def rooted_both(self, key: int, query: int, cells: Bits) -> tuple[int, int, Bits]:
        """A selector's table over the roots of its two variables, where they have one root."""
        key, cells = self.rooted(key, cells)
        query, turned = self.rooted(query, cells.T)
        return key, query, np.ascontiguousarray(turned.T)

    def graph(self, output: int, max_len: int, causal: bool) -> Graph:
        """The nodes that the output or a name needs, renumbered."""
        needed = {output} | {i for i, node in enumerate(self.nodes) if node.names or isinstance(node, N.Token)}
        for place in range(len(self.nodes) - 1, -1, -1):
            if place in needed:
                needed.update(self.nodes[place].refs)
        kept = sorted(needed)
        place_of = {old: new for new, old in enumerate(kept)}
        nodes = tuple(renumbered(self.nodes[old], place_of) for old in kept)
        return Graph(nodes, place_of[output], max_len, causal)


def _range(domain: N.Domain) -> tuple[float, float]:
    if isinstance(domain, Interval):
        return domain.lo, domain.hi
    numbers = domain.numbers[domain.is_number]
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)


def _outer(node: Affine, columns: Sequence[N.Floats]) -> N.Floats:
    total = np.array(node.bias)
    for coef, column in zip(node.coefs, columns, strict=True):
        total = total[..., None] + coef * column
    return total


def _distinct(numbers: N.Floats) -> N.Floats:
    return np.array(apart(np.unique(numbers).tolist()))


def _tidy(numbers: N.Floats) -> list[Any]:
    return [round(x) if abs(x - round(x)) <= 1e-12 * max(1.0, abs(x)) else x for x in numbers.tolist()]


def _identity(node: Node) -> Any:
    parts: list[Any] = [type(node).__name__]
    for f in fields(node):
        if f.name in ("names", "numerical"):
            continue
        value = getattr(node, f.name)
        if isinstance(value, np.ndarray):
            value = (value.shape, value.tobytes())
        elif isinstance(value, Listed):
            value = value.identity
        elif f.name == "default":
            value = (type(value).__name__, V.key(value))
        parts.append(value)
    return tuple(parts)
