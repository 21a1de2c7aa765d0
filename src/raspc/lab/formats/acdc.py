"""Edges as ACDC has them: (receiver's hook, receiver's index, sender's hook, sender's index).

An index is a tuple of None and, for a head, its number: `(None, None, 0)` is head 0 of [input, position, head,
d_model], and `(None,)` the whole of an activation. In JSON None is null. ACDC also has edges inside a part, from its
input to its output, which it calls placeholders, as they are never cut: they are written on request, and passed over in
reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from raspc.errors import ModelFormatError
from raspc.lab.engine import INPUT
from raspc.lab.formats.shape import config_of, empty, graph_of, mark_of
from raspc.lab.formats.tool_graph import CHANNELS, Marked, ToolGraph, parts
from raspc.lab.wires import LOGITS, head_name, mlp_name

Index = tuple[int | None, ...]
Quad = tuple[str, Index, str, Index]
"""(receiver's hook, its index, sender's hook, its index)."""

ALL: Index = (None,)
EMBEDDED = ("blocks.0.hook_resid_pre", "hook_embed", "hook_pos_embed")
"""What ACDC calls the embeddings: the first, or, where positions are apart, the other two."""
_OURS = re.compile(r"a(\d+)\.h(\d+)")
_HOOK = re.compile(r"blocks\.(\d+)\.(hook_[qkv]_input|hook_mlp_in|hook_mlp_out|attn\.hook_result|hook_resid_post)")
_INSIDE = re.compile(r"blocks\.\d+\.attn\.hook_[qkv]")
_FIELDS = ("receiver", "receiver_index", "sender", "sender_index")


def acdc_tuples(graph: ToolGraph, placeholders: bool = False) -> dict[Quad, bool]:
    """The edges of the circuit, as ACDC's tasks give their true edges; on request those inside its parts too."""
    found = {_quad(graph, name): True for name in graph.chosen}
    if placeholders:
        for name in graph.chosen:
            found |= dict.fromkeys(_inside(name), True)
    return found


def _quad(graph: ToolGraph, name: str) -> Quad:
    writer, reader, channel = parts(name)
    return (*_reads(graph, reader, channel), *_writes(writer))


def _writes(node: str) -> tuple[str, Index]:
    if node == INPUT:
        return EMBEDDED[0], ALL
    head = _OURS.fullmatch(node)
    if head is None:
        return f"blocks.{node[1:]}.hook_mlp_out", ALL
    return f"blocks.{head[1]}.attn.hook_result", (None, None, int(head[2]))


def _reads(graph: ToolGraph, node: str, channel: str | None) -> tuple[str, Index]:
    if node == LOGITS:
        return f"blocks.{graph.n_layers - 1}.hook_resid_post", ALL
    head = _OURS.fullmatch(node)
    if head is None:
        return f"blocks.{node[1:]}.hook_mlp_in", ALL
    return f"blocks.{head[1]}.hook_{channel}_input", (None, None, int(head[2]))


def _inside(name: str) -> Iterator[Quad]:
    """From what the reader and the writer of an edge read to what they write."""
    for node in parts(name)[:2]:
        head = _OURS.fullmatch(node)
        if head is not None:
            block, own = f"blocks.{head[1]}", (None, None, int(head[2]))
            for side in CHANNELS:
                yield f"{block}.attn.hook_result", own, f"{block}.attn.hook_{side}", own
                yield f"{block}.attn.hook_{side}", own, f"{block}.hook_{side}_input", own
        elif node not in (INPUT, LOGITS):
            yield f"blocks.{node[1:]}.hook_mlp_out", ALL, f"blocks.{node[1:]}.hook_mlp_in", ALL


def acdc_file(graph: ToolGraph) -> dict[str, Any]:
    """Shape, and a list of edges, as the data of JSON."""
    edges = []
    for name, mark in graph.edges.items():
        receiver, index, sender, other = _quad(graph, name)
        told = dict(zip(_FIELDS, (receiver, list(index), sender, list(other)), strict=True))
        edges.append(told | {"score": mark.score, "in_graph": mark.in_graph})
    return {"cfg": config_of(graph), "edges": edges}


def from_acdc(found: Mapping[str, Any]) -> ToolGraph:
    """The inverse; tokens and positions apart are one input. Raises ModelFormatError."""
    plain, listed = empty(found), found.get("edges")
    if not isinstance(listed, list):
        raise ModelFormatError(
            "found no list 'edges', needed one of edges, each with receiver, sender and their indices"
        )
    edges: dict[str, Marked] = {}
    for one in listed:
        name = name_of(plain, _tuple(one))
        if name is not None:
            mark = mark_of(name, one)
            edges[name] = Marked(mark.score, mark.in_graph or (name in edges and edges[name].in_graph))
    return graph_of(plain, edges)


def _tuple(one: Any) -> Quad:
    told = [one.get(name) for name in _FIELDS] if isinstance(one, Mapping) else [None] * 4
    receiver, index, sender, other = told
    if not isinstance(receiver, str) or not isinstance(sender, str):
        raise ModelFormatError(f"found the edge {one!r}, needed {', '.join(_FIELDS)}")
    return receiver, _index(receiver, index), sender, _index(sender, other)


def _index(hook: str, found: Any) -> Index:
    good = isinstance(found, list) and all(
        i is None or (isinstance(i, int) and not isinstance(i, bool) and i >= 0) for i in found
    )
    if not good:
        raise ModelFormatError(f"{hook}: found the index {found!r}, needed [null] or [null, null, head]")
    return tuple(found)


def name_of(graph: ToolGraph, edge: Quad) -> str | None:
    """What we call an edge of ACDC; None for one inside a part. Raises ModelFormatError."""
    receiver, index, sender, other = edge
    if _is_inside(receiver, sender):
        return None
    target, channel = _reader(graph, receiver, index)
    return f"{_writer(sender, other)}->{target}" + (f"<{channel}>" if channel else "")


def _is_inside(receiver: str, sender: str) -> bool:
    mlp = receiver.endswith("hook_mlp_out") and sender == receiver.replace("hook_mlp_out", "hook_mlp_in")
    return mlp or bool(_INSIDE.fullmatch(sender) or _INSIDE.fullmatch(receiver))


def _writer(hook: str, index: Index) -> str:
    if hook in EMBEDDED:
        return INPUT
    found = _HOOK.fullmatch(hook)
    if found is not None and found[2] == "hook_mlp_out":
        return mlp_name(int(found[1]))
    if found is not None and found[2] == "attn.hook_result":
        return head_name(int(found[1]), _head(hook, index))
    raise ModelFormatError(f"{hook!r} sends nothing in ACDC; needed hook_mlp_out, attn.hook_result or an embedding")


def _reader(graph: ToolGraph, hook: str, index: Index) -> tuple[str, str | None]:
    found = _HOOK.fullmatch(hook)
    if found is not None and found[2] == "hook_mlp_in":
        return mlp_name(int(found[1])), None
    if found is not None and found[2] == "hook_resid_post" and int(found[1]) == graph.n_layers - 1:
        return LOGITS, None
    if found is not None and found[2].endswith("_input"):
        return head_name(int(found[1]), _head(hook, index)), found[2][5]
    raise ModelFormatError(f"{hook!r} receives nothing in ACDC; needed hook_q_input, …, hook_mlp_in or the last stream")


def _head(hook: str, index: Index) -> int:
    if len(index) != 3 or index[2] is None:
        raise ModelFormatError(f"{hook}: found the index {list(index)!r}, needed [null, null, head]")
    return index[2]
