"""How compile time grows with the maximum length N and the vocabulary V, at -O2: exponents on a log-log scale."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

import raspc
from benchmarks.measure import Table
from raspc import library, rasp

SIZES = (32, 64, 128, 256, 512)
OTHER = 32
"""The size that stands still while the other grows."""
LIMIT = 5.0
"""A program that takes longer than this, in seconds, is not asked for the next size."""


def table() -> Table:
    """Seconds of CPU at each size; the slope of a line through the points on a log-log scale."""
    headers = ("program", "grows", *map(str, SIZES), "exponent")
    rows = [row(name, axis) for name in ("reverse", "hist", "frac_prevs", "sort") for axis in "NV"]
    return Table(f"Growth of compile time, the other size {OTHER}", headers, rows)


def row(name: str, axis: str) -> tuple[str, ...]:
    """One program, one of the sizes growing; what is refused ends the row."""
    times: list[float] = []
    cells: list[str] = []
    for size in SIZES:
        length, words = (size, OTHER) if axis == "N" else (OTHER, size)
        try:
            times.append(seconds(library.PROGRAMS[name].program, vocabulary(name, words), length))
        except raspc.UnsupportedProgram:
            cells.append("refused")
            break
        cells.append(f"{times[-1]:.2f} s")
        if times[-1] > LIMIT:
            break
    return name, axis, *cells, *["–"] * (len(SIZES) - len(cells)), f"{exponent(times):.1f}"


def vocabulary(name: str, size: int) -> list[Any]:
    """So many tokens of the kind that the program takes."""
    return list(range(size)) if name == "sort" else ["x", *(f"t{i}" for i in range(size - 1))]


def seconds(program: rasp.SOp, vocab: list[Any], length: int) -> float:
    """The CPU time of a compile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        start = time.process_time()
        raspc.compile(program, vocab, length, optimize=2)
        return time.process_time() - start


def exponent(times: list[float]) -> float:
    """The slope of log time over log size: 2 where twice the size takes four times as long."""
    return float(np.polyfit(np.log(SIZES[: len(times)]), np.log(times), 1)[0])


if __name__ == "__main__":
    print(table())
