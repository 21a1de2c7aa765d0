"""RASP's own analysis: layers and heads; and how expressions are written in pictures."""

from __future__ import annotations

import pytest

from raspc import rasp
from raspc.interpret import interpret
from raspc.text import load_program, programs
from raspc.text.flow import layers, needs
from raspc.text.render import render

PAPER = {
    "reverse": (2, 1), "hist": (1, 1), "hist_nobos": (1, 2), "sorted": (2, 1), "hist2": (2, 2),
    "most_frequent": (3, 2), "dyck1": (2, 1),
}  # fmt: skip
"""Layers and heads as the paper's interpreter reports them, for programs that we write as the paper does."""


@pytest.mark.parametrize("name", PAPER)
def test_the_analysis_agrees_with_the_paper(name: str) -> None:
    """As many layers, and as many heads in the widest."""
    assert needs(programs()[name].program) == PAPER[name]


@pytest.mark.parametrize("name", programs())
def test_every_layer_builds_on_those_below(name: str) -> None:
    """What a layer computes depends on lower layers, and elementwise on its own; the program is on top."""
    program = programs()[name].program
    found = layers(program)
    assert not found[0].heads
    assert all(layer.heads for layer in found[1:])
    top = [sop for head in found[-1].heads for sop in head.serves] + list(found[-1].elementwise)
    assert any(sop is program for sop in top)
    level = {id(sop): i for i, layer in enumerate(found) for head in layer.heads for sop in head.serves}
    for i, layer in enumerate(found):
        for head in layer.heads:
            inputs = rasp.topological(head.selector, *(c for sop in head.serves for c in sop.children))
            assert all(level[id(e)] < i for e in inputs if id(e) in level)


def test_heads_are_shared() -> None:
    """Aggregates through one selector need one head, written once or twice; other selectors need others."""
    text = "x = aggregate(select(tokens, tokens, {}), indices) + aggregate(select(tokens, tokens, ==), -indices);"
    assert needs(load_program(text.format("=="))) == (1, 1)
    assert needs(load_program(text.format("<"))) == (1, 2)


RENDERED = [
    "(length - indices)", "(1 + (2 * indices))", "selector_width(select(tokens, tokens, ==))",
    'aggregate(select(indices, 1, ==), tokens, "-")', "selector_width((full_s and not full_s))",
    '(tokens if (indices > 0) else "x")', "aggregate(select(tokens, tokens, <), indices)",
    "round((indices / 2))", 'not (tokens == "a")', "indicator((indices > 1))", "tokens_int", "(indices and length)",
    "selector_width((full_s or full_s))",
]  # fmt: skip


@pytest.mark.parametrize("text", RENDERED)
def test_expressions_as_text(text: str) -> None:
    """An expression is written as one could write it, and what is written means the same."""
    program = load_program(f"_x = {text};")
    assert render(program) == text
    xs = [3, 1, 2] if "tokens_int" in text else list("aba")
    assert interpret(load_program(f"_x = {render(program)};"), xs) == interpret(program, xs)


def test_deep_expressions_are_cut() -> None:
    """A label ends somewhere."""
    assert "…" in render(load_program("_x = 1 + (2 + (3 + (4 + (5 + indices))));"))
