"""Where a program is undefined: the same search for counter-examples that decides between picks and means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from raspc.graph.evaluate import decoded, run_graph
from raspc.graph.nodes import Aggregate, Graph, Listed, Select, Table
from raspc.graph.samples import search


@dataclass(frozen=True)
class Definedness:
    """`counterexample`: an input on which the program is undefined, and the label of the node that is.

    `assumptions`: what was neither proved nor refuted.
    """

    counterexample: tuple[tuple[Any, ...], str] | None
    assumptions: tuple[str, ...]


def examine(graph: Graph) -> Definedness:
    """Search for an input on which the program is undefined, if its tables leave room for one."""
    doubts = tuple(_doubts(graph))
    picks = tuple(_assumed_picks(graph))
    if not doubts and graph.exact_length is None:
        return Definedness(None, picks)
    found = search(len(graph.vocab), graph.max_seq_len, graph.causal)
    for batch in found.batches:
        run = run_graph(graph, batch)
        if run.undefined.any():
            row = int(np.flatnonzero(run.undefined)[0])
            tokens = tuple(graph.vocab[i] for i in batch.ids[row, : batch.lengths[row]])
            culprit = min(run.culprits.get(row, graph.output), len(graph) - 1)
            return Definedness((tokens, graph.labels[culprit]), ())
    return Definedness(None, () if found.complete else (*doubts, *picks))


def _doubts(graph: Graph) -> Iterator[str]:
    for place, node in enumerate(graph.nodes):
        label = graph.labels[place]
        if isinstance(node, Table) and node.raises:
            yield f"{label} is never applied where its function is undefined"
        elif isinstance(node, Select) and (node.cells < 0).any():
            yield f"{label} never compares where its predicate is undefined"
        elif isinstance(node, Aggregate) and _may_mix(graph, node):
            yield f"{label} never averages unequal values that are not all numbers"


def _may_mix(graph: Graph, node: Aggregate) -> bool:
    """Whether several keys could hold a value that is not a number."""
    domain = graph.variable(node.source).domain
    return node.proof != "structure" and bool(domain.specials) and (not isinstance(domain, Listed) or len(domain) > 1)


def _assumed_picks(graph: Graph) -> Iterator[str]:
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Aggregate) and node.proof == "assumption":
            domain = graph.variable(node.source).domain
            if isinstance(domain, Listed) and domain.is_number.sum() > 1:
                yield f"{graph.labels[place]} never averages unequal numbers"


def mask_matters(graph: Graph, unmasked: Graph) -> tuple[Any, ...] | None:
    """A short input whose answers the causal mask changes, if one is found."""
    found = search(len(graph.vocab), graph.max_seq_len, True)
    for batch in found.batches:
        masked, plain = run_graph(graph, batch), run_graph(unmasked, _uncausal(batch))
        for row in np.flatnonzero(~masked.undefined & ~plain.undefined).tolist():
            length = int(batch.lengths[row])
            sides = [
                decoded(run.column(g.output), g.variable(g.output).domain, row, length)
                for run, g in ((masked, graph), (plain, unmasked))
            ]
            if not all(map(_close, *sides)):
                return tuple(graph.vocab[i] for i in batch.ids[row, :length])
    return None


def _uncausal(batch: Any) -> Any:
    return type(batch)(batch.ids, batch.lengths, False)


def _close(x: Any, y: Any) -> bool:
    if isinstance(x, int | float) and isinstance(y, int | float):
        return abs(x - y) <= 1e-9 * max(1.0, abs(x))
    return bool(x == y)
