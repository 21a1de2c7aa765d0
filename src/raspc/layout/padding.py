"""What it costs that all layers have the shape of the widest one: heads and neurons that only fill up a layer."""

from __future__ import annotations

from dataclasses import dataclass

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Neurons
from raspc.layout.heads import layers_of
from raspc.layout.layout import Layout
from raspc.layout.schedule import Schedule


@dataclass(frozen=True)
class Padding:
    """The heads and the neurons that each layer needs, and how many parameters fill up all layers to the widest."""

    heads: tuple[int, ...]
    neurons: tuple[int, ...]
    parameters: int


def padding_of(lowered: Lowered, schedule: Schedule, layout: Layout) -> Padding:
    """The padding of a layout. A layer without heads or neurons still has one of a uniform shape."""
    heads, neurons = list[int](), list[int]()
    for layer, (attention, mlp) in enumerate(layers_of(lowered, schedule)):
        heads.append(len(layout.heads.slots(lowered, attention)))
        own = (block.read.width for place in mlp if isinstance(block := lowered.blocks[place], Neurons))
        neurons.append(sum(own) + sum(sweep.size for sweep in layout.sweeps.get(layer, ())))
    a_head = layout.d_head * (4 * layout.d_model + 3)
    a_neuron = 2 * layout.d_model + 1
    filled = sum(
        (layout.n_heads - h) * a_head + (layout.d_mlp - m) * a_neuron for h, m in zip(heads, neurons, strict=True)
    )
    return Padding(tuple(heads), tuple(neurons), filled)
