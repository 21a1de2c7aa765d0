"""Which inputs a program is for, as JSON data: enough to tell them apart, and to draw one, in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from raspc import values as V
from raspc.graph.nodes import Graph, Listed, Node
from raspc.graph.permitted import frame_of, of_exact_length, sampled, search_of, tokens_of
from raspc.regular.automaton import Automaton
from raspc.values import Value
from raspc.view.arrays import pack
from raspc.weights.model import Model

MOST_CELLS = 1 << 18
"""An automaton with more transitions is left out of the page: it would not stay small."""
DRAWN = 48
"""So many random inputs are given along where the page cannot draw them itself."""


def domain(model: Model, meaning: Callable[[Graph, Node], dict[str, Any]]) -> dict[str, Any] | None:
    """The domain of a model; None where every input is permitted. `meaning`: what interpreting a node needs.

    `automaton` accepts, and `condition` is a program that is true at every position: of permitted inputs both. `known`:
    whether they say it all; a function in Python cannot travel. `drawn`: random inputs, as ids, where there is no
    automaton, or not it alone.
    """
    graph = model.as_written
    if graph.where.is_everything:
        return None
    found, condition = graph.where, graph.where.condition
    known = found.automaton if found.automaton is None or found.automaton.moves.size <= MOST_CELLS else None
    is_told = known is not None and not found.is_filtered and graph.exact_length is None
    return {
        "text": str(found),
        "known": found.predicate is None and (known is not None or found.automaton is None),
        "automaton": known and automaton(known),
        "condition": condition and _condition(condition, meaning),
        "drawn": [] if is_told else _drawn(graph),
    }


def automaton(found: Automaton) -> dict[str, Any]:
    """The moves and the accepting states of an automaton over the ids of tokens."""
    return {"moves": pack(found.moves), "accepting": found.accepting.tolist()}


def _condition(graph: Graph, meaning: Callable[[Graph, Node], dict[str, Any]]) -> dict[str, Any]:
    """The program that says which inputs are permitted, and which number True has among its values."""
    values = graph.variable(graph.output).listed.values
    nodes = [{"kind": type(node).__name__.lower(), **meaning(graph, node)} for node in graph.nodes]
    true = next((i for i, value in enumerate(values) if V.same(value, True)), -1)
    return {"nodes": nodes, "output": graph.output, "causal": graph.causal, "true": true}


def _drawn(graph: Graph) -> list[list[int]]:
    """Random permitted inputs; the ids of tokens are their places in the vocabulary."""
    batch = sampled(frame_of(graph), DRAWN, (1, 6)) if graph.exact_length is None else of_exact_length(graph)
    rows = zip(batch.ids.tolist(), batch.lengths.tolist(), strict=True)
    return [list(ids) for ids in dict.fromkeys(tuple(ids[:length]) for ids, length in rows)]


def first_input(model: Model) -> list[Value]:
    """An input to open a page on: tokens of the vocabulary in turn, or a permitted input where there is a domain."""
    graph = model.as_written
    length = graph.exact_length or min(8, graph.max_seq_len)
    if graph.where.is_everything:
        return [graph.vocab[i % len(graph.vocab)] for i in range(length)]
    inputs = [list(xs) for batch in search_of(graph).batches for xs in tokens_of(batch, graph.vocab)]
    inputs = [xs for xs in inputs if is_prompt(graph, xs)] or inputs
    return min(inputs, key=lambda xs: abs(len(xs) - length))


def is_prompt(graph: Graph, tokens: list[Value]) -> bool:
    """Whether an input is one that a program that writes goes on from; of another program every input is."""
    prompts = None if graph.where.writing is None else graph.where.writing.prompts
    if prompts is None:
        return True
    ids = np.array([list(Listed(graph.vocab).ids(tokens))], np.int32)
    states = prompts.states(ids, np.array([len(tokens)], np.int64))
    return bool((prompts.accepting[states] & (states >= 0)).any())
