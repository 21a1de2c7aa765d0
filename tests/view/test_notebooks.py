"""The page in JupyterLab and in marimo themselves, served and opened in a browser; and as VS Code frames it.

VS Code cannot be started here: what it lays around the output of a cell is imitated.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import pytest
from tests.clients.environments import ROOT, python_of

import raspc
from raspc import library

COMPILED = "import raspc\nfrom raspc import library\n\nmodel = raspc.compile(library.reverse(), 'abc', 4)"
SHOWN = "model.view('abc', height=500)"
PAGE = "iframe[title=reverse]"
WAIT = 90_000
"""Milliseconds that an application may take to start and to show."""

CELLS = f"""import marimo

app = marimo.App()


@app.cell
def _():
    {COMPILED.replace(chr(10), f"{chr(10)}    ")}
    return (model,)


@app.cell
def _(model):
    {SHOWN}
    return
"""


@contextmanager
def served(folder: Path, module: str, *arguments: str, ask: str) -> Iterator[str]:
    """An application of the environment of notebooks, at the address that it is given, until it answers there."""
    python = python_of("notebooks")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHONPATH"))}
    variables = kept | {"PYTHONPATH": str(ROOT / "src"), "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    variables["PATH"] = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    command = [str(python), "-m", module, *arguments, f"--port={port}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}/{ask}"
            answers(address, server, folder / "log")
            yield address
        finally:
            server.terminate()
            server.wait(20)


def answers(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until there is an answer; fails with the log where the server ends, or says nothing for a minute."""
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            assert server.poll() is None, log.read_text(encoding="utf-8", errors="replace")[-3000:]
            time.sleep(0.25)
        else:
            return
    pytest.fail(log.read_text(encoding="utf-8", errors="replace")[-3000:])


def works(page: Any, frames: Sequence[str], width: int) -> None:
    """The page is there at its height, as wide as the cell, and the model in it runs on what is typed."""
    place = page
    for frame in frames:
        place = place.frame_locator(frame)
    place.locator(PAGE).first.wait_for(timeout=WAIT)
    box = place.locator(PAGE).bounding_box()
    assert box is not None and round(box["height"]) in (500, 502) and box["width"] > width
    inside = place.frame_locator(PAGE)
    inside.locator("#answer .answer").first.wait_for(timeout=WAIT)
    assert inside.locator("#answer .answer").all_inner_texts() == ["c", "b", "a"]
    inside.locator("#tokens").fill("c a")
    inside.locator("#answer:not(:has(.pair:nth-child(3))) .pair:nth-child(2)").wait_for()
    assert inside.locator("#answer .answer").all_inner_texts() == ["a", "c"]


@pytest.mark.clients
def test_the_page_in_jupyterlab(browser: Any, tmp_path: Path) -> None:
    """A notebook is opened and all its cells are run."""
    nbformat = pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell(source) for source in (COMPILED, SHOWN)]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "page.ipynb")
    started = (
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--IdentityProvider.token=it",
        "--LabApp.news_url=None",
    )
    with served(tmp_path, "jupyterlab", *started, ask="lab/tree/page.ipynb?token=it") as address:
        page = browser.new_page(viewport={"width": 1280, "height": 1100})
        page.goto(address)
        page.wait_for_selector("#jp-main-statusbar >> text=(ipykernel) | Idle", timeout=WAIT)
        page.click(".lm-MenuBar-itemLabel:text-is('Run')")
        page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")
        works(page, [], 700)
        page.close()


@pytest.mark.clients
def test_the_page_in_marimo(browser: Any, tmp_path: Path) -> None:
    """A notebook is run as an application."""
    (tmp_path / "cells.py").write_text(CELLS, encoding="utf-8")
    started = ("run", "cells.py", "--headless", "--no-token", "--host=127.0.0.1")
    with served(tmp_path, "marimo", *started, ask="") as address:
        page = browser.new_page(viewport={"width": 1280, "height": 1100})
        page.goto(address)
        works(page, [], 600)
        page.close()


VS_CODE = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src https: http: data:; font-src https:; connect-src https:; child-src https: data: blob:"
)
"""The policy of the frame in which VS Code shows the outputs of a notebook."""


def test_the_page_within_a_frame_as_vs_code_has_it(browser: Any, tmp_path: Path) -> None:
    """In a sandboxed frame under a policy of its own, which the page inherits."""
    shown = raspc.compile(library.reverse(), "abc", 4).view("abc", height=500)._repr_html_()
    inner = f'<!doctype html><meta charset=utf-8><meta http-equiv="Content-Security-Policy" content="{VS_CODE}">{shown}'
    sandbox = "allow-scripts allow-same-origin allow-forms allow-pointer-lock allow-downloads"
    frame = f'<iframe id=outputs sandbox="{sandbox}" srcdoc="{escape(inner)}" width=900 height=600></iframe>'
    (tmp_path / "notebook.html").write_text(f"<!doctype html><meta charset=utf-8>{frame}", encoding="utf-8")
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.goto((tmp_path / "notebook.html").as_uri())
    works(page, ["#outputs"], 700)
    assert not faults
    page.close()
