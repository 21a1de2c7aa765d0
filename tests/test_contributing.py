"""CONTRIBUTING.md is walked: what it shows is written into a copy of the house, and the commands that it gives are run.

A section whose title begins with "To add" is a walk. In it a `python` block that begins with `# new file: PATH` is that
file; a `diff` block changes the file that its line `@@ PATH` names, at the one place where its other lines stand; and
each line of a `sh` block is run, which must succeed. A `python` block that is no file is run as it stands.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FOLDERS = ("src", "tests", "docs", "benchmarks", "editors", ".ci", ".github")
FILES = ("Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml", "requirements-dev.lock")
WALKS = dict(re.findall(r"^## (To add [^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEW = re.compile(r"# new file: (\S+)\n")
HUNK = re.compile(r"^@@ (\S+)\n((?:[-+ ].*\n|\n)+)", re.MULTILINE)


class Change(NamedTuple):
    """A place in a file: the lines that stand there, and those that shall."""

    path: str
    before: str
    after: str


def changes(diff: str) -> Iterator[Change]:
    """The changes of a `diff` block."""
    for path, body in HUNK.findall(diff):
        lines = [line or " " for line in body.splitlines()]
        before, after = ("".join(f"{line[1:]}\n" for line in lines if line[0] in kept) for kept in (" -", " +"))
        yield Change(path, before, after)


def changed(text: str, change: Change) -> str:
    """The text of a file after a change; the place must be there, once."""
    assert text.count(change.before) == 1, f"{change.path} has this {text.count(change.before)} times:\n{change.before}"
    return text.replace(change.before, change.after)


def write(house: Path, walk: str) -> list[str]:
    """Write what a walk shows; the Python files that it touched."""
    touched = []
    for kind, text in BLOCK.findall(walk):
        for change in changes(text) if kind == "diff" else ():
            path = house / change.path
            path.write_text(changed(path.read_text(encoding="utf-8"), change), encoding="utf-8")
            touched.append(change.path)
        if kind == "python":
            new = NEW.match(text)
            assert new is not None, f"a block of a walk is a new file:\n{text}"
            assert not (house / new[1]).exists(), f"{new[1]} is there already"
            (house / new[1]).write_text(text[new.end() :], encoding="utf-8")
            touched.append(new[1])
    return [path for path in touched if path.endswith(".py")]


def run(house: Path, *command: str) -> None:
    """A command in the copy, by this Python, on the code of the copy; it must succeed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(house / "src"), str(house)))}
    ran = subprocess.run(
        (sys.executable, *command), cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{shlex.join(command)}\n{ran.stdout[-4000:]}{ran.stderr[-2000:]}"


def commands(walk: str) -> Iterator[list[str]]:
    """The commands that a walk gives, without the name of Python."""
    for kind, text in BLOCK.findall(walk):
        for line in text.splitlines() if kind == "sh" else ():
            program, *rest = shlex.split(line, comments=True)
            assert program == "python", f"only python is run: {line}"
            yield rest


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of all that a change touches."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "format[0-9]"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.clients
@pytest.mark.parametrize("title", WALKS)
def test_a_walk(title: str, house: Path) -> None:
    """What the page says is written, the linters find nothing, and every command of the page succeeds."""
    touched = write(house, WALKS[title])
    run(house, "-m", "ruff", "format", "--check", "--no-cache", *touched)
    run(house, "-m", "ruff", "check", "--no-cache", *touched)
    given = list(commands(WALKS[title]))
    assert given and touched
    for command in given:
        run(house, *command)


@pytest.mark.slow
def test_all_walks_together(house: Path) -> None:
    """None is in another's way; the types hold, and so do the rules of the house."""
    for walk in WALKS.values():
        write(house, walk)
    run(house, "-m", "mypy", "--cache-dir", os.devnull)
    run(house, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_house.py")


def test_code_beside_the_walks() -> None:
    """It runs as it stands."""
    beside = [text for kind, text in BLOCK.findall(PAGE) if kind == "python" and not NEW.match(text)]
    assert beside
    for text in beside:
        exec(compile(text, "CONTRIBUTING.md", "exec"), {"__name__": "contributing"})


def test_there_are_walks() -> None:
    """One for each thing that a person adds."""
    assert list(WALKS) == [
        f"To add {thing}"
        for thing in ("a pass", "a construct of the language", "an export", "a target", "a way to store or to score")
    ]


def test_the_files_that_the_page_names_are_there(house: Path) -> None:
    """In the house, or after a walk; and the targets of the Makefile and the tests that it names."""
    for walk in WALKS.values():
        write(house, walk)
    named = set(re.findall(r"`((?:src|tests|docs|benchmarks|editors)/[\w./-]*\w)(?:::\w+)?`", PAGE))
    assert len(named) > 30
    made = {"tests/golden/passes/single_widths.txt", "docs/_build/html"}  # by a command of its walk, and by `make docs`
    assert sorted(path for path in named - made if not any((at / path).exists() for at in (ROOT, house))) == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) <= targets
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE):
        assert f"def {name}(" in (house / file).read_text(encoding="utf-8"), f"{file}::{name}"


def test_a_page_that_misleads_would_be_found() -> None:
    """A place that is gone, or there twice, is a fault of the page; so is what does not run."""
    (change,) = changes("@@ a.py\n x\n-y\n+z\n")
    assert change == ("a.py", "x\ny\n", "x\nz\n")
    assert changed("w\nx\ny\n", change) == "w\nx\nz\n"
    for text in ("x\n", "x\ny\nx\ny\n"):
        with pytest.raises(AssertionError, match="has this"):
            changed(text, change)
    with pytest.raises(AssertionError, match="division by zero"):
        run(ROOT, "-c", "1 / 0")
