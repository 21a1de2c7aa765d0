"""What is stored, for whom: the records of small programs, and numbers that lie close together."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from tests.wild import Wild, wild_programs

import raspc
from raspc import library, rasp
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.storage.stored import ANSWER, KEYS, NEURONS, QUERIES, VALUES, Reader, Storage
from raspc.blocks.storage.storing import store
from raspc.errors import UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.nodes import Graph, Variable
from raspc.numbers.options import SMALLEST, Level, Options
from raspc.passes.pipeline import run_passes
from raspc.rasp import Comparison

TOKENS, INDICES = rasp.tokens, rasp.indices
EVERYWHERE = rasp.Select(TOKENS, TOKENS, Comparison.TRUE)
HERE = rasp.Select(INDICES, INDICES, Comparison.EQ)


def stored(program: rasp.SOp, vocab: object, length: int, options: Options = SMALLEST) -> tuple[Graph, Storage]:
    """The graph after the passes, and what is stored of it."""
    graph = run_passes(build(program, vocab, length), options)[0]  # type: ignore[arg-type]
    return graph, store(Readiness.of(graph, options))


def readers_of(graph: Graph, found: Storage, label: str) -> set[tuple[str, str, str]]:
    """Who reads a variable, for what, and by which name."""
    name = graph.labels
    return {(name[r.by], r.purpose, name[r.of]) for r in found[name.index(label)].readers}


def test_readers_of_reverse() -> None:
    """The answer reads what is picked, that picks a token by its index, and the index is compared with a sum."""
    graph, found = stored(library.reverse(), "abcd", 5)
    assert readers_of(graph, found, "reverse") == {("reverse", ANSWER, "reverse")}
    assert readers_of(graph, found, "tokens") == {("reverse", VALUES, "tokens")}
    assert ("reverse", KEYS, "indices") in readers_of(graph, found, "indices")
    assert ("reverse", QUERIES, "opposite") in readers_of(graph, found, "indices")
    assert readers_of(graph, found, "length") == {("reverse", QUERIES, "opposite")}


def test_a_virtual_variable_is_read_through() -> None:
    """Of a function of one variable nothing is kept: the token is read by who reads the function."""
    graph, found = stored(rasp.Map(lambda t: t == "a", TOKENS).named("is_a"), "abc", 3)
    place = graph.labels.index("is_a")
    assert found[place].groups == ()
    assert [graph.labels[root] for root in found[place].read_off] == ["tokens"]
    assert readers_of(graph, found, "tokens") == {("is_a", ANSWER, "is_a")}


def test_a_selector_has_no_record() -> None:
    """Nothing is stored of a selector, and no head computes the tokens."""
    graph, found = stored(library.hist(), "abc", 4)
    selector = next(i for i, node in enumerate(graph.nodes) if not isinstance(node, Variable))
    with pytest.raises(KeyError, match="selector"):
        found[selector]
    with pytest.raises(KeyError, match="no head"):
        found.selection(0)


@given(wild_programs())
def test_who_is_read_is_stored(wild: Wild) -> None:
    """What has readers is kept, left by attention, or read off others; every reader comes later, or is a decoder."""
    for level in Level:
        try:
            graph, found = stored(wild.build(), wild.vocab, wild.max_seq_len, Options(level))
        except UnsupportedProgram:
            continue
        for place, node in enumerate(graph.nodes):
            if not isinstance(node, Variable):
                assert found.variables[place] is None
                continue
            own = found[place]
            assert own.groups or own.read_off or not own.readers or len(graph.variable(place).listed) == 1
            assert all(r.by > place or r.purpose in (ANSWER, NEURONS) for r in own.readers)
            assert all(r.of >= place for r in own.readers)
            assert (own.design is not None) == (Reader(place, NEURONS, place) in own.readers) or own.left is None


CLOSE = [(0, 1e-7), (1, 1 + 1e-8), (0, 1e-9), (1000, 1000.0001), (10**9, 10**9 + 1), (0, 1e-7, 1)]
OF_CLOSE = {
    "mean": rasp.Aggregate(EVERYWHERE, TOKENS),
    "twice the mean": rasp.Aggregate(EVERYWHERE, TOKENS) * 2,
    "pick": rasp.Aggregate(HERE, TOKENS),
    "pick of a number": rasp.numerical(rasp.Aggregate(HERE, rasp.numerical(TOKENS))),
}


@pytest.mark.parametrize(("values", "name"), list(product(CLOSE, OF_CLOSE)), ids=str)
def test_numbers_that_lie_close_together(values: tuple[float, ...], name: str) -> None:
    """They are told apart, or taken for one where nobody could tell: right at every level, and never a crash."""
    for level in Level:
        model = raspc.compile(OF_CLOSE[name], values, 3, optimize=level.value)
        assert raspc.check(model).ok
