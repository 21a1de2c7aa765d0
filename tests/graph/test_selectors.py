"""Proofs about selectors are never wrong: against brute force over every input of small graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import event, given, settings
from tests.agreement import some_inputs
from tests.wild import Wild, wild_programs

from raspc import UnsupportedProgram, rasp
from raspc.graph import Graph
from raspc.graph.build import build
from raspc.graph.evaluate import Run, batch_of, gather, run_graph
from raspc.graph.nodes import Aggregate, Pattern, Table, Variable, Width
from raspc.graph.selectors import Facts, never_empty, one_key, single_valued
from raspc.graph.tables import listings
from raspc.rasp import Comparison, Selector, SOp

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741


@dataclass(frozen=True, eq=False)
class Tried:
    """A graph, run on every input of its vocabulary and length on which it is defined."""

    graph: Graph
    run: Run

    @property
    def queries(self) -> Any:
        """[B, T]: the real positions of defined inputs."""
        return self.run.batch.real & ~self.run.undefined[:, None]

    def is_empty_somewhere(self, place: int) -> bool:
        """Whether some query of some input selects no key."""
        return bool((~self.run.matrix(place).any(axis=0) & self.queries).any())

    def mixes(self, place: int, source: int) -> bool:
        """Whether some query of some input selects two unequal values of the source."""
        found = gather(self.run, self.run.matrix(place), self.run.column(source), self.graph.variable(source).domain)
        return bool((found.several & self.queries).any())


def tried(graph: Graph) -> Tried:
    """Every input."""
    inputs = list(some_inputs(graph.vocab, graph.max_seq_len, 1000, 0))
    return Tried(graph, run_graph(graph, batch_of(graph, inputs)))


def of_program(wild: Wild) -> Graph | None:
    """The graph of a wild program, unless it is refused."""
    try:
        return build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
    except UnsupportedProgram:
        return None


@settings(max_examples=250)
@given(wild_programs())
def test_what_is_proved_holds(wild: Wild) -> None:
    """Of each selector and each variable: never empty, single valued; on every defined input."""
    graph = of_program(wild)
    if graph is None:
        return
    facts, all_inputs = Facts(graph.nodes, listings(graph.nodes), graph.causal), tried(graph)
    patterns = [place for place, node in enumerate(graph.nodes) if isinstance(node, Pattern)]
    variables = [place for place, node in enumerate(graph.nodes) if isinstance(node, Variable)]
    for place in patterns:
        if never_empty(facts, place):
            event("never empty")
            assert not all_inputs.is_empty_somewhere(place), graph.labels[place]
        for source in variables:
            if single_valued(facts, place, source):
                event("single valued")
                assert not all_inputs.mixes(place, source), (graph.labels[place], graph.labels[source])


@settings(max_examples=250)
@given(wild_programs())
def test_what_nodes_claim_holds(wild: Wild) -> None:
    """Of each aggregate: that it is never empty, or a pick; that a mean is one; of each width: its least value."""
    graph = of_program(wild)
    if graph is None:
        return
    all_inputs = tried(graph)
    for node in graph.nodes:
        if isinstance(node, Width):
            assert node.listed.values[0] == 0 or not all_inputs.is_empty_somewhere(node.selector)
        if not isinstance(node, Aggregate):
            continue
        assert node.may_be_empty or not all_inputs.is_empty_somewhere(node.selector)
        if node.pick:
            event(f"pick by {node.proof}")
            assert not all_inputs.mixes(node.selector, node.source) or node.proof == "assumption"
        elif not all_inputs.run.undefined.any():
            event("mean")
            assert all_inputs.mixes(node.selector, node.source)


def facts_of(selector: Selector, sop: SOp, causal: bool) -> tuple[Graph, Facts]:
    """The graph of an aggregate, and what is known of its nodes."""
    graph = build(rasp.Aggregate(selector, sop, default=-7), (1, 2, 3), 4, causal)
    return graph, Facts(graph.nodes, listings(graph.nodes), causal)


SAME = rasp.Select(T, T, Comparison.EQ)
AT = rasp.Select(I, I, Comparison.EQ)
LAST = rasp.Select(I, L - 1, Comparison.EQ)
BEFORE = rasp.Select(I, I, Comparison.LT)
UP_TO = rasp.Select(I, I, Comparison.LEQ)
MIRROR = rasp.Select(I, L - 1 - I, Comparison.EQ)
NEXT = rasp.Select(I, I + 1, Comparison.EQ)
TWO = rasp.Select(T, rasp.Full(2), Comparison.EQ)

# selector: never empty plain, never empty causal, single valued for a value that indices do not tell
PROVABLE: dict[str, tuple[Selector, bool, bool, bool]] = {
    "same": (SAME, True, True, False),
    "at": (AT, True, True, True),
    "last": (LAST, True, True, True),
    "before": (BEFORE, False, False, False),
    "up to": (UP_TO, True, True, False),
    "mirror": (MIRROR, True, True, True),
    "next": (NEXT, False, False, True),
    "two": (TWO, False, False, False),
    "the first": (rasp.Select(I, rasp.Full(0), Comparison.EQ), True, True, True),
    "same and up to": (SAME & UP_TO, True, True, False),
    "same and before": (SAME & BEFORE, False, False, False),
    "two or same": (TWO | SAME, True, True, False),
    "two and next": (TWO & NEXT, False, False, True),
    "not before": (~BEFORE, True, True, False),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", PROVABLE)
def test_what_can_be_proved_is(name: str, causal: bool) -> None:
    """The proofs that programs rest on are found, and no more than holds."""
    selector, full, full_causal, single = PROVABLE[name]
    graph, facts = facts_of(selector, 10 * T + I, causal)
    node = graph[graph.output]
    if causal and name in ("next", "two and next"):
        assert isinstance(node, Table)  # the mask hides the next position: the default, everywhere
        return
    assert isinstance(node, Aggregate)
    assert never_empty(facts, node.selector) == (full_causal if causal else full)
    assert node.may_be_empty != (full_causal if causal else full)
    one_key = single or (causal and name == "not before")  # which the mask leaves at a position itself
    assert single_valued(facts, node.selector, node.source) == one_key
    assert (node.proof == "structure") == one_key


@pytest.mark.parametrize(
    ("selector", "sop"), [(SAME, T), (SAME, T * T), (TWO, T + 1), (SAME & BEFORE, T), (SAME, rasp.Map(str, T))]
)
def test_keys_that_tell_the_value(selector: Selector, sop: SOp) -> None:
    """Where the key decides the value, all selected keys hold one."""
    graph, facts = facts_of(selector, sop, False)
    node = graph[graph.output]
    assert isinstance(node, Aggregate)
    assert (node.pick, node.proof) == (True, "structure")
    assert single_valued(facts, node.selector, node.source)


MARKED = rasp.Select(T, 1, Comparison.EQ)
NUMBER = rasp.SelectorWidth(MARKED)
BY_NUMBER = rasp.Select(NUMBER, T, Comparison.EQ)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("selector", "numbered"),
    [
        (BY_NUMBER & MARKED, True),
        ((BY_NUMBER & BEFORE) & MARKED, True),
        (BY_NUMBER, False),
        (BY_NUMBER & rasp.Select(T, 2, Comparison.EQ), False),
        (rasp.Select(NUMBER, T, Comparison.LEQ) & MARKED, False),
        (rasp.Select(rasp.SelectorWidth(SAME), T, Comparison.EQ) & SAME, False),
        (rasp.Select(rasp.SelectorWidth(MARKED & SAME), T, Comparison.EQ) & MARKED & SAME, False),
    ],
)
def test_keys_that_are_numbered(selector: Selector, numbered: bool, causal: bool) -> None:
    """Of keys of a kind each counts all up to itself, so that no two have one number, where later ones are hidden."""
    graph, facts = facts_of(selector, 10 * T + I, causal)
    node = graph[graph.output]
    assert isinstance(node, Aggregate)
    found = single_valued(facts, node.selector, node.source)
    assert found == (numbered and causal) and not (found and tried(graph).mixes(node.selector, node.source))
    assert one_key(facts, node.selector) == found


def test_a_pick_by_enumeration() -> None:
    """One position is marked, which no table shows; with all inputs tried it is proved."""
    first = rasp.Map(lambda i: i == 0, I)
    marked = rasp.Aggregate(rasp.Select(I, I, lambda key, query: key == query - 1), first, default=False)
    program = rasp.Aggregate(rasp.Select(marked, marked, lambda key, query: key), T, default=1)
    few, many = (build(program, (1, 2), n) for n in (4, 40))
    proofs = [graph[graph.output].proof for graph in (few, many)]  # type: ignore[attr-defined]
    assert proofs == ["enumeration", "assumption"]
