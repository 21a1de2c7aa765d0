"""A command line in a test: run in this process, in a directory of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from raspc.cli.app import status

PROGRAMS = """
from raspc import rasp

backwards = rasp.Aggregate(
    rasp.Select(rasp.indices, rasp.length - rasp.indices - 1, rasp.Comparison.EQ), rasp.tokens
).named("backwards")
means_words = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE), rasp.tokens)
number = 3
"""


@dataclass(frozen=True)
class Ran:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON object."""
        return json.loads(self.out)


Raspc = Callable[..., Ran]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled models, read only: `reverse` over a, b, c and `mixed`, the identity over 2, 10 and "1x"."""
    place = tmp_path_factory.mktemp("models")
    (place / "mine.py").write_text("from raspc import rasp\nmixed = rasp.Map(lambda x: x, rasp.tokens).named('mixed')")
    assert status(["compile", "reverse", "--vocab", "a,b,c", "--max-seq-len", "4", "-o", str(place / "reverse")]) == 0
    mixed = ["compile", f"{place / 'mine.py'}:mixed", "--vocab", "2,10,1x", "--max-seq-len", "3"]
    assert status([*mixed, "-o", str(place / "mixed")]) == 0
    return place


@pytest.fixture
def raspc(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Raspc:
    """`raspc("run", "reverse", "a")`, beside copies of the compiled models and the file mine.py."""
    for name in ("reverse", "mixed"):
        shutil.copytree(models / name, tmp_path / name)
    (tmp_path / "mine.py").write_text(PROGRAMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    capsys.readouterr()

    def run(*args: str) -> Ran:
        code = status(args)
        return Ran(code, *capsys.readouterr())

    return run
