"""The command line as it tells of itself, by Typer's own writer of Markdown."""

from __future__ import annotations

import re

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from raspc.cli.app import app


def text() -> str:
    """A section for each command: usage, arguments, options."""
    command = get_command(app)
    found = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name="raspc"), name="raspc")
    _, _, sections = found.partition("\n## ")
    return "## " + re.sub(r"(?m)^\* (`[^`]*`): ", r"- \1: ", sections)
