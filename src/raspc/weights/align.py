"""The alignment: for each s-op and selector, which heads or neurons compute it and where it lives. JSON data."""

from __future__ import annotations

from typing import Any

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, Block, Head, reads_of
from raspc.graph.nodes import Graph, Pattern, Variable
from raspc.layout.heads import layers_of
from raspc.layout.layout import Layout
from raspc.layout.schedule import Schedule
from raspc.plan.plan import Plan


def residual_labels(plan: Plan) -> tuple[str, ...]:
    """A name for each dimension of the residual stream; a dimension that is reused names all its tenants."""
    layout = plan.layout
    names: list[list[str]] = [[] for _ in range(layout.d_model)]
    for space in plan.lowered.spaces:
        for i, label in enumerate(space.labels):
            names[layout.start[space.name] + i].append(label)
    return tuple(" | ".join(found) for found in names)


def alignment(plan: Plan) -> dict[str, Any]:
    """`variables`, `selectors` and `schedule`; stage 2·layer is after attention, 2·layer + 1 after the MLP."""
    graph, lowered, schedule, layout, options = plan.graph, plan.lowered, plan.schedule, plan.layout, plan.options
    where = _columns(lowered, schedule, layout)
    variables = {
        graph.labels[place]: _variable(graph, lowered, schedule, layout, place, where)
        for place, node in enumerate(graph.nodes)
        if isinstance(node, Variable)
    }
    return {
        "optimize": options.level.value,
        "bos": layout.start[BOS],
        "precision": options.precision.to_json(),
        "schedule": schedule.to_json(),
        "variables": variables,
        "selectors": _selectors(graph, lowered, schedule, where),
    }


def _columns(lowered: Lowered, schedule: Schedule, layout: Layout) -> dict[int, list[dict[str, Any]]]:
    """For each block its layer, and the number of its head, or of each if it has several, or its neurons' range."""
    found: dict[int, list[dict[str, Any]]] = {i: [] for i in range(len(lowered.blocks))}
    for layer, (attention, mlp) in enumerate(layers_of(lowered, schedule)):
        for number, slot in enumerate(layout.heads.slots(lowered, attention)):
            start = 0
            for i in slot.blocks:
                first, last = max(start, slot.start), min(start + _width(lowered.blocks[i]), slot.stop)
                if first < last:
                    values = {"values": [first - start, last - start], "column": first - slot.start}
                    found[i].append({"layer": layer, "sublayer": "attention", "head": number, **values})
                start += _width(lowered.blocks[i])
        start = 0
        for i in mlp:
            stop = start + _width(lowered.blocks[i])
            found[i].append({"layer": layer, "sublayer": "mlp", "neurons": [start, stop]})
            start = stop
    return found


def _width(block: Block) -> int:
    """How many values a head moves, or how many neurons there are."""
    return block.value.width if isinstance(block, Head) else block.read.width


def _variable(
    graph: Graph,
    lowered: Lowered,
    schedule: Schedule,
    layout: Layout,
    place: int,
    where: dict[int, list[dict[str, Any]]],
) -> dict[str, Any]:
    blocks = [i for i, p in enumerate(lowered.place_of_block) if p == place]
    spaces = [_space(lowered, schedule, layout, group.space) for group in lowered.home.get(place, ())]
    sources = [] if spaces else [graph.labels[ref] for ref in graph[place].refs]
    return {
        "node": place,
        "computed_by": [part for i in blocks for part in where[i]],
        "spaces": spaces,
        "read_from": sources,
    }


def _space(lowered: Lowered, schedule: Schedule, layout: Layout, space: str) -> dict[str, Any]:
    """Dimensions, the stage that writes them (−1: the embedding) and the last stage that reads them.

    Where others use the dimensions later, also the last stage after which they all hold this space, and the layer
    whose MLP clears each of them.
    """
    written = [schedule.stages[i] for i, block in enumerate(lowered.blocks) if space in block.write.maps]
    read = [
        schedule.stages[i]
        for i, block in enumerate(lowered.blocks)
        if any(space in read.maps for read in reads_of(block))
    ]
    swept = [[s.dim, layer] for layer, sweeps in layout.sweeps.items() for s in sweeps if s.space == space]
    until = {"until_stage": 2 * min(layer for _, layer in swept), "cleared": swept} if swept else {}
    last = 2 * schedule.n_layers if space in lowered.output.maps else max(read, default=None)
    cut = layout.slice(space)
    return {
        "name": space,
        "dims": [cut.start, cut.stop],
        "from_stage": min(written, default=-1),
        "to_stage": last,
        **until,
    }


def _selectors(
    graph: Graph, lowered: Lowered, schedule: Schedule, where: dict[int, list[dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {
        graph.labels[i]: [] for i, node in enumerate(graph.nodes) if isinstance(node, Pattern)
    }
    for i, block in enumerate(lowered.blocks):
        if isinstance(block, Head):
            node = graph[lowered.place_of_block[i]]
            selector = getattr(node, "selector", None)
            if selector is not None:
                found[graph.labels[selector]] += [{**part, "for": block.name} for part in where[i]]
    return found
