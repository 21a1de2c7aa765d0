"""How compile time grows with the length of a program, at -O1 and -O2: chains in which each step reads the one before.

python -m benchmarks growth --axis program
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping

import raspc
from benchmarks.measure import Table, in_process
from raspc import library, rasp

VOCAB, LENGTH = (0, 1, 2), 6
STEPS = (20, 40, 80, 160, 320)
LIMIT = 30.0
"""A program that takes longer than this, in seconds, is not asked for the next size."""


def shift(x: rasp.SOp) -> rasp.SOp:
    """The value one position before, 0 at the first."""
    return rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices - 1, rasp.Comparison.EQ), x, default=0)


def added(x: rasp.SOp, y: rasp.SOp) -> rasp.SOp:
    """The sum of two numbers from 0 to 2, modulo 3."""
    return rasp.SequenceMap(lambda a, b: (a + b) % 3, x, y)


def chain(step: Callable[[rasp.SOp], rasp.SOp], steps: int) -> rasp.SOp:
    """So many steps, the first on the tokens."""
    found: rasp.SOp = rasp.tokens
    for _ in range(steps):
        found = step(found)
    return found


CHAINS: Mapping[str, Callable[[rasp.SOp], rasp.SOp]] = {
    "shift(x)": shift,
    "(shift(x) + tokens) % 3": lambda x: added(shift(x), rasp.tokens),
    "(x + shift(x)) % 3": lambda x: added(x, shift(x)),
}


def table() -> Table:
    """Seconds of CPU of an uncertified compile and parameters, for each chain, level and number of steps."""
    raspc.compile(rasp.tokens, VOCAB, LENGTH)  # what is imported at the first compile is no part of it
    rows = [row(name, level) for name in CHAINS for level in (1, 2)]
    return Table(
        "Growth of compile time with the program, seconds and parameters",
        ("x becomes", "level", *(f"{steps} times" for steps in STEPS)), [*rows, *words()],
    )  # fmt: skip


def row(name: str, level: int) -> tuple[str, ...]:
    """One chain at one level; a size that takes too long is the last."""
    cells: list[str] = []
    for steps in STEPS:
        took, model = timed(chain(CHAINS[name], steps), VOCAB, LENGTH, level)
        cells.append(f"{took:.1f} s, {size(model):,}")
        if took > LIMIT:
            break
    return name, f"-O{level}", *cells, *["–"] * (len(STEPS) - len(cells))


def words() -> list[tuple[str, ...]]:
    """The same with the number of words: inputs of 64, with and without a certificate; the peak of memory with one."""
    plain, proved = [], []
    for count in (4_000, 5_000, 10_000, 20_000, 50_000):
        took, model = timed(library.get("hist").build(), [f"w{i}" for i in range(count)], 64, 2)
        plain.append(f"{count:,} words: {took:.1f} s, {size(model):,}")
        seconds, peak = in_process(CERTIFIED.format(count=count))
        proved.append(f"{count:,} words: {seconds:.1f} s, {peak:,.0f} MiB")
    sorted_ = []
    for count in (500, 1_000, 2_000, 4_000):
        took, model = timed(library.get("sort_unique").build(), list(range(count)), 64, 2)
        sorted_.append(f"{count:,} words: {took:.1f} s, {size(model):,}")
    return [
        ("hist, N = 64", "-O2", *plain),
        ("hist, N = 64, certified", "-O2", *proved),
        ("sort_unique, N = 64", "-O2", *sorted_),
    ]


CERTIFIED = """
import time, raspc
from raspc import library
words = ["w%d" % i for i in range({count})]
raspc.compile(library.hist(), words[:2], 2)
start = time.process_time()
model = raspc.compile(library.hist(), words, 64, optimize=2)
took = time.process_time() - start
assert model.certificate.verdict == "proved"
"""
"""What a process does that compiles and proves."""


def timed(program: rasp.SOp, vocab: object, length: int, level: int) -> tuple[float, raspc.Model]:
    """The CPU time of a compile without a certificate, and its model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        start = time.process_time()
        model = raspc.compile(program, vocab, length, optimize=level, certify=False)  # type: ignore[arg-type]
        return time.process_time() - start, model


def size(model: raspc.Model) -> int:
    """All parameters."""
    return sum(array.size for array in model.params.values())
