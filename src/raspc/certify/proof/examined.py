"""What is proved of: the plan of a model, as a hint, beside what its weights say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Block, Matrix, Read
from raspc.blocks.storage.stored import Storage
from raspc.certify.proof.loose import FIRM, Loose
from raspc.certify.proof.sameness import Kept, kept
from raspc.certify.proof.turned import Turning
from raspc.graph.nodes import Graph
from raspc.plan.plan import Plan
from raspc.weights.certificate import Link
from raspc.weights.config import Config


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal to the last digit, with all that they are made of."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if is_dataclass(one):
        return all(alike(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(alike(part, other[name]) for name, part in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@dataclass(frozen=True, eq=False)
class Reused:
    """A dimension that the MLP of a layer clears, for others to use: the `column`-th of a space.

    `left`: the part of a positive and of a negative number that is still there afterwards. `least`: the least weight
    with which a neuron that clears it reads it.
    """

    space: str
    column: int
    dim: int
    layer: int
    left: tuple[float, float]
    least: float


@dataclass(frozen=True, eq=False)
class Actual:
    """What the weights say: each block as it can be read off them, embeddings by space, and the unembedding.

    `stray`: the size of the largest weight that no block accounts for, by the name of its parameter.
    `disputes`: what two spaces claim at once. `reused`: what the MLPs clear.
    `dims`: where each space lies, and `written`: after which stage it does (−1: the embedding). `stages`: of blocks.
    """

    blocks: tuple[Block, ...]
    stages: tuple[int, ...]
    tables: Mapping[str, Matrix]
    output: Read
    stray: Mapping[str, float]
    disputes: tuple[str, ...]
    reused: tuple[Reused, ...]
    dims: Mapping[str, slice]
    written: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Examined:
    """All that a proof is about. The plan only says where to look, and what to look for; `program`: as it was written.

    `program`, `config` and `actual` are those of the model. `loose`: the errors that a stock family adds, and `added`:
    the decisions. `turned`: by variable, what a rotation of the family stands for in its head. `off_places`
    [n_ctx, dims]: how far off positions are that the family makes by biases.
    """

    plan: Plan
    program: Graph
    config: Config
    actual: Actual
    loose: Loose = FIRM
    added: tuple[Link, ...] = ()
    turned: Mapping[int, Turning] = field(default_factory=dict)
    off_places: Matrix | None = None

    def is_as(self, other: Examined) -> bool:
        """Whether all that a proof is about is the same, but for the decisions that a family adds."""
        if self.plan is not other.plan or self.program is not other.program:
            return False
        parts = ("config", "loose", "turned", "actual", "off_places")
        return all(alike(getattr(self, one), getattr(other, one)) for one in parts)

    @property
    def graph(self) -> Graph:
        """The program after the passes."""
        return self.plan.graph

    @cached_property
    def kept(self) -> Kept | None:
        """How it is known that the passes keep the answers; None where they changed nothing."""
        return kept(self.program, self.graph)

    @property
    def storage(self) -> Storage:
        """What is stored of each variable, how it is computed and scored."""
        return self.plan.storage

    @property
    def lowered(self) -> Lowered:
        """The blocks as they are meant."""
        return self.plan.lowered

    def divisor(self, layer: int) -> float:
        """What products of queries and keys are divided by in a layer that has heads."""
        return self.config.target.score_divisor(self.config.widths[layer].d_head)

    @property
    def dims(self) -> Mapping[str, slice]:
        """Where each space lies."""
        return self.actual.dims

    @property
    def written(self) -> Mapping[str, int]:
        """After which stage each space is there."""
        return self.actual.written
