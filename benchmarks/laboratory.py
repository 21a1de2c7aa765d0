"""The laboratory over the whole library: five methods, two corruptions, -O0 and -O2, by two processes."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Table
from raspc.lab import runs

METHODS = ("eap", "eap-ig", "patching", "acdc", "atp-star")
CORRUPTIONS = ("shuffle", "resample")
PROCESSES = 2
TARGET = 20 * 60
"""Seconds that the run is to stay below on two cores."""


def table() -> Table:
    """Wall-clock and CPU time of the run, compiles included; then of the same again, which asks nothing."""
    with tempfile.TemporaryDirectory() as place:
        rows = [timed(name, Path(place) / "out") for name in ("from nothing", "again")]
    headers = ("run", "models", "answers", "refused", "wall-clock", "CPU, all processes", "CPU / 2")
    title = f"`raspc lab run --suite library`, {len(METHODS)} methods, {', '.join(CORRUPTIONS)}, -O0 and -O2"
    return Table(title, headers, rows)


def timed(name: str, out: Path) -> tuple[str, ...]:
    """One row. The processor time is that of the processes that did the work, and of this one."""
    wall, before = time.perf_counter(), processor()
    found = runs.run("library", METHODS, CORRUPTIONS, out, workers=PROCESSES)
    wall, spent = time.perf_counter() - wall, processor() - before
    answers = [row for row in found if row["truth"] != "under"]
    refused = sum(row["refused"] is not None for row in answers)
    models = len({row["model"] for row in found})
    return (
        name, str(models), f"{len(answers):,}", str(refused), f"{wall:.0f} s", f"{spent:.0f} s",
        f"{spent / PROCESSES:.0f} s",
    )  # fmt: skip


def processor() -> float:
    """Seconds of this process and of those that it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
