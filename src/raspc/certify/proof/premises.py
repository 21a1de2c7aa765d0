"""What a graph claims of its own nodes, proved again: that a query always selects a key, that all it selects are alike.

The compiler decides these two by proof, and builds on them; here they are shown from the graph, or from the program as
it was written, where a selector has the same form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from raspc import values as V
from raspc.certify.proof.counting import Counting
from raspc.certify.proof.domain import is_tried, lacking, lacks_nothing, selected
from raspc.certify.proof.means import holds_means
from raspc.graph import nodes as N
from raspc.graph.definedness import promised
from raspc.graph.evaluate import gather, run_graph
from raspc.graph.nodes import Aggregate, Graph, Interval, Listed, Sum
from raspc.graph.permitted import search_of
from raspc.graph.ranks import one_of_a_rank, picks_one
from raspc.graph.selectors import Facts, most_keys, never_empty
from raspc.graph.tables import listings
from raspc.graph.totals import totals

NEAR = 1e-8
"""By how much, relatively, a number may lie outside of an interval."""


@dataclass(frozen=True, eq=False)
class Premises:
    """The claims of a graph, beside the program that it is to have the answers of."""

    program: Graph
    graph: Graph

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, program: Graph, graph: Graph) -> Premises:
        """The same for all that are proved of one graph, with what was found out so far."""
        return cls(program, graph)

    @cached_property
    def facts(self) -> Facts:
        """What the proofs look at."""
        return _facts(self.graph)

    @cached_property
    def nothing_is_missing(self) -> bool:
        """Whether the graph has all that it claims to have on every input of its domain, since all were tried."""
        return is_tried(self.graph) and not lacking(self.graph)[0]

    def never_empty(self, selector: int) -> bool:
        """Whether every query of every input is shown to select some key."""
        if never_empty(self.facts, selector) or self.nothing_is_missing or selected(self.graph, selector)[0] > 0:
            return True
        return self.program is not self.graph and self._forms[selector] in self._full

    @cached_property
    def _formers(self) -> tuple[Counting, Counting]:
        known: dict[Any, int] = {}
        one, other = Counting(self.program, known), Counting(self.graph, known)
        return one.whole(), other.whole()

    @property
    def _forms(self) -> list[int]:
        return self._formers[1].classes

    @cached_property
    def _full(self) -> set[int]:
        """The forms of the program's selectors that always select a key."""
        facts, classes = _facts(self.program), self._formers[0].classes
        selectors = {node.selector for node in self.program.nodes if isinstance(node, Aggregate)}
        return {classes[place] for place in selectors if never_empty(facts, place)}

    @cached_property
    def _alone(self) -> set[tuple[int, int]]:
        """The forms of selectors and sources of the program where keys of one query have one rank, and one value."""
        facts, classes = _facts(self.program), self._formers[0].classes
        means = {(node.selector, node.source) for node in self.program.nodes if isinstance(node, Aggregate)}
        return {(classes[one], classes[other]) for one, other in means if one_of_a_rank(facts, one, other)}

    def lists_all(self, place: int) -> bool | None:
        """Whether the value set of a node that attention computes holds all that it can give; None if nothing tells.

        Of an interval: whether it holds all numbers that are averaged, and the default.
        """
        node = self.graph[place]
        if self.nothing_is_missing:
            return True
        if isinstance(node, N.Width):
            values = node.listed.values
            most = selected(self.graph, node.selector)[1]
            whole = values == tuple(range(int(values[0]), int(values[-1]) + 1)) and values[-1] >= most
            return whole and (values[0] == 0 or (values[0] == 1 and self.never_empty(node.selector)))
        if isinstance(node, Sum):
            return self.holds_totals(node)
        if not isinstance(node, Aggregate):
            return True
        source = self.graph.variable(node.source).domain
        defaults = [node.default] if node.may_be_empty else []
        if (
            node.pick
            and _has(node.domain, defaults)
            and (lacks_nothing(self.graph, node) or self._lists_as_written(place))
        ):
            return True
        if not _has(node.domain, [*source.specials, *defaults]):
            return False
        if isinstance(node.domain, Interval) or isinstance(source, Interval):
            numbers = _ends(source)
            return _has(node.domain, numbers) if isinstance(node.domain, Interval) or node.pick else None
        if node.pick:
            return _has(node.domain, source.values)
        return holds_means(node.domain, source.numbers[source.is_number], self.graph.max_seq_len)

    def _lists_as_written(self, place: int) -> bool:
        """Whether a pick lists what the node of its form in the program does, which is shown to lack nothing."""
        if self.program is self.graph or self._forms[place] not in self._formers[0].classes:
            return False
        node, written = self.graph[place], self.program[self._formers[0].classes.index(self._forms[place])]
        if not (isinstance(written, Aggregate) and written.pick and isinstance(node, Aggregate)):
            return False
        if not (isinstance(written.domain, Listed) and lacks_nothing(self.program, written)):
            return False
        return _has(node.domain, written.domain.values)

    def holds_totals(self, node: Sum) -> bool:
        """Whether the value set of a sum holds all sums of as many numbers as can be selected."""
        source, own, n = self.graph.variable(node.source).domain, node.domain, self.graph.max_seq_len
        numbers: list[float] = [source.lo, source.hi] if isinstance(source, Interval) else []
        if isinstance(source, Listed):
            numbers = source.numbers[source.is_number].tolist()
        least = int(self.never_empty(node.selector))
        found = totals(numbers, most_keys(self.graph.nodes, node.selector, n), least) if numbers else Interval(0.0, 0.0)
        if isinstance(own, Interval):
            ends = (found.lo, found.hi) if isinstance(found, Interval) else (found.values[0], found.values[-1])
            low, high = map(float, ends)
            room = NEAR * max(1.0, abs(low), abs(high))
            return own.lo <= low + room and high <= own.hi + room
        return isinstance(found, Listed) and isinstance(source, Listed) and set(found.values) <= set(own.values)

    def picks_one(self, place: int) -> bool:
        """Whether all keys of a query are shown, or said to be assumed, to hold one value if they hold numbers."""
        node = self.graph[place]
        assert isinstance(node, Aggregate)
        domain = self.graph.variable(node.source).domain
        if node.single or (isinstance(domain, Listed) and domain.is_number.sum() <= 1):
            return True  # where two keys are selected, the program is undefined
        if picks_one(self.facts, node.selector, node.source) or selected(self.graph, node.selector)[1] <= 1:
            return True
        form = (self._forms[node.selector], self._forms[node.source])
        if self.program is not self.graph and form in self._alone:
            return True
        if self.graph.total:
            return False
        found = search_of(self.graph)
        return (found.complete or node.proof == "assumption") and not self._averages(place, node)

    def _averages(self, place: int, node: Aggregate) -> bool:
        """Whether some input that is tried makes an aggregate average unequal numbers."""
        domain = self.graph.variable(node.source).domain
        for batch in search_of(self.graph).batches:
            run = run_graph(self.graph, batch)
            found = gather(run, run.matrix(node.selector), run.column(node.source), domain)
            if (found.several & run.valued).any():
                return True
        return False


