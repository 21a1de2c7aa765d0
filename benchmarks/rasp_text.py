"""The paper's programs, written in RASP's own syntax: layers and heads beside what RASP's own analysis says."""

from __future__ import annotations

import time
import warnings

import raspc
from benchmarks.measure import Table
from raspc.text import Program, programs
from raspc.text.environment import LIBRARY
from raspc.text.flow import needs
from raspc.text.parsing import parse, parser
from raspc.text.source import Source
from raspc.weights.config import Config

PAPER = {
    "reverse": (2, 1), "hist": (1, 1), "hist_nobos": (1, 2), "sorted": (2, 1), "hist2": (2, 2),
    "most_frequent": (3, 2), "dyck1": (2, 1), "dyck2": (4, 2), "dyck3": (4, 2), "long_addition": (5, 2),
}  # fmt: skip
"""Layers, and heads in the widest layer, as the interpreter of Weiss et al. (2021) reports them."""

LINES = 2000


def table() -> Table:
    """Layers, and in brackets the heads of the widest; what -O1 needs above RASP's own stands in bold."""
    headers = ("program", "RASP's analysis", "of our text", "-O1", "-O2", "width -O1, -O2", "neurons", "above")
    title = f"The paper's programs: layers (heads). Parsing {LINES:,} lines: {parsing():.2f} s"
    return Table(title, headers, [row(programs()[name]) for name in PAPER])


def row(program: Program) -> tuple[str, ...]:
    """One program at its own vocabulary and length."""
    readable, compact = compiled(program, 1), compiled(program, 2)
    paper, ours = PAPER[program.name], (readable.n_layers, readable.n_heads)
    return (
        program.name,
        sizes(paper),
        sizes(needs(program.program)),
        sizes(ours),
        sizes((compact.n_layers, compact.n_heads)),
        f"{readable.d_model}, {compact.d_model}",
        str(readable.d_mlp),
        above(paper, ours),
    )


def compiled(program: Program, level: int) -> Config:
    """The sizes of the model at a level of optimisation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        return raspc.compile(
            program.program, program.vocab, program.max_seq_len, causal=program.causal, optimize=level
        ).config


def sizes(found: tuple[int, int]) -> str:
    """`2 (1)`: two layers, one head at most in a layer."""
    return f"{found[0]} ({found[1]})"


def above(paper: tuple[int, int], ours: tuple[int, int]) -> str:
    """What ours needs more of."""
    more = [
        f"**{o - p} {word}{'s' if o - p > 1 else ''}**"
        for p, o, word in zip(paper, ours, ("layer", "head"), strict=True)
        if o > p
    ]
    return ", ".join(more) or "–"


def parsing() -> float:
    """Seconds to parse a text of 2,000 lines: the library's files, repeated; the least of five runs."""
    lines = "".join(path.read_text(encoding="utf-8") for path in sorted(LIBRARY.glob("*.rasp"))).splitlines()
    whole = lines * (LINES // len(lines))
    text = "\n".join(whole + [f"x{i} = tokens + {i};" for i in range(LINES - len(whole))])
    parser()
    return min(_seconds(text) for _ in range(5))


def _seconds(text: str) -> float:
    start = time.perf_counter()
    parse(Source("benchmark", text))
    return time.perf_counter() - start
