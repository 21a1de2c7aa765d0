"""The page and the displays in notebooks that were run, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc import library

CELLS = (
    "import raspc\nfrom raspc import library\nmodel = raspc.compile(library.reverse(), 'abc', 4)\nmodel",
    "model.expression",
    "model.run('abc')",
    "raspc.check(model)",
    "model.certificate",
    "model.circuit()",
    "model.view('abc', height=600)",
)


@pytest.fixture(scope="module")
def outputs() -> list[dict[str, Any]]:
    """What each cell of a notebook shows, as a kernel sends it to JupyterLab, VS Code and the rest."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client.NotebookClient(notebook, timeout=120).execute()
    return [cell.outputs[-1]["data"] for cell in notebook.cells]


def test_every_cell_has_html_and_text(outputs: list[dict[str, Any]]) -> None:
    """Notebooks show the one, terminals the other, and the text is no raw record."""
    assert all({"text/html", "text/plain"} <= set(data) for data in outputs)
    assert outputs[1]["text/plain"] == "<Aggregate reverse>"
    assert outputs[3]["text/plain"].startswith("equal on all 120 inputs")
    assert not any("Report(" in data["text/plain"] or "Certificate(" in data["text/plain"] for data in outputs)


def test_the_page_runs_in_its_frame(browser: Any, outputs: list[dict[str, Any]], tmp_path: Path) -> None:
    """All outputs in one document, as a notebook lays them out; the page in the frame computes and asks for nothing."""
    path = tmp_path / "notebook.html"
    body = "".join(f"<div>{data['text/html']}</div>" for data in outputs)
    path.write_text(f"<!doctype html><meta charset=utf-8><body style='width:900px'>{body}", encoding="utf-8")
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("text=mirrored").first.wait_for(timeout=20_000)
    assert frame.locator("h1").first.inner_text().strip()
    box = page.locator("iframe").bounding_box()
    assert box is not None and round(box["height"]) in (600, 602) and box["width"] > 800
    assert not faults
    page.close()


def test_a_frame_reaches_nothing() -> None:
    """No same origin: the page cannot read the notebook that holds it."""
    html = raspc.compile(library.reverse(), "ab", 2).view("ab")._repr_html_()
    assert "allow-same-origin" not in html
