"""The pictures of the program and of the circuit: boxes stand where the model computes them, lines can be followed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.view.test_forward import compiled

import raspc
from raspc import rasp
from raspc.graph import nodes as N
from raspc.graph.evaluate import Batch
from raspc.lab.activations import acts_of
from raspc.view.payload import nodes as payload_nodes
from raspc.view.stages import spans
from raspc.weights.model import Model

NAMES = ("sort", "dyck2_ptf", "mode", "shuffle_dyck3", "hist", "most_freq")

BOXES = """id => {
  const stage = document.querySelector(`#${id} .viewer-stage > svg`);
  const rect = node => ['x', 'y', 'width', 'height'].map(name => Number(node.getAttribute(name)));
  const points = (path, n) => Array.from({length: 81}, (_, i) => {
    const p = path.getPointAtLength(n * i / 80);
    return [p.x, p.y]; });
  return {
    bands: [...stage.querySelectorAll('.band')].map(b => [Number(b.dataset.stage), ...rect(b.querySelector('rect'))]),
    boxes: [...stage.querySelectorAll('.box')].map(b => (
      { node: b.dataset.nodes, part: b.dataset.part, at: rect(b.querySelector('.face')) })),
    lines: [...stage.querySelectorAll('[data-edge], [data-ends]')].map(g => {
      const path = g.querySelector('.line');
      return { ends: (g.dataset.edge || g.dataset.ends).split(' '), at: points(path, path.getTotalLength()) }; }) };
}"""


@pytest.mark.parametrize("optimize", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_selectors_stand_in_the_attention_of_their_head(name: str, optimize: int) -> None:
    """And a width begins at its head, wherever neurons finish it."""
    model = compiled(name, optimize)
    found = spans(model)
    heads = {
        place: {2 * part.layer for part in facts.heads}
        for label, facts in model.alignment.variables.items()
        if (place := model.graph.labels.index(label)) >= 0
    }
    seen = 0
    for place, node in enumerate(model.graph.nodes):
        if getattr(node, "selector", None) is not None and heads.get(place):
            selector = found[node.selector]
            assert selector.first == selector.last and selector.first % 2 == 0
            assert selector.first <= min(heads[place])
            seen += 1
        if isinstance(node, N.Width) and heads.get(place):
            assert found[place].first == min(heads[place])
    assert seen


def inside(point: list[float], box: list[float]) -> bool:
    """Whether a point is well within a box."""
    x, y, width, height = box
    return x + 1 < point[0] < x + width - 1 and y + 1 < point[1] < y + height - 1


@pytest.mark.parametrize(
    "name", ["sort", "dyck2_ptf", *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[2:])]
)
def test_no_line_runs_under_a_box(open_page: Callable[..., Any], name: str) -> None:
    """Of the program, all nodes shown or not, and of the circuit; and every line runs to the right."""
    model = compiled(name, 1)
    opened = open_page(model, list(model.graph.vocab[:1]) * (model.graph.exact_length or 3))
    for shown in (False, True):
        if shown and opened.page.is_visible("#whole"):
            opened.page.check("#whole")
        for figure in ("graph", "circuit"):
            found = opened.page.evaluate(BOXES, figure)
            assert found["lines"]
            for line in found["lines"]:
                assert line["at"][0][0] < line["at"][-1][0]
                others = [box for box in found["boxes"] if not {box["node"], box["part"]} & set(line["ends"])]
                assert not [box for box in others for point in line["at"] if inside(point, box["at"])], line["ends"]
            corners = [tuple(box["at"]) for box in found["boxes"]]
            assert not [a for i, a in enumerate(corners) for b in corners[i + 1 :] if overlap(a, b)]
        bands = {int(band[0]): band for band in opened.page.evaluate(BOXES, "graph")["bands"]}
        for box in opened.page.evaluate(BOXES, "graph")["boxes"]:
            check_place(model, int(box["node"]), box["at"], bands)


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two boxes share an inner point."""
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def check_place(model: Model, place: int, at: list[float], bands: dict[int, list[float]]) -> None:
    """A selector is within the band of its head; what has parts begins at their band."""
    span, node = spans(model)[place], model.graph.nodes[place]
    facts = model.alignment.variables.get(model.graph.labels[place])
    if isinstance(node, N.Pattern) or (facts and facts.computed_by):
        band = bands[span.first]
        assert band[1] <= at[0] <= band[1] + band[3], (model.graph.labels[place], span)
        if isinstance(node, N.Pattern) or span.first % 2:
            assert at[0] + at[2] <= band[1] + band[3] + 1