def assumed(graph: Graph) -> tuple[str, ...]:
    """What is not shown of a graph, but assumed: its notes, and picks that nothing decides, if no note says so."""
    promises = (f"promised: {promise}" for promise in promised(graph))
    picks = (
        f"assumed: {graph.labels[place]} never averages unequal numbers"
        for place, node in enumerate(graph.nodes)
        if isinstance(node, Aggregate) and node.proof == "assumption" and _has_numbers(graph.variable(node.source))
    )
    return graph.notes if graph.notes else (*picks, *promises)


def _has_numbers(source: N.Variable) -> bool:
    return not isinstance(source.domain, Listed) or source.domain.is_number.sum() > 1


def _ends(domain: N.Domain) -> list[float]:
    """The least and the greatest number of a value set."""
    numbers = domain.numbers[domain.is_number].tolist() if isinstance(domain, Listed) else [domain.lo, domain.hi]
    return [min(numbers), max(numbers)] if numbers else []


def _has(domain: N.Domain, values: Iterable[Any]) -> bool:
    """Whether all values are in a value set."""
    if isinstance(domain, Listed):
        return all(V.key(value) in domain.index for value in values)
    words = set(map(V.key, domain.specials))
    room = NEAR * max(1.0, abs(domain.lo), abs(domain.hi))
    return all(
        domain.lo - room <= value <= domain.hi + room if V.is_number(value) else V.key(value) in words
        for value in values
    )


def _facts(graph: Graph) -> Facts:
    return Facts(graph.nodes, listings(graph.nodes), graph.causal)
