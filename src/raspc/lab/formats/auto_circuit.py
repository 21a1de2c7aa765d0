"""Edges as AutoCircuit calls them: `Resid Start->A0.0.Q`, `A0.0->MLP 0`, `MLP 1->Resid End`.

A model that was made patchable with `separate_qkv=False` has one edge into a head, without a letter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from raspc.errors import ModelFormatError
from raspc.lab.engine import INPUT
from raspc.lab.formats.shape import config_of, empty, graph_of, mark_of, object_of
from raspc.lab.formats.tool_graph import CHANNELS, Marked, ToolGraph, parts
from raspc.lab.wires import LOGITS, head_name, mlp_name

START, END = "Resid Start", "Resid End"
_HEAD = re.compile(r"A(\d+)\.(\d+)(?:\.([QKV]))?")
_MLP = re.compile(r"MLP (\d+)")
_OURS = re.compile(r"a(\d+)\.h(\d+)")


def auto_circuit_names(graph: ToolGraph, separate_qkv: bool = True) -> dict[str, Marked]:
    """The mark of each edge, by AutoCircuit's name; without `separate_qkv` the largest of a head's three channels."""
    found: dict[str, Marked] = {}
    for name, mark in graph.edges.items():
        writer, reader, channel = parts(name)
        letter = f".{channel.upper()}" if channel and separate_qkv else ""
        theirs = f"{_named(writer)}->{_named(reader)}{letter}"
        found[theirs] = _both(found.get(theirs, mark), mark)
    return found


def _both(one: Marked, other: Marked) -> Marked:
    scores = [score for score in (one.score, other.score) if score is not None]
    return Marked(max(scores, key=abs, default=None), one.in_graph or other.in_graph)


def _named(node: str) -> str:
    if node in (INPUT, LOGITS):
        return START if node == INPUT else END
    head = _OURS.fullmatch(node)
    return f"A{head[1]}.{head[2]}" if head else f"MLP {node[1:]}"


def auto_circuit_file(graph: ToolGraph) -> dict[str, Any]:
    """Shape, and edges by AutoCircuit's names, as the data of JSON; AutoCircuit itself keeps pickles."""
    edges = auto_circuit_names(graph)
    return {
        "cfg": config_of(graph),
        "edges": {name: {"score": mark.score, "in_graph": mark.in_graph} for name, mark in edges.items()},
    }


def from_auto_circuit(found: Mapping[str, Any]) -> ToolGraph:
    """The inverse; an edge into a head without a letter stands for its three channels. Raises ModelFormatError."""
    edges: dict[str, Marked] = {}
    for name, mark in object_of(found, "edges").items():
        edges |= dict.fromkeys(_ours(name), mark_of(name, mark))
    return graph_of(empty(found), edges)


def _ours(name: str) -> list[str]:
    """What we call an edge, or the three that it stands for."""
    writer, _, reader = name.partition("->")
    (source, none), (target, channels) = _node(name, writer), _node(name, reader)
    if none != [""] and len(none) == 1:
        raise ModelFormatError(f"{name!r}: a head writes in one channel, so that its name has no letter there")
    return [f"{source}->{target}{channel}" for channel in channels]


def _node(edge: str, name: str) -> tuple[str, list[str]]:
    """A node, and the channels that its name stands for, as it reads."""
    if name in (START, END):
        return (INPUT if name == START else LOGITS), [""]
    if (found := _MLP.fullmatch(name)) is not None:
        return mlp_name(int(found[1])), [""]
    if (found := _HEAD.fullmatch(name)) is not None:
        letters = [found[3].lower()] if found[3] else CHANNELS
        return head_name(int(found[1]), int(found[2])), [f"<{letter}>" for letter in letters]
    raise ModelFormatError(f"{edge!r} is no edge of AutoCircuit, as 'Resid Start->A0.0.Q' or 'MLP 0->Resid End'")
