"""A program as a networkx graph: an edge runs from each expression to those that read it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from raspc import rasp as own
from raspc.compat.tracr.compiler import nodes
from raspc.compat.tracr.compiler.nodes import Node, NodeID


@dataclass(frozen=True)
class ExtractRaspGraphOutput:
    """The graph, the node of the program itself, and the nodes that read nothing."""

    graph: Any
    sink: Node
    sources: list[Node]


def extract_rasp_graph(tip: own.SOp) -> ExtractRaspGraphOutput:
    """The graph of a program, in time linear in its distinct expressions.

    Raises ImportError where networkx is not installed.
    """
    graph = _digraph()
    names: dict[int, NodeID] = {}
    for expr in own.topological(tip):
        name = names[id(expr)] = _name(expr, graph)
        graph.add_node(name, **{nodes.ID: name, nodes.EXPR: expr})
        graph.add_edges_from((names[id(child)], name) for child in expr.children)
    sources = [node for node in graph.nodes.values() if not node[nodes.EXPR].children]
    return ExtractRaspGraphOutput(graph, graph.nodes[names[id(tip)]], sources)


def _digraph() -> Any:
    try:
        return importlib.import_module("networkx").DiGraph()
    except ImportError as error:
        raise ImportError("extract_rasp_graph needs networkx: pip install 'raspc[tracr]'") from error


def _name(expr: own.Expr, graph: Any) -> NodeID:
    """The expression's label; expressions of `raspc.rasp` itself have none, and deep copies share theirs."""
    label = getattr(expr, "label", expr.name)
    return label if label not in graph else f"{label}_{len(graph)}"
