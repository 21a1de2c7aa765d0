"""How a command answers: one JSON object, or tables and lines for a person."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from raspc.cli.streams import is_unicode

if TYPE_CHECKING:
    from rich.console import Console

DIRECTIONS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
PIPE_WIDTH = 160
"""How wide a table may be where no terminal says it."""


def answer(report: Mapping[str, Any], as_json: bool, tell: Callable[[], None]) -> None:
    """Prints the report as one JSON object, or has it told to a person."""
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=not is_unicode(sys.stdout), allow_nan=False))
    else:
        tell()


def encoded(items: Iterable[Any] | None) -> list[Any] | None:
    """Values as JSON data; null for what cannot be read, as for None."""
    from raspc import jsonvalues

    return None if items is None else [None if item is ... else jsonvalues.encode(item) for item in items]


def say(text: str) -> None:
    """One line on standard output."""
    typer.echo(printable(text))


def printable(text: str) -> str:
    """The text with control characters escaped: a name in a stranger's file is not to move the cursor."""
    return "".join(c if c in "\n\t" or not _controls(c) else ascii(c)[1:-1] for c in text)


def _controls(character: str) -> bool:
    """Whether a terminal may obey it: a control, or a mark that changes the direction of writing."""
    return unicodedata.category(character) == "Cc" or unicodedata.bidirectional(character) in DIRECTIONS


def console(stderr: bool = False) -> Console:
    """A Rich console that takes the width of the terminal, of COLUMNS, or enough for a table in a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, width=width)


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Prints a table. Cells are shown as they are: a token such as `[b]` is no markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = None if title is None else printable(title)
    grid = Table(*headers, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row))
    console().print(grid)


@contextmanager
def bar(what: str) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on standard error, moved by a call with what is done, how much of it, and of how much.

    None where nobody would see it.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda name, done, total: shown.update(task, description=name, completed=done, total=total)
