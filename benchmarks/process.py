"""The whole process, cold: what a person waits for."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Table, process_medians


def table() -> Table:
    """Whole processes of the command line; the first row has a target of 1 s."""
    with tempfile.TemporaryDirectory() as place:
        model = str(Path(place) / "model")
        commands = [
            ("compile", "reverse", "-o", model),
            ("run", model, "a", "b", "c"),
            ("list",),
        ]
        rows = [(f"`raspc {' '.join(command)}`".replace(model, "DIR"), *times_of(*command)) for command in commands]
    return Table("Whole process, cold", ("command", "median time", "of it CPU"), rows)


def times_of(*command: str) -> tuple[str, str]:
    """The median times of one process."""
    wall, cpu = process_medians([sys.executable, "-m", "raspc", *command])
    return f"{wall:.2f} s", f"{cpu:.2f} s"
