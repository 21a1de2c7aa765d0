"""The normal form of programs that count: what stays the same when a count is taken apart, and put together again.

Beyond `normal`: a number of keys has the form of what is added up for each key, so that a sum of widths is the width
of which it is the sum, by whatever rule it was found; and a mean of few numbers has the form of the table that tells it
from the numbers of keys that hold each value.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from typing import Any

import numpy as np

from raspc import values as V
from raspc.certify.checking.normal import Class, Former, renumbered
from raspc.certify.proof.meaning import Meaning, looked_up
from raspc.graph import nodes as N
from raspc.graph import patterns as P
from raspc.graph.nodes import Graph, Ids, Listed
from raspc.graph.ranks import RULES, affine
from raspc.graph.selectors import Facts, never_empty
from raspc.graph.tables import Joint, listing

MEANS = 1 << 14
"""The most combinations of counts that a mean is told from."""
SUMS = 1 << 24
"""The most combinations of counts over which a table is looked at as a sum of them."""
EXACT = 1 << 53
"""Sums below this are exact."""
NEAR = 1e-9
"""Numbers that are nearer than this, relatively, are one value of a mean."""


class Counting(Former):
    """Classes as `Former` gives them, but for selectors, counts and means.

    `pairs`: up to so many pairs of a key and a query are listed one by one.
    """

    def __init__(
        self, graph: Graph, known: dict[Any, Class], pairs: int = P.PAIRS, apart: Collection[str] = ()
    ) -> None:
        super().__init__(graph, known, apart)
        self.pairs = pairs
        self.selected: dict[Class, P.Weights] = {}
        self.counts: dict[Class, tuple[P.Weights, int]] = {}
        self.bound = (self.number("indices"), self.number("count", P.constant(1).form(), 0))
        self.unlisted = 0

    def whole(self) -> Counting:
        """The same, once all nodes have their classes."""
        for place, node in enumerate(self.graph.nodes):
            self.add(place, node)
        return self

    def form(self, weights: P.Weights) -> Any:
        """Of what is given for each pair; where the pairs are too many to be listed, so many are noted."""
        self.unlisted = max(self.unlisted, weights.pairs if weights.pairs > self.pairs else 0)
        return weights.form(self.bound, self.pairs)

    # -- selectors -------------------------------------------------------------------------------

    def select(self, node: N.Select) -> tuple[Class, None]:
        keys, queries = self.joints[node.key], self.joints[node.query]
        if keys is None or queries is None or keys.cells.size * queries.cells.size > 1 << 24:
            return self.opaque(node), None
        cells = node.cells[np.maximum(keys.cells, 0).ravel()][:, np.maximum(queries.cells, 0).ravel()]
        real = np.logical_and.outer(keys.cells.ravel() >= 0, queries.cells.ravel() >= 0)
        if (cells[real] < 0).any():
            return self.opaque(node), None
        group = (self.roots(keys.roots), self.roots(queries.roots))
        return self.chosen(P.selecting(group, np.where(real, cells, 0))), None

    def chosen(self, weights: P.Weights) -> Class:
        """The class of a selector by its weights."""
        found = self.number("selects", self.form(weights))
        self.selected.setdefault(found, weights)
        return found

    def gate(self, node: N.Gate) -> tuple[Class, None]:
        total: P.Weights | None = P.constant(int(node.op == "and"))
        for part in self.of(node.args):
            weights = self.selected.get(part)
            total = None if total is None or weights is None else P.combined(RULES[node.op], total, weights)
        return (self.chosen(total), None) if total is not None else super().gate(node)

    # -- counts ----------------------------------------------------------------------------------

    def count(self, weights: P.Weights, more: int) -> Class:
        """The class of a number of keys, and so many more."""
        found = self.number("count", self.form(weights), more)
        self.counts.setdefault(found, (weights, more))
        return found

    def width(self, node: N.Width) -> tuple[Class, None]:
        weights = self.selected.get(self.classes[node.selector])
        return (self.count(weights, 0), None) if weights is not None else super().width(node)

    def sum(self, node: N.Sum) -> tuple[Class, Joint | None]:
        """What is added up for each key: its number."""
        weights, joint = self.selected.get(self.classes[node.selector]), self.joints[node.source]
        source = self.graph.variable(node.source).domain
        whole = (
            isinstance(source, Listed)
            and source.all_numbers
            and bool((np.rint(source.numbers) == source.numbers).all())
        )
        if weights is None or joint is None or not isinstance(source, Listed) or not whole:
            return super().sum(node)
        if np.abs(source.numbers).max() * self.graph.max_seq_len >= EXACT or (joint.cells < 0).any():
            return super().sum(node)
        numbers = P.weighing((self.roots(joint.roots), ()), source.numbers[joint.cells])
        total = P.combined(RULES["and"], weights, numbers)
        return (self.count(total, 0), None) if total is not None else super().sum(node)

    def length(self, node: N.Length) -> tuple[Class, None]:
        """All keys."""
        return self.count(P.constant(1), 0), None

    def index(self, node: N.Index) -> tuple[Class, None]:
        """Under a causal mask a position is a number of keys too: one less than can be seen."""
        found = self.number("indices")
        if self.graph.causal and not node.free:
            self.counts.setdefault(found, (P.constant(1), -1))
        return found, None

    def table(self, node: N.Table) -> tuple[Class, Joint | None]:
        found = self.summed(node)
        if found is None:
            found = self.quotient(node)
        return super().table(node) if found is None else (found, None)

    def summed(self, node: N.Table) -> Class | None:
        """A sum of counts, as the count that it is."""
        joint = listing(self.graph.nodes, self.joints, node.args, node.cells) if node.listed.all_numbers else None
        if joint is not None and not self.is_all_counts(joint.roots) and node.listed.all_numbers and not node.free:
            joint = self.over_counts(node)
        if joint is None or not joint.roots:
            return None
        terms = [self.counts.get(self.classes[root]) for root in joint.roots]
        known = [term for term in terms if term is not None]
        numbers = [self.graph.variable(root).listed.numbers for root in joint.roots]
        if len(known) < len(terms) or (found := affine(joint.cells, node.listed, numbers)) is None:
            return None
        factors, more = found
        if len(known) == 1 and (factors[0] != 1 or more != 0):
            return None
        total: P.Weights | None = P.constant(0)
        for (weights, own), factor in zip(known, factors, strict=True):
            more += factor * own
            total = total and P.combined(lambda x, y, by=factor: x + by * y, total, weights)  # type: ignore[misc]
        return None if total is None else self.count(total, more)

    def is_all_counts(self, places: Sequence[int]) -> bool:
        """Whether these variables are numbers of keys."""
        return all(self.classes[place] in self.counts for place in places)

    def over_counts(self, node: N.Table) -> Joint | None:
        """A table that may be a sum over all the counts that it rests on, however many combinations these have."""
        meaning = Meaning(self.graph)
        leaves = meaning.leaves(node.args)
        sizes = meaning.sizes(leaves)
        if not self.is_all_counts(leaves) or len(node.listed) < max(sizes, default=0) or prod(sizes) > SUMS:
            return None
        args = [meaning.followed(arg, leaves) for arg in node.args]
        cells = looked_up(node.cells, [arg for arg in args if arg is not None], len(leaves))
        return Joint(leaves, np.broadcast_to(cells, sizes))

    # -- means -----------------------------------------------------------------------------------

    def quotient(self, node: N.Table) -> Class | None:
        """A function of how many keys there are, and how many of them hold each of some values."""
        counts = [self.counts.get(self.classes[arg]) for arg in node.args]
        plain = [count[0] for count in counts if count is not None and count[1] == 0]
        if len(node.args) < 1 or len(plain) < len(node.args) or not (node.cells < 0).any():
            return None
        if any(self.graph.variable(arg).listed.values != tuple(range(self.graph.max_seq_len + 1)) for arg in node.args):
            return None
        inside: P.Weights | None = plain[0]
        for part in plain[1:]:
            inside = inside and P.combined(lambda x, y: x - y, inside, part)
        if inside is None or (inside.table < 0).any() or any((part.table < 0).any() for part in plain):
            return None
        cells = np.where(_possible(node.cells.shape), node.cells, -1)
        if ((cells < 0) & _possible(node.cells.shape))[1:].any():
            return None
        return self.number("mean", tuple(self.form(part) for part in plain), *_values(cells, node.listed))

    def aggregate(self, node: N.Aggregate) -> tuple[Class, None]:
        source, weights = self.graph.variable(node.source).domain, self.selected.get(self.classes[node.selector])
        found = super().aggregate(node)
        if node.pick or not isinstance(source, Listed) or not isinstance(node.domain, Listed) or weights is None:
            return found
        if not source.all_numbers or (self.graph.max_seq_len + 1) ** len(source) > MEANS:
            return found
        facts = Facts(self.graph.nodes, self.joints, self.graph.causal)
        if not node.may_be_empty and not never_empty(facts, node.selector):
            return found
        counted = self.counted(node, source, weights)
        return (counted, None) if counted is not None else found

    def counted(self, node: N.Aggregate, source: Listed, weights: P.Weights) -> Class | None:
        """The form of a mean by its counts."""
        joint = self.joints[node.source]
        if joint is None:
            return None
        forms = [self.form(weights)]
        for value in range(len(source) - 1):
            holds = P.selecting((self.roots(joint.roots), ()), (joint.cells == value).astype(np.int64))
            both = P.combined(RULES["and"], weights, holds)
            if both is None:
                return None
            forms.append(self.form(both))
        cells = _means(node, source, self.graph.max_seq_len)
        return self.number("mean", tuple(forms), *_values(cells, node.listed))


def _possible(shape: tuple[int, ...]) -> Any:
    """Which counts can come together: of all keys, and of disjoint parts of them."""
    total, *parts = np.indices(shape, sparse=True)
    return np.broadcast_to(sum(parts, np.zeros(1, np.int64)) <= total, shape)


def _values(cells: Ids, domain: Listed) -> tuple[bytes, Any]:
    ids, held = renumbered(np.asarray(cells, np.int32), domain)
    return ids.tobytes(), held


def _means(node: N.Aggregate, source: Listed, n: int) -> Ids:
    """[keys, keys with the first value, with the second …]: the number of the mean's value; −1 where none can be."""
    total, *parts = np.indices((n + 1,) * len(source))
    each = [*parts, total - sum(parts, np.zeros_like(total))]
    domain = node.listed
    means = sum(number * count for number, count in zip(source.numbers, each, strict=True)) / np.maximum(total, 1)
    away = np.abs(np.asarray(means)[..., None] - np.where(domain.is_number, domain.numbers, np.inf))
    ids = away.argmin(axis=-1)
    off = away.min(axis=-1) > NEAR * np.maximum(1.0, np.abs(means))
    for value, count in zip(source.values, each, strict=True):
        alone = (count == total) & (total > 0)
        ids, off = np.where(alone, domain.id(value), ids), off & ~alone
    ids = np.where(off, -1, ids)
    empty = domain.index.get(V.key(node.default), -1) if node.may_be_empty else -1
    ids = np.where(total == 0, empty, ids)
    return np.where(each[-1] < 0, -1, ids).astype(np.int32)
