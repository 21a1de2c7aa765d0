"""The gallery and the tour: examples that run."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from raspc import library

EXAMPLES = Path(__file__).parents[2] / "examples"


def gallery() -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("gallery", EXAMPLES / "gallery.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_gallery_lists_each_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card with a link that leads to a page; a few programs stand for all."""
    names = ("hist", "caesar", "swap_halves")
    monkeypatch.setattr(library, "PROGRAMS", {name: library.get(name) for name in names})
    gallery().main(tmp_path)
    text = (tmp_path / "index.html").read_text()
    for name in names:
        assert f'href="{name}.html"' in text and (tmp_path / f"{name}.html").is_file()


@pytest.mark.slow
def test_gallery_holds_the_whole_library(tmp_path: Path) -> None:
    """Every program of the library at its default size, each page under 1.5 MB."""
    gallery().main(tmp_path)
    pages = {path.stem: path.stat().st_size for path in tmp_path.glob("*.html")}
    assert set(pages) == {"index", *library.PROGRAMS} and max(pages.values()) < 1_500_000


def test_the_tour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell of the notebook, in order, in one namespace."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "tour.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert (tmp_path / "hist.html").is_file() and (tmp_path / "hist" / "config.json").is_file()
