"""What `print` and notebooks show of programs, models, answers, reports, certificates and circuits."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc import library, rasp
from raspc.rasp import Comparison
from raspc.weights.model import Model

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def model() -> Model:
    """`reverse`, small."""
    return raspc.compile(library.reverse(), "abc", 4)


def test_a_program_is_printed_as_it_was_written() -> None:
    """A line for each part with a name; unnamed parts stand in the lines; what is said twice is shown once."""
    assert str(library.parity()).splitlines() == [
        "holders = select(tokens, 1, ==)",
        "so_far  = select(indices, indices, <=)",
        "ones    = holders & so_far",
        "number  = selector_width(ones)",
        "parity  = number % 2",
    ]
    both = library.num_prevs("a") + library.num_prevs("b")
    assert str(both).count("so_far  ") == 1
    assert repr(library.parity()) == "<Map parity>"


@pytest.mark.parametrize(("expr", "told"), [
    (rasp.tokens, "tokens = tokens"),
    (rasp.tokens.named("word"), "word = tokens"),
    (rasp.length.named("n") - 1, "n     = length\nmap_1 = n - 1"),
    (2 - rasp.indices, "map = 2 - indices"),
    ((rasp.indices + 1) * (rasp.length - 1), "sequence_map_1 = (indices + 1) * (length - 1)"),
    (rasp.where(rasp.tokens == "a", 1, "x"), 'map_1 = where((tokens == "a"), 1, "x")'),
    (rasp.tokens.is_in(["b", "a"]), 'map_1 = tokens.is_in({"a", "b"})'),
    (~rasp.Select(rasp.tokens, 0, Comparison.NEQ), "selector_not_1 = ~select(tokens, 0, !=)"),
    (rasp.latest(rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: True)),
     "best_1 = latest(select(tokens, tokens, a lambda))"),
    (rasp.ConstantSOp([1, 2]), "constant_sop = [1, 2]"),
    (rasp.assume(rasp.tokens, [1, 2]), "assume_1 = assume(tokens: one of 1, 2)"),
])  # fmt: skip
def test_each_kind_of_expression_is_written(expr: rasp.Expr, told: str) -> None:
    """Operators, functions, constants, selectors."""
    assert str(expr).replace("map = ", "map_1 = ") == told.replace("map = ", "map_1 = ")


def test_long_and_shared_formulas_have_lines_of_their_own() -> None:
    """A chain that doubles itself is printed in time and room that grow with its parts."""
    x: rasp.SOp = rasp.indices + 1
    for _ in range(60):
        x = x * x
    assert len(str(x)) < 5_000


def test_reports_and_certificates_are_sentences(model: Model) -> None:
    """No raw record: what was compared, what holds, what the weakest decision is."""
    report = raspc.check(model)
    assert str(report) == repr(report)
    assert str(report).startswith("equal on all 120 inputs\n")
    wrong = raspc.check(replaced(model))
    assert "differ; the first:" in str(wrong)
    assert "  input   " in str(wrong)
    assert repr(model.certificate).startswith("<certificate: holds, proved: the weakest decision uses")
    assert "for inputs of up to 4 tokens" in str(model.certificate)
    assert "margin used  decision" in str(model.certificate)


def replaced(model: Model) -> Model:
    """The model with its unembedding upside down."""
    from dataclasses import replace

    params = {name: -array if name == "unembed/w" else array for name, array in model.params.items()}
    return replace(model, params=params, expression=None)


def test_answers_stand_under_their_tokens(model: Model) -> None:
    """Position by position, BOS not counted, words in quotes where they need them."""
    assert repr(model.run("abc")) == "tokens  BOS a b c\nanswers BOS c b a"
    html = model.run("abc")._repr_html_()
    assert html.index("position") < html.index("token") < html.index("answer")


def test_what_nobody_named_stands_in_the_lines_of_a_model() -> None:
    """No row for a part of a formula, nor for an unnamed selector; what a head or neurons compute keeps one."""
    opposite = (rasp.length - rasp.indices - 1).named("opposite")
    reverse = rasp.Aggregate(rasp.Select(rasp.indices, opposite, Comparison.EQ), rasp.tokens).named("reverse")
    assert rows(raspc.compile(reverse, "abc", 4)) == [
        ("tokens", "the input", "embedding"),
        ("indices", "0, 1, 2, …", "embedding"),
        ("length", "how many tokens", "layer 0 head 0"),
        ("opposite", "length - indices - 1", "layer 0 neurons 0–5"),
        ("reverse", "aggregate(select(indices, opposite, ==), tokens)", "layer 1 head 0"),
    ]
    area = ((rasp.length - 1) * rasp.indices).named("area")
    assert rows(raspc.compile(area, "ab", 4))[-1][1] == "(length - 1) * indices"


def rows(model: Model) -> list[tuple[str, ...]]:
    """The rows of the table that a model shows, without its heads."""
    found = re.findall("<tr>(.*?)</tr>", model._repr_html_())
    return [tuple(unescape(cell) for cell in re.findall("<td[^>]*>(.*?)</td>", row)) for row in found[1:]]


SHOWN: dict[str, Callable[[Any], Any]] = {
    "s-op": lambda m: m.expression,
    "selector": lambda m: rasp.Select(rasp.tokens, HOSTILE, Comparison.EQ).named(HOSTILE),
    "graph": lambda m: m.graph,
    "model": lambda m: m,
    "answer": lambda m: m.run([HOSTILE, "b"]),
    "report": lambda m: raspc.check(m),
    "certificate": lambda m: m.certificate,
    "circuit": lambda m: m.circuit(),
    "page": lambda m: m.view([HOSTILE]),
}


@pytest.fixture(scope="module")
def hostile() -> Model:
    """A model whose tokens and names are HTML."""
    return raspc.compile(library.reverse().named(HOSTILE), [HOSTILE, "b"], 3)


@pytest.mark.parametrize("kind", SHOWN)
def test_what_comes_from_programs_is_escaped(hostile: Model, kind: str) -> None:
    """In every display that a notebook shows."""
    html = SHOWN[kind](hostile)._repr_html_()
    assert "<img" not in html
    assert len(html) > 40


def test_displays_fit_a_cell(model: Model) -> None:
    """A graph of a thousand nodes, an answer of many positions."""
    x: rasp.SOp = rasp.indices
    for i in range(300):
        x = (x + i).named(f"step {i}")
    assert len(repr(raspc.compile(x, "ab", 2, certify=False).graph).splitlines()) <= 61


def test_the_page_in_a_cell(model: Model, tmp_path: Path) -> None:
    """A frame with a title that runs its script and reaches nothing; the page is that of `raspc view`."""
    shown = model.view("abc", height=500)
    html = shown._repr_html_()
    assert html.startswith('<iframe title="reverse" srcdoc="')
    assert 'sandbox="allow-scripts allow-downloads"' in html
    assert "height:500px" in html
    assert shown.save(tmp_path / "page.html").read_text(encoding="utf-8") == shown.html
    assert model.view(["BOS", "a", "b", "c"], height=500) == shown
    assert repr(model.view()).startswith("<raspc page: reverse on a b c a, ")


@pytest.mark.parametrize(("call", "words"), [
    (lambda m: m.view("xyz"), "'x'"), (lambda m: m.view("abc", height=3), "height is 3"),
    (lambda m: m.view(3), "tokens"),
])  # fmt: skip
def test_what_no_page_can_be_made_of(model: Model, call: Callable[[Model], Any], words: str) -> None:
    """One line that names it."""
    with pytest.raises((raspc.InputError, TypeError), match=words):
        call(model)
