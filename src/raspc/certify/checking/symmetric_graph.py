"""What exchanging two tokens does to every variable of a program, where it does the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Listed
from raspc.graph.scores import all_ranked
from raspc.graph.selectors import Facts, single_valued
from raspc.graph.tables import listings

Permutation = NDArray[np.intp]
"""The number of the value that takes each value's place; empty for selectors and intervals, which stay as they are."""

Actions = Mapping[int, Permutation]

NONE = np.zeros(0, np.intp)


def actions(graph: Graph, a: int, b: int) -> Actions | None:
    """What exchanging the tokens a and b does to each node: a permutation of its values, the same at all positions.

    Nodes of which none is proved are left out; None if the output is one of them, or a node that can make an
    input undefined.
    """
    found = _Actions(graph, (a, b))
    for place, node in enumerate(graph.nodes):
        action = RULES[type(node)](found, node)
        if action is not None:
            found.known[place] = action
        elif place == graph.output or _can_raise(graph, node):
            return None
    return found.known


@dataclass
class _Actions:
    graph: Graph
    exchanged: tuple[int, int]
    known: dict[int, Permutation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.places = {id(node): place for place, node in enumerate(self.graph.nodes)}
        self.facts = Facts(self.graph.nodes, listings(self.graph.nodes), self.graph.causal)

    def token(self, node: N.Token) -> Permutation:
        a, b = self.exchanged
        action = np.arange(len(node.listed))
        action[[a, b]] = b, a
        return action

    def same(self, node: N.Variable) -> Permutation:
        return np.arange(len(node.listed))

    def table(self, node: N.Table) -> Permutation | None:
        """Over the roots, where correlated arguments are seen together, if they have few combinations."""
        place = self.places[id(node)]
        joint = self.facts.joints[place]
        roots, cells = node.args, node.cells
        if joint is not None and joint.roots != (place,):
            roots, cells = joint.roots, joint.cells
        if any(root not in self.known for root in roots):
            return None
        moved = cells[np.ix_(*(self.known[root] for root in roots))] if roots else cells
        action = np.arange(len(node.listed))
        action[cells[cells >= 0]] = moved[cells >= 0]
        consistent = np.array_equal(moved, np.where(cells >= 0, action[cells], cells))
        return action if consistent and np.array_equal(np.sort(action), np.arange(len(action))) else None

    def affine(self, node: N.Affine) -> Permutation | None:
        return NONE if all(map(self.untouched, node.args)) else None

    def sign(self, node: N.Sign) -> Permutation | None:
        return self.same(node) if all(map(self.untouched, node.args)) else None

    def select(self, node: N.Select) -> Permutation | None:
        if node.key not in self.known or node.query not in self.known:
            return None
        moved = node.cells[np.ix_(self.known[node.key], self.known[node.query])]
        return NONE if np.array_equal(moved, node.cells) else None

    def gate(self, node: N.Gate) -> Permutation | None:
        return NONE if all(arg in self.known for arg in node.args) else None

    def best(self, node: N.Best) -> Permutation | None:
        """Keys compete alike where no score moves."""
        return NONE if node.selector in self.known and self.untouched(node.score) else None

    def width(self, node: N.Width) -> Permutation | None:
        return self.same(node) if node.selector in self.known else None

    def aggregate(self, node: N.Aggregate) -> Permutation | None:
        if node.selector not in self.known or node.source not in self.known:
            return None
        if self.untouched(node.source):
            return self.same(node) if isinstance(node.domain, Listed) else NONE
        source = self.graph.variable(node.source).domain
        assert isinstance(source, Listed)
        if not isinstance(node.domain, Listed) or not self.is_pick(node, source):
            return None
        return self.moved(node, source, node.domain)

    def sum(self, node: N.Sum) -> Permutation | None:
        if node.selector not in self.known or not self.untouched(node.source):
            return None
        return self.same(node) if isinstance(node.domain, Listed) else NONE

    def is_pick(self, node: N.Aggregate, source: Listed) -> bool:
        """Unequal numbers would be averaged, which permutations do not respect; unequal words are undefined."""
        return not source.is_number.any() or single_valued(self.facts, node.selector, node.source)

    def moved(self, node: N.Aggregate, source: Listed, own: Listed) -> Permutation | None:
        """The values of the source as they move there, if the default stays."""
        action = np.arange(len(own))
        for i, j in enumerate(self.known[node.source]):
            here, there = (own.index.get(V.key(source.values[x])) for x in (i, j))
            if here is None or there is None:
                return None
            action[here] = there
        default = own.index.get(V.key(node.default)) if node.may_be_empty else None
        return action if default is None or action[default] == default else None

    def untouched(self, place: int) -> bool:
        """Whether the values of a node stay as they are."""
        action = self.known.get(place)
        return action is not None and np.array_equal(action, np.arange(len(action)))


def _can_raise(graph: Graph, node: N.Node) -> bool:
    if isinstance(node, N.Table | N.Select):
        return bool((node.cells < 0).any())
    if isinstance(node, N.Best):
        return not all_ranked(graph.variable(node.score).listed)
    promised = isinstance(node, N.Aggregate) and node.single
    return promised or (isinstance(node, N.Aggregate | N.Sum) and bool(graph.variable(node.source).domain.specials))


RULES: dict[type[N.Node], Callable[[_Actions, Any], Permutation | None]] = {
    N.Token: _Actions.token,
    N.Index: _Actions.same,
    N.Length: _Actions.same,
    N.Table: _Actions.table,
    N.Affine: _Actions.affine,
    N.Sign: _Actions.sign,
    N.Select: _Actions.select,
    N.Gate: _Actions.gate,
    N.Best: _Actions.best,
    N.Width: _Actions.width,
    N.Aggregate: _Actions.aggregate,
    N.Sum: _Actions.sum,
}
