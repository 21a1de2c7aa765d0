"""Whether a plan that was read from a file fits its graphs and the sizes of its model: what its readers rely on.

A plan is a hint for the proof, never a premise; but what walks through it must find what it looks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from raspc.blocks.neurons.design import Design, Multiplied
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.blocks.scores.ranking import Ranking
from raspc.blocks.scores.selection import Selection
from raspc.blocks.spaces import BOS, Block, Head, Products, Read, Write, reads_of
from raspc.blocks.storage.stored import Stored
from raspc.errors import InputError
from raspc.graph.nodes import Graph, Listed, Variable
from raspc.numbers.precision import Precision, precision_of
from raspc.plan.plan import Plan
from raspc.target.families import FAMILIES


def plan_faults(plan: Plan, width: int, config: Mapping[str, Any]) -> Iterator[str]:
    """Where a plan does not fit. `width`: how many logits there are; `config`: its fields, by name."""
    held = plan.options.target in FAMILIES and plan.target.name == config["family"]  # the plain model of a family's
    if plan.options.target != config["family"] and not held:
        yield f"it is planned for the target {plan.options.target}"
    yield from _precision_faults(plan.options.precision)
    yield from _storage_faults(plan, width)
    yield from _space_faults(plan, width)
    yield from _layout_faults(plan, config)


def _precision_faults(precision: Precision) -> Iterator[str]:
    """A number format that is none of those that there are, whatever it is called."""
    known: Precision | None
    try:
        known = precision_of(**precision.to_json())
    except InputError:
        known = None
    if known != precision:
        yield "its options name no number format that there is"


def _storage_faults(plan: Plan, width: int) -> Iterator[str]:
    graph, variables = plan.graph, plan.storage.variables
    if len(variables) != len(graph):
        yield f"storage has {len(variables)} entries for {len(graph)} nodes"
        return
    for place, (node, stored) in enumerate(zip(graph.nodes, variables, strict=True)):
        if isinstance(node, Variable) != (stored is not None):
            yield f"storage of {graph.labels[place]} is of another kind of node"
        elif stored is not None and isinstance(node, Variable):
            yield from (f"{graph.labels[place]}: {fault}" for fault in _stored_faults(graph, place, node, stored))
    if plan.storage.answer.shape != (_rows(graph, graph.output), width):
        yield "the answer is of another value set, or of other logits"


def _stored_faults(graph: Graph, place: int, node: Variable, stored: Stored) -> Iterator[str]:
    rows = F.size(node.domain)
    yield from (f"{group.space} has a code of another shape" for group in stored.groups if not _fits(group, rows))
    if stored.share is not None and not stored.share.code.shape == stored.share.noise.shape == (rows,):
        yield "its share is of other counts"
    if any(not 0 <= root < len(graph) for root in stored.read_off):
        yield "it is read off what is no node"
    if any(not 0 <= other < len(graph) for reader in stored.readers for other in (reader.by, reader.of)):
        yield "it is read by what is no node"
    if stored.design is not None:
        yield from _design_faults(graph, stored.design, sum(len(group.labels) for group in stored.kept))
    if stored.restored is not None:
        yield from _design_faults(
            graph, stored.restored.design, sum(len(group.labels) for group in stored.restored.groups)
        )
    if stored.selection is not None:
        yield from _selection_faults(graph, stored.selection)


def _fits(group: Group, rows: int) -> bool:
    return group.code.shape == (rows, len(group.labels)) and bool(np.isfinite(group.code).all())


def _rows(graph: Graph, place: int) -> int:
    """How many features a variable has in a code; −1 for what is no variable."""
    node = graph[place] if 0 <= place < len(graph) else None
    return F.size(node.domain) if isinstance(node, Variable) else -1


def _design_faults(graph: Graph, design: Design, outputs: int) -> Iterator[str]:
    size, axes = design.bias.shape, design.axes
    shapes = [size, design.slack.shape, design.base.shape, design.out.shape]
    ok = shapes == [size, size, (outputs,), (*size, outputs)] and len(size) == 1
    ok = ok and len(axes) == len(design.features) == len(design.weights)
    ok = ok and (design.lead is None or design.lead.shape == size)
    for axis, features, weights in zip(axes, design.features, design.weights, strict=False):
        ok = ok and features.ndim == weights.ndim == 2 and features.shape[0] == _rows(graph, axis)
        ok = ok and weights.shape == (features.shape[1], *size)
    if not ok or not (design.products is None or _multiplied_fits(design, design.products, outputs)):
        yield "its neurons do not fit what they read or write"


def _multiplied_fits(design: Design, products: Multiplied, outputs: int) -> bool:
    size = products.gate_bias.shape
    ok = len(size) == 1 and products.times_bias.shape == size and products.out.shape == (*size, outputs)
    ok = ok and len(products.gates) == len(products.times) == len(design.features) and products.off.shape == (outputs,)
    return ok and all(
        weights.shape == (features.shape[1], *size)
        for read in (products.gates, products.times)
        for features, weights in zip(design.features, read, strict=True)
    )


def _selection_faults(graph: Graph, selection: Selection) -> Iterator[str]:
    yield from _turned_faults(selection)
    if selection.ranking is not None:
        yield from _ranking_faults(graph, selection.ranking)
    for conjunct in selection.conjuncts:
        sides = ((conjunct.key, conjunct.factors.keys), (conjunct.query, conjunct.factors.queries))
        rows = [_rows(graph, place) for place, _ in sides]
        listed = all(
            row >= 0 and isinstance(graph.variable(p).domain, Listed) for row, (p, _) in zip(rows, sides, strict=True)
        )
        ranks = {factors.shape[-1] for _, factors in sides}
        shapes = [factors.shape[:-1] for _, factors in sides]
        if not listed or conjunct.cells.shape != tuple(rows) or shapes != [(r,) for r in rows] or len(ranks) != 1:
            yield "a penalty of its selector does not fit its variables"


def _turned_faults(selection: Selection) -> Iterator[str]:
    width = sum(conjunct.factors.rank for conjunct in selection.conjuncts) + (selection.ranking is not None)
    away = selection.shift is None or selection.shift >= 0
    if not (0 <= selection.turned <= width and away) or (selection.shift is None) != (
        selection.turned == 0 or selection.ranking is not None
    ):
        yield "what a rotation stands for does not fit its scores"


def _ranking_faults(graph: Graph, ranking: Ranking) -> Iterator[str]:
    rows = _rows(graph, ranking.score)
    listed = rows >= 0 and isinstance(graph.variable(ranking.score).domain, Listed)
    finite = bool(np.isfinite([ranking.top, ranking.weight]).all())
    if not listed or ranking.keys.shape != (rows, 1) or not finite or ranking.weight <= 0:
        yield "the ranks of its keys do not fit their scores"


def _space_faults(plan: Plan, width: int) -> Iterator[str]:
    lowered, graph = plan.lowered, plan.graph
    sizes = {space.name: len(space) for space in lowered.spaces}
    if len(sizes) != len(lowered.spaces) or sizes.get(BOS) != 1:
        yield "spaces are named twice, or there is none of BOS"
    if {name: np.shape(held) for name, held in lowered.at_bos.items() if name in sizes} != {
        n: (s,) for n, s in sizes.items()
    }:
        yield "what spaces hold at BOS is of other spaces"
    for name, tables, rows in (
        ("tokens", lowered.embeddings, len(graph.vocab)),
        ("positions", lowered.positions, graph.max_seq_len),
    ):
        if any(table.shape != (rows, sizes.get(space, -1)) for space, table in tables.items()):
            yield f"the embedding of {name} does not fit its spaces"
    if not _read_fits(lowered.output, sizes, width):
        yield "the output is read off other spaces"
    if len(lowered.blocks) != len(lowered.place_of_block):
        yield "blocks are of no variables"
    elif not all(_block_fits(graph, b, p, sizes) for b, p in zip(lowered.blocks, lowered.place_of_block, strict=True)):
        yield "a block does not fit the spaces that it reads or writes"
    owner = {group.space: place for place, groups in lowered.home.items() for group in groups}
    if any(
        owner.get(space) != p
        for b, p in zip(lowered.blocks, lowered.place_of_block, strict=False)
        for space in b.write.maps
    ):
        yield "a block writes what is of another variable"
    homes = {p: groups for p, groups in lowered.home.items() if _rows(graph, p) >= 0}
    if len(homes) != len(lowered.home) or not all(_home_fits(graph, p, groups, sizes) for p, groups in homes.items()):
        yield "variables live in other spaces"


def _home_fits(graph: Graph, place: int, groups: Sequence[Group], sizes: Mapping[str, int]) -> bool:
    rows = _rows(graph, place)
    return all(_fits(group, rows) and sizes.get(group.space) == len(group.labels) for group in groups)


def _block_fits(graph: Graph, block: Block, place: int, sizes: Mapping[str, int]) -> bool:
    width = block.value.width if isinstance(block, Head) else block.read.width
    ok = _rows(graph, place) >= 0 and _write_fits(block.write, sizes, width)
    ok = ok and all(_read_fits(read, sizes, read.width) for read in reads_of(block))
    if isinstance(block, Head):
        return ok and block.query.width == block.key.width and 0 < block.sharpness < np.inf and 0 <= block.own < np.inf
    ok = ok and block.slack.shape == block.lead.shape == (width,)
    return ok and (block.products is None or _products_fit(block.products, block.write, sizes))


def _products_fit(products: Products, write: Write, sizes: Mapping[str, int]) -> bool:
    gate, times = products.gate, products.times
    ok = all(_read_fits(read, sizes, products.size) for read in (gate, times))
    finite = all(np.isfinite(array).all() for read in (gate, times) for array in (*read.maps.values(), read.bias))
    return (
        ok and finite and set(products.out) == set(write.maps) and _write_fits(Write(products.out), sizes, gate.width)
    )


def _read_fits(read: Read, sizes: Mapping[str, int], width: int) -> bool:
    maps = all(matrix.shape == (sizes.get(space, -1), width) for space, matrix in read.maps.items())
    return maps and read.bias.shape == (width,)


def _write_fits(write: Write, sizes: Mapping[str, int], width: int) -> bool:
    maps = all(matrix.shape == (width, sizes.get(space, -1)) for space, matrix in write.maps.items())
    return maps and all(bias.shape == (sizes.get(space, -1),) for space, bias in write.bias.items())


def _layout_faults(plan: Plan, sizes: Mapping[str, Any]) -> Iterator[str]:
    layout, schedule, lowered = plan.layout, plan.schedule, plan.lowered
    if len(layout.layers) not in (0, schedule.n_layers):
        yield "the layout has widths of another number of layers"
        return
    said = {"d_model": layout.d_model, "n_layers": schedule.n_layers, **layout.named_widths(schedule.n_layers)}
    if wrong := [name for name, size in said.items() if sizes[name] != size]:
        yield f"the layout has another {' and '.join(wrong)}"
    starts: dict[str, Any] = {space.name: layout.start.get(space.name, -1) for space in lowered.spaces}
    if any(not 0 <= starts[space.name] <= layout.d_model - len(space) for space in lowered.spaces):
        yield "a space lies outside the stream"
    if {space.name: len(space) for space in lowered.spaces} != {name: layout.sizes.get(name) for name in starts}:
        yield "the layout has spaces of other sizes"
    stages = schedule.stages
    parity = [stage % 2 == (not isinstance(block, Head)) for stage, block in zip(stages, lowered.blocks, strict=False)]
    if len(stages) != len(lowered.blocks) or not all(parity) or any(stage < 0 for stage in stages):
        yield "the schedule is of other blocks"
        return
    if any(not layout.shape(stage // 2).heads.d_head for stage in stages if stage % 2 == 0):
        yield "a head is in a layer that has none"
    if any(
        not 0 <= sweep.dim < layout.d_model or sweep.space not in starts
        for ss in layout.sweeps.values()
        for sweep in ss
    ):
        yield "a dimension is cleared that no space has"