def test_generated_and_constant_nodes_are_folded_away(open_page: Callable[..., Any]) -> None:
    """They stand within the line of what reads them; a box shows them all."""
    opener = rasp.Select(rasp.tokens, rasp.Full("("), rasp.Comparison.EQ)
    program = rasp.SelectorWidth(opener).named("openers")
    opened = open_page(raspc.compile(program, "()", 4), ["(", ")"])
    folded = opened.page.locator("#graph .box .label").all_text_contents()
    assert folded == ["tokens", "openers"]
    assert any("selector_width(select(tokens" in text for text in opened.texts("#program .line"))
    opened.page.check("#whole")
    labels = opened.page.locator("#graph .box .label").all_text_contents()
    assert len(labels) > 2 and len(labels) == len(payload_nodes(opened.model))


def test_what_is_not_there_yet_is_read_off_what_it_is_made_of(open_page: Callable[..., Any]) -> None:
    """`level` is computed a layer before `depth`, of which the program makes it: no line leads back from there."""
    opened = open_page(compiled("dyck2_ptf", 1), ["(", ")"])
    found = opened.page.evaluate(BOXES, "graph")
    place = {label: str(i) for i, label in enumerate(compiled("dyck2_ptf", 1).graph.labels)}
    ends = [line["ends"] for line in found["lines"]]
    assert [place["depth"], place["level"]] not in ends
    assert any(end == place["level"] for _, end in ends)


def test_pictures_are_panned_and_zoomed(open_page: Callable[..., Any]) -> None:
    """By buttons, keys and pointer; where not all is seen there is an overview, and Tab brings a box into the frame."""
    opened = open_page(compiled("shuffle_dyck3", 1), ["(", ")"], viewport={"width": 390, "height": 800})
    stage, page = opened.page.locator("#graph .viewer-stage"), opened.page
    seen = lambda: [float(n) for n in stage.locator("> svg").get_attribute("viewBox").split()]  # noqa: E731
    assert page.locator("#graph .overview.needed").count() == 1
    before = seen()
    stage.focus()
    page.keyboard.press("ArrowRight")
    assert seen()[0] > before[0] and seen()[2] == before[2]
    page.keyboard.press("+")
    assert seen()[2] < before[2]
    page.click("#graph button:text-is('Fit')")
    whole = seen()
    assert whole[2] > before[2]
    page.click("#graph button:text-is('+')")
    page.locator("#graph .box").last.focus()
    x, _, width, _ = seen()
    box = page.evaluate(BOXES, "graph")["boxes"][-1]["at"]
    assert x <= box[0] and box[0] + box[2] <= x + width + 1


@pytest.mark.parametrize("figure", ["graph", "circuit", "stream", "attention", "neurons", "answers", "weights"])
def test_figures_are_saved_as_svg(open_page: Callable[..., Any], figure: str) -> None:
    """A file of its own: well-formed, with shapes and words, colours written out, and nothing from elsewhere."""
    opened = open_page(compiled("sort", 1), [3, 1, 2])
    with opened.page.expect_download() as download:
        opened.page.locator(f"#{figure} .save").first.click()
    assert download.value.suggested_filename.endswith(".svg")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg") and len(root.findall(".//{*}rect")) > 3 and len(root.findall(".//{*}text")) > 3
    assert not re.search(r"var\(|oklch|color-mix|<script|href", text)
    assert {"graph": "rank", "circuit": "logits", "weights": "is_bos"}.get(figure, "") in text


def test_the_circuit_is_lit_by_what_its_edges_carry(open_page: Callable[..., Any]) -> None:
    """As much as NumPy finds: the writer's activation times the matrix of the edge, the greatest over positions."""
    model = compiled("sort", 1)
    tokens = [3, 1, 2]
    opened = open_page(model, tokens)
    found = opened.page.evaluate("ids => raspc.carriedAlong(raspc.forward(ids))", [t - 1 for t in tokens])
    circuit, acts = model.circuit(), activations(model, tokens)
    carried = [np.abs(acts[edge.writer] @ edge.matrix).max(axis=1) for edge in circuit.edges]
    most: dict[tuple[str, str], float] = {}
    for edge, row in zip(circuit.edges, carried, strict=True):
        key = edge.reader, edge.channel
        most[key] = max(most.get(key, 0.0), float(row.max()))
    for edge, row, theirs in zip(circuit.edges, carried, found, strict=True):
        assert np.allclose(row / (most[edge.reader, edge.channel] or 1), theirs, atol=1e-4), edge
    lit = opened.page.locator("#circuit .wire.lit").count()
    assert lit == sum(max(row[1:]) > 1e-5 for row in found) and 0 < lit < len(found)


def activations(model: Model, tokens: list[Any]) -> dict[str, Any]:
    """What each part of the model computes at each position [position, numbers]."""
    ids = np.array([[model.graph.vocab.index(token) for token in tokens]], np.int32)
    batch = Batch(ids, np.array([len(tokens)], np.int64), model.config.causal)
    return {name: numbers[0] for name, numbers in acts_of(model, batch, False).items()}
