"""The plan: all that the compiler decided of a model, as one value. The weights follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from raspc import doors
from raspc.blocks.lower import Lowered
from raspc.blocks.storage.stored import Storage
from raspc.graph.nodes import Graph
from raspc.layout.layout import Layout
from raspc.layout.padding import Padding, padding_of
from raspc.layout.schedule import Schedule
from raspc.numbers.options import PRICE, Options
from raspc.passes.pipeline import Step
from raspc.target import Target, assembled_for


class Size(NamedTuple):
    """Layers, then parameters: the smaller is the better model."""

    layers: int
    parameters: int

    def cost(self, objective: str) -> tuple[int, int]:
        """What is to be small: the size itself; or, by size, the parameters times `PRICE` for each layer."""
        return (self.parameters * PRICE**self.layers, self.layers) if objective == "size" else self


def frontier(sizes: Iterable[Size]) -> tuple[Size, ...]:
    """Those that no other one is as good as in layers and in parameters, with the fewest layers first."""
    found: list[Size] = []
    for size in sorted(set(sizes)):
        if not found or size.parameters < found[-1].parameters:
            found.append(size)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything between a program and its weights; made once in a compile, and kept with the model.

    `options`: what was asked for, without what was given up on the way. `program`: the graph as it was tabulated;
    `graph`: after the passes, of which `steps` are the record. `storage`: what is stored of each variable, how it is
    computed and scored; `lowered`: the blocks. `schedule`: which layer holds which block; `layout`: where everything
    lies.
    """

    options: Options
    program: Graph
    graph: Graph
    steps: tuple[Step, ...]
    storage: Storage
    lowered: Lowered
    schedule: Schedule
    layout: Layout

    @cached_property
    def size(self) -> Size:
        """Layers and parameters of the model."""
        return size_of(self.graph, self.lowered, self.schedule, self.layout)

    @cached_property
    def padding(self) -> Padding:
        """What fills up layers to the widest one."""
        return padding_of(self.lowered, self.schedule, self.layout)

    @property
    def cost(self) -> tuple[int, int]:
        """What makes one plan better than another, by the objective that was asked for."""
        return self.size.cost(self.options.objective)

    @property
    def target(self) -> Target:
        """The transformer that is planned for."""
        return assembled_for(self.options.target)

    def divisor(self, layer: int) -> float:
        """What the heads of a layer divide products of queries and keys by."""
        return self.target.score_divisor(self.layout.shape(layer).heads.d_head)

    def __str__(self) -> str:
        return str(doors.through("plan_text")(self))


def size_of(graph: Graph, lowered: Lowered, schedule: Schedule, layout: Layout) -> Size:
    """The layers and the parameters of a model, biases included."""
    embedded = layout.d_model * rows_of(graph, lowered) + lowered.output.width
    return Size(schedule.n_layers, embedded + layout.parameters(schedule.n_layers))


def rows_of(graph: Graph, lowered: Lowered) -> int:
    """How many rows of embeddings and columns of the unembedding are as wide as the residual stream."""
    return len(graph.vocab) + graph.max_seq_len + 3 + lowered.output.width
