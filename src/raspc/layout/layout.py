"""Where each space lies in the residual stream, and the widths of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Block, Matrix, Neurons, Read
from raspc.layout.heads import HeadShape, head_shape, head_shapes
from raspc.layout.schedule import Schedule
from raspc.numbers.options import DEFAULT, Options
from raspc.target import Widths


@dataclass(frozen=True)
class Sweep:
    """One dimension that neurons clear of what a space has left there."""

    dim: int
    space: str
    size: int


@dataclass(frozen=True)
class LayerShape:
    """The heads and the neurons of one layer."""

    heads: HeadShape
    d_mlp: int


@dataclass(frozen=True)
class Layout:
    """Where each space lies in the residual stream, and the widths of layers.

    `heads`: their number and width. `sweeps`: which dimensions the MLP of a layer clears, after the neurons of its
    blocks. `layers`: the shape of each layer where each has its own; empty where all have `heads` and `d_mlp`, which
    otherwise are the largest ones.
    """

    start: Mapping[str, int]
    sizes: Mapping[str, int]
    d_model: int
    heads: HeadShape
    d_mlp: int
    sweeps: Mapping[int, tuple[Sweep, ...]] = field(default_factory=dict)
    layers: tuple[LayerShape, ...] = ()

    @property
    def uniform(self) -> bool:
        """Whether all layers have one width."""
        return not self.layers

    def shape(self, layer: int) -> LayerShape:
        """The heads and the neurons of a layer."""
        return self.layers[layer] if self.layers else LayerShape(self.heads, self.d_mlp)

    def widths(self, layer: int) -> Widths:
        """The same as a model has them."""
        shape = self.shape(layer)
        return Widths(shape.heads.n_heads, shape.heads.d_head, shape.d_mlp)

    def named_widths(self, n_layers: int) -> dict[str, Any]:
        """The widths by name, as a config has them: a number for all layers, or a tuple with one for each."""
        if self.uniform:
            return self.widths(0)._asdict()
        each = zip(*map(self.widths, range(n_layers)), strict=True)
        return dict(zip(Widths._fields, each, strict=True))

    def with_neurons(self, loads: Sequence[int]) -> Layout:
        """The same with so many neurons in each layer; what adds a constant keeps one."""
        own = (
            replace(shape, d_mlp=load or min(1, shape.d_mlp)) for shape, load in zip(self.layers, loads, strict=False)
        )
        return replace(self, d_mlp=max(1, *loads), layers=tuple(own))

    def matrix(self, read: Read) -> Matrix:
        """[d_model, width]."""
        full = np.zeros((self.d_model, read.width))
        for space, matrix in read.maps.items():
            full[self.slice(space)] = matrix
        return full

    def parameters(self, n_layers: int) -> int:
        """How many parameters the layers have, biases included."""
        if self.layers:
            return sum(self._parameters(self.widths(layer)) for layer in range(n_layers))
        return n_layers * self._parameters(self.widths(0))

    def _parameters(self, widths: Widths) -> int:
        """How many parameters a layer has; none for the heads or the neurons that it has not."""
        area, neurons = widths.n_heads * widths.d_head, widths.d_mlp
        attention = 4 * self.d_model * area + 3 * area + self.d_model if area else 0
        mlp = 2 * self.d_model * neurons + neurons + self.d_model if neurons else 0
        return attention + mlp

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
    sizes, loads = {space.name: len(space) for space in lowered.spaces}, loads_of(lowered, schedule)
    if options.uniform:
        return Layout(start, sizes, end, head_shape(lowered, schedule, options), max(1, *loads))
    shapes = head_shapes(lowered, schedule, options)
    constants = {schedule.stages[i] // 2 for i, block in enumerate(lowered.blocks) if _only_adds(block)}
    each = (max(load, int(layer in constants)) for layer, load in enumerate(loads))
    layers = tuple(map(LayerShape, shapes, each))
    return Layout(start, sizes, end, max(shapes), max(1, *loads), layers=layers)


def _only_adds(block: Block) -> bool:
    """Whether a block has no neurons, but a constant that an MLP adds."""
    return isinstance(block, Neurons) and not block.read.width and any(bias.any() for bias in block.write.bias.values())


def loads_of(lowered: Lowered, schedule: Schedule) -> list[int]:
    """The neurons of each layer's blocks."""
    loads = [0] * schedule.n_layers
    for block, stage in zip(lowered.blocks, schedule.stages, strict=True):
        if isinstance(block, Neurons):
            loads[stage // 2] += block.read.width
    return loads
