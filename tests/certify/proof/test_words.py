"""What "proved" means is said in one sentence, wherever it is said; and how passes were held to the program."""

from __future__ import annotations

from pathlib import Path

import pytest

import raspc
from raspc import library, rasp
from raspc.cli.app import status
from raspc.rasp import Comparison
from raspc.view.payload import facts
from raspc.weights.certificate import PROVED, PROVED_WRITING, VERDICTS

ROOT = Path(__file__).parents[3]
T, I = rasp.tokens, rasp.indices  # noqa: E741
EITHER = rasp.Select(T, T, Comparison.EQ) | rasp.Select(I, I, Comparison.LT)


@pytest.mark.parametrize("page", ["README.md", "docs/exactness.md"])
def test_pages_quote_the_sentence(page: str) -> None:
    """Word for word, but for the breaks of lines."""
    assert PROVED in " ".join((ROOT / page).read_text(encoding="utf-8").replace("> ", "").split())


def test_the_command_line_and_the_page_say_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`certify` and `inspect` print it, the page shows it; of another verdict they say what that means."""
    model = raspc.compile(library.hist(), "ab", 3)
    model.save(tmp_path / "hist")
    for command in ("certify", "inspect"):
        assert status([command, str(tmp_path / "hist")]) == 0
        assert f"proved: {PROVED}\n" in capsys.readouterr().out
    assert facts(model)["certificate"]["says"] == PROVED
    assert len({meaning.says for meaning in VERDICTS.values()}) == len(VERDICTS)


def test_of_a_program_that_writes_it_speaks_of_the_positions_that_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the page of docs, in memory, in a file, on the command line, in a model card; on which prompts it was run."""
    page = (ROOT / "docs" / "writers.md").read_text(encoding="utf-8").replace("> ", "")
    assert PROVED_WRITING in " ".join(page.split())
    after = rasp.Map(lambda token: "." if token in "2." else str(int(token) + 1), T)
    model = raspc.compile(after, "012.", 4, generate=True, stop=".", prompts="[0-2]", target="llama")
    said = f"{PROVED_WRITING}; the program writes tokens and stops at '.': on all 3 prompts"
    model.save(tmp_path / "model")
    model.to("llama", tmp_path / "checkpoint")
    loaded = raspc.load(tmp_path / "model")
    assert [found.certificate and found.certificate.says for found in (model, loaded)] == [said, said]
    assert status(["certify", str(tmp_path / "model")]) == 0
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in (tmp_path / "checkpoint" / "README.md").read_text()
    free = raspc.compile(after, "012.", 4, generate=True, stop=".")
    assert free.certificate is not None and free.certificate.says == PROVED  # every position of every input writes


PARTLY = rasp.Select(T, T, lambda k, q: {0: q == 1, 1: q == 2}[k]) | rasp.Select(I, I, Comparison.LT)
"""Undefined for keys of 2, which the normal form leaves as they are."""
HOW: dict[str, tuple[rasp.SOp, int, str | None]] = {
    "no pass changed anything": (library.hist(), 4, None),
    "by form": (rasp.SelectorWidth(EITHER), 4, "by normal form"),
    "on all inputs": (rasp.Aggregate(PARTLY, I, default=-1), 4, "by running all 120"),
    "on a sample": (rasp.Aggregate(PARTLY, I, default=-1), 10, "by running a sample alone"),
}


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("name", HOW)
def test_a_certificate_says_how_passes_were_held_to_the_program(name: str, tmp_path: Path) -> None:
    """In memory and in the file; what a sample alone shows is not proved."""
    program, longest, how = HOW[name]
    model = raspc.compile(program, (0, 1, 2), longest, partial=True)
    model.save(tmp_path / "model")
    certificates = [model.certificate, raspc.load(tmp_path / "model").certificate, raspc.certificate(model)]
    assert {found and found.passes for found in certificates} == {how}
    assert {found and found.proved for found in certificates} == {how != "by running a sample alone"}
