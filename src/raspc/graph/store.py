"""The nodes made so far: equal ones are shared, value sets are listed when somebody needs them listed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from raspc import values as V
from raspc.graph import nodes as N
from raspc.graph.evaluate import Run
from raspc.graph.exact import Exact, drift, unrooted
from raspc.graph.nodes import (
    Affine,
    Aggregate,
    Bits,
    Graph,
    Ids,
    Interval,
    Listed,
    Node,
    Sign,
    Sum,
    Table,
    Variable,
    freed,
    renumbered,
)
from raspc.graph.scores import all_ranked
from raspc.graph.selectors import FALSE, TRUE
from raspc.graph.standing import Standing
from raspc.graph.tables import Joint, own_listing
from raspc.numbers.choice import Choice

CHOICES = (
    Choice(
        "share", "graph",
        "nodes with equal tables are one node",
        "equal kind, arguments, value set and table",
        "no two tables, widths or aggregates of a graph are equal",
    ),
    Choice(
        "fold", "graph",
        "what does not vary is a constant: tables, selectors, aggregates of one value",
        "defined wherever its arguments are",
        "no table varies with nothing; no selector is constant",
    ),
    Choice(
        "compose", "graph",
        "a function, or a selector, of a function of one variable is one of that variable",
        "the value is listed over one root",
        "a table over one root has it as its argument",
    ),
)  # fmt: skip

LARGE = 1 << 12
"""Equality of more values than this is told by two digits of their numbers, and no table over all pairs is made."""

COMPUTED = (Table, N.Width, Aggregate, Sum)
"""What equal nodes are shared of; tokens, indices and the gates of none are one each in any case."""
ONE_EACH = (N.Index, N.Length, Affine, Sign)
"""What is one in any case too, but in a total graph, where one may be forced and not the other."""


@dataclass(frozen=True, eq=False)
class Maker:
    """The function whose values a sum has, and the operator that it is known to be."""

    f: Callable[..., Any]
    name: str
    operation: tuple[str, Any, Any] | None


Split = Callable[[int, Sequence[int], str], int | None]
"""(a variable, a label for each of its exact values, who asks): the variable that has the labels, if there is one."""


Observed = Callable[[Sequence[int], Sequence[int]], np.ndarray[Any, Any]]
"""(variables, how many values each has): the combinations of their values that occur, as ascending flat indices."""


Means = Callable[[Aggregate, int], Listed | None]
"""(a mean, what it is a mean of): the values that occur, if that is known."""


def cannot_split(place: int, labels: Sequence[int], name: str) -> int | None:
    """What is known of a variable in a store of its own: nothing that tells equal values apart."""
    return None


class Store:
    """Nodes in topological order, each with its listing over roots."""

    def __init__(self, max_len: int, without: Collection[str] = (), total: bool = False) -> None:
        self.max_len, self.without, self.total = max_len, tuple(without), total
        self.changes: Counter[str] = Counter()
        self.nodes: list[Node] = []
        self.joints: list[Joint | None] = []
        self.runs: list[Run] | None = None
        self.exact: dict[int, Exact] = {}
        self.makers: dict[int, Maker] = {}
        self.split: Split = cannot_split
        self.observed: Observed | None = None
        self.means: Means | None = None
        self.standing: Standing | None = None
        self.listed_as: dict[int, int] = {}
        self._known: dict[Any, int] = {}
        self._may_raise: dict[int, bool] = {}
        self._drift: dict[int, float] = {}

    def does(self, name: str, applies: bool = True) -> bool:
        """Whether a pass changes something here: it applies, and is not left out. Counted."""
        done = applies and name not in self.without
        self.changes[name] += done
        return done

    def put(
        self, node: Node, joint: Joint | None = None, exact: Exact | None = None, maker: Maker | None = None,
        bound: bool = False,
    ) -> int:  # fmt: skip
        """The place of this node, or of one equal to it. `exact`: what it holds where several values count as one.

        Of a total graph each variable is a root of its own, whatever it is listed over; and it is free, unless it is
        `bound`: nobody can force it.
        """
        if self.total:
            node, joint = node if bound else freed(node), None
        identity = (identity_of(node), exact and exact.identity, maker and maker.operation)
        known = self._known.get(identity)
        computed = isinstance(node, (*COMPUTED, *ONE_EACH) if self.total else COMPUTED)
        if known is not None and (not computed or self.does("share")):
            return known
        place = self._known[identity] = len(self.nodes)
        self.nodes.append(_called_as_constant(node))
        self.joints.append(joint or own_listing(place, node))
        self._keep_exact(place, exact)
        if maker is not None:
            self.makers[place] = maker
        if isinstance(node, Variable) and not isinstance(node.domain, Listed):
            self._drift[place] = self._drift_of(node)
        return place

    def exactly(self, place: int) -> Exact:
        """What a variable exactly holds, over the exact values of its roots."""
        known = self.exact.get(place)
        if known is not None:
            return known
        joint, values = self.joints[place], self.listed(place).values
        assert joint is not None, "every variable with a listed value set has a listing"
        ids = np.arange(len(values), dtype=np.int32)
        return Exact(joint.roots, self.over_exact(joint.roots, joint.cells), values, ids)

    def over_exact(self, roots: Sequence[int], cells: Ids) -> Ids:
        """Cells over the values of some roots, as cells over their exact values."""
        for axis, root in enumerate(roots):
            if root in self.exact:
                cells = cells.take(self.exact[root].ids, axis)
        return cells

    def drift(self, place: int) -> float:
        """How far the number that a variable has in the model can lie from the one that the interpreter sees."""
        if isinstance(domain := self.domain(place), Listed):
            return drift(self.exact.get(place), domain)
        return self._drift[place]

    def _drift_of(self, node: Node) -> float:
        """The same of a sum or mean that is about to be put there."""
        if isinstance(node, Affine):
            return sum(abs(coef) * self.drift(arg) for coef, arg in zip(node.coefs, node.args, strict=True))
        if isinstance(node, Sum):
            return self.max_len * self.drift(node.source)
        return self.drift(node.source) if isinstance(node, Aggregate) else 0.0

    def select(self, key: int, query: int, cells: Bits, certain: bool = True) -> int:
        """A selector; one that is `certain` and does not vary is a constant."""
        constant = certain and bool(cells.flat[0] >= 0 and (cells == cells.flat[0]).all())
        if self.does("fold", constant):
            return self.put(TRUE if cells.flat[0] else FALSE)
        return self.put(N.Select(key=key, query=query, cells=cells))

    def describe(self, place: int, name: str | None, numerical: bool | None, called: str | None = None) -> int:
        """The place, after its node has taken a name and advice, or what it is called if it is called nothing yet."""
        node = self.nodes[place]
        an_input = isinstance(node, N.Token | N.Index | N.Length) and not self.total
        if called is not None and node.called is None and not an_input:
            node = replace(node, called=called)
        if name is not None and name not in node.names:
            node = replace(node, names=(*node.names, name))
        if numerical is not None:
            node = replace(node, numerical=numerical)
        self.nodes[place] = node
        return place

    def called(self, place: int) -> str | None:
        """What a node is called so far; nothing where its label will be its kind with a number."""
        node = self.nodes[place]
        return next(iter(node.names), node.called) or INPUTS.get(type(node))

    def call(self, place: int, pattern: str, *parts: int) -> int:
        """The place, after its node has taken a name made of those of the nodes that it is about, if all have one."""
        names = [self.called(part) for part in parts]
        return self.describe(place, None, None, None if None in names else pattern.format(*names))

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
        """Whether this node, or one that it rests on, is undefined somewhere. Each node is looked at once."""
        known, waiting = self._may_raise, [place]
        while waiting:
            node = self.nodes[waiting[-1]]
            fresh = [ref for ref in node.refs if ref not in known]
            if fresh:
                waiting.extend(fresh)
            else:
                undefined = any(known[ref] for ref in node.refs) or self._is_undefined_somewhere(node)
                known[waiting.pop()] = undefined
        return known[place]

    def promises(self, place: int) -> tuple[str, ...] | None:
        """The author's promises that this node, and all that it rests on, has a value; None where none says so."""
        if not self.may_raise(place):
            return ()
        found = [node.promise if isinstance(node, Table) else "" for node in self._raising(place)]
        return tuple(dict.fromkeys(found)) if all(found) else None

    def _raising(self, place: int) -> Iterator[Node]:
        """The nodes that are undefined somewhere, of this one and those that it rests on."""
        seen, stack = {place}, [place]
        while stack:
            node = self.nodes[stack.pop()]
            if self._is_undefined_somewhere(node):
                yield node
            fresh = [ref for ref in node.refs if ref not in seen]
            seen.update(fresh)
            stack.extend(fresh)

    def _is_undefined_somewhere(self, node: Node) -> bool:
        """Whether this node itself is, wherever those that it rests on have values."""
        return (
            (isinstance(node, Table) and node.raises)
            or (isinstance(node, N.Select) and bool((node.cells < 0).any()))
            or (isinstance(node, N.Best) and not all_ranked(self.listed(node.score)))
            or (isinstance(node, Aggregate) and (node.single or self._may_mix(node)))
            or (isinstance(node, Sum) and bool(self.domain(node.source).specials))
        )

    def _may_mix(self, node: Aggregate) -> bool:
        """Whether it is not proved that the aggregate never averages unequal values that are not all numbers."""
        source = self.domain(node.source)
        single = isinstance(source, Listed) and len(source) == 1
        return node.proof not in ("structure", "domain") and bool(source.specials) and not single

    def affine(self, args: Sequence[int], coefs: Sequence[float], bias: float, maker: Maker) -> int:
        """bias + Σ coefs·args. `maker`: the function that this is, for when its values are listed."""
        low, high = bias, bias
        for arg, coef in zip(args, coefs, strict=True):
            ends = sorted(coef * x for x in _range(self.domain(arg)))
            low, high = low + ends[0], high + ends[-1]
        domain = Interval(float(low), float(high))
        node = Affine(domain=domain, args=tuple(args), coefs=tuple(map(float, coefs)), bias=float(bias))
        return self.put(node, maker=maker)

    def average_domain(self, source: N.Domain, default: Any, maybe_empty: bool) -> Interval:
        """What a mean of the source can be, as long as nobody needs to know more."""
        extra = (default,) if maybe_empty else ()
        specials = source.specials
        low, high = _range(source)
        numbers = [low, high, *(x for x in extra if V.is_number(x))]
        words = V.canonical((*specials, *(x for x in extra if not V.is_number(x))))
        return Interval(float(min(numbers)), float(max(numbers)), words)

    def replace(self, place: int, node: Node, joint: Joint | None, exact: Exact | None) -> None:
        """The same variable, listed."""
        self.nodes[place] = freed(node) if self.total else node
        self.joints[place] = (None if self.total else joint) or own_listing(place, node)
        self._keep_exact(place, exact)
        for run in self.runs or []:
            del run.cells[place:]
        self._may_raise = {other: known for other, known in self._may_raise.items() if other < place}

    def _keep_exact(self, place: int, exact: Exact | None) -> None:
        if exact is not None and self.total:
            exact = unrooted(exact.values, exact.ids)
        if exact is not None:
            self.exact[place] = replace(exact, roots=(place,)) if exact.is_its_own_root else exact

    def rooted(self, place: int, cells: Bits) -> tuple[int, Bits]:
        """A table over a variable with one root, as a table over that root: cells[id, …]."""
        joint = self.joints[place]
        assert joint is not None
        if not self.does("compose", len(joint.roots) == 1 and joint.roots[0] != place):
            return place, cells
        moved = np.where((joint.cells >= 0)[:, None], cells[np.maximum(joint.cells, 0)], -1)
        return joint.roots[0], moved.astype(np.int8)

    def rooted_both(self, key: int, query: int, cells: Bits) -> tuple[int, int, Bits]:
        """A selector's table over the roots of its two variables, where they have one root each, and no huge ones."""
        joints = [joint for place in (key, query) if (joint := self.joints[place]) is not None]
        sizes = [len(self.listed(root)) for joint in joints for root in joint.roots]
        if max([0, *sizes]) > LARGE and max(cells.shape) <= LARGE:
            return key, query, cells
        key, cells = self.rooted(key, cells)
        query, turned = self.rooted(query, cells.T)
        return key, query, np.ascontiguousarray(turned.T)

    def graph(self, output: int, max_len: int, causal: bool) -> Graph:
        """The nodes that the output or a name needs, renumbered."""
        kept = self.kept(output)
        place_of = {old: new for new, old in enumerate(kept)}
        nodes = tuple(renumbered(self.nodes[old], place_of) for old in kept)
        return Graph(_told_apart(nodes), place_of[output], max_len, causal)

    def kept(self, output: int) -> list[int]:
        """The places of the nodes that the output or a name needs."""
        needed = {output} | {i for i, node in enumerate(self.nodes) if node.names or isinstance(node, N.Token)}
        for place in range(len(self.nodes) - 1, -1, -1):
            if place in needed:
                needed.update(self.nodes[place].refs)
        return sorted(needed)


def _range(domain: N.Domain) -> tuple[float, float]:
    if isinstance(domain, Interval):
        return domain.lo, domain.hi
    numbers = domain.numbers[domain.is_number]
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)


INPUTS: dict[type[Node], str] = {N.Token: "tokens", N.Index: "indices", N.Length: "length"}
"""What the inputs of a program are called."""


def _told_apart(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Nodes with a name of their own are called nothing else; of those whose names others have the first one is what
    they are called, which their labels number."""
    taken: set[str] = set()
    found: list[Node] = []
    for node in nodes:
        free = next((name for name in node.names if name not in taken), None)
        taken.add(free or "")
        found.append(replace(node, called=None if free else node.names[0]) if node.names else node)
    return tuple(found)


def _called_as_constant(node: Node) -> Node:
    """A constant is called as its value, as a program writes it."""
    if not isinstance(node, N.Table) or node.args or node.called is not None:
        return node
    value = node.listed.values[int(node.cells)]
    word = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else None
    return replace(node, called=word or (f"{value:.6g}" if isinstance(value, float) else str(value)))


def identity_of(node: Node) -> Any:
    parts: list[Any] = [type(node).__name__]
    for f in fields(node):
        if f.name in ("names", "called", "numerical"):
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
