"""The plan of a model beside its weights: blocks as the compiler meant them, and as the weights say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from raspc.blocks.demand import Demands
from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Block, Matrix, Read
from raspc.graph.nodes import Graph


@dataclass(frozen=True, eq=False)
class Actual:
    """What the weights say: each block as it can be read off them, embeddings by space, and the unembedding.

    `stray`: the size of the largest weight that no block accounts for, by the name of its parameter.
    """

    blocks: tuple[Block, ...]
    tables: Mapping[str, Matrix]
    output: Read
    stray: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a proof is about: the graph after the passes, the blocks, the width of a head, and the weights.

    `actual`: None where the weights are the plan's own.
    """

    graph: Graph
    needs: Demands
    lowered: Lowered
    d_head: int
    actual: Actual | None = None
