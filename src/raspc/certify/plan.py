"""The plan of a model beside its weights: blocks as the compiler meant them, and as the weights say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from raspc.blocks.demanded import Demands
from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Block, Matrix, Read
from raspc.graph.nodes import Graph


@dataclass(frozen=True, eq=False)
class Reused:
    """A dimension that the MLP of a layer clears, for others to use: the `column`-th of a space.

    `left`: the part of a positive and of a negative number that is still there afterwards.
    """

    space: str
    column: int
    dim: int
    layer: int
    left: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Actual:
    """What the weights say: each block as it can be read off them, embeddings by space, and the unembedding.

    `stray`: the size of the largest weight that no block accounts for, by the name of its parameter.
    `reused`: what the MLPs clear.
    """

    blocks: tuple[Block, ...]
    tables: Mapping[str, Matrix]
    output: Read
    stray: Mapping[str, float] = field(default_factory=dict)
    reused: tuple[Reused, ...] = ()


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a proof is about: the graph after the passes, the blocks, the width of a head, and the weights.

    `dims`: where each space lies, and `written`: after which stage it does (−1: the embedding).
    """

    graph: Graph
    needs: Demands
    lowered: Lowered
    d_head: int
    actual: Actual
    dims: Mapping[str, slice]
    written: Mapping[str, int]
