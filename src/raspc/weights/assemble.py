"""From scheduled blocks to arrays: spaces get their places in the residual stream, heads their columns.

The scores of a head are integers times a power of two, so that the scores of selected keys are equal bit
for bit; 1/√d_head multiplies afterwards and cannot part them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, Head, Matrix, Neurons, Write
from raspc.layout.heads import Slot, layers_of
from raspc.layout.layout import Layout, Sweep
from raspc.plan.plan import Plan
from raspc.target import Layer, Widths
from raspc.weights.config import Config


def assemble(plan: Plan, config: Config) -> dict[str, Matrix]:
    """The parameters under the names of the config's target, float64."""
    lowered, schedule, layout = plan.lowered, plan.schedule, plan.layout
    params, names = _embeddings(lowered, layout, config), config.target.names
    for layer, (attention, mlp) in enumerate(layers_of(lowered, schedule)):
        neurons, widths = [lowered.blocks[i] for i in mlp], config.widths[layer]
        slots = layout.shape(layer).heads.slots(lowered, attention)
        maps = Layer(
            *_attention(lowered, slots, layout, widths, plan.divisor(layer)),
            *_mlp([n for n in neurons if isinstance(n, Neurons)], layout, widths, layout.sweeps.get(layer, ())),
        )
        for role in widths.roles:
            params |= zip(getattr(names.layer(layer), role), getattr(maps, role), strict=True)
    return params | dict(zip(names.unembed, (layout.matrix(lowered.output), lowered.output.bias), strict=True))


def _embeddings(lowered: Lowered, layout: Layout, config: Config) -> dict[str, Matrix]:
    tokens = np.zeros((config.d_vocab, layout.d_model))
    positions = np.zeros((config.n_ctx, layout.d_model))
    tokens[config.bos_id, layout.slice(BOS)] = 1.0
    for space, table in lowered.embeddings.items():
        tokens[: len(table), layout.slice(space)] += table
    for space, table in lowered.positions.items():
        positions[1 : len(table) + 1, layout.slice(space)] += table
    return dict(zip(config.target.tables(), (tokens, positions), strict=True))


Map = tuple[Matrix, Matrix]
"""The weights and the bias of a linear map."""


def _attention(lowered: Lowered, slots: Sequence[Slot], layout: Layout, widths: Widths, divisor: float) -> list[Map]:
    """Query, key, value, and the map back to the stream."""
    d_model, d_head, n = layout.d_model, widths.d_head, widths.n_heads
    weights = [np.zeros((d_model, n, d_head)) for _ in range(3)]
    biases = [np.zeros((n, d_head)) for _ in range(3)]
    out, bias = np.zeros((n, d_head, d_model)), np.zeros(d_model)
    moved: dict[tuple[int, ...], list[Matrix]] = {}
    for i, slot in enumerate(slots):
        heads = [head for place in slot.blocks if isinstance(head := lowered.blocks[place], Head)]
        columns, width = slice(slot.start, slot.stop), slot.stop - slot.start
        query, key, value = ((w[:, i], b[i]) for w, b in zip(weights, biases, strict=True))
        _place_scores(query, key, heads[0], layout, divisor)
        if slot.blocks not in moved:  # the slots of one wide head come one after the other
            moved = {slot.blocks: _moved(heads, layout)}
        read, added, written = moved[slot.blocks]
        value[0][:, :width], value[1][:width] = read[:, columns], added[columns]
        out[i, :width] = written[columns]
        for head in heads if slot.start == 0 else ():
            for space, always in head.write.bias.items():
                bias[layout.slice(space)] += always
    inward = [(w.reshape(d_model, n * d_head), b.reshape(n * d_head)) for w, b in zip(weights, biases, strict=True)]
    return [*inward, (out.reshape(n * d_head, d_model), bias)]


def _moved(heads: Sequence[Head], layout: Layout) -> list[Matrix]:
    """What heads that score alike read side by side, their biases, and what they write."""
    return [
        np.hstack([layout.matrix(head.value) for head in heads]),
        np.concatenate([head.value.bias for head in heads]),
        np.vstack([_written(head.write, head.value.width, layout) for head in heads]),
    ]


def _place_scores(query: Map, key: Map, head: Head, layout: Layout, divisor: float) -> None:
    """Penalties first; the last column is the sink: BOS as a key, its score as the query."""
    r, scale = head.query.width, head.scale(divisor)
    bos = layout.start[BOS]
    query[0][:, :r], query[1][:r] = scale * layout.matrix(head.query), scale * head.query.bias
    key[0][:, :r], key[1][:r] = layout.matrix(head.key), head.key.bias
    sink = scale * head.sink if head.log_sink is None else head.log_sink * divisor
    key[0][bos, r] = 1.0
    query[1][r] = sink
    query[0][bos, r] = head.own * scale  # as a query BOS attends to itself alone


def _written(write: Write, width: int, layout: Layout) -> Matrix:
    full = np.zeros((width, layout.d_model))
    for space, matrix in write.maps.items():
        full[:, layout.slice(space)] += matrix
    return full


def _mlp(blocks: Sequence[Neurons], layout: Layout, widths: Widths, sweeps: Sequence[Sweep]) -> list[Map]:
    """The map to the neurons, and the one back to the stream."""
    w1, b1 = np.zeros((layout.d_model, widths.d_mlp)), np.zeros(widths.d_mlp)
    w2, b2 = np.zeros((widths.d_mlp, layout.d_model)), np.zeros(layout.d_model)
    start = 0
    for block in blocks:
        stop = start + block.read.width
        w1[:, start:stop], b1[start:stop] = layout.matrix(block.read), block.read.bias
        w2[start:stop] = _written(block.write, block.read.width, layout)
        for space, bias in block.write.bias.items():
            b2[layout.slice(space)] += bias
        start = stop
    for sweep in sweeps:  # x − relu(x) + relu(−x) is 0; where x is never negative the last term is
        for sign in (1.0, -1.0)[: sweep.size]:
            w1[sweep.dim, start], w2[start, sweep.dim] = sign, -sign
            start += 1
    return [(w1, b1), (w2, b2)]
