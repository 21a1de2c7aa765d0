"""What makers of data sets feel: many small programs through Tracr's interface, one after another."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import Table

COUNT = 1000
PROGRAM = """
import random, resource, statistics, sys, time, warnings
from pathlib import Path
from raspc import RaspcError
from raspc.compat.tracr.compiler import compiling
from raspc.library import random_program

warnings.simplefilter("ignore")


def resident():
    path = Path("/proc/self/statm")
    pages = int(path.read_text().split()[1]) if path.exists() else 0
    return pages * resource.getpagesize() / 2**20


compiles, applies, refused, sizes = [], [], 0, []
for seed in range({count}):
    program = random_program(random.Random(seed), operations=8, vocab=(1, 2, 3, 4, 5), max_seq_len=5)
    start = time.process_time()
    try:
        model = compiling.compile_rasp_to_model(program, {{1, 2, 3, 4, 5}}, 5)
    except RaspcError:
        refused += 1
        continue
    compiles.append(time.process_time() - start)
    start = time.process_time()
    for _ in range(3):
        model.apply(["compiler_bos", 1, 2, 3, 4, 5])
    applies.append((time.process_time() - start) / 3)
    sizes.append(resident())
growth = sizes[-1] - sizes[len(sizes) // 2]
print(*(1e3 * statistics.median(x) for x in (compiles, applies)), 1e3 * max(compiles), growth, refused)
"""


def table() -> Table:
    """1,000 random programs of 8 operations over 5 tokens and length 5; the target is 20 ms in the median.

    Times are of the processor. Memory is the growth of the process in the second half of the programs.
    The target for `apply` is 0.5 ms.
    """
    headers = ("programs", "compile, median", "compile, worst", "`apply`, median", "memory growth", "refused")
    return Table("Random programs through Tracr's interface", headers, [row(COUNT)])


def row(count: int) -> tuple[str, ...]:
    """All programs in one process of their own."""
    command = [sys.executable, "-c", PROGRAM.format(count=count)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    compiled, applied, worst, growth, refused = map(float, printed.split())
    return (
        f"{count:,}", f"{compiled:.1f} ms", f"{worst:.0f} ms", f"{applied:.2f} ms", f"{growth:.1f} MiB",
        f"{refused:.0f}",
    )  # fmt: skip
