"""Whether the graph that a model computes has the answers of the program as it was written: what passes are held to.

No pass is believed, and none is run again: the two graphs are compared by their normal forms, else on all inputs where
these are few. Where neither decides, a sample may only refute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from raspc.certify.checking import inputs
from raspc.certify.checking.answers import Codes
from raspc.certify.checking.normal import frame
from raspc.certify.proof.chains import Chained
from raspc.certify.proof.counting import Counting
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.nodes import Graph, Index, Length, Token, is_free
from raspc.graph.patterns import PAIRS
from raspc.graph.permitted import frame_of, search_of
from raspc.weights.certificate import Link

ALL = 5_000
"""Up to so many inputs all are run."""
MANY_PAIRS = 1 << 22
"""Where graphs have no common form, more pairs of a key and a query are listed: 45 tokens at 45 positions, twice."""
PASSES = "passes"
"""The kind of the link that holds passes to the program."""
INPUTS = (Token, Index, Length)
UNDECIDED = (1.0, 0.5)
"""Needed and present where there is no proof, and nothing against it, such as where a sample shows no difference."""


@dataclass(frozen=True)
class Kept:
    """How many inputs the passes may answer differently, by what is known, and how many they may at most; and how."""

    needed: float
    present: float
    how: str

    def link(self, output: str) -> Link:
        """The same as a decision."""
        return Link(PASSES, output, self.needed, self.present, f"inputs whose answer the passes change, {self.how}")


@lru_cache(maxsize=4)
def kept(program: Graph, graph: Graph) -> Kept | None:
    """How it is known that two graphs have the same answers; None where they are one.

    Remembered, since a graph is proved again with each constant that is tried for a stock family.
    """
    if program is graph:
        return None
    if frame(program) != frame(graph):
        return Kept(np.inf, 0.0, "which are of another vocabulary or length")
    if program.total != graph.total:
        return Kept(np.inf, 0.0, "of which one is not for all combinations of values")
    if same(program, graph):
        return Kept(0.0, 0.0, "by normal form")
    if graph.total:  # inputs do not lead to all combinations
        return Kept(*UNDECIDED, "which have no common form")
    total = inputs.count_of(frame_of(graph))
    if total <= ALL:
        return Kept(float(_differing(program, graph, _every(graph))), 0.0, f"by running all {total}")
    sample = search_of(graph).batches
    if wrong := _differing(program, graph, iter(sample)):
        return Kept(float(wrong), 0.0, "by running a sample")
    return Kept(*UNDECIDED, "by running a sample alone")


def same(program: Graph, graph: Graph) -> bool:
    """Whether two graphs have one form, and the second is undefined only where the first may be.

    Of total graphs each named variable of the program has the same form in both, by what it reads, whatever that is.
    """
    apart = frozenset(
        program.labels[place]
        for place, node in enumerate(program.nodes)
        if is_free(node) and (node.names or node.called or isinstance(node, INPUTS))
    )
    for pairs in (PAIRS, MANY_PAIRS):
        known: dict[Any, int] = {}
        one = Counting(program, known, pairs, apart).whole()
        other = Chained(graph, known, one).whole()
        alike = one.classes[program.output] == other.classes[graph.output] and one.defined == other.defined
        if alike and other.raising <= one.raising:
            return True
        if not pairs < max(one.unlisted, other.unlisted) <= MANY_PAIRS:
            return False  # nor with more pairs
    return False


def _every(graph: Graph) -> Iterator[Batch]:
    frame = frame_of(graph)
    for piece in inputs.pieces_of(frame):
        yield inputs.batch_of(frame, piece)


def _differing(program: Graph, graph: Graph, batches: Iterator[Batch]) -> int:
    """On how many inputs where the program has a value the graph has none, or another one."""
    wrong, codes = 0, Codes()
    for batch in batches:
        one, other = (
            codes.column(run.column(g.output), g.variable(g.output).domain, ~run.undefined)
            for g in (program, graph)
            for run in (run_graph(g, batch),)
        )
        off = (one.special != other.special) | (
            np.abs(one.numbers - other.numbers) > 1e-9 * np.maximum(1, np.abs(one.numbers))
        )
        wrong += int((one.defined & ((off & batch.real).any(axis=1) | ~other.defined)).sum())
    return wrong
