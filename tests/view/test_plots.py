"""Figures with named axes, and how models and answers show themselves."""

from __future__ import annotations

from typing import Any

import pytest
from tests.view.test_forward import compiled

import raspc
from raspc import rasp, view
from raspc.errors import InputError
from raspc.view import notebook
from raspc.view.program import text
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def sort() -> Model:
    """A model with heads and neurons."""
    return compiled("sort", 1)


def labels(axis: Any) -> tuple[list[str], list[str]]:
    """The names on both axes."""
    return [t.get_text() for t in axis.get_xticklabels()], [t.get_text() for t in axis.get_yticklabels()]


def test_residuals_and_layer_outputs(sort: Model) -> None:
    """One panel a stage; directions down, tokens across."""
    pytest.importorskip("matplotlib")
    for figure, panels in ((view.plot_residuals(sort, [3, 1]), 5), (view.plot_layer_outputs(sort, ["BOS", 3, 1]), 4)):
        axes = figure.axes
        assert len(axes) == panels + 1  # and the scale
        assert labels(axes[0]) == (["BOS", "3", "1"], list(sort.residual_labels))
        assert axes[0].get_xlabel() == "position" and axes[0].get_ylabel() == "direction"
        figure.canvas.draw()


def test_attention(sort: Model) -> None:
    """One panel a head, with its selector's name."""
    pytest.importorskip("matplotlib")
    figure = view.plot_attention(sort, [3, 1])
    used = [axis for axis in figure.axes if axis.get_xlabel() == "key"]
    assert [axis.get_title() for axis in used] == [
        "layer 0 head 0\nsmaller", "layer 0 head 1\ntied", "layer 1 head 0\nplaced"]  # fmt: skip
    assert labels(used[0])[0] == ["BOS", "3", "1"]
    figure.canvas.draw()


def test_program(sort: Model) -> None:
    """Every node and every stage in use is named."""
    pytest.importorskip("matplotlib")
    figure = view.plot_program(sort)
    shown = {piece.get_text() for piece in figure.axes[0].texts}
    assert set(sort.graph.labels) <= shown and "layer 0 MLP" in shown
    figure.canvas.draw()


def test_dollar_signs_are_letters() -> None:
    """Tokens that would open a formula."""
    pytest.importorskip("matplotlib")
    model = raspc.compile(rasp.tokens.named("$x"), {"$a", "$b$", "\\frac"}, 3)
    for figure in (view.plot_residuals(model, ["$a", "$b$"]), view.plot_attention(model, ["$a"])):
        figure.canvas.draw()


def test_bad_input_is_an_input_error(sort: Model) -> None:
    """The model's own error."""
    with pytest.raises(InputError, match="not in the vocabulary"):
        view.plot_residuals(sort, ["x"])


def test_without_matplotlib_the_remedy_is_told(sort: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"raspc\[plots\]"):
        view.plot_residuals(sort, [1])


def test_models_and_answers_show_themselves(sort: Model) -> None:
    """A line in the terminal; a small table in a notebook."""
    answer = sort.apply(["BOS", 3, 1])
    assert repr(answer) == "tokens  BOS 3 1\nanswers BOS 1 3"
    assert repr(sort).startswith("<raspc model sort: 2 layers, 2 heads, d_model 23")
    html = sort._repr_html_()
    assert "layer 0 neurons" in html and "selector_width(tied)" in html and len(html) < 20_000
    assert "layer 1 head 0" in answer._repr_html_()


def test_notebook_views_escape_what_they_show() -> None:
    """Tokens and names that look like markup."""
    model = raspc.compile(rasp.tokens.named("<b>x</b>"), {"<script>", '"'}, 2)
    for html in (model._repr_html_(), model.apply(["BOS", "<script>"])._repr_html_()):
        assert "<script>" not in html and "<b>" not in html


def test_models_without_a_graph_show_themselves() -> None:
    """A model that was made by hand has no program to show."""
    from dataclasses import replace

    model = replace(compiled("caesar", 1), graph=None, alignment={})
    assert "raspc model:" in notebook.model_text(model)
    assert notebook.model_html(model).startswith("<p>")
    with pytest.raises(InputError, match="holds no graph"):
        view.page(model, ["a"])
    with pytest.raises(InputError, match="holds no graph"):
        view.plot_program(model)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (rasp.tokens + 1, "tokens + 1"),
        (rasp.tokens == 2, "tokens == 2"),
        (rasp.tokens - rasp.indices, "tokens - indices"),
        (rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)), "selector_width(select_1)"),
        (rasp.map(lambda x: {1: 5, 2: 3, 3: 9}[x], rasp.tokens), "map(tokens: 1 → 5, 2 → 3, 3 → 9)"),
    ],
)
def test_familiar_tables_read_like_rasp(program: rasp.SOp, line: str) -> None:
    """The text of the output node."""
    graph = raspc.compile(program, {1, 2, 3}, 3).graph
    assert text(graph, graph.output) == line
