"""The graph of EAP-IG, in which MIB takes circuits: `{cfg, nodes, edges: {name: {score, in_graph}}}`.

Earlier versions write a bare truth value for a node; both are read. Every edge of the model is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raspc.errors import ModelFormatError
from raspc.lab.formats.shape import config_of, empty, graph_of, mark_of, object_of
from raspc.lab.formats.tool_graph import Marked, ToolGraph
from raspc.lab.wires import LOGITS


def eap_graph(graph: ToolGraph) -> dict[str, Any]:
    """The graph as the data of its JSON."""
    nodes = {name: _node(mark) for name, mark in graph.nodes.items()} | {LOGITS: {"in_graph": bool(graph.chosen)}}
    edges = {name: {"score": mark.score, "in_graph": mark.in_graph} for name, mark in graph.edges.items()}
    return {"cfg": config_of(graph), "nodes": nodes, "edges": edges}


def _node(mark: Marked) -> dict[str, Any]:
    return {"in_graph": mark.in_graph} | ({} if mark.score is None else {"score": mark.score})


def from_eap(found: Mapping[str, Any]) -> ToolGraph:
    """The inverse of `eap_graph`; what is not listed is in no circuit. Raises ModelFormatError."""
    plain = empty(found)
    edges = {name: mark_of(name, mark) for name, mark in object_of(found, "edges").items()}
    nodes = {
        name: Marked(None, mark) if isinstance(mark, bool) else mark_of(name, mark)
        for name, mark in object_of(found, "nodes").items()
        if name != LOGITS
    }
    if unknown := sorted(nodes.keys() - plain.nodes.keys()):
        raise ModelFormatError(f"{unknown[0]!r} is no node of a model of {plain.shape} layers and heads")
    return graph_of(plain, edges, dict(plain.nodes) | nodes)
