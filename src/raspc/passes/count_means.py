"""Means that a narrow format cannot decode become quotients of counts.

bfloat16 does not tell 5/12 from 3/7, but it counts: the mean of the selected keys' values is a function of how many
keys are selected, and of how many of them hold each value. A width counts either, exactly.
"""

from __future__ import annotations

import numpy as np

from raspc.graph.evaluate import nearest
from raspc.graph.nodes import UNDEFINED, Aggregate, Best, Graph, Ids, Listed, Node
from raspc.numbers.options import DEFAULT, Options
from raspc.passes.conditions import CONJUNCTIONS, ONLY_CONJUNCTIONS, WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.counts import holders, in_counts, uncounted
from raspc.passes.rewriting import Rewriter

CELLS = 1 << 14
"""A mean whose counts have more combinations than this stays as it is."""


def count_means(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with counts in place of means; the graph itself where no mean can be counted."""
    return in_counts(graph, options, _countable, _quotient)


def _countable(graph: Graph, node: Node) -> Aggregate | None:
    """A mean of few numbers, of which it is known what it can be."""
    if not isinstance(node, Aggregate) or node.pick or not isinstance(node.domain, Listed):
        return None
    if isinstance(graph[node.selector], Best):
        return None  # how many keys are the best is no count of a selector
    source = graph.variable(node.source).domain
    if not isinstance(source, Listed) or not source.all_numbers:
        return None
    return node if (graph.max_seq_len + 1) ** len(source) <= CELLS else None


def _quotient(new: Rewriter, graph: Graph, node: Aggregate) -> int:
    """The mean as a table of the number of selected keys, and of the number of those that hold each value but one."""
    source = graph.variable(node.source).listed
    everything, *each = np.ones(len(source), bool), *np.eye(len(source), dtype=bool)[:-1]
    widths = [holders(new, graph, node, holds) for holds in (everything, *each)]
    return new.table(widths, _means(node, source, graph.max_seq_len), node.listed)


def _means(node: Aggregate, source: Listed, n: int) -> Ids:
    """[keys, of the first value, of the second …]: which value of the mean that is."""
    total, *parts = np.indices((n + 1,) * len(source))
    each = np.stack([*parts, total - sum(parts, np.zeros_like(total))])
    mean = np.tensordot(source.numbers, each, 1) / np.maximum(total, 1)
    ids = nearest(node.listed, mean)
    for value, held in zip(source.values, each, strict=True):  # keys that agree pass on the value as it is
        ids = np.where((held == total) & (total > 0), node.listed.id(value), ids)
    empty = node.listed.id(node.default) if node.may_be_empty else UNDEFINED
    ids = np.where(total == 0, empty, ids)
    return np.where((each < 0).any(axis=0), UNDEFINED, ids).astype(np.int32)


COUNT_MEANS = Pass(
    "count_means",
    "a mean of few numbers is a quotient of counts",
    count_means,
    requires=(WELL_FORMED, CONJUNCTIONS),
    ensures=(
        ONLY_CONJUNCTIONS,
        Guarantee(f"no mean is left whose counts have at most {CELLS:,} combinations", uncounted(_countable, "mean")),
    ),
    narrow=True,
)  # fmt: skip
