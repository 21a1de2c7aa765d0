"""From scheduled blocks to arrays: spaces get their places in the residual stream, heads their columns.

The scores of a head are integers times a power of two, so that the scores of selected keys are equal bit
for bit; 1/√d_head multiplies afterwards and cannot part them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.schedule import Schedule
from raspc.blocks.spaces import BOS, Head, Matrix, Neurons, Read, Write
from raspc.numbers.options import DEFAULT, Options
from raspc.target import PLAIN
from raspc.weights.config import Config, Output
from raspc.weights.heads import Shape, Slot, head_shape, layers_of


@dataclass(frozen=True)
class Sweep:
    """One dimension that neurons clear of what a space has left there."""

    dim: int
    space: str
    size: int


@dataclass(frozen=True)
class Layout:
    """Where each space lies in the residual stream, and the sizes that all layers share.

    `heads`: their number and width. `sweeps`: which dimensions the MLP of a layer clears, after the neurons of its
    blocks.
    """

    start: Mapping[str, int]
    sizes: Mapping[str, int]
    d_model: int
    heads: Shape
    d_mlp: int
    sweeps: Mapping[int, tuple[Sweep, ...]] = field(default_factory=dict)

    @property
    def n_heads(self) -> int:
        """How many heads a layer has."""
        return self.heads.n_heads

    @property
    def d_head(self) -> int:
        """How wide a head is."""
        return self.heads.d_head

    def matrix(self, read: Read) -> Matrix:
        """[d_model, width]."""
        full = np.zeros((self.d_model, read.width))
        for space, matrix in read.maps.items():
            full[self.slice(space)] = matrix
        return full

    def slice(self, space: str) -> slice:
        """The dimensions of a space."""
        return slice(self.start[space], self.start[space] + self.sizes[space])


def lay_out(lowered: Lowered, schedule: Schedule, options: Options = DEFAULT) -> Layout:
    """The default placement: the spaces that the output is read from, then the others in turn.

    Tracr's users unembed by the first dimensions of the residual stream.
    """
    start, end = {}, 0
    for space in sorted(lowered.spaces, key=lambda space: space.name not in lowered.output.maps):
        start[space.name] = end
        end += len(space)
    shape = head_shape(lowered, schedule, options)
    if options.precision.narrow:  # 1/√d_head is to be a power of two, so that it rounds nothing
        d_head = 4 ** math.ceil(math.log(shape.d_head, 4) - 1e-9)
        shape = replace(shape, area=shape.n_heads * d_head, d_head=d_head)
    return Layout(
        start,
        {space.name: len(space) for space in lowered.spaces},
        d_model=end,
        heads=shape,
        d_mlp=max(1, *(sum(_size(lowered, i) for i in mlp) for _, mlp in layers_of(lowered, schedule))),
    )


def _size(lowered: Lowered, place: int) -> int:
    block = lowered.blocks[place]
    return block.read.width if isinstance(block, Neurons) else 0


def config_of(
    layout: Layout,
    schedule: Schedule,
    vocab: Sequence[Any],
    bos: Any,
    pad: Any,
    max_len: int,
    causal: bool,
    output: Output,
) -> Config:
    """The configuration of the model."""
    return Config(
        n_layers=schedule.n_layers, n_heads=layout.n_heads, d_model=layout.d_model, d_head=layout.d_head,
        d_mlp=layout.d_mlp, n_ctx=max_len + 1, d_vocab=len(vocab) + 2, d_vocab_out=output.width, causal=causal,
        vocab=(*vocab, bos, pad), bos_id=len(vocab), pad_id=len(vocab) + 1, output=output,
    )  # fmt: skip


def assemble(lowered: Lowered, schedule: Schedule, layout: Layout, config: Config) -> dict[str, Matrix]:
    """The parameters under the names of the config's target, float64."""
    params, names = _embeddings(lowered, layout, config), config.target.names
    for layer, (attention, mlp) in enumerate(layers_of(lowered, schedule)):
        neurons = [lowered.blocks[i] for i in mlp]
        maps = [
            *_attention(lowered, layout.heads.slots(lowered, attention), layout),
            *_mlp([n for n in neurons if isinstance(n, Neurons)], layout, layout.sweeps.get(layer, ())),
        ]
        for called, found in zip(names.layer(layer), maps, strict=True):
            params |= zip(called, found, strict=True)
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


def _attention(lowered: Lowered, slots: Sequence[Slot], layout: Layout) -> list[Map]:
    """Query, key, value, and the map back to the stream."""
    d_model, d_head, n = layout.d_model, layout.d_head, layout.n_heads
    weights = [np.zeros((d_model, n, d_head)) for _ in range(3)]
    biases = [np.zeros((n, d_head)) for _ in range(3)]
    out, bias = np.zeros((n, d_head, d_model)), np.zeros(d_model)
    for i, slot in enumerate(slots):
        heads = [head for place in slot.blocks if isinstance(head := lowered.blocks[place], Head)]
        columns, width = slice(slot.start, slot.stop), slot.stop - slot.start
        query, key, value = ((w[:, i], b[i]) for w, b in zip(weights, biases, strict=True))
        _place_scores(query, key, heads[0], layout)
        value[0][:, :width] = np.hstack([layout.matrix(head.value) for head in heads])[:, columns]
        value[1][:width] = np.concatenate([head.value.bias for head in heads])[columns]
        out[i, :width] = np.vstack([_written(head.write, head.value.width, layout) for head in heads])[columns]
        for head in heads if slot.start == 0 else ():
            for space, added in head.write.bias.items():
                bias[layout.slice(space)] += added
    inward = [(w.reshape(d_model, -1), b.reshape(-1)) for w, b in zip(weights, biases, strict=True)]
    return [*inward, (out.reshape(-1, d_model), bias)]


def _place_scores(query: Map, key: Map, head: Head, layout: Layout) -> None:
    """Penalties first; the last column is the sink: BOS as a key, its score as the query."""
    r, scale = head.query.width, head.scale(layout.d_head)
    bos = layout.start[BOS]
    query[0][:, :r], query[1][:r] = scale * layout.matrix(head.query), scale * head.query.bias
    key[0][:, :r], key[1][:r] = layout.matrix(head.key), head.key.bias
    sink = scale * head.sink if head.log_sink is None else head.log_sink * PLAIN.score_divisor(layout.d_head)
    key[0][bos, r] = 1.0
    query[1][r] = sink
    query[0][bos, r] = 2 * scale  # as a query BOS attends to itself alone


def _written(write: Write, width: int, layout: Layout) -> Matrix:
    full = np.zeros((width, layout.d_model))
    for space, matrix in write.maps.items():
        full[:, layout.slice(space)] += matrix
    return full


def _mlp(blocks: Sequence[Neurons], layout: Layout, sweeps: Sequence[Sweep]) -> list[Map]:
    """The map to the neurons, and the one back to the stream."""
    w1, b1 = np.zeros((layout.d_model, layout.d_mlp)), np.zeros(layout.d_mlp)
    w2, b2 = np.zeros((layout.d_mlp, layout.d_model)), np.zeros(layout.d_model)
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
