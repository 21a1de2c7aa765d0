"""Help, tables and completion as people meet them: at 80 columns, with values, without holes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest
from typer.models import CommandInfo, OptionInfo

from raspc.cli.app import app, status
from raspc.cli.commands import GROUPS
from raspc.parity.report import BackendReport, ParityReport

COMMANDS = sorted(command.name or "" for command in app.registered_commands)
GROUPED = sorted(f"{name} {called}" for name, _, group in GROUPS for called, _ in group)
FREE = {
    "vocab", "bos", "pad", "where", "stop", "prompts", "memory", "inputs", "dims", "tokens", "prompt",
    "prompts_from", "reference", "program", "ray",
}  # fmt: skip
"""Options and arguments that take any text."""


def told(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The help of a command at 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    assert status([*command.split(), "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPED])
def test_help_is_read_at_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is wider, and no sentence has lost its end: a default in brackets is no markup."""
    text = told(command, capsys, monkeypatch)
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"\w \.\s", text)
    assert "range>" not in text


@pytest.mark.parametrize("command", app.registered_commands, ids=lambda command: command.name)
def test_a_later_paragraph_of_help_is_one_line(command: CommandInfo) -> None:
    """Typer joins the lines of the first paragraph only: a break in another one would stand in the middle of a line."""
    assert command.callback is not None
    later = inspect.cleandoc(command.callback.__doc__ or "").split("\n\n")[1:]
    assert [paragraph for paragraph in later if "\n" in paragraph] == []


@pytest.mark.parametrize(("command", "words"), [
    ("compile", "[default: (build/NAME)]"), ("convert", "[default: (build/NAME)]"), ("check", "[default: (100000)]"),
    ("repl", "[default: (1000000)]"), ("parity", "[default: (all installed)]"), ("certify", "that of the"),
])  # fmt: skip
def test_defaults_are_told(
    command: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those too that are found out later."""
    assert words in told(command, capsys, monkeypatch)


def options() -> Iterator[tuple[str, str, OptionInfo]]:
    """Each option that takes a word, with its command."""
    groups = [group.typer_instance for group in app.registered_groups]
    for command in [found for one in (app, *groups) if one is not None for found in one.registered_commands]:
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            kind, *notes = get_args(hint) or (hint,)
            given = next((note for note in notes if isinstance(note, OptionInfo)), None)
            if given is not None and str in (kind, *get_args(kind)):
                yield str(command.name), name, given


def test_each_option_of_fixed_words_is_completed() -> None:
    """Shells offer what the option takes, and of that what begins as the word that is being typed."""
    seen = 0
    for command, name, option in options():
        if name in FREE:
            continue
        assert option.autocompletion is not None, f"raspc {command} --{name}"
        offers = [offer if isinstance(offer, str) else offer[0] for offer in option.autocompletion("")]
        assert offers
        assert offers[0] in [
            offer if isinstance(offer, str) else offer[0] for offer in option.autocompletion(offers[0])
        ]
        seen += 1
    assert seen >= 20


def test_several_words_are_completed() -> None:
    """What was named is not offered again."""
    from raspc.cli.options import listed

    assert listed("torch", "jax", "onnx")("torch,j") == ["torch,jax"]
    assert listed("torch", "jax", "onnx")("torch,") == ["torch,jax", "torch,onnx"]


def test_the_table_of_parity_fits_80_columns() -> None:
    """The largest difference and where it is; the whole table where there is room."""
    found = {"attn logits": 2e-7, "residuals": 3e-6, "unembedded": 0.0}
    report = ParityReport(
        (
            BackendReport("numpy", "2.3.5", "match", dict.fromkeys(found, 0.0), True),
            BackendReport("transformer_lens", "4.0.0.dev11", "match", found, True),
            BackendReport("huggingface", None, "not installed"),
        ),
        1e-5, 12,
    )  # fmt: skip
    lines = shown(report, 80)
    assert max(map(len, lines)) <= 80
    assert any("3.0e-06 in residuals" in line and "match" in line for line in lines)
    assert not any("…" in line for line in lines)
    assert "unembedded" in str(report)


def shown(report: ParityReport, width: int) -> list[str]:
    """The table in a terminal of that width."""
    from io import StringIO

    from rich.console import Console

    written = StringIO()
    Console(file=written, width=width, color_system=None).print(report.table(width=width))
    return written.getvalue().splitlines()
