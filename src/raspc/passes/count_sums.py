"""Sums become counts in narrow formats: how many of the selected keys have each binary digit.

bfloat16 rounds the probability of a key too far for a sum of numbers, but it counts: Σ x over the selected keys is the
least number times how many they are, and 2^b times how many of them have the digit b of what is above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from raspc import values as V
from raspc.graph.evaluate import nearest
from raspc.graph.nodes import Floats, Graph, Listed, Node, Sum
from raspc.numbers.options import DEFAULT, Options
from raspc.passes.conditions import CONJUNCTIONS, ONLY_CONJUNCTIONS, WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.counts import holders, in_counts, uncounted
from raspc.passes.rewriting import Rewriter

CELLS = 1 << 18
"""A sum stays as it is where a count and the sum of the counts before it have more combinations than this."""


def count_sums(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with counts in place of sums; the graph itself where no sum can be counted."""
    numerical = True  # a sum is read off its counts as the number that it is
    return in_counts(graph, options, _countable, _of_counts, numerical)


def _terms(graph: Graph, node: Sum) -> list[tuple[float, Floats]] | None:
    """(factor, which values count) of each count, that of all keys first; None where the numbers are not listed."""
    source = graph.variable(node.source).domain
    if not isinstance(source, Listed) or not source.all_numbers or not isinstance(node.domain, Listed):
        return None
    low = float(source.numbers.min())
    above = source.numbers - low
    ratios = [Fraction(x) for x in above.tolist()]
    bottom = math.lcm(*(ratio.denominator for ratio in ratios))
    unit = (math.gcd(*(int(ratio * bottom) for ratio in ratios)) or 1) / bottom
    steps = above / unit
    bits = range(int(steps.max()).bit_length())
    digits = [(unit * 2.0**bit, (steps // 2.0**bit) % 2) for bit in bits]
    return [*([(low, np.ones(len(above)))] if low else []), *digits]


def _countable(graph: Graph, node: Node) -> Sum | None:
    """A sum of few digits, of which it is known what it can be."""
    if not isinstance(node, Sum) or (terms := _terms(graph, node)) is None:
        return None
    return None if _partial(terms, graph.max_seq_len) is None else node


def _partial(terms: Sequence[tuple[float, Floats]], n: int) -> list[Floats] | None:
    """What the first count can be, the first two together, and so on; None where that is too much."""
    found = [np.zeros(1)]
    for factor, _ in terms:
        if len(found[-1]) * (n + 1) > CELLS:
            return None
        found.append(np.unique(np.add.outer(found[-1], factor * np.arange(n + 1))))
    return found[1:]


def _of_counts(new: Rewriter, graph: Graph, node: Sum) -> int:
    """The sum as tables of widths, one more at a time; widths that cannot come together have no value."""
    terms, n = _terms(graph, node) or [], graph.max_seq_len
    total, numbers = new.table((), np.array(0, np.int32), Listed((0,))), np.zeros(1)
    for (factor, holds), known in zip(terms, _partial(terms, n) or (), strict=True):
        last = holds is terms[-1][1]
        domain = node.listed if last else Listed(tuple(map(V.whole, known.tolist())))
        ids = nearest(domain, np.add.outer(numbers, factor * np.arange(n + 1)))
        width = holders(new, graph, node, holds > 0)
        total, numbers = new.table((width,) if len(numbers) == 1 else (total, width), ids.squeeze(), domain), known
        new.store.describe(total, None, True)
    return total if terms else new.table((), np.array(node.listed.id(0), np.int32), node.listed)


COUNT_SUMS = Pass(
    "count_sums",
    "a sum of few digits is told from counts",
    count_sums,
    requires=(WELL_FORMED, CONJUNCTIONS),
    ensures=(
        ONLY_CONJUNCTIONS,
        Guarantee(
            f"no sum is left whose counts have at most {CELLS:,} combinations, added one by one",
            uncounted(_countable, "sum"),
        ),
    ),
    narrow=True,
)  # fmt: skip
