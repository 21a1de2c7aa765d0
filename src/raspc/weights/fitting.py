"""What the files of a saved model say of each other: the graph of the config, the alignment of both.

The hash shows that files were written together, not that who wrote them meant well. What reads a loaded model
relies on what is checked here. The form of each is the matter of its records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raspc import values as V
from raspc.graph.nodes import Graph, Variable
from raspc.weights.alignment import Alignment
from raspc.weights.config import Config


def frame_faults(config: Config, graph: Graph | None) -> Iterator[str]:
    """How a graph is of another vocabulary, length, mask or output than the config; nothing where it fits."""
    if graph is None:
        return
    tokens = config.vocab[:-2]
    if (config.bos_id, config.pad_id) != (len(tokens), len(tokens) + 1):
        yield "config.json: BOS and PAD must have the last two ids"
    elif _keys(graph.vocab) != _keys(tokens):
        yield "graph.json is of another vocabulary than config.json"
    if graph.max_seq_len != config.max_seq_len:
        yield f"graph.json is for {graph.max_seq_len} tokens, config.json for {config.max_seq_len}"
    if graph.causal != config.causal:
        yield "graph.json has another mask than config.json"
    domain = graph.variable(graph.output).domain
    answers = domain.specials if config.output.kind == "numerical" else getattr(domain, "values", None)
    if answers is None or _keys(answers) != _keys(config.output.values):
        yield "graph.json has another output than config.json"


def _keys(items: tuple[Any, ...]) -> list[Any]:
    return [V.key(item) for item in items]


def alignment_faults(alignment: Alignment, config: Config, graph: Graph | None) -> Iterator[str]:
    """Variables that are not of the graph, or that live or are computed outside the model."""
    if not alignment.variables:
        return
    if alignment.optimize is None:
        yield "labels.json: alignment.optimize is missing"
    if graph is not None:
        needed = {label for label, node in zip(graph.labels, graph.nodes, strict=True) if isinstance(node, Variable)}
        if needed != set(alignment.variables):
            yield "labels.json: alignment.variables are not those of the graph"
    for label, place in alignment.variables.items():
        if any(part.layer >= config.n_layers for part in place.computed_by):
            yield f"labels.json: {label[:40]!r} is computed in no layer of the model"
        if any(not space.dims[0] <= space.dims[1] <= config.d_model for space in place.spaces):
            yield f"labels.json: {label[:40]!r} lives outside the stream"
        if any(space.from_stage >= 2 * config.n_layers for space in place.spaces):
            yield f"labels.json: {label[:40]!r} is written by no layer of the model"
