"""The whole process, cold: what a person waits for."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Table, median


def table() -> Table:
    """Whole processes of the command line; the first row has a target of 1 s."""
    with tempfile.TemporaryDirectory() as place:
        model = str(Path(place) / "model")
        commands = [
            ("compile", "reverse", "-o", model),
            ("run", model, "a", "b", "c"),
            ("list",),
        ]
        rows = [(f"`raspc {' '.join(command)}`".replace(model, "DIR"), time_of(*command)) for command in commands]
    return Table("Whole process, cold", ("command", "median"), rows)


def time_of(*command: str) -> str:
    """The median time of one process."""
    work = [sys.executable, "-m", "raspc", *command]
    return f"{median(lambda: subprocess.run(work, check=True, capture_output=True), 7):.2f} s"
