"""The table of commands: name, function, settings for Typer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raspc.cli.certify import certify
from raspc.cli.check import check
from raspc.cli.circuit import circuit
from raspc.cli.compile import compile_program
from raspc.cli.compress import compress
from raspc.cli.convert import convert
from raspc.cli.diff import diff
from raspc.cli.export import export
from raspc.cli.generate import generate
from raspc.cli.inspect import inspect
from raspc.cli.lab import COMMANDS as LAB
from raspc.cli.list import list_programs
from raspc.cli.parity import parity
from raspc.cli.repl import repl
from raspc.cli.run import run
from raspc.cli.serve import serve
from raspc.cli.view import view

# A token such as -1 looks like an option; what is no option of the command is a token.
TAKES_TOKENS = {"context_settings": {"ignore_unknown_options": True}}

COMMANDS: tuple[tuple[str, Callable[..., None], dict[str, Any]], ...] = (
    ("list", list_programs, {}),
    ("compile", compile_program, {}),
    ("convert", convert, {}),
    ("run", run, TAKES_TOKENS),
    ("generate", generate, TAKES_TOKENS),
    ("check", check, {}),
    ("certify", certify, {}),
    ("diff", diff, {}),
    ("inspect", inspect, {}),
    ("circuit", circuit, {}),
    ("view", view, TAKES_TOKENS),
    ("serve", serve, {}),
    ("parity", parity, {}),
    ("export", export, {}),
    ("compress", compress, {}),
    ("repl", repl, {}),
)

GROUPS: tuple[tuple[str, str, tuple[tuple[str, Callable[..., None]], ...]], ...] = (
    ("lab", "Hold methods against models whose circuits are known: run, report, list.", LAB),
)
"""Commands under a common name: the name, what they are for, and each of them."""
