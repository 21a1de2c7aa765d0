"""One batch against as many single runs."""

from __future__ import annotations

import random

import raspc
from benchmarks.measure import Table, show_ms, side_by_side
from raspc import library

COUNT = 1024


def table() -> Table:
    """1,024 sequences in one `apply_batch`, and in 1,024 calls of `apply`; the target is a ratio of 20."""
    return Table(
        f"{COUNT:,} sequences: `apply_batch` against `apply`",
        ("program", "N", "`apply_batch`", f"{COUNT:,} × `apply`", "ratio"),
        [row("reverse", 32)],
    )


def row(name: str, n: int) -> tuple[str, ...]:
    """One program, with inputs of all lengths, the two ways taking turns."""
    entry = library.get(name)
    model = raspc.compile(entry.program, vocab=set(entry.vocab), max_seq_len=n)
    rng = random.Random(0)
    inputs = [["BOS", *rng.choices(entry.vocab, k=rng.randint(1, n))] for _ in range(COUNT)]
    together, apart = side_by_side(
        lambda: model.apply_batch(inputs), lambda: [model.apply(tokens) for tokens in inputs], repeats=3
    )
    return name, str(n), show_ms(together), show_ms(apart), f"{apart / together:.0f}"
