"""Times, peaks of memory, and Markdown."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch


@dataclass(frozen=True)
class Table:
    """A table that prints itself as Markdown."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [self.headers, ["---"] * len(self.headers), *self.rows]
        return "\n".join([f"### {self.title}\n", *(f"| {' | '.join(line)} |" for line in lines), ""])


def seconds(work: Callable[[], object]) -> float:
    """The wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(work: Callable[[], object], repeats: int = 5) -> float:
    """The median wall-clock time of a call, after one that is not counted."""
    work()
    return statistics.median(seconds(work) for _ in range(repeats))


def side_by_side(a: Callable[[], object], b: Callable[[], object], repeats: int = 5) -> tuple[float, float]:
    """The median times of two calls that take turns, so that a busy machine slows both alike."""
    a(), b()
    times = [(seconds(a), seconds(b)) for _ in range(repeats)]
    return statistics.median(t for t, _ in times), statistics.median(t for _, t in times)


def part_of(owner: Any, name: str, work: Callable[[], object]) -> tuple[float, float]:
    """The CPU time of a call, and what of it is spent in one function: the one that `owner` holds by this name."""
    spent, function = 0.0, getattr(owner, name)

    def timed(*args: Any, **named: Any) -> Any:
        nonlocal spent
        start = time.process_time()
        try:
            return function(*args, **named)
        finally:
            spent += time.process_time() - start

    with patch.object(owner, name, timed):
        start = time.process_time()
        work()
        return time.process_time() - start, spent


def process_medians(command: Sequence[str], repeats: int = 7) -> tuple[float, float]:
    """The median wall-clock and CPU time of a whole process; the second is steadier on a busy machine."""
    walls, cpus = [], []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        walls.append(seconds(lambda: subprocess.run(command, check=True, capture_output=True)))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(cpus)


PEAK = """
import pathlib, resource
status = pathlib.Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
own = [line.split()[1] for line in lines if line.startswith("VmHWM")]
print(took, *(own or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""
"""What a process adds to its output: the seconds, and the peak of its memory.

On Linux `getrusage` would tell the peak of the process that began it, where that is larger.
"""


def in_process(program: str) -> tuple[float, float]:
    """Seconds that a program says it took, and the peak of memory in MiB of the process that ran it.

    The program is Python source; it sets `took`.
    """
    ran = subprocess.run([sys.executable, "-c", program + PEAK], capture_output=True, text=True, check=True)
    took, peak = ran.stdout.split()[-2:]
    return float(took), float(peak) / (2**20 if sys.platform == "darwin" else 2**10)


def show_ms(time_: float) -> str:
    """A time in milliseconds."""
    return f"{1000 * time_:.1f} ms"
