"""How heads select: every penalty is 0 where its table selects, but for a shortfall, and at most −1 elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.wild import Wild, wild_programs

from raspc import rasp
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.reading.selectors import selects_of
from raspc.blocks.scores.selection import selections, shares_alike
from raspc.errors import UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.nodes import Aggregate, Graph, Variable, Width
from raspc.numbers.options import Level, Options
from raspc.numbers.precision import PRECISIONS
from raspc.passes.pipeline import run_passes
from raspc.rasp import Comparison

FORMATS = [Options(Level.NAMED), Options(Level.COMPACT), Options(Level.COMPACT, PRECISIONS["bfloat16"])]


def graph_of(wild: Wild, options: Options) -> Graph:
    """The program of a case, after the passes."""
    return run_passes(build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal), options)[0]


@given(wild_programs())
def test_penalties(wild: Wild) -> None:
    """Where BOS competes a selected key scores 0, up to the shortfall; else selected keys tie above all others."""
    for options in FORMATS:
        try:
            graph = graph_of(wild, options)
            found = selections(Readiness.of(graph, options))
        except UnsupportedProgram:
            continue
        for place, selection in found.items():
            node = graph.variable(place)
            competing = not isinstance(node, Aggregate) or node.may_be_empty or options.precision.narrow
            assert len(selection.conjuncts) == len(selects_of(graph, node))
            for conjunct in selection.conjuncts:
                score = conjunct.factors.keys @ conjunct.factors.queries.T
                known = conjunct.cells >= 0
                chosen, other = known & (conjunct.cells == 1), known & (conjunct.cells == 0)
                best = np.zeros(score.shape[1])
                if not competing:
                    best = np.where(chosen, score, -np.inf).max(axis=0)
                    best = np.where(chosen.any(axis=0), best, 0.0)
                assert (np.abs(score - best)[chosen] <= conjunct.shortfall).all()
                assert ((score - best)[other] <= -1).all()


@given(wild_programs())
def test_steep_scores_are_for_those_who_bear_them(wild: Wild) -> None:
    """Heads that average bear no shortfall; steep conjuncts come last, and only in compact models."""
    for options in FORMATS:
        try:
            graph = graph_of(wild, options)
            found = selections(Readiness.of(graph, options))
        except UnsupportedProgram:
            continue
        for place, selection in found.items():
            short = [conjunct.shortfall for conjunct in selection.conjuncts]
            assert short == sorted(short, key=bool)
            assert selection.shortfall == sum(short)
            steep = options.level.compact and not options.precision.narrow
            bears = isinstance(graph[place], Width) or not shares_alike(graph[place])
            assert not selection.shortfall or (steep and bears)


def test_what_is_no_conjunction_is_refused() -> None:
    """A disjunction that no pass has rewritten is an error with a place, not a head that selects something else."""
    tokens, indices = rasp.tokens, rasp.indices
    either = rasp.Select(tokens, indices, Comparison.EQ) | rasp.Select(indices, tokens, Comparison.LT)
    graph = build(rasp.SelectorWidth(either), (1, 2), 3)
    width = next(node for node in graph.nodes if isinstance(node, Width) and isinstance(node, Variable))
    with pytest.raises(UnsupportedProgram, match="not made a conjunction"):
        selects_of(graph, width)
