"""What one width for all layers costs: every program with more than one layer, compiled with and without it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from math import exp, log

import raspc
from benchmarks.library import VOCABULARY, N, sized
from benchmarks.measure import Table
from raspc import library
from raspc.library import Program
from raspc.weights.config import in_words
from raspc.weights.params import parameters_of

LEVEL = 2
HEADERS = (
    "program", "layers", "parameters", "of it padding", "uniform=False", "share", "heads", "d_head", "d_mlp"
)  # fmt: skip


def table() -> Table:
    """The library at -O2, certified: parameters of both forms, and the widths of layers that have their own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        pairs = [pair for program in library.PROGRAMS.values() if (pair := both(program))[0].config.n_layers > 1]
    rows = [row(*pair) for pair in pairs]
    mean = exp(sum(log(share(*pair)) for pair in pairs) / len(pairs))
    title = f"One width for all layers, -O{LEVEL}, vocabulary {VOCABULARY}, N = {N}: uniform against uniform=False; "
    return Table(f"{title}geometric mean of the shares {mean:.2f}", HEADERS, rows)


def both(program: Program) -> tuple[raspc.Model, raspc.Model]:
    """The model of one width, and that of widths of their own."""
    one, own = (
        raspc.compile(
            program.program, sized(program.vocab), N, program.causal, optimize=LEVEL, partial=True, uniform=uniform
        )
        for uniform in (True, False)
    )
    return one, own


def share(one: raspc.Model, own: raspc.Model) -> float:
    """What is left of the parameters."""
    return parameters_of(own.config) / parameters_of(one.config)


def row(one: raspc.Model, own: raspc.Model) -> Sequence[str]:
    """One program."""
    return tuple(_cells(one, own))


def _cells(one: raspc.Model, own: raspc.Model) -> Iterator[str]:
    assert one.graph is not None and one.plan is not None
    yield one.graph.labels[one.graph.output]
    yield str(one.config.n_layers)
    yield f"{parameters_of(one.config):,}"
    yield f"{one.plan.padding.parameters:,}"
    yield f"{parameters_of(own.config):,}"
    yield f"{share(one, own):.2f}"
    yield from map(in_words, (own.config.n_heads, own.config.d_head, own.config.d_mlp))
