"""What it costs that all layers have the shape of the widest one: heads and neurons that only fill up a layer."""

from __future__ import annotations

from dataclasses import dataclass

from raspc.blocks.lower import Lowered
from raspc.layout.heads import layers_of
from raspc.layout.layout import Layout, loads_of
from raspc.layout.schedule import Schedule


@dataclass(frozen=True)
class Padding:
    """The heads and the neurons that each layer needs, and how many parameters fill up all layers to the widest."""

    heads: tuple[int, ...]
    neurons: tuple[int, ...]
    parameters: int


def padding_of(lowered: Lowered, schedule: Schedule, layout: Layout) -> Padding:
    """The padding of a layout. A layer without heads or neurons still has one of a uniform shape."""
    heads, neurons, filled = list[int](), list[int](), 0
    for layer, ((attention, _), own) in enumerate(
        zip(layers_of(lowered, schedule), loads_of(lowered, schedule), strict=True)
    ):
        shape = layout.shape(layer)
        heads.append(len(shape.heads.slots(lowered, attention)))
        neurons.append(own + sum(sweep.size for sweep in layout.sweeps.get(layer, ())))
        filled += (shape.heads.n_heads - heads[-1]) * shape.heads.d_head * (4 * layout.d_model + 3)
        filled += (shape.d_mlp - neurons[-1]) * (2 * layout.d_model + 1)
    return Padding(tuple(heads), tuple(neurons), filled)
