"""Where a program is undefined: the same search for counter-examples that decides between picks and means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from raspc.graph.evaluate import Batch, Run, decoded, run_graph
from raspc.graph.nodes import Aggregate, Best, Graph, Listed, Select, Sum, Table
from raspc.graph.permitted import of_exact_length, search_of
from raspc.graph.scores import all_ranked


@dataclass(frozen=True)
class Definedness:
    """`counterexample`: an input on which the program is undefined, and the label of the node that is.

    `assumptions`: what was neither proved nor refuted. `tried`: how many inputs were, if a counter-example was among
    them; `defined`: on how many of them the program has a value; `complete`: whether there are no others.
    `promises`: what the author promises, which is not proved; an input that breaks a promise is no counter-example.
    """

    counterexample: tuple[tuple[Any, ...], str] | None
    assumptions: tuple[str, ...]
    tried: int = 0
    defined: int = 0
    complete: bool = False
    promises: tuple[str, ...] = ()

    @property
    def has_no_value(self) -> bool:
        """Whether the program was undefined on every input that was tried."""
        return self.counterexample is not None and self.defined == 0


def examine(graph: Graph) -> Definedness:
    """Search for an input on which the program is undefined, if its tables leave room for one."""
    doubts = tuple(dict.fromkeys(_doubts(graph)))
    picks, promises = tuple(_assumed_picks(graph)), promised(graph)
    if not doubts and not promises and graph.exact_length is None:
        return Definedness(None, picks)
    found = search_of(graph)
    counterexample, tried, defined = None, 0, 0
    for batch in (*found.batches, *_of_exact_length(graph, found.complete)):
        run = run_graph(graph, batch)
        tried, defined = tried + len(run.undefined), defined + int((~run.undefined).sum())
        if counterexample is None and run.undefined.any():
            counterexample = _first(graph, run)
    if counterexample is not None:
        return Definedness(counterexample, (), tried, defined, found.complete, promises)
    return Definedness(None, () if found.complete else (*doubts, *picks), tried, defined, found.complete, promises)


def promised(graph: Graph) -> tuple[str, ...]:
    """What the author promises of a graph, and nothing proves."""
    single = (place for place, node in enumerate(graph.nodes) if isinstance(node, Aggregate) and node.single)
    return tuple(f"{graph.labels[place]} selects at most one key" for place in single)


def _of_exact_length(graph: Graph, complete: bool) -> Iterator[Batch]:
    """Inputs of the one length on which the program can have a value, where the search may have missed it."""
    if graph.exact_length is not None and not complete and 1 <= graph.exact_length <= graph.max_seq_len:
        yield of_exact_length(graph)


def _first(graph: Graph, run: Run) -> tuple[tuple[Any, ...], str] | None:
    """The first input of a batch on which the program is undefined, but for broken promises, and the node that is."""
    rows = [row for row in np.flatnonzero(run.undefined).tolist() if not _breaks_promise(graph, run, row)]
    if not rows:
        return None
    row = rows[0]
    tokens = tuple(graph.vocab[i] for i in run.batch.ids[row, : run.batch.lengths[row]])
    return tokens, graph.labels[min(run.culprits.get(row, graph.output), len(graph) - 1)]


def _breaks_promise(graph: Graph, run: Run, row: int) -> bool:
    node = dict(enumerate(graph.nodes)).get(run.culprits.get(row, -1))
    return isinstance(node, Aggregate) and node.single


def _doubts(graph: Graph) -> Iterator[str]:
    for place in range(len(graph)):
        if doubt := doubt_of(graph, place):
            yield doubt


def doubt_of(graph: Graph, place: int) -> str:
    """What is assumed if a node has a value on every input; nothing where that is plain."""
    node, label = graph[place], graph.labels[place]
    if isinstance(node, Table) and node.raises:
        return node.promise or f"{label} is never applied where its function is undefined"
    if isinstance(node, Select) and (node.cells < 0).any():
        return f"{label} never compares where its predicate is undefined"
    if isinstance(node, Best) and not all_ranked(graph.variable(node.score).listed):
        return f"{label} never ranks keys whose scores cannot be compared"
    if isinstance(node, Aggregate) and _may_mix(graph, node):
        return f"{label} never averages unequal values that are not all numbers"
    if isinstance(node, Sum) and graph.variable(node.source).domain.specials:
        return f"{label} never adds what is no number"
    return ""


def _may_mix(graph: Graph, node: Aggregate) -> bool:
    """Whether several keys could hold a value that is not a number."""
    domain = graph.variable(node.source).domain
    return (
        node.proof not in ("structure", "domain")
        and bool(domain.specials)
        and (not isinstance(domain, Listed) or len(domain) > 1)
    )


def _assumed_picks(graph: Graph) -> Iterator[str]:
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Aggregate) and node.proof == "assumption":
            domain = graph.variable(node.source).domain
            if isinstance(domain, Listed) and domain.is_number.sum() > 1:
                yield f"{graph.labels[place]} never averages unequal numbers"


def mask_matters(graph: Graph, unmasked: Graph) -> tuple[Any, ...] | None:
    """A short input whose answers the causal mask changes, if one is found."""
    found = search_of(graph)
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
