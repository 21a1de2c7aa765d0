"""The normal form of a graph: what two programs share that compute the same in ways that can be seen through.

Each node gets a class, by number; nodes of one class, in one graph or in two, hold the same values on every
input. Elementwise nodes are listed over their roots, so that `x + 1 − 1` is x; selectors are listed over the
roots of both sides, conjunctions and disjunctions are sets. Equal forms are a proof; different ones decide
nothing. What can be undefined is never rewritten and is part of the form, so that equal programs are also
undefined on the same inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raspc import values as V
from raspc.errors import RaspcError
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Listed, Node
from raspc.graph.scores import all_ranked
from raspc.graph.selectors import COMBINE, Facts, single_valued, tells_position
from raspc.graph.tables import JOINT_LIMIT, Joint, listing, own_listing, possible
from raspc.passes.pipeline import run_passes

Class = int
Root = tuple[Class, Any]
"""A variable that is not elementwise: its class and its values, in order."""


@dataclass(frozen=True)
class Form:
    """The class of the output, and those of everything that can make an input undefined."""

    output: Class
    raising: frozenset[Class]


def same_form(a: Graph, b: Graph) -> bool:
    """True if it is proved that the two programs have the same answers, and are undefined on the same inputs."""
    if frame(a) != frame(b):
        return False
    known: dict[Any, Class] = {}
    forms = [form_of(graph, known) for graph in (a, b)]
    if forms[0] == forms[1]:
        return True
    # Passes keep the answers where a program is defined; of programs that are so everywhere, that is all.
    if any(form.raising for form in forms):
        return False
    return form_of(_after_passes(a), known) == form_of(_after_passes(b), known)


def frame(graph: Graph) -> Any:
    """What must agree before forms can be compared: vocabulary, lengths, mask."""
    return tuple(map(V.key, graph.vocab)), graph.max_seq_len, graph.causal, graph.exact_length, graph.where


def _after_passes(graph: Graph) -> Graph:
    try:
        return run_passes(graph)[0]
    except (RaspcError, AssertionError):  # a graph from a file may leave out what lowering needs
        return graph


def form_of(graph: Graph, known: dict[Any, Class]) -> Form:
    """The form of a graph; `known` numbers the classes and grows, and is shared by graphs to be compared."""
    former = Former(graph, known)
    for place, node in enumerate(graph.nodes):
        former.add(place, node)
    return Form(former.classes[graph.output], frozenset(former.raising))


@dataclass(frozen=True, eq=False)
class _Predicate:
    """A selector over the roots of its keys, then of its queries: cells[id, …, id, …]."""

    keys: tuple[Root, ...]
    queries: tuple[Root, ...]
    cells: N.Bits


class Former:
    """Gives each node of a graph its class, in order.

    `apart`: variables that may be forced, by name. What reads one of these reads whatever it is, so that each has a
    class of its own; `defined`: the class that it would have otherwise.
    """

    def __init__(self, graph: Graph, known: dict[Any, Class], apart: Collection[str] = ()) -> None:
        self.graph, self.known, self.apart = graph, known, apart
        self.defined: dict[str, Class] = {}
        self.classes: list[Class] = []
        self.joints: list[Joint | None] = []
        self.raising: set[Class] = set()
        self.first: dict[Root, int] = {}
        self.predicates: dict[Class, _Predicate] = {}
        self.gates: dict[Class, tuple[str, frozenset[Class]]] = {}

    def add(self, place: int, node: Node) -> None:
        found, joint = RULES[type(node)](self, node)
        if N.is_free(node) and (own := self.forced(place, node, found)) != found:
            found, joint = own, None
        self.classes.append(found)
        self.joints.append(joint or self.root(place, node, found))

    def forced(self, place: int, node: Node, found: Class) -> Class:
        """The class of a variable of a total graph: that of whatever it is forced to be, where it may be."""
        if self.graph.labels[place] not in self.apart:
            return found
        self.defined[self.graph.labels[place]] = found
        return self.number("forced", self.graph.labels[place])

    def root(self, place: int, node: Node, found: Class) -> Joint | None:
        """The listing of a variable that is a root: equal ones are one."""
        if not isinstance(node, N.Variable) or not isinstance(node.domain, Listed):
            return None
        return own_listing(self.first.setdefault(self.root_of(place), place), node)

    def number(self, *identity: Any) -> Class:
        return self.known.setdefault(identity, len(self.known))

    def roots(self, places: Sequence[int]) -> tuple[Root, ...]:
        return tuple(map(self.root_of, places))

    def root_of(self, place: int) -> Root:
        """What a variable is a root as: the count of the keys in sight as the index that it is one more than."""
        keys = keys_of(self.graph.variable(place).listed)
        if tells_position(self.graph.nodes, place, self.graph.causal):
            return self.number("indices"), tuple(map(V.key, range(len(keys))))
        return self.classes[place], keys

    def of(self, places: Sequence[int]) -> tuple[Class, ...]:
        return tuple(self.classes[place] for place in places)

    def table(self, node: N.Table) -> tuple[Class, Joint | None]:
        whole = listing(self.graph.nodes, self.joints, node.args, node.cells, trimmed=False)
        if whole is None or self.may_be_undefined(whole):
            found = self.number("cells", self.roots(node.args), node.cells.tobytes(), keys_of(node.listed))
            if (node.cells < 0).any():
                self.raising.add(found)
            return found, None
        joint = listing(self.graph.nodes, self.joints, node.args, node.cells)
        assert joint is not None
        return self.listed(joint, node.listed), joint

    def may_be_undefined(self, joint: Joint) -> bool:
        sizes = [len(self.graph.variable(root).listed) for root in joint.roots]
        return bool(((joint.cells < 0) & possible(joint.roots, self.graph.nodes, sizes)).any())

    def listed(self, joint: Joint, domain: Listed) -> Class:
        """The class of an elementwise node, which is that of its root if it is the identity."""
        roots = self.roots(joint.roots)
        order = sorted(range(len(roots)), key=lambda axis: roots[axis][0])
        roots = tuple(roots[axis] for axis in order)
        cells, held = renumbered(joint.cells.transpose(order), domain)
        if len(roots) == 1 and roots[0][1] == tuple(held[i] if i >= 0 else ... for i in cells.tolist()):
            return roots[0][0]
        return self.number("table", roots, cells.tobytes(), held)

    def affine(self, node: N.Affine) -> tuple[Class, None]:
        terms = sorted(zip(self.of(node.args), node.coefs, strict=True))
        return self.number("affine", tuple(terms), node.bias), None

    def sign(self, node: N.Sign) -> tuple[Class, None]:
        terms = sorted(zip(self.of(node.args), node.coefs, strict=True))
        return self.number("sign", tuple(terms), node.bias, node.gap, keys_of(node.listed)), None

    def select(self, node: N.Select) -> tuple[Class, None]:
        keys, queries = self.joints[node.key], self.joints[node.query]
        assert keys is not None and queries is not None
        if keys.cells.size * queries.cells.size > JOINT_LIMIT:
            return self.opaque(node), None
        cells = node.cells[np.ix_(np.maximum(keys.cells, 0).ravel(), np.maximum(queries.cells, 0).ravel())]
        real = np.logical_and.outer(keys.cells.ravel() >= 0, queries.cells.ravel() >= 0)
        if (cells[real] < 0).any():
            return self.opaque(node), None
        shape = (*keys.cells.shape, *queries.cells.shape)
        cells = np.where(real, cells, 0).astype(np.int8).reshape(shape)
        return self.predicate(_Predicate(self.roots(keys.roots), self.roots(queries.roots), cells)), None

    def opaque(self, node: N.Select) -> Class:
        found = self.number("select", self.roots((node.key, node.query)), node.cells.tobytes())
        if (node.cells < 0).any():
            self.raising.add(found)
        return found

    def predicate(self, given: _Predicate) -> Class:
        """The class of a selector that is listed."""
        if not given.cells.any():
            return self.combined("or", frozenset())
        small = _smaller(given)
        if not small.keys and not small.queries:
            return self.combined("and", frozenset())
        found = self.number("predicate", small.keys, small.queries, small.cells.tobytes())
        self.predicates.setdefault(found, small)
        return found

    def gate(self, node: N.Gate) -> tuple[Class, None]:
        parts: set[Class] = set()
        for part in self.of(node.args):
            op, members = self.gates.get(part, ("", frozenset()))
            parts |= members if op == node.op else {part}
        return self.combined(node.op, frozenset(self.merged(node.op, parts))), None

    def merged(self, op: str, parts: set[Class]) -> set[Class]:
        """The parts with all predicates over the same roots made one."""
        groups: dict[Any, _Predicate] = {}
        rest: set[Class] = set()
        for part in sorted(parts):
            given = self.predicates.get(part)
            if given is None:
                rest.add(part)
                continue
            pair = (given.keys, given.queries)
            cells = COMBINE[op](groups[pair].cells, given.cells) if pair in groups else given.cells
            groups[pair] = _Predicate(*pair, cells)
        return rest | {self.predicate(group) for group in groups.values()}

    def combined(self, op: str, parts: frozenset[Class]) -> Class:
        """An "and" or "or" of selectors, of none, all or nothing."""
        neutral, absorbing = ("and", "or") if op == "and" else ("or", "and")
        nothing = self.number("gate", absorbing, frozenset())
        if parts and nothing in parts:
            return nothing
        parts -= {self.number("gate", neutral, frozenset())}
        if len(parts) == 1:
            return next(iter(parts))
        found = self.number("gate", op, parts)
        self.gates[found] = (op, parts)
        return found

    def best(self, node: N.Best) -> tuple[Class, None]:
        score = self.graph.variable(node.score).listed
        found = self.number("best", *self.of((node.selector, node.score)), keys_of(score), node.end)
        if not all_ranked(score):
            self.raising.add(found)
        return found, None

    def index(self, node: N.Index) -> tuple[Class, None]:
        return self.number("indices"), None

    def length(self, node: N.Length) -> tuple[Class, None]:
        return self.number("length"), None

    def width(self, node: N.Width) -> tuple[Class, None]:
        if tells_position(self.graph.nodes, len(self.classes), self.graph.causal):
            cells = np.arange(len(node.listed), dtype=np.int32)
            roots = ((self.number("indices"), tuple(map(V.key, range(len(cells))))),)
            return self.number("table", roots, cells.tobytes(), keys_of(node.listed)), None
        return self.number("width", self.classes[node.selector], keys_of(node.listed)), None

    def aggregate(self, node: N.Aggregate) -> tuple[Class, None]:
        # Where no query is without a key the default is never read; a value that the set lacks would be undefined.
        default = (V.key(node.default),) if node.may_be_empty else "never"
        held = keys_of(node.domain) if isinstance(node.domain, Listed) else "interval"
        promise = ("single",) if node.single else ()
        found = self.number("aggregate", *self.of((node.selector, node.source)), default, held, *promise)
        mixes = bool(self.graph.variable(node.source).domain.specials)
        facts = Facts(self.graph.nodes, self.joints, self.graph.causal)
        if node.single or (mixes and not single_valued(facts, node.selector, node.source)):
            self.raising.add(found)
        return found, None

    def sum(self, node: N.Sum) -> tuple[Class, Joint | None]:
        held = keys_of(node.domain) if isinstance(node.domain, Listed) else "interval"
        found = self.number("sum", *self.of((node.selector, node.source)), held)
        if self.graph.variable(node.source).domain.specials:
            self.raising.add(found)
        return found, None


def keys_of(domain: Listed) -> tuple[Any, ...]:
    """The values of a set, in its order, as what they are compared by."""
    return tuple(map(V.key, domain.values))


def renumbered(cells: N.Ids, domain: Listed) -> tuple[N.Ids, tuple[Any, ...]]:
    """The cells as numbers of the values that occur, in canonical order; and these values."""
    used = sorted(np.unique(cells[cells >= 0]).tolist(), key=lambda i: V.order(domain.values[i]))
    number = np.full(len(domain) + 1, -1, np.int32)  # the last is for what is undefined
    number[used] = np.arange(len(used))
    return np.ascontiguousarray(number[cells]), tuple(V.key(domain.values[i]) for i in used)


def _smaller(given: _Predicate) -> _Predicate:
    """Without the roots that make no difference, and the others in the order of their classes."""
    cells, sides = given.cells, [list(given.keys), list(given.queries)]
    for side in (1, 0):
        for i in range(len(sides[side]) - 1, -1, -1):
            axis = i + side * len(given.keys)
            if (cells == cells.max(axis=axis, keepdims=True)).all():
                cells = cells.max(axis=axis)
                del sides[side][i]
    keys, queries = (_by_class(roots) for roots in sides)
    cells = np.ascontiguousarray(cells.transpose([*keys, *(len(keys) + i for i in queries)]))
    return _Predicate(tuple(sides[0][i] for i in keys), tuple(sides[1][i] for i in queries), cells)


def _by_class(roots: Sequence[Root]) -> list[int]:
    return sorted(range(len(roots)), key=lambda i: roots[i][0])


RULES: dict[type[Node], Callable[[Former, Any], tuple[Class, Joint | None]]] = {
    N.Token: lambda former, node: (former.number("tokens"), None),
    N.Index: lambda former, node: former.index(node),
    N.Length: lambda former, node: former.length(node),
    N.Table: lambda former, node: former.table(node),
    N.Affine: lambda former, node: former.affine(node),
    N.Sign: lambda former, node: former.sign(node),
    N.Select: lambda former, node: former.select(node),
    N.Gate: lambda former, node: former.gate(node),
    N.Best: lambda former, node: former.best(node),
    N.Width: lambda former, node: former.width(node),
    N.Aggregate: lambda former, node: former.aggregate(node),
    N.Sum: lambda former, node: former.sum(node),
}
