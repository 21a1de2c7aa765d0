"""Craft: the blocks of a compiled model as heads and MLPs on named directions.

It is what `model.compiled.plan.lowered` holds, in the classes that Tracr's users know. Reads and writes have constants
there; here they are the row of a direction that is 1 everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raspc.blocks.spaces import BOS, Head, Matrix, Neurons, Read, Write
from raspc.compat.tracr.compiler.labels import output_names, values_of
from raspc.compat.tracr.craft.bases import BasisDirection, VectorInBasis, VectorSpaceWithBasis
from raspc.compat.tracr.craft.transformers import MLP, AttentionHead, Block, MultiAttentionHead, SeriesWithResiduals
from raspc.compat.tracr.craft.vectorspace_fns import Linear, ScalarBilinear
from raspc.errors import InputError
from raspc.layout.heads import layers_of
from raspc.plan.plan import Plan
from raspc.rasp import Value
from raspc.weights import Model

ONE = "one"
"""The direction that is 1 everywhere."""


@dataclass
class CraftModel(SeriesWithResiduals):
    """A compiled model as a series of layers. `apply(embedded(tokens))` is the stream after the last of them.

    `token_vectors`: for each token its vector, BOS among them; `position_vectors`: for each position, BOS's first.
    `output`: reads the output, in the order of the output encoder, or the number.
    """

    token_vectors: Mapping[Value, VectorInBasis]
    position_vectors: Sequence[VectorInBasis]
    output: Linear

    def embedded(self, tokens: Sequence[Value]) -> VectorInBasis:
        """The stream [T, directions] before the first layer, of T tokens that open with BOS.

        Raises InputError for a token without a vector, or for too many.
        """
        if unknown := [token for token in tokens if token not in self.token_vectors]:
            raise InputError(f"tokens {unknown[:5]} not found in encoding; known are {list(self.token_vectors)[:12]}")
        if not 0 < len(tokens) <= len(self.position_vectors):
            raise InputError(f"found {len(tokens)} tokens, needed 1 to {len(self.position_vectors)}, with BOS")
        pairs = zip(tokens, self.position_vectors, strict=False)
        return VectorInBasis.stack([self.token_vectors[token] + place for token, place in pairs])


def craft_model(model: Model, label: str) -> CraftModel:
    """The craft of a compiled model. `label`: of the program, for the directions of its output.

    Raises InputError for a model that holds no plan.
    """
    if model.plan is None:
        raise InputError("the model holds no plan, in which its blocks are; compile it again")
    return _Crafting(model, model.plan, label).model_of()


@dataclass(frozen=True)
class _Crafting:
    model: Model
    plan: Plan
    label: str

    def model_of(self) -> CraftModel:
        lowered = self.plan.lowered
        blocks: list[Block] = []
        for layer, (attention, mlp) in enumerate(layers_of(lowered, self.plan.schedule)):
            heads = [self.head(head, layer) for i in attention if isinstance(head := lowered.blocks[i], Head)]
            parts = [self.mlp(part) for i in mlp if isinstance(part := lowered.blocks[i], Neurons)]
            blocks += [MultiAttentionHead(heads)] if heads else []
            blocks += [MLP.combine_in_parallel(parts)] if parts else []
        return CraftModel(blocks, self.token_vectors(), self.position_vectors(), self.answer())

    @cached_property
    def directions(self) -> dict[str, list[BasisDirection]]:
        """The directions of each space."""
        names = output_names(self.model, self.label)
        known = {
            label: BasisDirection(names.get(label, label).removesuffix(f":{value}"), value)
            for label, (_, value) in values_of(self.model).items()
            if value is not None and label.endswith(f":{value}")
        }
        found: dict[str, list[BasisDirection]] = {}
        taken = {BasisDirection(ONE)}
        for space in self.plan.lowered.spaces:
            row = [known.get(label, BasisDirection(names.get(label, label))) for label in space.labels]
            row = [BasisDirection(f"{space.name}/{d}") if d in taken else d for d in row]
            found[space.name] = row
            taken.update(row)
        return found

    @cached_property
    def stream(self) -> VectorSpaceWithBasis:
        """All directions, and the one that is 1 everywhere."""
        return VectorSpaceWithBasis([BasisDirection(ONE), *(d for row in self.directions.values() for d in row)])

    @cached_property
    def place(self) -> dict[BasisDirection, int]:
        """Where each direction stands in the stream."""
        return {direction: i for i, direction in enumerate(self.stream.basis)}

    def rows(self, space: str) -> list[int]:
        """Where the directions of a space stand in the stream."""
        return [self.place[direction] for direction in self.directions[space]]

    def read(self, read: Read) -> Matrix:
        """[stream, width]."""
        full = np.zeros((self.stream.num_dims, read.width))
        for space, matrix in read.maps.items():
            full[self.rows(space)] = matrix
        full[self.place[BasisDirection(ONE)]] = read.bias
        return full

    def written(self, write: Write, width: int) -> Matrix:
        """[width, stream]."""
        full = np.zeros((width, self.stream.num_dims))
        for space, matrix in write.maps.items():
            full[:, self.rows(space)] += matrix
        return full

    def constant(self, write: Write) -> Matrix:
        """[stream]: what is added everywhere."""
        full = np.zeros(self.stream.num_dims)
        for space, bias in write.bias.items():
            full[self.rows(space)] += bias
        return full

    def head(self, head: Head, layer: int) -> AttentionHead:
        """Scores with the division of the target in them, and with the sink: BOS, which takes what selects nothing."""
        divisor = self.plan.divisor(layer)
        scale = head.scale(divisor) / divisor
        scores = scale * self.read(head.query) @ self.read(head.key).T
        (bos,), one = self.rows(BOS), self.place[BasisDirection(ONE)]
        scores[one, bos] += scale * head.sink if head.log_sink is None else head.log_sink
        scores[bos, bos] += head.own * scale  # as a query BOS attends to itself alone
        moved = self.read(head.value) @ self.written(head.write, head.value.width)
        moved[one] += self.constant(head.write)  # a pattern sums to 1
        form = ScalarBilinear(self.stream, self.stream, scores)
        return AttentionHead(form, Linear(self.stream, self.stream, moved), self.stream, self.plan.graph.causal)

    def mlp(self, block: Neurons) -> MLP:
        """The neurons, and one that is always 1 where they add a constant."""
        width, constant = block.read.width, self.constant(block.write)
        read, write = self.read(block.read), self.written(block.write, width)
        if constant.any():
            one = np.zeros((self.stream.num_dims, 1))
            one[self.place[BasisDirection(ONE)]] = 1.0
            read, write, width = np.hstack([read, one]), np.vstack([write, constant]), width + 1
        hidden = VectorSpaceWithBasis.from_values(f"{block.name} neuron", range(width))
        return MLP(Linear(self.stream, hidden, read), Linear(hidden, self.stream, write), self.stream)

    def token_vectors(self) -> dict[Value, VectorInBasis]:
        """The rows of the embedding."""
        config = self.model.config
        rows = np.zeros((config.bos_id + 1, self.stream.num_dims))
        rows[config.bos_id, self.rows(BOS)] = 1.0
        rows[:, self.place[BasisDirection(ONE)]] = 1.0
        for space, table in self.plan.lowered.embeddings.items():
            rows[: len(table), self.rows(space)] += table
        return {token: VectorInBasis(self.stream.basis, row) for token, row in zip(config.vocab, rows, strict=False)}

    def position_vectors(self) -> list[VectorInBasis]:
        """The rows of the positions; BOS has none."""
        rows = np.zeros((self.model.config.n_ctx, self.stream.num_dims))
        for space, table in self.plan.lowered.positions.items():
            rows[1 : len(table) + 1, self.rows(space)] += table
        return [VectorInBasis(self.stream.basis, row) for row in rows]

    def answer(self) -> Linear:
        """From the stream to the columns of the output."""
        output, values = self.plan.lowered.output, self.model.config.output.values
        is_number = self.model.config.output.kind == "numerical"
        names = [BasisDirection("number")] if is_number else []
        columns = [*names, *(BasisDirection("output", i) for i, _ in enumerate(values))]
        space = VectorSpaceWithBasis(columns)
        order = [columns.index(direction) for direction in space.basis]
        return Linear(self.stream, space, self.read(output)[:, order])
