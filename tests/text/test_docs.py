"""What docs/rasp-syntax.md says of the language is true: its programs run, its sittings print what is shown."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from raspc.text import Environment
from raspc.text.repl import main
from raspc.text.source import Source

PAGE = (Path(__file__).parents[2] / "docs" / "rasp-syntax.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("rasp"))
def test_programs_run(block: str) -> None:
    """Each program is carried out without a fault."""
    environment = Environment()
    environment.run(Source("docs", block))
    assert environment.own


def plain(text: str) -> list[str]:
    """Lines without the width of their blanks."""
    return [line for line in (re.sub(r"\s+", " ", line).strip() for line in text.splitlines()) if line]


@pytest.mark.parametrize("block", blocks("rasp-console"))
def test_sittings_print_what_is_shown(block: str) -> None:
    """The statements after `>>`, given to the prompt, print the rest; `...` stands for the rest of a line."""
    script = "".join(line[3:] + "\n" for line in block.splitlines() if line.startswith(">> "))
    shown = "\n".join(line for line in block.splitlines() if not line.startswith(">> "))
    out = io.StringIO()
    main(io.StringIO(script), out)
    found, expected = plain(out.getvalue()), plain(shown)
    assert len(found) == len(expected)
    for line, pattern in zip(found, expected, strict=True):
        assert line.startswith(pattern.removesuffix("...")) if pattern.endswith("...") else line == pattern


def test_the_page_shows_both() -> None:
    """There are programs and sittings to test."""
    assert len(blocks("rasp")) >= 2
    assert len(blocks("rasp-console")) >= 1
