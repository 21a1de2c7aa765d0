"""Aligning a model with its program: for each s-op and selector, which heads or neurons compute it, where it lives."""

from __future__ import annotations

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, Block, Head, reads_of
from raspc.graph.nodes import Graph, Pattern, Variable
from raspc.layout.heads import layers_of
from raspc.layout.layout import Layout
from raspc.layout.schedule import Schedule
from raspc.numbers.options import Options
from raspc.plan.plan import Plan
from raspc.weights.alignment import (
    Alignment,
    BoundFacts,
    DesignFacts,
    Format,
    HeadPart,
    NeuronPart,
    Part,
    PassFacts,
    ScheduleFacts,
    SpaceFacts,
    Use,
    VariableFacts,
)


def residual_labels(plan: Plan) -> tuple[str, ...]:
    """A name for each dimension of the residual stream; a dimension that is reused names all its tenants."""
    layout = plan.layout
    names: list[list[str]] = [[] for _ in range(layout.d_model)]
    for space in plan.lowered.spaces:
        for i, label in enumerate(space.labels):
            names[layout.start[space.name] + i].append(label)
    return tuple(" | ".join(found) for found in names)


def alignment(plan: Plan, passes: tuple[PassFacts, ...] = ()) -> Alignment:
    """What the alignment of a model says. `passes`: what each pass did."""
    graph, lowered, schedule, layout, options = plan.graph, plan.lowered, plan.schedule, plan.layout, plan.options
    where = _columns(lowered, schedule, layout)
    variables = {
        graph.labels[place]: _variable(graph, lowered, schedule, layout, place, where)
        for place, node in enumerate(graph.nodes)
        if isinstance(node, Variable)
    }
    return Alignment(
        optimize=options.level.value,
        design=design_facts(options),
        bos=layout.start[BOS],
        precision=Format(**options.precision.to_json()),
        schedule=schedule_facts(schedule),
        variables=variables,
        selectors=_selectors(graph, lowered, where),
        passes=passes,
    )


def design_facts(options: Options) -> DesignFacts | None:
    """What the design adds to what was asked for; None for nothing."""
    if options.stored is None and not options.given_up:
        return None
    return DesignFacts(None if options.stored is None else options.stored.value, options.given_up)


def schedule_facts(schedule: Schedule) -> ScheduleFacts:
    """The method, whether it is proved optimal, and each quantity that is not with its bound and gap."""
    bounds = {
        name: BoundFacts(b.found, b.least, round(b.gap, 4)) for name, b in schedule.bounds.items() if b.least < b.found
    }
    return ScheduleFacts(schedule.method, schedule.proved_optimal, bounds)


def _columns(lowered: Lowered, schedule: Schedule, layout: Layout) -> dict[int, list[Part]]:
    """For each block its layer, and the number of its head, or of each if it has several, or its neurons' range."""
    found: dict[int, list[Part]] = {i: [] for i in range(len(lowered.blocks))}
    for layer, (attention, mlp) in enumerate(layers_of(lowered, schedule)):
        for number, slot in enumerate(layout.heads.slots(lowered, attention)):
            start = 0
            for i in slot.blocks:
                first, last = max(start, slot.start), min(start + _width(lowered.blocks[i]), slot.stop)
                if first < last:
                    moved = (first - start, last - start)
                    found[i].append(HeadPart(layer, number, moved, column=first - slot.start))
                start += _width(lowered.blocks[i])
        start = 0
        for i in mlp:
            stop = start + _width(lowered.blocks[i])
            found[i].append(NeuronPart(layer, (start, stop)))
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
    where: dict[int, list[Part]],
) -> VariableFacts:
    blocks = [i for i, p in enumerate(lowered.place_of_block) if p == place]
    spaces = tuple(_space(lowered, schedule, layout, group.space) for group in lowered.home.get(place, ()))
    sources = () if spaces else tuple(graph.labels[ref] for ref in graph[place].refs)
    return VariableFacts(place, tuple(part for i in blocks for part in where[i]), spaces, sources)


def _space(lowered: Lowered, schedule: Schedule, layout: Layout, space: str) -> SpaceFacts:
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
    swept = tuple((s.dim, layer) for layer, sweeps in layout.sweeps.items() for s in sweeps if s.space == space)
    last = 2 * schedule.n_layers if space in lowered.output.maps else max(read, default=None)
    cut = layout.slice(space)
    return SpaceFacts(
        name=space,
        dims=(cut.start, cut.stop),
        from_stage=min(written, default=-1),
        to_stage=last,
        until_stage=2 * min(layer for _, layer in swept) if swept else None,
        cleared=swept,
    )


def _selectors(graph: Graph, lowered: Lowered, where: dict[int, list[Part]]) -> dict[str, tuple[Use, ...]]:
    found: dict[str, tuple[Use, ...]] = {
        graph.labels[i]: () for i, node in enumerate(graph.nodes) if isinstance(node, Pattern)
    }
    for i, block in enumerate(lowered.blocks):
        if isinstance(block, Head):
            node = graph[lowered.place_of_block[i]]
            selector = getattr(node, "selector", None)
            if selector is not None:
                found[graph.labels[selector]] += tuple(_use(block, part) for part in where[i])
    return found


def _use(block: Head, part: Part) -> Use:
    assert isinstance(part, HeadPart)
    return Use(part.layer, part.head, part.moved, part.column, block=block.name)
