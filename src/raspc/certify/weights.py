"""Reading the blocks back off the weights of a model, where its alignment says that they are.

What is proved of a model is proved of these. A weight that no block accounts for is told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, Block, Head, Matrix, Neurons, Read, Write
from raspc.certify.examined import Actual, Examined, Reused
from raspc.errors import InputError
from raspc.graph.nodes import Graph
from raspc.plan.plan import Plan
from raspc.target import Dense, Names
from raspc.weights.alignment import Alignment, HeadPart
from raspc.weights.model import Model


def actual(model: Model, graph: Graph, lowered: Lowered) -> Actual:
    """The blocks of a plan with the numbers of the model's weights.

    Raises InputError where the alignment does not tell where they are.
    """
    try:
        return _Reader(model, graph, lowered).read()
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(f"the model's alignment does not fit its graph ({error}); compile it again") from error


@dataclass
class _Reader:
    model: Model
    graph: Graph
    lowered: Lowered
    left: dict[str, Matrix] = field(default_factory=dict)
    reused: list[Reused] = field(default_factory=list)

    def read(self) -> Actual:
        self.params = {name: np.asarray(array, np.float64) for name, array in self.model.params.items()}
        self.left = {name: np.abs(array) for name, array in self.params.items()}
        self.start = {BOS: self.bos()}
        self.size = {space.name: len(space) for space in self.lowered.spaces}
        self.start |= {name: space.dims[0] for name, space in self.model.alignment.spaces.items()}
        tables = self.tables()
        blocks = tuple(self.block(i, block) for i, block in enumerate(self.lowered.blocks))
        output = self.linear(self.names.unembed, slice(None), self.lowered.output)
        self.sweeps()
        stray = {name: float(left.max()) for name, left in self.left.items() if left.size and left.any()}
        return Actual(blocks, tables, output, stray, tuple(self.reused))

    @property
    def names(self) -> Names:
        return self.model.config.target.names

    def bos(self) -> int:
        if self.model.alignment.bos is None:
            raise ValueError("it does not tell the dimension of BOS")
        return self.model.alignment.bos

    def rows(self, space: str) -> slice:
        return slice(self.start[space], self.start[space] + self.size[space])

    def take(self, name: str, *where: Any) -> Matrix:
        """A part of a parameter, which is then accounted for."""
        self.left[name][where] = 0.0
        part: Matrix = self.params[name][where]
        return part

    def tables(self) -> dict[str, Matrix]:
        tokens, positions = self.model.config.target.tables()
        found = {s: self.take(tokens, slice(0, len(t)), self.rows(s)) for s, t in self.lowered.embeddings.items()}
        found |= {
            s: self.take(positions, slice(1, len(t) + 1), self.rows(s)) for s, t in self.lowered.positions.items()
        }
        self.exactly(tokens, (self.model.config.bos_id, self.start[BOS]), 1.0)
        return found

    def exactly(self, name: str, where: tuple[int, int], number: float) -> None:
        """A weight that must be just this; what it differs by stays unaccounted for."""
        self.left[name][where] = abs(self.params[name][where] - number)

    def linear(self, called: Dense, columns: slice, planned: Read) -> Read:
        """A read of the stream."""
        maps = {space: self.take(called.w, self.rows(space), columns) for space in planned.maps}
        return Read(maps, self.take(called.b, columns))

    # -- blocks ----------------------------------------------------------------------------------

    def block(self, place: int, block: Block) -> Block:
        label = self.graph.labels[self.lowered.place_of_block[place]]
        facts = self.model.alignment.variables[label]
        if isinstance(block, Head):
            return self.head(block, facts.heads)
        where = facts.neurons[0]
        return self.neurons(block, where.layer, *where.neurons)

    def head(self, head: Head, parts: Sequence[HeadPart]) -> Head:
        """A head, some of whose values may be moved by others that score alike."""
        scored = [self.scores(head, part.layer, part.head) for part in parts]
        first = scored[0]
        for other in scored[1:]:
            self.like(first, other)
        values, writes = zip(*(self.values(head, part) for part in parts), strict=True)
        value = Read(
            {space: np.hstack([v.maps[space] for v in values]) for space in head.value.maps},
            np.concatenate([v.bias for v in values]),
        )
        out = self.names.layer(parts[0].layer).linear
        bias = {space: self.take(out.b, self.rows(space)) for space in head.write.bias}
        write = Write({space: np.vstack([w[space] for w in writes]) for space in head.write.maps}, bias)
        return replace(first, value=value, write=write)

    def like(self, one: Head, other: Head) -> None:
        """Two heads that share the values of one block must score alike; a difference stays unaccounted for."""
        pairs = ((one.query, other.query), (one.key, other.key))
        off = [np.abs(a.bias - b.bias).max(initial=0.0) for a, b in pairs]
        off += [np.abs(a.maps[s] - b.maps[s]).max(initial=0.0) for a, b in pairs for s in a.maps]
        off += [abs(one.sink - other.sink), abs((one.log_sink or 0.0) - (other.log_sink or 0.0))]
        if max(off) > 0:
            self.left[f"scores of {one.name}"] = np.array([max(off)])

    def scores(self, head: Head, layer: int, number: int) -> Head:
        """What the weights say of the scores of one head."""
        called, d_head = self.names.layer(layer), self.model.config.d_head
        first, scale = number * d_head, head.scale(d_head)
        scored = slice(first, first + head.query.width)
        query = self.linear(called.query, scored, head.query)
        query = Read({space: matrix / scale for space, matrix in query.maps.items()}, query.bias / scale)
        key = self.linear(called.key, scored, head.key)
        sink = first + head.query.width
        self.exactly(called.key.w, (self.start[BOS], sink), 1.0)
        self.exactly(called.query.w, (self.start[BOS], sink), 2 * scale)
        score = float(self.take(called.query.b, sink))
        raised = None if head.log_sink is None else score / self.model.config.target.score_divisor(d_head)
        at = head.sink if raised is not None else score / scale
        return replace(head, query=query, key=key, sink=at, log_sink=raised)

    def values(self, head: Head, part: HeadPart) -> tuple[Read, dict[str, Matrix]]:
        """The values of a block that one head moves, and where it writes them."""
        called, d_head = self.names.layer(part.layer), self.model.config.d_head
        low, high = part.moved or (0, head.value.width)
        start = part.head * d_head + (part.column or 0)
        columns = slice(start, start + high - low)
        value = self.linear(called.value, columns, head.value)
        return value, {s: self.take(called.linear.w, columns, self.rows(s)) for s in head.write.maps}

    def neurons(self, block: Neurons, layer: int, start: int, stop: int) -> Neurons:
        called, cut = self.names.layer(layer), slice(start, stop)
        read = self.linear(called.linear_1, cut, block.read)
        write = {s: self.take(called.linear_2.w, cut, self.rows(s)) for s in block.write.maps}
        bias = {s: self.take(called.linear_2.b, self.rows(s)) for s in block.write.maps}
        return replace(block, read=read, write=Write(write, bias))

    # -- dimensions that are used again -----------------------------------------------------------

    def sweeps(self) -> None:
        """Neurons that clear a dimension: relu(x) and relu(−x), written back with the other sign."""
        for space in self.model.alignment.spaces.values():
            for dim, layer in space.cleared:
                self.reused.append(self.swept(space.name, dim, layer))

    def swept(self, space: str, dim: int, layer: int) -> Reused:
        """What is left in a dimension once it has been cleared."""
        inward, outward = self.names.layer(layer).linear_1.w, self.names.layer(layer).linear_2.w
        first, second = self.left[inward], self.left[outward]
        kept = [1.0, 1.0]
        for neuron in np.flatnonzero((first[dim] != 0) & (second[:, dim] != 0)):
            w = float(self.take(inward, dim, neuron))
            kept[int(w < 0)] += float(self.take(outward, neuron, dim)) * w
        return Reused(space, dim - self.start[space], dim, layer, (abs(kept[0]), abs(kept[1])))


def located(alignment: Alignment) -> tuple[dict[str, slice], dict[str, int]]:
    """The dimensions of each space, and the stage that writes it, as the alignment says."""
    spaces = alignment.spaces
    dims = {name: slice(*space.dims) for name, space in spaces.items()}
    return dims, {name: space.from_stage for name, space in spaces.items()}


def as_planned(plan: Plan, alignment: Alignment) -> Examined:
    """A plan whose weights were assembled a moment ago: they say what it means."""
    dims, written = located(alignment)
    reused = tuple(
        Reused(sweep.space, sweep.dim - dims[sweep.space].start, sweep.dim, layer, (0.0, 0.0))
        for layer, sweeps in plan.layout.sweeps.items()
        for sweep in sweeps
    )
    lowered = plan.lowered
    said = Actual(lowered.blocks, {**lowered.embeddings, **lowered.positions}, lowered.output, {}, reused)
    return Examined(plan, said, dims, written)


def as_found(plan: Plan, model: Model) -> Examined:
    """A plan beside the weights of a model. Raises InputError where the alignment does not tell where they are."""
    return Examined(plan, actual(model, plan.graph, plan.lowered), *located(model.alignment))
