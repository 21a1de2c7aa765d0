"""What the documents show is what happens: their code is run, their output compared.

A `python` block is run, all those of a file in one namespace, `pycon` blocks as doctests in the same one.
In a `console` block each `$ raspc …` line is run and its output compared, where `...` stands for any lines
or for the rest of its line; the blocks of a file share a working directory. Other blocks (`sh`) are only shown.
"""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from raspc.cli.app import status

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "reference").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page: Path) -> Iterator[tuple[str, str, int]]:
    """Kind, text and first line of each fenced block."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield found[1], found[2], text.count("\n", 0, found.start()) + 2


def sessions(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with the output that is shown under it."""
    command, shown = "", ""
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], ""
        else:
            shown += line + "\n"
    if command:
        yield command, shown


def looks_like(shown: str, printed: str) -> bool:
    """Equal line by line, trailing spaces aside; `...` stands for any lines, or for the rest of its line."""
    return re.fullmatch("".join(map(pattern, shown.splitlines())) + r"\s*", printed) is not None


def pattern(line: str) -> str:
    """What a shown line can stand for."""
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    rest = ".*" if line.endswith("...") else "[ ]*"
    return re.escape(line.removesuffix("...").rstrip()) + rest + r"\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_in_the_documents(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every block of a page does what the page shows, from top to bottom."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    names: dict[str, object] = {"__name__": page.stem}
    for kind, text, line in blocks(page):
        where = f"{page.name}:{line}"
        if kind == "python":
            exec(compile("\n" * (line - 1) + text, str(page), "exec"), names)
        if kind == "pycon":
            check_doctest(text, names, where)
        if kind == "console":
            check_console(text, where, capsys)


def check_doctest(text: str, names: dict[str, object], where: str) -> None:
    """The interactive session gives what is shown."""
    test = doctest.DocTestParser().get_doctest(text, names, where, where, 0)
    told: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append, clear_globs=False)
    names.update(test.globs)
    assert not told, "".join(told)


def check_console(text: str, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each raspc command prints what is shown; one that is refused says so on standard error."""
    for command, shown in sessions(text):
        program, *args = shlex.split(command)
        assert program == "raspc", f"{where}: only raspc is run; show other commands in a `sh` block"
        capsys.readouterr()
        code = status(args)
        printed = capsys.readouterr()
        assert looks_like(shown, printed.out + printed.err), f"{where}: $ {command}\n{printed.out}{printed.err}"
        assert (code > 1) == bool(printed.err.strip() and "warning" not in printed.err)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_documents_name_exists(page: Path) -> None:
    """Make targets, files and tests that a page names are there."""
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)`", text)) <= targets
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_cited_test_exists(page: Path) -> None:
    """A claim that cites a test cites one that is in the suite."""
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8")):
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"


def test_a_wrong_document_would_be_found() -> None:
    """The comparison of shown and printed output can fail."""
    assert looks_like("a\n...\nd\n", "a\nb\nc\nd\n")
    assert not looks_like("a\nd\n", "a\nb\nd\n")
    assert not looks_like("a [b]\n", "a b\n")
    assert looks_like("a: ...\n", "a: b c\n")
    assert not looks_like("a: ...\n", "b: c\n")
