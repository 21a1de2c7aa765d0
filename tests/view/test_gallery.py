"""The gallery and the tour: examples that run."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from raspc import library

EXAMPLES = Path(__file__).parents[2] / "examples"


def gallery() -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("gallery", EXAMPLES / "gallery.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_gallery_lists_each_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card with a link that leads to a page; a few programs stand for all."""
    names = ("hist", "caesar", "swap_halves")
    monkeypatch.setattr(library, "PROGRAMS", {name: library.get(name) for name in names})
    gallery().main(tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    for name in names:
        assert f'href="{name}.html"' in text and (tmp_path / "live" / f"{name}.html").is_file()
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert f"src='live/{name}.html'" in page and 'href="index.html"' in page
        assert "Source in RASP" in page and f'<span class="nf">{name}</span>' in page  # def NAME, in colours
    assert text.count("<svg") == 3 and text.count('opacity="') > 10  # pictures that show something
    assert "partner" in (tmp_path / "swap_halves.html").read_text(encoding="utf-8")


def test_the_gallery_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Any) -> None:
    """What is typed leaves the programs that hold each word; groups without any vanish; a card leads there and back."""
    names = ("hist", "caesar", "swap_halves")
    monkeypatch.setattr(library, "PROGRAMS", {name: library.get(name) for name in names})
    gallery().main(tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.fill("#search", "half SECOND")
    shown = [text.split("\n")[0] for text in page.locator("article:visible").all_inner_texts()]
    assert shown == ["swap_halves"] and page.locator("#found").inner_text() == "1 of 3 programs"
    assert page.locator("h2:visible").all_inner_texts() == ["Rewriting"]
    page.click("article:visible a")
    live = page.frame_locator("iframe")
    live.locator("body[data-ready]").wait_for(timeout=10_000)
    assert "equals the interpreter" in live.locator("#verdict").inner_text()
    page.click("text=← Gallery")
    assert page.url.endswith("index.html")
    page.close()


@pytest.mark.slow
def test_gallery_holds_the_whole_library(tmp_path: Path) -> None:
    """Every program of the library at its default size, each page under 1.5 MB."""
    gallery().main(tmp_path)
    pages = {path.stem: path.stat().st_size for path in (tmp_path / "live").glob("*.html")}
    assert set(pages) == set(library.PROGRAMS) and max(pages.values()) < 1_500_000
    assert {path.stem for path in tmp_path.glob("*.html")} == {"index", *library.PROGRAMS}


def test_the_tour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell of the notebook, in order, in one namespace."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "tour.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(line for line in cell["source"] if not line.startswith("%")), names)
    assert (tmp_path / "hist.html").is_file() and (tmp_path / "hist" / "config.json").is_file()
