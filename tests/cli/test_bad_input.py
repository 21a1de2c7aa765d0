"""Bad input gives one line on standard error that names the fault and the remedy, and exit status 2."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Raspc

MINE = ("--max-seq-len", "4", "-o", "out")

WRONG_USE: dict[str, tuple[str, ...]] = {
    "unknown command": ("compil", "reverse"),
    "unknown option": ("compile", "reverse", "--vocb", "a"),
    "missing argument": ("compile",),
    "unknown level of optimisation": ("compile", "reverse", "-O", "3"),
    "a length that is no number": ("compile", "reverse", "--max-seq-len", "four"),
    "unknown program": ("compile", "rverse"),
    "no such program at all": ("compile", "mine.py"),
    "file without that attribute": ("compile", "mine.py:absent", "--vocab", "a,b", *MINE),
    "attribute that is no program": ("compile", "mine.py:number", "--vocab", "a,b", *MINE),
    "no such file": ("compile", "absent.py:x", "--vocab", "a,b", *MINE),
    "no vocabulary": ("compile", "mine.py:backwards", *MINE),
    "no length": ("compile", "mine.py:backwards", "--vocab", "a,b", "-o", "out"),
    "empty vocabulary": ("compile", "reverse", "--vocab", "", *MINE),
    "empty token": ("compile", "reverse", "--vocab", "a,,b", *MINE),
    "the same token twice": ("compile", "reverse", "--vocab", "1,1.0", *MINE),
    "BOS in the vocabulary": ("compile", "reverse", "--vocab", "a,BOS", *MINE),
    "PAD in the vocabulary": ("compile", "reverse", "--vocab", "a,PAD", *MINE),
    "BOS and PAD the same": ("compile", "reverse", "--vocab", "a", "--bos", "x", "--pad", "x", *MINE),
    "length below 1": ("compile", "reverse", "--vocab", "a,b", "--max-seq-len", "0", "-o", "out"),
    "unwritable output": ("compile", "reverse", "-o", "mine.py/model"),
    "output is a file": ("compile", "reverse", "-o", "mine.py"),
    "output is a directory of other files": ("compile", "reverse", "-o", "."),
    "a mean of words": ("compile", "mine.py:means_words", "--vocab", "a,b", *MINE),
    "token outside the vocabulary": ("run", "reverse", "a", "z"),
    "sequence too long": ("run", "reverse", "a", "b", "c", "a", "b"),
    "BOS after the first place": ("run", "reverse", "a", "BOS"),
    "PAD before a token": ("run", "reverse", "a", "PAD", "b"),
    "no tokens": ("run", "reverse"),
    "no such directory": ("run", "absent", "a"),
    "a directory that is no model": ("run", ".", "a"),
    "a file that is no model": ("run", "mine.py", "a"),
    "a program that is no model": ("check", "mine.rasp"),
    "a model that does not write": ("generate", "reverse", "a"),
}


BY_TYPER = {
    "unknown command", "unknown option", "missing argument", "no tokens", "unknown level of optimisation",
    "a length that is no number",
}  # fmt: skip


def check_fault(ran: Any) -> None:
    """One line, no traceback, status 2, nothing on standard output."""
    assert ran.code == 2, ran
    assert ran.out == ""
    assert re.fullmatch(r"raspc: [^\n]+\n", ran.err), ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", WRONG_USE)
def test_wrong_use_is_one_line(raspc: Raspc, name: str) -> None:
    """Each wrong command line is told in one line; nothing is written."""
    check_fault(raspc(*WRONG_USE[name]))
    assert not Path("out").exists()


def test_the_messages_are_as_they_were(raspc: Raspc, golden: Callable[[str, str], None]) -> None:
    """The wording of every message that is ours, in a golden file that a person reads."""
    lines = []
    for name, command in WRONG_USE.items():
        if name in BY_TYPER:
            continue
        message = raspc(*command).err.replace(str(Path.cwd()), "HERE")
        lines.append(f"# {name}\n$ raspc {' '.join(command)}\n{message}")
    golden("wrong_use.txt", "\n".join(lines))


@pytest.mark.parametrize("name", ["unknown program", "unknown option", "token outside the vocabulary"])
def test_json_answers_even_then(raspc: Raspc, name: str) -> None:
    """With --json, standard output still holds one JSON object: the error."""
    ran = raspc(*WRONG_USE[name], "--json")
    assert ran.code == 2
    assert ran.json == {"error": ran.err.removeprefix("raspc: ").rstrip("\n")}


def rewrite(name: str, change: Callable[[Any], Any]) -> None:
    """Change the JSON of one file of the model."""
    path = Path("reverse") / name
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def truncate() -> None:
    """The weights lose their end."""
    path = Path("reverse/model.safetensors")
    path.write_bytes(path.read_bytes()[:-100])


def flip() -> None:
    """One bit of one weight changes."""
    path = Path("reverse/model.safetensors")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def claim(name: str) -> None:
    """A file says that it holds a gigabyte (it is sparse here)."""
    with open(Path("reverse") / name, "wb") as file:
        file.truncate(2**30)


def text(name: str, content: str) -> None:
    """A file of the model holds something else."""
    (Path("reverse") / name).write_text(content)


BROKEN_MODELS: dict[str, Callable[[], None]] = {
    "truncated weights": truncate,
    "altered weights": flip,
    "empty weights": lambda: text("model.safetensors", ""),
    "missing weights": lambda: Path("reverse/model.safetensors").unlink(),
    "missing config": lambda: Path("reverse/config.json").unlink(),
    "config that is no JSON": lambda: text("config.json", "{"),
    "config that is a list": lambda: text("config.json", "[]"),
    "config nested deep": lambda: text("config.json", "[" * 100_000),
    "config of another version": lambda: rewrite("config.json", lambda c: c | {"format_version": 99}),
    "config that claims huge sizes": lambda: rewrite("config.json", lambda c: c | {"d_model": 10**9}),
    "config that claims many layers": lambda: rewrite("config.json", lambda c: c | {"n_layers": 10**9}),
    "graph that is no JSON": lambda: text("graph.json", "not JSON"),
    "graph of a gigabyte": lambda: claim("graph.json"),
    "config of a gigabyte": lambda: claim("config.json"),
    "labels of a gigabyte": lambda: claim("labels.json"),
    "graph of another program": lambda: text("graph.json", Path("mixed/graph.json").read_text()),
    "labels of another program": lambda: text("labels.json", Path("mixed/labels.json").read_text()),
}


@pytest.mark.parametrize("name", BROKEN_MODELS)
@pytest.mark.parametrize("command", [("run", "reverse", "a"), ("check", "reverse"), ("inspect", "reverse")])
def test_a_broken_model_is_one_line(raspc: Raspc, name: str, command: tuple[str, ...]) -> None:
    """Whatever was done to a saved model, each command that loads it says so and stops."""
    BROKEN_MODELS[name]()
    ran = raspc(*command)
    check_fault(ran)
    assert "No such command" not in ran.err


def test_an_error_is_not_hidden_by_the_boundary(raspc: Raspc, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own is no bad input: it keeps its traceback."""

    def broken(*args: object) -> None:
        raise KeyError("a fault of raspc")

    monkeypatch.setattr("raspc.programs.find", broken)
    with pytest.raises(KeyError, match="a fault of raspc"):
        raspc("compile", "reverse")


def test_names_and_tokens_cannot_move_the_cursor(raspc: Raspc, tmp_path: Path) -> None:
    """Control characters of a stranger's file are shown as escapes; letters of any script and emoji as they are."""
    name, token = "x\x1b[2J\u202ey", "é\x07👩\u200d🔬"
    (tmp_path / "named.py").write_text(
        f"from raspc import rasp\nshown = rasp.Map(lambda x: x, rasp.tokens).named({name!r})\nvocab = [{token!r}]",
        "utf-8",
    )
    assert (
        raspc("compile", "named.py:shown", "--vocab", json.dumps([token]), "--max-seq-len", "2", "-o", "shown").code
        == 0
    )
    for found in (raspc("inspect", "shown"), raspc("run", "shown", token, "--trace"), raspc("run", "shown", "\x1b")):
        text = found.out + found.err
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
        assert r"\x1b" in text
    assert r"é\x07👩\u200d🔬".replace(r"\u200d", "\u200d") in raspc("run", "shown", token).out
