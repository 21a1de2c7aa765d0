"""What all files of tools have in common: the shape of the model, and the marks of its edges; read with suspicion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from raspc.errors import InputError, ModelFormatError
from raspc.lab.formats.tool_graph import Marked, ToolGraph, edges_of, nodes_of, parts

MOST = 1 << 12
"""More layers, or heads, are refused."""


def config_of(graph: ToolGraph) -> dict[str, Any]:
    """The shape, under the names of TransformerLens."""
    return {
        "n_layers": graph.n_layers, "n_heads": graph.n_heads, "parallel_attn_mlp": False, "d_model": graph.d_model,
    }  # fmt: skip


def empty(found: Mapping[str, Any]) -> ToolGraph:
    """A graph of the shape that a file states, with nothing in its circuit. Raises ModelFormatError."""
    config = object_of(found, "cfg")
    if config.get("parallel_attn_mlp"):
        raise ModelFormatError("found parallel_attn_mlp, needed MLPs behind attention")
    n_layers, n_heads, d_model = (_size(config, name) for name in ("n_layers", "n_heads", "d_model"))
    try:
        edges = dict.fromkeys(edges_of(n_layers, n_heads), Marked())
    except InputError as error:
        raise ModelFormatError(str(error)) from error
    return ToolGraph(n_layers, n_heads, d_model, edges, dict.fromkeys(nodes_of(n_layers, n_heads), Marked()))


def _size(config: Mapping[str, Any], name: str) -> int:
    size = config.get(name)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1 or (size > MOST and name != "d_model"):
        raise ModelFormatError(f"cfg: {name} is {size!r}, needed an integer from 1")
    return size


def object_of(found: Any, name: str) -> Mapping[str, Any]:
    """An object in an object. Raises ModelFormatError where there is none."""
    inner = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(inner, Mapping):
        raise ModelFormatError(f"found no object {name!r}, needed one; was the file written in this format?")
    return inner


def mark_of(name: str, found: Any) -> Marked:
    """A mark. Raises ModelFormatError."""
    score = found.get("score") if isinstance(found, Mapping) else math.nan
    inside = found.get("in_graph") if isinstance(found, Mapping) else None
    number = score is None or (isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score))
    if not number or not isinstance(inside, bool):
        raise ModelFormatError(f"{name}: found {found!r}, needed a score and in_graph")
    return Marked(None if score is None else float(score), inside)


def graph_of(plain: ToolGraph, edges: Mapping[str, Marked], nodes: Mapping[str, Marked] | None = None) -> ToolGraph:
    """A graph with these marks; nodes that are told nothing of are in the circuit where an edge is.

    Raises ModelFormatError for an edge that the shape does not have.
    """
    for name in edges:
        if name not in plain.edges:
            raise ModelFormatError(
                f"{name!r} is no edge of a model of {plain.n_layers} layers of {plain.n_heads} heads"
            )
    if nodes is None:
        touched = {node for name, mark in edges.items() if mark.in_graph for node in parts(name)[:2]}
        nodes = {name: Marked(None, name in touched) for name in plain.nodes}
    return replace(plain, edges={**plain.edges, **edges}, nodes=nodes)
