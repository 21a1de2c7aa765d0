"""`raspc compile --generate`, `raspc generate` and `raspc check --generate`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from raspc.cli.app import status

PROGRAM = """
from raspc import rasp

T, I = rasp.tokens, rasp.indices
marks = rasp.Select(T, rasp.Full("="), rasp.Comparison.EQ)
at = rasp.Aggregate(rasp.latest(marks), I, default=0).named("at")
source = rasp.Aggregate(rasp.Select(I, I - at, rasp.Comparison.EQ), T, default=".").named("source")
more = rasp.SequenceMap(lambda i, a: a <= i < 2 * a, I, at).named("more")
copy = rasp.where(more, source, ".")
prompts = ["ab=", "b="]


def reference(prompt):
    return prompt[:-1]


def wrong(prompt):
    return prompt
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a program and its model."""
    place = tmp_path_factory.mktemp("writer")
    (place / "copier.py").write_text(PROGRAM)
    (place / "prompts.txt").write_text("ab=\nbba=\n")
    line = ["compile", f"{place}/copier.py:copy", "--vocab", "a,b,=,.", "--max-seq-len", "9", "-o", f"{place}/model"]
    assert status([*line, "--generate", "--stop", ".", "--prompts", "[ab]{1,4}="]) == 0
    return place


def test_generate(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A text, or tokens one a word; as JSON; each step with its variables."""
    assert status(["generate", f"{made}/model", "abb="]) == 0
    assert capsys.readouterr().out == "abb.\n"
    assert status(["generate", f"{made}/model", "b", "a", "=", "--max-new-tokens", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"prompt": ["b", "a", "="], "answer": ["b"]}
    assert status(["generate", f"{made}/model", "ab=", "--trace"]) == 0
    shown = capsys.readouterr().out.split("\n")
    assert [line.split() for line in shown if line.split()[:1] in (["at"], ["writes"])] == [
        ["at", "2", "2", "2"], ["writes", "a", "b", "."],
    ]  # fmt: skip
    assert status(["generate", f"{made}/model", "ab=", "--trace", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trace"]["at"] == {"values": [2, 2, 2], "held": True}


def test_other_commands_cut_a_prompt_too(made: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`run`, `view` and `parity` take it as one text; a fault is told as `generate` does."""
    assert status(["run", f"{made}/model", "ab=a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"input": [*"ab=a"], "output": [".", ".", "a", "b"]}
    assert status(["run", f"{made}/model", "a"]) == 0
    assert status(["view", f"{made}/model", "ab=", "-o", f"{tmp_path}/page.html", "--json"]) == 0
    assert '"input": ["a", "b", "="]' in capsys.readouterr().out
    for line in (["run", f"{made}/model", "a?"], ["parity", f"{made}/model", "--input", "ab=", "--input", "a?"]):
        assert status(line) == 2
        assert "the text 'a?': no token begins at character 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("prompt", "text"),
    [(["ab"], "is not whole"), (["x"], "no token begins at character 1"), (["a", "x"], "'x'"), ([""], "is empty")],
)
def test_bad_prompts(made: Path, prompt: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit status 2."""
    assert status(["generate", f"{made}/model", *prompt]) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1


def test_check(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole answers: of the prompts of the model, of others, from a file, from Python; by program and reference."""
    line = ["check", f"{made}/model", "--generate"]
    own = ["--program", f"{made}/copier.py:copy", "--reference", f"{made}/copier.py:reference"]
    assert status([*line, *own]) == 0
    assert capsys.readouterr().out.startswith("every answer is right: all 30 prompts, 128 tokens; asked: the graph, ")
    assert status([*line, "--prompts", "a[ab]=", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checked"] == 2
    assert status([*line, "--prompts-file", f"{made}/prompts.txt"]) == 0
    assert status([*line, "--prompts-from", f"{made}/copier.py:prompts"]) == 0
    assert capsys.readouterr().out.count("all 2 prompts") == 2
    assert status([*line, "--reference", f"{made}/copier.py:wrong"]) == 1
    assert "the reference writes" in capsys.readouterr().out


def test_bad_options(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options that do not go together are said."""
    assert status(["check", f"{made}/model", "--prompts", "a="]) == 2
    assert "--prompts is for a model that writes; pass --generate" in capsys.readouterr().err
    both = ["--prompts", "a=", "--prompts-file", f"{made}/prompts.txt"]
    assert status(["check", f"{made}/model", "--generate", *both]) == 2
    assert "give one of them" in capsys.readouterr().err
    assert status(["check", f"{made}/model", "--generate", "--prompts-file", f"{made}/none.txt"]) == 2
    assert "no such file" in capsys.readouterr().err
    assert status(["check", f"{made}/model", "--generate", "--prompts", "aaaaaaa="]) == 2
    assert "outside the domain" in capsys.readouterr().err
