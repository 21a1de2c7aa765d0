"""Parity over the library: what `make parity` runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from raspc.library import get
from raspc.parity.compare import TOLERANCE, run
from raspc.parity.report import ParityReport
from raspc.weights import Model

PROGRAMS = (
    "length", "reverse", "frac_prevs", "pair_balance", "shuffle_dyck1", "hist", "sort", "sort_freq",
    "majority", "induction", "most_freq", "running_majority", "shift_by", "cumulative_sum",
)  # fmt: skip
"""Programs whose answers between them use every kind of head, neuron and output."""


@dataclass(frozen=True)
class Case:
    """One compiled program and how its backends compare."""

    program: str
    causal: bool
    optimize: int
    report: ParityReport

    @property
    def label(self) -> str:
        """`reverse -O1 causal`."""
        return f"{self.program} -O{self.optimize}{' causal' if self.causal else ''}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "program": self.program, "causal": self.causal, "optimize": self.optimize,
            **self.report.to_json(),
        }  # fmt: skip


def library(
    programs: Sequence[str] = PROGRAMS, tolerance: float = TOLERANCE, require: Sequence[str] = (),
    optimize: Sequence[int] = (0, 1), causal: Sequence[bool] = (False, True),
) -> Iterator[Case]:  # fmt: skip
    """Compile each program both ways at each level, and compare every backend; one case after another.

    Raises InputError for a program that the library does not have.
    """
    for name in programs:
        for mask in causal:
            for level in optimize:
                yield Case(name, mask, level, run(_compiled(name, mask, level), None, tolerance, require))


def _compiled(name: str, causal: bool, optimize: int) -> Model:
    """A program of the library; a causal mask may change what it computes, as backends need only agree."""
    from raspc.compiler import compile
    from raspc.errors import UncertainProgram

    entry = get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        return compile(
            entry.program, vocab=entry.vocab, max_seq_len=entry.max_seq_len, causal=causal,
            optimize=optimize, partial=True,
        )  # fmt: skip
