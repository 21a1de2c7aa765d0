"""Where the site's sources come from: notebooks of examples/, pages beside docs/, and how their links are read."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = ("tour", "compression")
"""Notebooks that stand in examples/ and are pages of the site too."""

PLACES = {"../CONTRIBUTING.md": "contributing.md", "../CHANGELOG.md": "changes.md"}
"""Where a page that stands outside docs/ is on the site."""


def setup(app: Any) -> dict[str, bool]:
    """Copies notebooks, reads links, knows RASP at its prompt."""
    for name in NOTEBOOKS:
        copied = ROOT / "docs" / "examples" / f"{name}.ipynb"
        copied.parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / "examples" / copied.name, copied)
    app.add_lexer("rasp-console", TextLexer)
    app.connect("source-read", _read)
    app.connect("include-read", _read_included)
    return {"parallel_read_safe": True}


def _read(app: Any, name: str, source: list[str]) -> None:
    source[0] = on_the_site(source[0])


def _read_included(app: Any, path: Any, name: str, source: list[str]) -> None:
    source[0] = on_the_site(source[0])


def on_the_site(text: str) -> str:
    """The text with links to pages outside docs/ led to where the site has them."""
    for link, place in PLACES.items():
        text = text.replace(f"]({link}", f"]({place}")
    return text


def included(path: Path) -> str:
    """The text of a page that stands beside docs/, with its links as a page in docs/ has them."""
    text = path.read_text(encoding="utf-8").replace("](docs/", "](")
    return re.sub(r"\]\((LICENSE|SECURITY\.md)\)", "]", text)
