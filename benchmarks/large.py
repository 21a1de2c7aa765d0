"""Large vocabularies and lengths: time and memory of a compile."""

from __future__ import annotations

from benchmarks.measure import Table, in_process

PROGRAM = """
import time
import raspc
from raspc import library
program = library.get({name!r}).program
start = time.perf_counter()
raspc.compile(program, vocab=set(range({vocab})), max_seq_len={n})
took = time.perf_counter() - start
"""


def table() -> Table:
    """Compiles in a process of their own; the targets at 64 × 64 are 2 s and 1.5 GB."""
    rows = [row(name, 64, 64) for name in ("sort", "sort_freq", "reverse")]
    return Table("Large compiles", ("program", "vocabulary", "N", "time", "peak memory"), rows)


def row(name: str, vocab: int, n: int) -> tuple[str, ...]:
    """One compile of a library program over the vocabulary 0, 1, …."""
    took, peak = in_process(PROGRAM.format(name=name, vocab=vocab, n=n))
    return name, str(vocab), str(n), f"{took:.2f} s", f"{peak:.0f} MiB"
