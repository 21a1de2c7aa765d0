"""Heads, MLPs and their series on named directions (Lindner et al. 2023, section 3.3): no padding and no shapes.

A direction that is 1 everywhere, where there is one, carries biases.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from raspc.compat.tracr.craft.bases import Array, VectorInBasis, VectorSpaceWithBasis, join_vector_spaces
from raspc.compat.tracr.craft.vectorspace_fns import Linear, ScalarBilinear


class Block(abc.ABC):
    """What adds to the stream of T positions."""

    residual_space: VectorSpaceWithBasis

    @abc.abstractmethod
    def apply(self, x: VectorInBasis) -> VectorInBasis:
        """What the block adds to a stream x, whose magnitudes are [T, directions]."""


@dataclass
class AttentionHead(Block):
    """One head: `w_qk` scores a query (left) and a key (right), `w_ov` is what the head moves from key to query."""

    w_qk: ScalarBilinear
    w_ov: Linear
    residual_space: VectorSpaceWithBasis = None  # type: ignore[assignment]
    causal: bool = False

    def __post_init__(self) -> None:
        if self.residual_space is None:
            read = join_vector_spaces(self.w_qk.left_space, self.w_qk.right_space, self.w_ov.input_space)
            self.residual_space = join_vector_spaces(read, self.w_ov.output_space)

    def attention(self, x: VectorInBasis) -> Array:
        """The pattern [query, key] of a stream x [T, directions]."""
        queries, keys = x.project(self.w_qk.left_space), x.project(self.w_qk.right_space)
        scores = queries.magnitudes @ self.w_qk.matrix @ keys.magnitudes.T
        if self.causal:
            scores = np.where(np.tri(len(scores), dtype=bool), scores, -np.inf)
        raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True))

    def apply(self, x: VectorInBasis) -> VectorInBasis:
        """What the head adds to a stream x [T, directions]."""
        moved = self.w_ov(x.project(self.w_ov.input_space))
        return VectorInBasis(moved.basis_directions, self.attention(x) @ moved.magnitudes).project(self.residual_space)

    def as_multi(self) -> MultiAttentionHead:
        """The head as the only one of a layer."""
        return MultiAttentionHead([self])


@dataclass
class MultiAttentionHead(Block):
    """The heads of a layer."""

    sub_blocks: Sequence[AttentionHead | MultiAttentionHead]

    @cached_property
    def residual_space(self) -> VectorSpaceWithBasis:  # type: ignore[override]
        """All that any of the heads reads or writes."""
        return join_vector_spaces(*(block.residual_space for block in self.sub_blocks))

    @property
    def num_heads(self) -> int:
        """How many heads there are."""
        return sum(1 for _ in self.heads())

    def heads(self) -> Iterator[AttentionHead]:
        """The heads in their order."""
        for block in self.sub_blocks:
            yield from block.heads() if isinstance(block, MultiAttentionHead) else [block]

    def apply(self, x: VectorInBasis) -> VectorInBasis:
        """The sum of what the heads add."""
        added = (head.apply(x).project(self.residual_space) for head in self.heads())
        return sum(added, _zero(self.residual_space, x))

    def as_multi(self) -> MultiAttentionHead:
        """The layer itself."""
        return self


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


@dataclass
class MLP(Block):
    """A layer of neurons: `fst` reads the stream, `snd` writes what the activation leaves."""

    fst: Linear
    snd: Linear
    residual_space: VectorSpaceWithBasis = None  # type: ignore[assignment]
    activation: Callable[[Array], Array] = field(default=_relu, repr=False)

    def __post_init__(self) -> None:
        if self.fst.output_space != self.snd.input_space:
            raise ValueError(f"fst writes {self.fst.output_space}, but snd reads {self.snd.input_space}")
        if self.residual_space is None:
            self.residual_space = join_vector_spaces(self.fst.input_space, self.snd.output_space)

    def apply(self, x: VectorInBasis) -> VectorInBasis:
        """What the neurons add to a stream x [T, directions]."""
        hidden = self.fst(x.project(self.fst.input_space))
        active = VectorInBasis(hidden.basis_directions, self.activation(hidden.magnitudes))
        return self.snd(active).project(self.residual_space)

    @classmethod
    def combine_in_parallel(cls, mlps: Sequence[MLP]) -> MLP:
        """One MLP that does the work of all; their hidden directions must differ."""
        fst = Linear.combine_in_parallel([mlp.fst for mlp in mlps])
        return cls(fst, Linear.combine_in_parallel([mlp.snd for mlp in mlps]))


@dataclass
class SeriesWithResiduals(Block):
    """Blocks one after another, each of which adds to the stream."""

    blocks: list[Block]

    @cached_property
    def residual_space(self) -> VectorSpaceWithBasis:  # type: ignore[override]
        """All that any of the blocks reads or writes."""
        return join_vector_spaces(*(block.residual_space for block in self.blocks))

    def apply(self, x: VectorInBasis) -> VectorInBasis:
        """The stream after the last block, over all directions."""
        for block in self.blocks:
            x = x.add_directions(block.residual_space)
            x = x + block.apply(x).project(x.basis_directions)
        return x


def _zero(space: VectorSpaceWithBasis, like: VectorInBasis) -> VectorInBasis:
    return VectorInBasis(space.basis, np.zeros((*like.magnitudes.shape[:-1], space.num_dims)))
