"""The library's programs that write: whole answers on all prompts, against plain Python."""

from __future__ import annotations

import pytest

import raspc
from raspc import library
from raspc.cli.app import status
from raspc.generation.checking import check_writing
from raspc.library.writers import WRITERS, Writer
from raspc.programs import find

MEASURED = {"write_sort"}
"""What float32 is only measured to do."""


def right(writer: Writer, level: int) -> None:
    """Every answer of a model is that of the reference."""
    model = raspc.compile(writer.program, writer.vocab, writer.max_seq_len, optimize=level, **writer.options())
    report = check_writing(model, reference=writer.reference)
    assert report.ok and report.exhaustive and report.referred == report.checked, str(report)
    assert model.certificate.proved is (writer.name not in MEASURED)


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_every_answer(writer: Writer) -> None:
    """At -O2."""
    right(writer, 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_every_answer_of_readable_models(writer: Writer, level: int) -> None:
    """At the other levels."""
    right(writer, level)


def test_they_are_found_by_name(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    """On the command line and in Python; their prompts and stop come with them."""
    assert list(library.WRITERS) == [writer.name for writer in WRITERS]
    assert find("write_copy").writing == {"generate": True, "stop": ".", "prompts": "[abc]{1,6}="}
    assert status(["compile", "write_recall", "-O2", "-o", f"{tmp_path}/model"]) == 0
    assert status(["compile", "write_copy", "--prompts", "a=", "--max-seq-len", "5", "-o", f"{tmp_path}/copy"]) == 0
    capsys.readouterr()
    assert status(["generate", f"{tmp_path}/model", "a1b0a0?a"]) == 0
    assert capsys.readouterr().out == "0.\n"
    assert status(["generate", f"{tmp_path}/copy", "b="]) == 2


def test_each_says_what_it_is_for() -> None:
    """Its description is one line, and its prompts are of its vocabulary."""
    for writer in WRITERS:
        assert writer.description.endswith(".") and len(writer.description) < 90
        assert writer.stop in writer.vocab and len(set(writer.vocab)) == len(writer.vocab)
