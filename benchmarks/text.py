"""A RASP text of a thousand lines with a decoder loop: reading it, running it on an example, compiling it."""

from __future__ import annotations

from benchmarks.decoder import source
from benchmarks.measure import Table, in_process

COMMON = """
import time, warnings
from benchmarks.decoder import code, source
warnings.simplefilter("ignore")
text = source({steps})
"""

PARSE = """
from raspc.text.parsing import parse, parser
from raspc.text.source import Source
parser()
start = time.perf_counter()
parse(Source("decoder", text))
took = time.perf_counter() - start
"""

CARRY_OUT = """
from raspc.text import load_program
load_program("x = tokens;")
start = time.perf_counter()
load_program(text, "decoded")
took = time.perf_counter() - start
"""

RUN = """
from raspc.text import load_program
program = load_program(text, "decoded")
bits = "".join(code()[symbol] for symbol in {symbols!r})
start = time.perf_counter()
assert program(bits) == list({symbols!r}.ljust(len(bits), "-"))
took = time.perf_counter() - start
"""

COMPILE = """
import raspc
from raspc.text import load_program
program = load_program(text, "decoded")
start = time.perf_counter()
model = raspc.compile(program, "01", {length}, optimize={level})
took = time.perf_counter() - start
assert model.apply(["BOS", *"001000"]).decoded == ["BOS", *"te----"]
"""

EXAMPLE = "tea4two0nothing1else"
WORDS = {8: 3, 16: 6, 24: 8}
"""At most so many code words are in an input of this length."""


def table() -> Table:
    """Each row in a process of its own, which imports raspc first."""
    lines = source(WORDS[16]).count("\n")
    rows = [
        row("parse", PARSE, WORDS[16]),
        row("carry out", CARRY_OUT, WORDS[16]),
        row(f"run on an example of {len(EXAMPLE)} code words", RUN.format(symbols=EXAMPLE), len(EXAMPLE)),
    ]
    for length, steps in WORDS.items():
        for level in (1, 2):
            work = COMPILE.format(length=length, level=level)
            rows.append(row(f"compile for {length} bits, -O{level}", work, steps))
    return Table(f"A RASP text of {lines:,} lines: a decoder of a prefix code", ("", "time", "peak memory"), rows)


def row(name: str, work: str, steps: int) -> tuple[str, str, str]:
    """One piece of work on the text for so many code words."""
    took, peak = in_process(COMMON.format(steps=steps) + work)
    return name, f"{took:.2f} s", f"{peak:.0f} MiB"
