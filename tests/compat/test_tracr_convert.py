"""`raspc convert`: scripts that import Tracr, for their weights alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import raspc
import raspc.compat.tracr
from raspc.cli.app import status

SCRIPT = """
from tracr.compiler import compiling, lib
from tracr.rasp import rasp
print("working")
program = lib.make_reverse(rasp.tokens)
other = lib.make_hist()
model = compiling.compile_rasp_to_model(program, vocab={"a", "b"}, max_seq_len=4, compiler_bos="BOS")
"""


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Path]:
    """A user's script; afterwards `tracr` is no module of this process any more."""
    path = tmp_path / "theirs.py"
    path.write_text(SCRIPT)
    before = list(sys.path)
    yield path
    sys.path[:] = before
    raspc.compat.tracr.uninstall()


@pytest.mark.parametrize("attribute", ["program", "model"])
def test_a_script_that_compiles_is_enough(script: Path, tmp_path: Path, attribute: str) -> None:
    """Vocabulary, length and BOS are those of the script's own call."""
    assert status(["convert", f"{script}:{attribute}", "-o", str(tmp_path / "out")]) == 0
    model = raspc.load(tmp_path / "out")
    assert model.apply(["BOS", "a", "b", "b"]).decoded == ["BOS", "b", "b", "a"]
    assert model.config.max_seq_len == 4


def test_a_program_that_is_not_compiled(script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With both options; the JSON stands alone on standard output, whatever the script prints."""
    options = ["--vocab", "a,b", "--max-seq-len", "3", "-o", str(tmp_path / "out"), "--json"]
    assert status(["convert", f"{script}:other", *options]) == 0
    assert json.loads(capsys.readouterr().out)["directory"] == str(tmp_path / "out")
    assert raspc.load(tmp_path / "out").apply(["compiler_bos", "a", "a"]).decoded[1:] == [2, 2]


@pytest.mark.parametrize("options", [[], ["--vocab", "a,b"], ["--max-seq-len", "3"]])
def test_what_is_missing_is_named(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    """A program that the script does not compile needs both options; nothing is written without them."""
    assert status(["convert", f"{script}:other", *options, "-o", str(tmp_path / "out")]) == 2
    assert "--vocab and --max-seq-len" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
