"""A circuit as text, data, pictures and pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.cli.conftest import Raspc, models, raspc  # noqa: F401 - fixtures

import raspc as package
from raspc import library, rasp
from raspc.view.page import page
from raspc.view.payload import payload
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def model() -> Model:
    """A program whose names have to be escaped."""
    odd = library.reverse().named('<b>"odd" & $x$')
    return package.compile(odd, "abc", 4)


def test_the_table_has_a_line_for_each_edge(model: Model) -> None:
    """With the variable, the rank and what it carries."""
    circuit = model.circuit()
    lines = circuit.table().splitlines()
    assert len(lines) == 1 + len(circuit.edges) and str(circuit) == circuit.table()
    assert re.search(r"^m0->a1\.h0<q> +opposite +opposite +1 +varying$", circuit.table(), re.MULTILINE)


def test_graphviz(model: Model) -> None:
    """Every node and edge, with names as quoted strings."""
    circuit, text = model.circuit("neuron"), model.circuit("neuron").to_dot()
    assert text.count(" -> ") == len(circuit.edges) and text.startswith("digraph circuit {") and text.endswith("}\n")
    unescaped = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert '"' not in unescaped and "odd" not in unescaped


def test_the_picture_is_sound_xml(model: Model) -> None:
    """A box for each node that has an edge, a path for each edge; names are escaped."""
    circuit = model.circuit()
    root = ElementTree.fromstring(circuit.to_svg())
    named = {"s": "http://www.w3.org/2000/svg"}
    assert len(root.findall("s:path", named)) == len(circuit.edges)
    boxes = [text.text for text in root.findall("s:g/s:text[@font-weight]", named)]
    assert set(boxes) == {end for edge in circuit.edges for end in (edge.writer, edge.reader)}
    assert circuit.to_svg() in circuit._repr_html_()


def test_json(model: Model) -> None:
    """Nodes, edges and spaces as data that JSON holds."""
    told = json.loads(json.dumps(model.circuit().to_json()))
    assert [edge["name"] for edge in told["edges"]] == [edge.name for edge in model.circuit().edges]
    assert {node["name"] for node in told["nodes"]} >= {"tokens", "a0.h0", "m0", "logits"}
    assert told["seen"] == {"inputs": 120, "exhaustive": True}


def test_files(model: Model, tmp_path: Path) -> None:
    """Each ending has its format; another is refused."""
    circuit = model.circuit()
    for ending, begins in (
        (".html", "<!doctype"),
        (".svg", "<svg"),
        (".json", "{"),
        (".dot", "digraph"),
        (".txt", "edge"),
    ):
        circuit.save(tmp_path / f"c{ending}")
        assert (tmp_path / f"c{ending}").read_text(encoding="utf-8").startswith(begins)
    written = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<script" not in written and "&lt;b&gt;" in written and "<b>" not in written
    with pytest.raises(package.InputError, match=r"\.pdf"):
        circuit.save(tmp_path / "c.pdf")


def test_a_figure(model: Model) -> None:
    """A patch for each box and each line."""
    pytest.importorskip("matplotlib")
    circuit = model.circuit()
    figure = circuit.plot()
    assert len(figure.axes[0].patches) == len(circuit.edges) + len({e for p in circuit.pairs for e in p[:2]})


def test_the_page_holds_the_circuit(model: Model) -> None:
    """As a picture in its data; of a model whose circuit is not known, nothing."""
    found = payload(model, ["a"], "t")["circuit"]
    assert len(found["edges"]) == len(model.circuit().edges)
    assert 'id="part-circuit"' in page(model, ["a"])
    twice = package.rotate(package.rotate(model, 1), 2)
    assert payload(twice, ["a"], "t")["circuit"] is None


def test_the_command(raspc: Raspc) -> None:  # noqa: F811
    """A table, JSON, Graphviz text, a file, and the edges that matter."""
    told = raspc("circuit", "reverse")
    assert told.code == 0 and "a1.h0->logits" in told.out and "on all 120 inputs" in told.out
    assert len(raspc("circuit", "reverse", "--json").json["edges"]) == 12
    assert raspc("circuit", "reverse", "--dot").out.startswith("digraph")
    assert raspc("circuit", "reverse", "-o", "c.html").out == "c.html: 9 nodes, 12 edges\n" and Path("c.html").is_file()
    truth = raspc("circuit", "reverse", "--under", "resample", "--json").json["truth"]
    assert [e["name"] for e in truth["edges"] if e["matters"]] == ["input->a1.h0<v>", "a1.h0->logits"]
    assert "2 of 10 edges matter" in raspc("circuit", "reverse", "--under", "resample").out
    for wrong in (("--granularity", "x"), ("--under", "x"), ("-o", "c.pdf")):
        failed = raspc("circuit", "reverse", *wrong)
        assert failed.code == 2 and failed.err.startswith("raspc: ") and failed.err.count("\n") == 1


def test_odd_names_are_kept() -> None:
    """A name of the program is told as it is written."""
    model = package.compile((rasp.indices + 1).named("a: b.share"), "ab", 3, optimize=0)
    assert model.spaces["a: b.share"].variable == "a: b.share"
