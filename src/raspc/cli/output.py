"""How a command answers: one JSON object, or tables and lines for a person."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 160
"""How wide a table may be where no terminal says it."""


def answer(report: Mapping[str, Any], as_json: bool, tell: Callable[[], None]) -> None:
    """Prints the report as one JSON object, or has it told to a person."""
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False, allow_nan=False))
    else:
        tell()


@contextmanager
def as_written(what: str) -> Iterator[None]:
    """While data of a file is shown that is of no fixed form: what it lacks is a fault of the file.

    Raises ModelFormatError that names the data.
    """
    from raspc.errors import ModelFormatError

    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelFormatError(f"{what} is malformed ({type(error).__name__}: {error}); compile it again") from error


def encoded(items: Iterable[Any] | None) -> list[Any] | None:
    """Values as JSON data; null for what cannot be read, as for None."""
    from raspc import jsonvalues

    return None if items is None else [None if item is ... else jsonvalues.encode(item) for item in items]


def say(text: str) -> None:
    """One line on standard output."""
    typer.echo(text)


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

    grid = Table(*headers, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console().print(grid)
