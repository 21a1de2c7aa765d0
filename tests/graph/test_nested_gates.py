"""Selectors whose gates read each other twice: 2ⁿ paths through n gates, of which no step may take each."""

from __future__ import annotations

import pytest

import raspc
from raspc import rasp
from raspc.graph.build import build
from raspc.rasp import Comparison, Select


def nested(depth: int, source: rasp.SOp = rasp.indices) -> rasp.SOp:
    """An aggregate over a selector in which each gate reads three others, negated or not."""
    a = Select(rasp.tokens, rasp.tokens, Comparison.EQ)
    b = Select(rasp.indices, rasp.indices, Comparison.LEQ)
    c = Select(rasp.indices, rasp.tokens, lambda key, query: key % 2 == (query == "a"))
    for _ in range(depth):
        a, b, c = (a & b) | (~a & c), (a | c) & b, (c & ~a) | ~b
    return rasp.Aggregate(a, source, default=0)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_they_compile(level: int) -> None:
    """Sixty deep, right on every input, and as small as four deep."""
    model = raspc.compile(nested(60), "ab", 3, optimize=level)
    assert raspc.check(model).ok
    small = raspc.compile(nested(4), "ab", 3, optimize=level)
    assert model.graph is not None
    assert small.config.d_model <= model.config.d_model <= 2 * small.config.d_model


def test_they_are_compared() -> None:
    """Equal ones by their form, different ones by an input."""
    assert raspc.diff(nested(60), nested(60), "ab", 3).how == "normal form"
    found = raspc.diff(nested(60), nested(60, rasp.length), "ab", 3)
    assert not found.equal


def test_a_graph_of_them_has_a_few_nodes_for_each() -> None:
    """Ten a step: each complement is made once."""
    assert len(build(nested(60), "ab", 3).nodes) - len(build(nested(40), "ab", 3).nodes) <= 20 * 10
