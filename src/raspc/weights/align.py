"""Aligning a model with its program: for each s-op and selector, which heads or neurons compute it, where it lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.roots import Roots
from raspc.blocks.spaces import BOS, Block, Head, Matrix, reads_of
from raspc.graph.nodes import Graph, Pattern, Variable
from raspc.layout.heads import layers_of
from raspc.layout.layout import Layout
from raspc.layout.schedule import Schedule
from raspc.numbers.options import Options
from raspc.plan.plan import Plan, Size
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


def alignment(plan: Plan, passes: tuple[PassFacts, ...] = (), frontier: Sequence[Size] = ()) -> Alignment:
    """What the alignment of a model says. `passes`: what each pass did; `frontier`: the best sizes that were seen."""
    return _alignment(plan, owners(plan.graph, plan.lowered), passes, frontier)


def alignment_of_old(plan: Plan) -> Alignment:
    """The same as older models tell it: a space under the variable whose neurons write it, whatever it holds."""
    home = {group.space: place for place, groups in plan.lowered.home.items() for group in groups}
    return _alignment(plan, home, (), ())


def _alignment(
    plan: Plan, owner: Mapping[str, int], passes: tuple[PassFacts, ...], frontier: Sequence[Size]
) -> Alignment:
    graph, lowered, schedule, layout, options = plan.graph, plan.lowered, plan.schedule, plan.layout, plan.options
    where = _columns(lowered, schedule, layout)
    return Alignment(
        optimize=options.level.value,
        objective="size" if options.objective == "size" else None,
        sharpness=None if options.sharpness == 1.0 else options.sharpness,
        margin=options.margin,
        frontier=tuple((size.layers, size.parameters) for size in frontier if len(frontier) > 1),
        design=design_facts(options),
        bos=layout.start[BOS],
        precision=Format(**options.precision.to_json()),
        schedule=schedule_facts(schedule),
        variables=_variables(plan, where, owner),
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
        for number, slot in enumerate(layout.shape(layer).heads.slots(lowered, attention)):
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


@dataclass(frozen=True)
class _Spaces:
    """Of all spaces at once what is told of each: the stage that writes it, the last that reads it, its sweeps."""

    written: Mapping[str, int]
    read: Mapping[str, int]
    swept: Mapping[str, tuple[tuple[int, int], ...]]

    @classmethod
    def of(cls, lowered: Lowered, schedule: Schedule, layout: Layout) -> _Spaces:
        """Of a model: the first writer, the last reader, and for each dimension that is cleared the layer."""
        written, read = dict[str, int](), dict[str, int]()
        for block, stage in zip(lowered.blocks, schedule.stages, strict=True):
            for space in block.write.maps:
                written[space] = min(stage, written.get(space, stage))
            for space in {space for one in reads_of(block) for space in one.maps}:
                read[space] = max(stage, read.get(space, stage))
        swept: dict[str, list[tuple[int, int]]] = {}
        for layer, sweeps in layout.sweeps.items():
            for sweep in sweeps:
                swept.setdefault(sweep.space, []).append((sweep.dim, layer))
        ends = dict.fromkeys(lowered.output.maps, 2 * schedule.n_layers)
        return cls(written, read | ends, {space: tuple(found) for space, found in swept.items()})

    def facts(self, layout: Layout, space: str) -> SpaceFacts:
        """Dimensions, the stage that writes them (−1: the embedding) and the last stage that reads them.

        Where others use the dimensions later, also the last stage after which they all hold this space, and the layer
        whose MLP clears each of them.
        """
        cut, swept = layout.slice(space), self.swept.get(space, ())
        return SpaceFacts(
            name=space,
            dims=(cut.start, cut.stop),
            from_stage=self.written.get(space, -1),
            to_stage=self.read.get(space),
            until_stage=2 * min(layer for _, layer in swept) if swept else None,
            cleared=swept,
        )


def _variables(
    plan: Plan, where: dict[int, list[Part]], owner: Mapping[str, int]
) -> dict[str, VariableFacts]:  # fmt: skip
    """What computes each variable, and where it lives. `owner`: the variable that each space is told of."""
    graph, lowered, layout = plan.graph, plan.lowered, plan.layout
    found = _Spaces.of(lowered, plan.schedule, layout)
    owned: dict[int, list[str]] = {}
    for space, place in owner.items():
        owned.setdefault(place, []).append(space)
    parts: dict[int, list[Part]] = {}
    for block, place in enumerate(lowered.place_of_block):
        written = [owner for owner, names in owned.items() if set(names) & set(lowered.blocks[block].write.maps)]
        for one in dict.fromkeys((place, *written)):
            parts.setdefault(one, []).extend(where[block])
    facts: dict[str, VariableFacts] = {}
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Variable):
            spaces = tuple(found.facts(layout, space) for space in owned.get(place, ()))
            sources = () if spaces else tuple(graph.labels[ref] for ref in node.refs)
            facts[graph.labels[place]] = VariableFacts(place, tuple(parts.get(place, ())), spaces, sources)
    return facts


def owners(graph: Graph, lowered: Lowered) -> dict[str, int]:
    """The variable that each space holds, by its number.

    A function of one variable is written by the neurons of that variable, for people to read, under a name of its own.
    """
    named = {label: place for place, label in enumerate(graph.labels) if isinstance(graph[place], Variable)}
    return {group.space: named.get(group.space, home) for home, groups in lowered.home.items() for group in groups}


def homes_of(graph: Graph, lowered: Lowered) -> dict[int, tuple[Group, ...]]:
    """The groups of directions of each variable, with codes by its own values."""
    owner, found = owners(graph, lowered), dict[int, list[Group]]()
    for home, groups in lowered.home.items():
        for group in groups:
            place = owner[group.space]
            code = group.code if place == home else _of_function(graph, place, group.code)
            place, own = (home, group) if code is None else (place, replace(group, code=code))
            found.setdefault(place, []).append(own)
    return {place: tuple(groups) for place, groups in found.items()}


def _of_function(graph: Graph, place: int, code: Matrix) -> Matrix | None:
    """The code of a function by its own values, from the one by the values of the variable that it is a function of.

    None where it is no function of one variable with so many values, as in a plan that does not fit its graph.
    """
    joint = Roots.of(graph).derived(place)
    if joint is None or joint.cells.shape != code.shape[:1]:
        return None
    found, known = np.zeros((len(graph.variable(place).listed), code.shape[1])), joint.cells >= 0
    found[joint.cells[known]] = code[known]
    return found


def _selectors(graph: Graph, lowered: Lowered, where: dict[int, list[Part]]) -> dict[str, tuple[Use, ...]]:
    found: dict[str, list[Use]] = {
        graph.labels[i]: [] for i, node in enumerate(graph.nodes) if isinstance(node, Pattern)
    }
    for i, block in enumerate(lowered.blocks):
        if isinstance(block, Head):
            selector = getattr(graph[lowered.place_of_block[i]], "selector", None)
            if selector is not None:
                found[graph.labels[selector]] += (_use(block, part) for part in where[i])
    return {label: tuple(uses) for label, uses in found.items()}


def _use(block: Head, part: Part) -> Use:
    assert isinstance(part, HeadPart)
    return Use(part.layer, part.head, part.moved, part.column, block=block.name)
