"""Equality of many values by the digits of their numbers: the same answers, and no table over all pairs."""

from __future__ import annotations

import random

import pytest

import raspc
from raspc import rasp
from raspc.graph import digits, store
from raspc.graph.build import build
from raspc.graph.nodes import Select

WORDS = [f"w{i}" for i in range(11)]
SAME = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
OTHER = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.NEQ)
BEFORE = rasp.Aggregate(
    rasp.Select(rasp.indices, rasp.indices - 1, rasp.Comparison.EQ), rasp.tokens, default="no token"
)
PROGRAMS = {
    "equal": rasp.SelectorWidth(SAME),
    "unequal": rasp.SelectorWidth(OTHER),
    "both": rasp.SelectorWidth(SAME) - rasp.SelectorWidth(OTHER),
    "with a word that is no token": rasp.SelectorWidth(rasp.Select(rasp.tokens, BEFORE, rasp.Comparison.EQ)),
    "induction": rasp.Aggregate(SAME & rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT), rasp.indices, 0),
}


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equality of more than four values is by digits."""
    monkeypatch.setattr(store, "LARGE", 4)
    monkeypatch.setattr(digits, "LARGE", 4)


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_answers(name: str, level: int) -> None:
    """The model of digits computes what the interpreter says."""
    model = raspc.compile(PROGRAMS[name], WORDS, 5, optimize=level)
    draw = random.Random(0)
    for _ in range(40):
        tokens = draw.choices(WORDS[:: draw.choice((1, 3))], k=draw.randint(1, 5))
        assert model.apply(["BOS", *tokens]).decoded[1:] == pytest.approx(raspc.interpret(PROGRAMS[name], tokens))


def test_no_table_of_all_pairs() -> None:
    """50,000 words are told apart by two tables of 224 digits."""
    graph = build(PROGRAMS["equal"], [f"w{i}" for i in range(50_000)], 8)
    assert [node.cells.shape for node in graph.nodes if isinstance(node, Select)] == [(224, 224)] * 2


def test_few_values_are_compared_as_they_stand() -> None:
    """A table over all pairs where it is small."""
    graph = build(PROGRAMS["equal"], WORDS, 8)
    assert [node.cells.shape for node in graph.nodes if isinstance(node, Select)] == [(11, 11)]


@pytest.mark.parametrize(("how", "many"), [("TRUE", 2), ("FALSE", 0)])
def test_everything_and_nothing_list_no_pairs(how: str, many: int) -> None:
    """Of 3,000 words too, whose 9 million pairs are not listed; but where None stands, as it has no comparison."""
    chosen = rasp.Comparison[how]
    graph = build(rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, chosen)), range(3000), 4)
    assert not any(isinstance(node, Select) for node in graph.nodes)
    model = raspc.compile(rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, chosen)), range(3000), 4, optimize=2)
    assert model.apply(["BOS", 5, 2999]).decoded[1:] == [many, many]
    doubtful = rasp.map(lambda t: None if t == 7 else t, rasp.tokens)
    with pytest.raises(raspc.UnsupportedProgram):
        build(rasp.SelectorWidth(rasp.Select(doubtful, rasp.tokens, chosen)), range(3000), 4)
