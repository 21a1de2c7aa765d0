"""Sums become counts in narrow formats: how many of the selected keys have each binary digit.

bfloat16 rounds the probability of a key too far for a sum of numbers, but it counts: Σ x over the selected keys is the
least number times how many they are, and 2^b times how many of them have the digit b of what is above it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from raspc.graph.evaluate import nearest
from raspc.graph.nodes import Floats, Graph, Index, Listed, Select, Sum, Width
from raspc.numbers.options import DEFAULT, Options
from raspc.passes.conditions import CONJUNCTIONS, ONLY_CONJUNCTIONS, WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter

CELLS = 1 << 14
"""A sum whose counts have more combinations than this stays as it is."""


def count_sums(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with counts in place of sums; the graph itself where no sum can be counted."""
    if not any(_is_countable(graph, node) for node in graph.nodes):
        return graph
    new = Rewriter(graph, options.without)
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Sum) and _is_countable(graph, node):
            new.stand_in(place, _of_counts(new, graph, node))
        else:
            new.keep(place)
    return new.graph()


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


def _is_countable(graph: Graph, node: object) -> bool:
    """A sum of few digits, of which it is known what it can be."""
    terms = _terms(graph, node) if isinstance(node, Sum) else None
    return terms is not None and (graph.max_seq_len + 1) ** len(terms) <= CELLS


def _of_counts(new: Rewriter, graph: Graph, node: Sum) -> int:
    """The sum as a table of widths; widths that cannot come together have no value."""
    terms, n = _terms(graph, node) or [], graph.max_seq_len
    counts, index = Listed(tuple(range(n + 1))), new.store.put(Index(domain=Listed(tuple(range(n)))))
    selects, places = new.tables(node.selector), list[int]()
    for _, holds in terms:
        cells = np.repeat((holds > 0)[:, None], n, axis=1).astype(np.int8)
        select = Select(key=new.place[node.source], query=index, cells=cells)
        chosen = selects if (holds > 0).all() else [*selects, select]
        places.append(new.store.put(Width(domain=counts, selector=new.conjunction(chosen))))
    grid = np.indices((n + 1,) * len(terms), sparse=True)
    total = sum((factor * count for (factor, _), count in zip(terms, grid, strict=True)), np.zeros([1] * len(terms)))
    ids = nearest(node.listed, np.asarray(np.broadcast_to(total, (n + 1,) * len(terms)), np.float64))
    return new.table(places, ids, node.listed)


def _uncounted(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Sums that could still be counted."""
    yield from (f"%{place} is such a sum" for place, node in enumerate(after.nodes) if _is_countable(after, node))


COUNT_SUMS = Pass(
    "count_sums",
    "a sum of few digits is told from counts",
    count_sums,
    requires=(WELL_FORMED, CONJUNCTIONS),
    ensures=(
        ONLY_CONJUNCTIONS,
        Guarantee(f"no sum is left whose counts have at most {CELLS:,} combinations", _uncounted),
    ),
    narrow=True,
)  # fmt: skip
