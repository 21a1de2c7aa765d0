"""What ranks show: selections of one rank hold one value, on all inputs; and what is no rank shows nothing."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import raspc
from raspc import library, rasp
from raspc.certify.proof.premises import Premises
from raspc.graph.build import build
from raspc.graph.evaluate import Batch, gather, run_graph
from raspc.graph.nodes import Aggregate, Graph, Width
from raspc.graph.ranks import one_of_a_rank
from raspc.graph.samples import search
from raspc.graph.selectors import Facts
from raspc.graph.tables import listings
from raspc.rasp import Comparison, Selector, SOp

T, INDEX = rasp.tokens, rasp.indices
LESS, SAME, EARLIER = (
    rasp.Select(T, T, Comparison.LT), rasp.Select(T, T, Comparison.EQ), rasp.Select(INDEX, INDEX, Comparison.LT)
)  # fmt: skip
PARTS: dict[str, Selector] = {
    "less": LESS, "same": SAME, "earlier": EARLIER, "greater": rasp.Select(T, T, Comparison.GT),
    "later": rasp.Select(INDEX, INDEX, Comparison.GT), "parity": rasp.Select(T, T, lambda k, q: k % 2 < q % 2),
    "alike": rasp.Select(T, T, lambda k, q: k % 2 == q % 2), "up to": rasp.Select(T, T, Comparison.LEQ),
    "in a ring": rasp.Select(T, T, lambda k, q: (q - k) % 3 == 1),
    "next": rasp.Select(INDEX, INDEX, lambda k, q: q == k + 1),
}  # fmt: skip


def selecting(rank: SOp, query: SOp = INDEX) -> SOp:
    """What is picked by a rank."""
    return rasp.Aggregate(rasp.Select(rank, query, Comparison.EQ), T * 10 + INDEX, default=-1)


def shown(graph: Graph) -> bool:
    """Whether it is shown that the answer is a pick by ranks."""
    node = graph.nodes[graph.output]
    assert isinstance(node, Aggregate)
    return one_of_a_rank(Facts(graph.nodes, listings(graph.nodes), graph.causal), node.selector, node.source)


def averages(graph: Graph) -> bool:
    """Whether some input up to the length makes the answer a mean of unequal numbers."""
    node, found = graph.nodes[graph.output], search(len(graph.vocab), graph.max_seq_len, graph.causal)
    assert isinstance(node, Aggregate) and found.complete
    domain = graph.variable(node.source).domain

    def several(batch: Batch) -> bool:
        run = run_graph(graph, batch)
        seen = gather(run, run.matrix(node.selector), run.column(node.source), domain)
        return bool((seen.several & batch.real).any())

    return any(map(several, found.batches))


parts = st.sampled_from(sorted(PARTS)).map(PARTS.__getitem__)
selectors = st.recursive(
    parts, lambda own: st.builds(lambda x, y, both: x & y if both else x | y, own, own, st.booleans()), max_leaves=4
)


@settings(deadline=None, max_examples=60)
@given(selectors, st.sampled_from(["rank", "from the end", "twice"]), st.booleans())
def test_what_is_shown_is_true(selector: Selector, how: str, among: bool) -> None:
    """Whatever selector is counted, with or without the keys of the same token alone."""
    width = rasp.SelectorWidth(selector)
    rank = {"rank": width, "from the end": rasp.length - 1 - width, "twice": width * 2}[how]
    chosen = rasp.Select(rank, INDEX, Comparison.EQ)
    program = rasp.Aggregate(chosen & SAME if among else chosen, T * 10 + INDEX, default=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = build(program, (0, 1, 2), 4)
    if isinstance(graph.nodes[graph.output], Aggregate) and shown(graph):
        assert not averages(graph)


ORDERS = {
    "by token, then by index": (LESS | (SAME & EARLIER), True),
    "by index alone": (EARLIER, True),
    "from the last": ((SAME & PARTS["later"]) | PARTS["greater"], True),
    "by parity, then by index": (PARTS["parity"] | (PARTS["alike"] & EARLIER), True),
    "by token alone": (LESS, False),
    "in a ring": (PARTS["in a ring"] | (SAME & EARLIER), False),
    "one that comes before itself at times": (PARTS["up to"] | (SAME & EARLIER), False),
    "the next alone": (PARTS["next"], False),
}


@pytest.mark.parametrize("name", ORDERS)
def test_which_ranks_tell_positions_apart(name: str) -> None:
    """A strict order of all positions does, a relation that is not transitive or leaves ties does not."""
    selector, apart = ORDERS[name]
    graph = build(selecting(rasp.SelectorWidth(selector)), (0, 1, 2), 4)
    assert shown(graph) == apart


def test_under_a_mask_ranks_are_none() -> None:
    """There each position counts among those that it sees."""
    program = rasp.Aggregate(
        rasp.Select(rasp.SelectorWidth(LESS | (SAME & EARLIER)), INDEX, Comparison.EQ), T, default=-1
    )
    assert not shown(build(program, (0, 1, 2), 4, causal=True))


STRUCTURAL = ("sort", "sort_unique", "sort_stable", "sort_freq", "first_occurrence", "last_occurrence", "induction")


@pytest.mark.parametrize("name", STRUCTURAL)
def test_picks_of_the_library_assume_nothing(name: str) -> None:
    """At a size where no enumeration decides; and without a warning."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = raspc.compile(entry.program, entry.vocab, 40, entry.causal, strict=True)
    assert model.certificate.proved and not model.certificate.assumptions


def test_a_graph_that_claims_a_pick_by_a_wrong_order_is_not_believed() -> None:
    """The proof looks at the tables again: with two tokens that each come before the other it is no pick."""
    graph = build(selecting(rasp.SelectorWidth(LESS | (SAME & EARLIER))), tuple(range(8)), 12)
    assert Premises(graph, graph).picks_one(graph.output)
    nodes = list(graph.nodes)
    place = next(i for i, node in enumerate(nodes) if isinstance(node, Width))
    for i, node in enumerate(nodes[:place]):
        if getattr(node, "cells", np.zeros(0)).shape == (8, 8) and node.cells[0, 1] == 1 and node.cells[1, 0] == 0:
            cells = node.cells.copy()
            cells[1, 0] = 1
            nodes[i] = replace(node, cells=cells)
    broken = replace(graph, nodes=tuple(nodes))
    assert not Premises(broken, broken).picks_one(broken.output)


def test_a_number_that_rests_on_words_is_no_sum_of_widths() -> None:
    """Of the keys with the least word the first: words have no distance to divide by."""
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.GEQ)
    first = rasp.best(rasp.best(earlier, rasp.tokens, "min"), rasp.indices, "min")
    for level in (0, 2):
        model = raspc.compile(rasp.SelectorWidth(first), ["y", "z"], 2, optimize=level)
        assert raspc.check(model).ok
