"""A circuit as a page needs it: to lay it out, and to tell which edges carry something on an input."""

from __future__ import annotations

from typing import Any

from raspc.lab.circuits import Circuit
from raspc.lab.edges import FLAGS, Edge


def wiring(circuit: Circuit) -> dict[str, Any]:
    """Nodes that have edges, and edges with the dimensions through which they run; None where these are no axes."""
    used = {end for edge in circuit.edges for end in (edge.writer, edge.reader)}
    return {
        "seen": {"inputs": len(circuit.seen.batch.lengths), "exhaustive": circuit.seen.exhaustive},
        "nodes": [
            {
                "name": node.name, "kind": node.kind, "stage": node.stage, "layer": node.layer, "index": node.index,
                "variables": list(node.variables), "selectors": list(node.selectors),
            }
            for node in circuit.nodes
            if node.name in used
        ],
        "edges": [
            {
                "name": edge.name, "writer": edge.writer, "reader": edge.reader, "channel": edge.channel,
                "variable": edge.variable, "rank": edge.rank, "varies": edge.varies, "dims": dims_of(circuit, edge),
                "flags": [flag for flag in FLAGS if flag in edge.flags],
            }
            for edge in circuit.edges
        ],
    }  # fmt: skip


def dims_of(circuit: Circuit, edge: Edge) -> list[int] | None:
    """The axes of the stream through which an edge runs; None in a model that was turned or compressed."""
    alignment = circuit.model.alignment
    if alignment.rotation is not None or alignment.compression is not None:
        return None
    space = circuit.spaces.get(edge.space)
    if space is None:
        return [i for i, label in enumerate(circuit.model.residual_labels) if label in edge.labels]
    return [dim for dim, label in zip(space.dims, space.labels, strict=True) if label in edge.labels]
