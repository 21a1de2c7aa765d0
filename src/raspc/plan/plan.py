"""The plan: all that the compiler decided of a model, as one value. The weights follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from raspc import doors
from raspc.blocks.lower import Lowered
from raspc.blocks.storage.stored import Storage
from raspc.graph.nodes import Graph
from raspc.layout.layout import Layout
from raspc.layout.placement import parameters
from raspc.layout.schedule import Schedule
from raspc.numbers.options import Options
from raspc.passes.pipeline import Step


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

    @property
    def size(self) -> tuple[int, int]:
        """Layers, and parameters but for those that depend on the program alone: what makes one plan better."""
        rows = rows_of(self.graph, self.lowered)
        return self.schedule.n_layers, parameters(self.lowered, self.schedule, self.layout, rows)

    def __str__(self) -> str:
        return str(doors.through("plan_text")(self))


def rows_of(graph: Graph, lowered: Lowered) -> int:
    """How many rows of embeddings and columns of the unembedding are as wide as the residual stream."""
    return len(graph.vocab) + graph.max_seq_len + 3 + lowered.output.width
