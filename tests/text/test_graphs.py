"""A text program and the same Python program give equal graphs: elementwise functions are tables there."""

from __future__ import annotations

from typing import Any

import pytest

import raspc
from raspc import rasp
from raspc.graph import to_json
from raspc.graph.build import build
from raspc.interpret import interpret
from raspc.rasp import Aggregate, Comparison, Full, Map, Select, SelectorWidth, SequenceMap, SOp
from raspc.text import load_program


def python_reverse() -> SOp:
    """The paper's reverse."""
    opposite = rasp.length - rasp.indices - 1
    return Aggregate(Select(rasp.indices, opposite, Comparison.EQ), rasp.tokens, default=0)


def python_hist() -> SOp:
    """The width of the selector of equal tokens."""
    return SelectorWidth(Select(rasp.tokens, rasp.tokens, lambda key, query: key == query))


def python_share() -> SOp:
    """The share of a in the prefix, above a half."""
    before = Select(rasp.indices, rasp.indices, Comparison.LEQ)
    share = Aggregate(before, Map(lambda x: 1 if x == "a" else 0, rasp.tokens), default=0)
    return Map(lambda x: "many" if x > 0.5 else "few", share)


SAME = Select(rasp.tokens, rasp.tokens, Comparison.EQ)
EVERYTHING = Select(rasp.indices, rasp.indices, Comparison.TRUE)

PAIRS: list[tuple[str, SOp]] = [
    ("reverse = aggregate(select(indices, length - indices - 1, ==), tokens);", python_reverse()),
    ("hist = selector_width(select(tokens, tokens, ==));", python_hist()),
    (
        'share = aggregate(select(indices, indices, <=), indicator(tokens == "a"));'
        'answer = "many" if share > 0.5 else "few";',
        python_share(),
    ),
    ("x = indices * 2 + 1;", Map(lambda i: 2 * i + 1, rasp.indices)),
    ("x = (indices + length) % 3;", Map(lambda v: v % 3, SequenceMap(lambda i, n: i + n, rasp.indices, rasp.length))),
    ("x = 1 / indices;", Map(lambda i: 1 / i, rasp.indices)),
    ('x = tokens in ["a", "b"];', rasp.tokens.is_in({"a", "b"})),
    ('x = {"a": 1, "b": 2, "c": 3}[tokens];', Map({"a": 1, "b": 2, "c": 3}.get, rasp.tokens)),
    ('x = tokens + "!";', Map(lambda t: f"{t}!", rasp.tokens)),
    ("x = tokens if indices > 1 else \"-\";", rasp.where(rasp.indices > 1, rasp.tokens, "-")),
    ('x = "a" in tokens;', Aggregate(Select(rasp.tokens, Full("a"), Comparison.EQ), Full(True), default=False)),
    ("x = selector_width(not select(tokens, tokens, ==));", SelectorWidth(~SAME)),
    (
        "x = selector_width(full_s and select(indices, 1, <));",
        SelectorWidth(EVERYTHING & Select(rasp.indices, Full(1), lambda key, query: key < query)),
    ),
]  # fmt: skip


def plain(program: SOp) -> dict[str, Any]:
    """The graph without the names that a person gave."""
    graph = to_json(build(program, ["a", "b", "c"], 4))
    return {**graph, "nodes": [{**node, "names": []} for node in graph["nodes"]]}


@pytest.mark.parametrize(("text", "program"), PAIRS, ids=[text[:40] for text, _ in PAIRS])
def test_equal_graphs(text: str, program: SOp) -> None:
    """The same nodes, tables and output, names aside."""
    found, expected = plain(load_program(text)), plain(program)
    assert found == expected


def test_names_reach_the_graph() -> None:
    """The names of a text are the labels of the graph."""
    program = load_program(
        "opposite = length - indices; s = select(indices, opposite, ==); rev = aggregate(s, tokens);"
    )
    names = {name for node in to_json(build(program, ["a", "b"], 3))["nodes"] for name in node.get("names", [])}
    assert {"opposite", "s", "rev"} <= names


def test_the_text_of_a_float_reaches_the_model() -> None:
    """`tokens_str` of 1.0 is "1.0", in the interpreter and in the model that is compiled for that vocabulary."""
    program = load_program('x = tokens + "!";')
    assert interpret(program, [1.0, 2.5]) == ["1.0!", "2.5!"]
    model = raspc.compile(program, [1.0, 2.5], 3)
    assert model.apply(["BOS", 1.0, 2.5]).decoded == ["BOS", "1.0!", "2.5!"]
    assert raspc.check(model).ok
