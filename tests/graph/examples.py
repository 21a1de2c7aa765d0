"""Programs that between them hold every kind of node, every kind of value set, and every annotation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from raspc import library, rasp
from raspc.graph import Graph
from raspc.graph.build import build
from raspc.rasp import Comparison, SOp

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
BEFORE = rasp.Select(I, I, Comparison.LT)
SAME = rasp.Select(T, T, Comparison.EQ)


@dataclass(frozen=True)
class Example:
    """A program, and what it is tabulated for."""

    program: SOp
    vocab: tuple[Any, ...] = (1, 2)
    max_seq_len: int = 3
    causal: bool = False
    notes: tuple[str, ...] = ()

    def graph(self) -> Graph:
        """The tabulated program."""
        return replace(build(self.program, self.vocab, self.max_seq_len, self.causal), notes=self.notes)


EXAMPLES: dict[str, Example] = {
    "reverse": Example(library.get("reverse").program, ("a", "b")),
    "sort": Example(library.get("sort").program),
    "hist_causal": Example(library.get("hist").program, ("a", "b"), 5, causal=True),
    "fractions": Example(rasp.numerical(library.frac_prevs(T == "x")).named("x so far"), ("x", "y")),
    "shift": Example(library.shift_by(1, default="_"), ("a", 1, 2.5)),
    "affine": Example(2 * rasp.Aggregate(BEFORE, T, default=0.5) - rasp.Aggregate(SAME, I), (1, 2.5)),
    "rounded_mean": Example(rasp.Map(round, rasp.Aggregate(rasp.Select(I, I, Comparison.LEQ), T)).named("rounded")),
    "composite": Example(rasp.SelectorWidth(SAME & BEFORE | ~rasp.Select(T, I, Comparison.EQ))),
    "one_length": Example(rasp.SelectorWidth(rasp.ConstantSelector([[1, 0], [1, 1]])) + rasp.ConstantSOp([5, 7])),
    "undefined": Example(rasp.Map({1: "one"}.__getitem__, T), notes=("defined on a part of the inputs only",)),
    "values": Example(rasp.map(lambda x, i: (x, i / 2) if i else float("inf"), T, I), ("é", '"', 10**20), 2),
}
