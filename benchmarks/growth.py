"""How compile time grows with the maximum length N and the vocabulary V, at -O2, in numbers and on a log-log plot."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import raspc
from benchmarks.measure import Table
from raspc import library, rasp

SIZES = (32, 64, 128, 256, 512)
OTHER = 32
"""The size that stands still while the other grows."""
LIMIT = 10.0
"""A program that takes longer than this, in seconds, is not asked for the next size."""
REPEATS = 3
"""The least of so many times is kept: the others were disturbed."""
PROGRAMS = ("reverse", "hist", "frac_prevs", "pair_balance", "shuffle_dyck", "sort", "sort_freq", "induction")
IMAGE = Path(__file__).parent.parent / "docs" / "images" / "compile-time.png"


@dataclass(frozen=True)
class Line:
    """One program, one of the sizes growing: seconds of CPU at the sizes that were compiled."""

    program: str
    axis: str
    times: tuple[float, ...]
    refused: bool

    @property
    def exponent(self) -> float:
        """The slope of log time over log size: 2 where twice the size takes four times as long."""
        sizes = SIZES[: len(self.times)]
        return float(np.polyfit(np.log(sizes), np.log(self.times), 1)[0]) if len(sizes) > 1 else float("nan")


def table() -> Table:
    """Seconds of CPU at each size, and the slope of a line through the points; writes the plot where it can."""
    lines = [measured(name, axis) for name in PROGRAMS for axis in "NV"]
    draw(lines, IMAGE)
    headers = ("program", "grows", *map(str, SIZES), "exponent")
    return Table(f"Growth of compile time, the other size {OTHER}", headers, [row(line) for line in lines])


def row(line: Line) -> tuple[str, ...]:
    """The line as cells of a table."""
    cells = [f"{time:.2f} s" for time in line.times] + ["refused"] * line.refused
    return line.program, line.axis, *cells, *["–"] * (len(SIZES) - len(cells)), f"{line.exponent:.1f}"


def measured(name: str, axis: str) -> Line:
    """One program, one of the sizes growing; what is refused or takes too long ends the line."""
    times: list[float] = []
    entry = library.PROGRAMS[name]
    for size in SIZES:
        length, words = (size, OTHER) if axis == "N" else (OTHER, size)
        try:
            times.append(seconds(entry.program, vocabulary(entry.vocab, words), length))
        except raspc.UnsupportedProgram:
            return Line(name, axis, tuple(times), True)
        if times[-1] > LIMIT:
            break
    return Line(name, axis, tuple(times), False)


def vocabulary(own: Sequence[Any], size: int) -> list[Any]:
    """So many tokens of the kind that the program takes, its own among them."""
    if all(isinstance(token, int) for token in own):
        return list(range(size))
    return [*own, *(f"t{i}" for i in range(size))][:size]


def seconds(program: rasp.SOp, vocab: list[Any], length: int) -> float:
    """The CPU time of a compile."""
    times = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        for _ in range(REPEATS):
            start = time.process_time()
            raspc.compile(program, vocab, length, optimize=2)
            times.append(time.process_time() - start)
    return min(times)


def draw(lines: Sequence[Line], path: Path) -> None:
    """Both families of lines on logarithmic axes, as a PNG; nothing where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, sides = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for side, (axis, title) in zip(sides, (("N", "maximum length"), ("V", "size of the vocabulary")), strict=True):
        for line in lines:
            if line.axis == axis:
                side.loglog(SIZES[: len(line.times)], line.times, marker=".", label=line.program)
        side.set_xticks(SIZES, [str(size) for size in SIZES])
        side.minorticks_off()
        side.set_xlabel(title)
        side.grid(alpha=0.3)
    sides[0].set_ylabel("seconds of CPU")
    sides[1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    temporary = path.with_suffix(".tmp.png")
    figure.savefig(temporary, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    os.replace(temporary, path)


if __name__ == "__main__":
    print(table())
