"""What a graph leaves out because it cannot occur on the inputs of its domain, shown again: nothing is missing.

The compiler narrows value sets and tables by what it finds out about a domain. Where all inputs can be tried, the
finished graph is run on each: a value that a set lacks, a cell of a table that was left out, an empty selection that
was ruled out all show as an input on which the graph has no value, though nothing in it may be undefined. Where inputs
are too many, each cell that was left out must be one that no position of a permitted input can have, by which tokens
can stand where; that is worked out here again, in another way than the compiler does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.certify.proof.meaning import Meaning
from raspc.graph.definedness import doubt_of
from raspc.graph.evaluate import start
from raspc.graph.nodes import Aggregate, Best, Gate, Graph, Index, Length, Listed, Node, Select, Table, Token
from raspc.graph.permitted import search_of
from raspc.regular.automaton import Automaton
from raspc.weights.certificate import Link

KIND, UNDECIDED = "domain", "domain, undecided"


def occurs(program: Graph, graph: Graph) -> Iterator[Link]:
    """How it is known that what occurs in the domain has a value, before the passes and after them."""
    sides = {"the program": program} | ({"the graph": graph} if graph is not program else {})
    for name, one in sides.items():
        if is_tried(one):
            missing, total = lacking(one)
            unit = f"inputs on which a value is missing, by running all {total:,} of {one.where}"
            yield Link(KIND, name, float(missing), 0.0, unit)
        elif one.where.automaton is not None and not one.total:
            yield from _left_out(one)


def is_tried(graph: Graph) -> bool:
    """Whether the graph is for some inputs alone, of which all are tried."""
    return not graph.where.is_everything and not graph.total and search_of(graph).complete


@lru_cache(maxsize=8)
def lacking(graph: Graph) -> tuple[int, int]:
    """(on how many permitted inputs the graph lacks a value that it should have, how many there are).

    Remembered, since a graph is proved again with each constant that is tried for a stock family.
    """
    missing = total = 0
    for batch in search_of(graph).batches:
        run = start(graph.nodes, batch, lean=True)
        run.upto(len(graph) - 1)
        total += len(batch.lengths)
        for row in np.flatnonzero(run.undefined).tolist():
            missing += not _may_be_undefined(graph, run.culprits[row])
    return missing, total


def _may_be_undefined(graph: Graph, place: int) -> bool:
    """Whether a node says itself that it may have no value: its function raised, or a promise may be broken."""
    node = graph[place]
    return bool(doubt_of(graph, place)) or (isinstance(node, Aggregate) and node.single)


def selected(graph: Graph, place: int) -> tuple[int, int]:
    """(fewest, most) keys that a query selects, by how many of its tokens a permitted input has; else what can be."""
    node, n = graph[place], graph.max_seq_len
    if isinstance(node, Gate):
        parts = [selected(graph, arg) for arg in node.args]
        lows, highs = [low for low, _ in parts], [high for _, high in parts]
        if node.op == "and":
            return int(not parts), min([n, *highs])
        return max([0, *lows]), min(n, sum(highs))
    if isinstance(node, Best):
        low, high = selected(graph, node.selector)
        return min(low, 1), high
    if graph.where.automaton is None or not isinstance(node, Select) or not isinstance(graph[node.key], Token):
        return 0, n
    if graph.total:  # tokens are what they are forced to be
        return 0, n
    places = Places(graph.where.automaton, n)
    columns = list({column.tobytes(): column for column in np.ascontiguousarray(node.cells.T)}.values())
    least = 0 if graph.causal else min((_lowest(places.counts(column == 1)) for column in columns), default=0)
    return least, max((places.counts(column != 0).bit_length() - 1 for column in columns), default=n)


def _lowest(bits: int) -> int:
    """The number of the lowest bit; 0 where none is set."""
    return max(0, (bits & -bits).bit_length() - 1)


def _left_out(graph: Graph) -> Iterator[Link]:
    """A link for each table with cells that are said not to occur."""
    meaning, places = Meaning(graph), None
    for place, node in enumerate(graph.nodes):
        if not isinstance(node, Table) or node.raises or not (node.cells < 0).any():
            continue
        if places is None:
            assert graph.where.automaton is not None
            places = Places(graph.where.automaton, graph.max_seq_len)
        found = meaning.over_leaves(node.args)
        if found is None:
            yield Link(UNDECIDED, graph.labels[place], 1.0, 0.5, "combinations of values too many to list")
            continue
        values, possible = found
        leaves = meaning.leaves(node.args)
        lacks = possible & (node.cells[tuple(values)] < 0)
        kinds = [type(graph[leaf]) for leaf in leaves]
        missing = sum(places.can_be(kinds, row) for row in np.argwhere(lacks).tolist())
        yield Link(KIND, graph.labels[place], float(missing), 0.0, "values that can occur and that a table lacks")


def lacks_nothing(graph: Graph, node: Aggregate) -> bool:
    """Whether no selected key of a pick can hold a value that the pick has not among its own."""
    source = graph.variable(node.source).domain
    if not isinstance(source, Listed) or not isinstance(node.domain, Listed):
        return False
    if graph.where.automaton is None or graph.total:
        return False
    lacks = np.array([V.key(value) not in node.domain.index for value in source.values], bool)
    meaning, places = Meaning(graph), Places(graph.where.automaton, graph.max_seq_len)
    return any(not _can_be_picked(graph, meaning, places, one, node.source, lacks) for one in _selects(graph, node))


def _selects(graph: Graph, node: Aggregate) -> tuple[Select, ...]:
    """Tables that every key which is selected is in."""
    todo, found = [node.selector], list[Select]()
    while todo:
        one = graph[todo.pop()]
        if isinstance(one, Select):
            found.append(one)
        elif isinstance(one, Best):
            todo.append(one.selector)
        elif isinstance(one, Gate) and (one.op == "and" or len(one.args) == 1):
            todo.extend(one.args)
    return tuple(found)


def _can_be_picked(
    graph: Graph, meaning: Meaning, places: Places, select: Select, source: int, lacks: NDArray[np.bool_]
) -> bool:
    """Whether a value that is lacking can stand where a key can be selected."""
    found = meaning.over_leaves((select.key, source))
    if found is None:
        return True
    (keys, values), possible = found
    chosen = possible & (select.cells != 0).any(axis=1)[np.maximum(keys, 0)] & lacks[np.maximum(values, 0)]
    kinds = [type(graph[leaf]) for leaf in meaning.leaves((select.key, source))]
    return any(places.can_be(kinds, row) for row in np.argwhere(chosen).tolist())


@dataclass(frozen=True, eq=False)
class Places:
    """Which tokens can stand where, by the sets of states before a position and after it."""

    automaton: Automaton
    longest: int

    @cached_property
    def before(self) -> list[frozenset[int]]:
        """[i]: the states that some i tokens lead to."""
        found = [frozenset([0] if self.automaton.n_states else [])]
        for _ in range(self.longest):
            found.append(frozenset(to for state in found[-1] for to in self.automaton.moves[state].tolist() if to >= 0))
        return found

    @cached_property
    def after(self) -> list[frozenset[int]]:
        """[r]: the states from which some r tokens are accepted."""
        back: list[set[int]] = [set() for _ in range(self.automaton.n_states)]
        for state, row in enumerate(self.automaton.moves.tolist()):
            for to in row:
                if to >= 0:
                    back[to].add(state)
        found = [frozenset(np.flatnonzero(self.automaton.accepting).tolist())]
        for _ in range(self.longest):
            found.append(frozenset(state for to in found[-1] for state in back[to]))
        return found

    def counts(self, tokens: NDArray[np.bool_]) -> int:
        """How many of some tokens an input can have: bit k is set where one has k of them."""
        held, moves = [1] + [0] * (self.automaton.n_states - 1), self.automaton.moves.tolist()
        found, ends = 0, np.flatnonzero(self.automaton.accepting).tolist()
        for _ in range(self.longest):
            after = [0] * len(held)
            for state, bits in enumerate(held):
                for token, to in enumerate(moves[state] if bits else ()):
                    if to >= 0:
                        after[to] |= bits << int(tokens[token])
            held = after
            for end in ends:
                found |= held[end]
        return found

    @cached_property
    def _known(self) -> dict[tuple[frozenset[int], frozenset[int]], NDArray[np.bool_]]:
        return {}

    def tokens(self, index: int, length: int) -> NDArray[np.bool_]:
        """[token]: whether it can stand at an index of an input of so many tokens."""
        key = (self.before[index], self.after[length - index - 1])
        if key not in self._known:
            self._known[key] = np.zeros(self.automaton.n_tokens, bool)
            for state in key[0]:
                self._known[key] |= np.isin(self.automaton.moves[state], list(key[1]))
        return self._known[key]

    @cached_property
    def _met(self) -> dict[tuple[int | None, int | None], NDArray[np.bool_]]:
        return {}

    def met(self, index: int | None, length: int | None) -> NDArray[np.bool_]:
        """[token]: whether it can stand there; None for an index or a length is any."""
        if (index, length) not in self._met:
            pairs = (
                (i, n)
                for n in (range(1, self.longest + 1) if length is None else [length])
                for i in (range(n) if index is None else [index])
                if i < n
            )
            self._met[index, length] = np.zeros(self.automaton.n_tokens, bool)
            for pair in pairs:
                self._met[index, length] |= self.tokens(*pair)
        return self._met[index, length]

    def can_be(self, kinds: list[type[Node]], values: list[int]) -> bool:
        """Whether a position can have these values of token, index and length; what else is named can be anything."""
        at = dict(zip(kinds, values, strict=True))
        there = self.met(at.get(Index), at[Length] + 1 if Length in at else None)
        return bool(there[at[Token]] if Token in at else there.any())
