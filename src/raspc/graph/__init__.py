"""The program as data: nodes, value sets, tables; building, checking, printing."""

from raspc.graph.nodes import Graph
from raspc.graph.serial import GraphLimits, from_json, from_text, to_json, to_text

__all__ = ["Graph", "GraphLimits", "from_json", "from_text", "to_json", "to_text"]
