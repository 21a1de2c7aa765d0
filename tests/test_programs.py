"""From what a person types to a program."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from raspc import programs
from raspc.errors import InputError

SOURCE = """
from raspc import rasp
import neighbour

last = rasp.length - rasp.indices - 1
backwards = rasp.Aggregate(rasp.Select(rasp.indices, last, rasp.Comparison.EQ), rasp.tokens)
number = 3

def made():
    return backwards

def broken():
    return 1 / 0

def needs(argument):
    return argument

def refused():
    return rasp.Map(3, rasp.tokens)
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python file with programs, in the working directory, and a module beside it that it imports."""
    (tmp_path / "neighbour.py").write_text("")
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


@pytest.mark.parametrize("attribute", ["backwards", "made"])
@pytest.mark.parametrize("place", ["mine.py", "mine", "{path}"])
def test_python_gives_a_program(source: Path, place: str, attribute: str) -> None:
    """A file by any path and a module both give the s-op, or the result of a function without arguments."""
    found = programs.find(f"{place.format(path=source)}:{attribute}")
    assert found.program("abc") == ["c", "b", "a"]
    assert found.name == attribute
    assert found.vocab is None
    assert found.max_seq_len is None


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mine.py:absent", r"mine.py has no attribute 'absent': it defines backwards, last"),
        ("mine.py:number", r"mine.py:number is of type int; needed an s-op"),
        ("mine.py:broken", r"mine.py:broken: running it raised ZeroDivisionError: .* \(line 13\)"),
        ("mine.py:needs", r"mine.py:needs: running it raised TypeError: .*argument"),
        ("mine.py:refused", r"mine.py:refused: Map: the function is 3, which cannot be called"),
        ("mine.py", r"write mine.py:ATTRIBUTE"),
        ("absent.py:x", r"absent.py: there is no such file"),
        ("absent.rasp", r"absent.rasp: there is no such file"),
        ("absent.module:x", r"absent.module: there is no module 'absent'"),
        ("no module:x", r"'no module' is neither a file .* nor a module's name"),
        ("faulty.py:x", r"faulty.py: line 1 is not Python"),
        ("exits.py:x", r"exits.py: running it raised SystemExit"),
        ("rverse", r"unknown program 'rverse': did you mean reverse\?"),
        ("zzz", r"unknown program 'zzz': .*a program of your own is prog.rasp"),
    ],
)
def test_what_is_no_program_is_told(source: Path, spec: str, told: str) -> None:
    """Each way to name no program gives one line that says what was found and what to write."""
    (source.parent / "faulty.py").write_text("def (")
    (source.parent / "exits.py").write_text("raise SystemExit(0)")
    with pytest.raises(InputError, match=told) as caught:
        programs.find(spec)
    assert "\n" not in str(caught.value)


LAZY = """
import copy
import helper_beside
from raspc import rasp

def doubled(x):
    import helper_later
    return helper_later.twice(x)

program = rasp.Map(doubled, rasp.indices)
mine = copy.MINE and helper_beside.HERE
"""


def test_a_neighbour_called_copy_is_the_programs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the file runs its folder goes first; afterwards the standard module is found, and helpers still are."""
    (tmp_path / "copy.py").write_text("MINE = True")
    (tmp_path / "helper_beside.py").write_text("HERE = True")
    (tmp_path / "helper_later.py").write_text("def twice(x):\n    return 2 * x")
    (tmp_path / "lazy.py").write_text(LAZY)
    path, standard = list(sys.path), sys.modules["copy"]
    monkeypatch.delitem(sys.modules, "copy")
    found = programs.find(f"{tmp_path / 'lazy.py'}:program")
    assert sys.path == path
    assert "copy" not in sys.modules
    assert importlib.import_module("copy").__file__ == standard.__file__
    assert found.program("abc") == [0, 2, 4]


def test_a_file_names_its_s_ops(tmp_path: Path) -> None:
    """Those of the module, and those of a function that makes the program."""
    (tmp_path / "mine_named.py").write_text(
        "from raspc import rasp\n"
        "opposite = rasp.length - 1 - rasp.indices\n"
        "def made():\n    doubled = opposite * 2\n    return doubled + 1\n"
    )
    assert programs.find(f"{tmp_path / 'mine_named.py'}:opposite").program.name == "opposite"
    made = programs.find(f"{tmp_path / 'mine_named.py'}:made").program
    assert made.children[0].name == "doubled"
    assert made.children[0].children[0].name == "opposite"
