"""Where each space lies in the residual stream, and the sizes that all layers share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Matrix, Neurons, Read
from raspc.layout.heads import HeadShape, head_shape, layers_of
from raspc.layout.schedule import Schedule
from raspc.numbers.options import DEFAULT, Options
from raspc.target import assembled_for


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
    heads: HeadShape
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

    @property
    def per_layer(self) -> int:
        """How many parameters a layer has, biases included."""
        heads = self.n_heads * self.d_head
        attention = 4 * self.d_model * heads + 3 * heads + self.d_model
        return attention + 2 * self.d_model * self.d_mlp + self.d_mlp + self.d_model

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
    if options.precision.narrow and assembled_for(options.target).scales_scores:
        # 1/√d_head is to be a power of two, so that it rounds nothing
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
