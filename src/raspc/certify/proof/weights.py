"""Reading the blocks back off the weights of a model, where its alignment says that they are.

What is proved of a model is proved of these, and of nothing that was planned: of each head and neuron all columns are
read, whatever they read, and each weight that no block accounts for is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, Block, Head, Matrix, Neurons, Products, Read, Write
from raspc.certify.proof.examined import Actual, Examined, Reused
from raspc.certify.proof.framed import links_of_family, loose_of
from raspc.certify.proof.placed import off_places
from raspc.certify.proof.tenants import EMPTY, Tenants, leases_of
from raspc.certify.proof.turned import turning_of
from raspc.errors import InputError
from raspc.graph.nodes import Graph
from raspc.plan.plan import Plan
from raspc.stock.model import gated_of
from raspc.stock.multiplying import Gated
from raspc.stock.turning import without_last
from raspc.target import Dense, Names
from raspc.weights.alignment import HeadPart, NeuronPart, VariableFacts
from raspc.weights.model import Model


def examined(plan: Plan, model: Model) -> Examined:
    """A plan beside the weights of a model; of a stock family's, those of the plain model that they hold.

    Raises InputError where the alignment does not tell where they are.
    """
    plain, added = model.plain, tuple(links_of_family(model, plan.options.precision))
    found, loose = actual(plain, plan.graph, plan.lowered, gated_of(model)), loose_of(model)
    turned = turning_of(model, loose)
    blocks = tuple(
        unturned(block, turned[place].columns) if isinstance(block, Head) and place in turned else block
        for place, block in zip(plan.lowered.place_of_block, found.blocks, strict=True)
    )
    off = off_places(model, loose, plan.options.precision)
    return Examined(plan, model.as_written, plain.config, replace(found, blocks=blocks), loose, added, turned, off)


def unturned(head: Head, columns: int) -> Head:
    """A head without its last score directions, for which the family has a rotation."""
    return replace(head, query=without_last(head.query, columns), key=without_last(head.key, columns))


def actual(model: Model, graph: Graph, lowered: Lowered, gated: Sequence[Gated] = ()) -> Actual:
    """The blocks of a plan with the numbers of the model's weights. `gated`: what a family multiplies in place of some.

    Raises InputError where the alignment does not tell where they are.
    """
    try:
        return _Reader(model, graph, lowered, gated).read()
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(f"the model's alignment does not fit its graph ({error}); compile it again") from error


@dataclass
class _Reader:
    model: Model
    graph: Graph
    lowered: Lowered
    gated: Sequence[Gated] = ()
    left: dict[str, Matrix] = field(default_factory=dict)

    def read(self) -> Actual:
        self.params = {name: np.asarray(array, np.float64) for name, array in self.model.params.items()}
        self.left = {name: np.abs(array) for name, array in self.params.items()}
        tables = self.tables()
        blocks = tuple(self.block(i, block) for i, block in enumerate(self.lowered.blocks))
        output = self.linear(self.names.unembed, slice(None), 2 * self.model.config.n_layers)
        reused = tuple(self.swept(*sweep) for sweep in self.sweeps)
        stray = {name: float(left.max()) for name, left in self.left.items() if left.size and left.any()}
        disputes = (*self.tenants.disputes(), *self.written_twice())
        return Actual(blocks, self.stages, tables, output, stray, disputes, reused, self.dims, self.written)

    @property
    def names(self) -> Names:
        return self.model.config.target.names

    # -- where everything is ---------------------------------------------------------------------

    @cached_property
    def bos(self) -> int:
        """The dimension of BOS."""
        if self.model.alignment.bos is None:
            raise ValueError("it does not tell the dimension of BOS")
        return self.model.alignment.bos

    @cached_property
    def dims(self) -> dict[str, slice]:
        """The dimensions of each space of the plan."""
        spaces = self.model.alignment.spaces
        found = {BOS: slice(self.bos, self.bos + 1)}
        for space in self.lowered.spaces:
            if space.name != BOS:
                found[space.name] = slice(*spaces[space.name].dims)
        if any(len(space) != found[space.name].stop - found[space.name].start for space in self.lowered.spaces):
            raise ValueError("a space has another size")
        if any(not 0 <= cut.start <= cut.stop <= self.model.config.d_model for cut in found.values()):
            raise ValueError("a space lies outside the stream")
        return found

    @cached_property
    def stages(self) -> tuple[int, ...]:
        """The stage of each block."""
        return tuple(self.stage(i, block) for i, block in enumerate(self.lowered.blocks))

    def stage(self, place: int, block: Block) -> int:
        layers = {part.layer for part in (self.facts(place).heads if isinstance(block, Head) else [self.part(place)])}
        if len(layers) != 1:
            raise ValueError(f"{block.name} is computed in {len(layers)} layers")
        return 2 * layers.pop() + isinstance(block, Neurons)

    def facts(self, place: int) -> VariableFacts:
        return self.model.alignment.variables[self.graph.labels[self.lowered.place_of_block[place]]]

    def part(self, place: int) -> NeuronPart:
        """The neurons of a block; of several blocks of one variable each has its own, in their order."""
        of = self.lowered.place_of_block
        own = [i for i, block in enumerate(self.lowered.blocks) if isinstance(block, Neurons) and of[i] == of[place]]
        return self.facts(place).neurons[own.index(place)]

    @cached_property
    def written(self) -> dict[str, int]:
        """The stage after which each space is there."""
        found = dict.fromkeys((BOS, *self.lowered.embeddings, *self.lowered.positions), -1)
        for block, stage in zip(self.lowered.blocks, self.stages, strict=True):
            found |= dict.fromkeys(block.write.maps, stage)
        return found

    def written_twice(self) -> Iterator[str]:
        """Spaces of more than one writer."""
        seen = {BOS}
        tables = (self.lowered.embeddings, self.lowered.positions)
        for written in (*tables, *(block.write.maps for block in self.lowered.blocks)):
            yield from (f"{space} over {space}" for space in written if space in seen)
            seen |= set(written)

    @cached_property
    def sweeps(self) -> list[tuple[str, int, int]]:
        """(space, dimension, layer) of all that is cleared."""
        spaces = self.model.alignment.spaces.values()
        return [(space.name, *cleared) for space in spaces if space.name in self.dims for cleared in space.cleared]

    @cached_property
    def tenants(self) -> Tenants:
        cleared = {(space, dim): 2 * layer + 1 for space, dim, layer in self.sweeps}
        return Tenants(leases_of(self.dims, self.written, cleared), self.model.config.d_model)

    @cached_property
    def _held(self) -> dict[int, Any]:
        return {}

    def held(self, stage: int) -> Any:
        """The tenants before a stage."""
        if stage not in self._held:
            self._held[stage] = self.tenants.before(stage)
        return self._held[stage]

    # -- parameters ------------------------------------------------------------------------------

    def take(self, name: str, *where: Any) -> Matrix:
        """A part of a parameter, which is then accounted for."""
        self.left[name][where] = 0.0
        part: Matrix = self.params[name][where]
        return part

    def exactly(self, name: str, where: tuple[int, int], number: float) -> None:
        """A weight that must be just this; what it differs by stays unaccounted for."""
        self.left[name][where] = abs(self.params[name][where] - number)

    def tables(self) -> dict[str, Matrix]:
        tokens, positions = self.model.config.target.tables()
        many, longest = len(self.graph.vocab), self.graph.max_seq_len
        found = {space: self.take(tokens, slice(0, many), self.dims[space]) for space in self.lowered.embeddings}
        found |= {
            space: self.take(positions, slice(1, longest + 1), self.dims[space]) for space in self.lowered.positions
        }
        self.exactly(tokens, (self.model.config.bos_id, self.bos), 1.0)
        return found

    def linear(self, called: Dense, columns: slice, stage: int) -> Read:
        """All that some columns of a linear map read of the stream, by the spaces that it holds then.

        What they read of a dimension that holds nothing stays unaccounted for.
        """
        weights, held = self.params[called.w][:, columns], self.held(stage)
        self.left[called.w][np.flatnonzero(held != EMPTY), columns] = 0.0
        return Read(self.by_space(weights, stage), self.take(called.b, columns))

    def by_space(self, weights: Matrix, stage: int) -> dict[str, Matrix]:
        """The rows of a linear map by the spaces that the stream holds before a stage."""
        held, maps = self.held(stage), dict[str, Matrix]()
        rows = np.flatnonzero(weights.any(axis=1))
        for number in np.unique(held[rows]):
            if number == EMPTY:
                continue
            lease = self.tenants.leases[number]
            own = (held[lease.dims] == number)[:, None]
            maps[lease.space] = np.where(own, weights[lease.dims], 0.0)
        return maps

    # -- blocks ----------------------------------------------------------------------------------

    def block(self, place: int, block: Block) -> Block:
        if isinstance(block, Head):
            return self.head(block, self.facts(place).heads)
        where = self.part(place)
        return self.neurons(block, where.layer, *where.neurons)

    def head(self, head: Head, parts: Sequence[HeadPart]) -> Head:
        """A head, some of whose values may be moved by others that score alike."""
        scored = [self.scores(head, part.layer, part.head) for part in parts]
        first = scored[0]
        for other in scored[1:]:
            self.like(first, other)
        values, writes = zip(*(self.values(head, part) for part in parts), strict=True)
        out = self.names.layer(parts[0].layer).linear
        bias = {space: self.take(out.b, self.dims[space]) for space in head.write.maps}
        write = Write({space: np.vstack([w[space] for w in writes]) for space in head.write.maps}, bias)
        return replace(first, value=_side_by_side(values), write=write)

    def like(self, one: Head, other: Head) -> None:
        """Two heads that share the values of one block must score alike; a difference stays unaccounted for."""
        off = [_distance(one.query, other.query), _distance(one.key, other.key)]
        off += [abs(one.sink - other.sink), abs((one.log_sink or 0.0) - (other.log_sink or 0.0))]
        if max(off) > 0:
            self.left[f"scores of {one.name}"] = np.array([max(off)])

    def scores(self, head: Head, layer: int, number: int) -> Head:
        """What the weights say of the scores of one head."""
        called, config = self.names.layer(layer), self.model.config
        widths, width = config.widths[layer], head.query.width
        if not number < widths.n_heads or not width < widths.d_head:
            raise ValueError(f"{head.name} is no head of the layer")
        divisor = config.target.score_divisor(widths.d_head)
        first, scale = number * widths.d_head, head.scale(divisor)
        scored, sink = slice(first, first + width), first + width
        query, key = (self.linear(side, scored, 2 * layer) for side in (called.query, called.key))
        query = Read({space: matrix / scale for space, matrix in query.maps.items()}, query.bias / scale)
        self.exactly(called.key.w, (self.bos, sink), 1.0)
        self.exactly(called.query.w, (self.bos, sink), head.own * scale)
        score = float(self.take(called.query.b, sink))
        raised = None if head.log_sink is None else score / divisor
        return replace(head, query=query, key=key, sink=0.0 if raised is not None else score / scale, log_sink=raised)

    def values(self, head: Head, part: HeadPart) -> tuple[Read, dict[str, Matrix]]:
        """The values of a block that one head moves, and where it writes them."""
        called, d_head = self.names.layer(part.layer), self.model.config.widths[part.layer].d_head
        low, high = part.moved or (0, head.value.width)
        start = part.column or 0
        if not 0 <= low <= high <= d_head - start + low:
            raise ValueError(f"{head.name} moves more than its head holds")
        columns = slice(part.head * d_head + start, part.head * d_head + start + high - low)
        value = self.linear(called.value, columns, 2 * part.layer)
        return value, {s: self.take(called.linear.w, columns, self.dims[s]) for s in head.write.maps}

    def neurons(self, block: Neurons, layer: int, start: int, stop: int) -> Neurons:
        called, cut = self.names.layer(layer), slice(start, stop)
        read = self.linear(called.linear_1, cut, 2 * layer + 1)
        write = {s: self.take(called.linear_2.w, cut, self.dims[s]) for s in block.write.maps}
        bias = {s: self.take(called.linear_2.b, self.dims[s]) for s in block.write.maps}
        return replace(block, read=read, write=Write(write, bias), products=self.products(block, layer, start))

    def products(self, block: Neurons, layer: int, start: int) -> Products | None:
        """What a family multiplies in place of these neurons; None where it has them."""
        one = next((one for one in self.gated if (one.layer, one.start) == (layer, start)), None)
        if one is None:
            return None
        stage = 2 * layer + 1
        gate = Read(self.by_space(one.gate, stage), one.gate_bias)
        times = Read(self.by_space(one.times, stage), one.times_bias)
        return Products(gate, times, {space: one.out[:, self.dims[space]] for space in block.write.maps})

    # -- dimensions that are used again -----------------------------------------------------------

    def swept(self, space: str, dim: int, layer: int) -> Reused:
        """What is left in a dimension once neurons have cleared it: relu(x) and relu(−x), with the other sign."""
        inward, outward = self.names.layer(layer).linear_1.w, self.names.layer(layer).linear_2.w
        first, second = self.left[inward], self.left[outward]
        kept, least = [1.0, 1.0], np.inf
        for neuron in np.flatnonzero((first[dim] != 0) & (second[:, dim] != 0)):
            w = float(self.take(inward, dim, neuron))
            kept[int(w < 0)] += float(self.take(outward, neuron, dim)) * w
            least = min(least, abs(w))
        return Reused(space, dim - self.dims[space].start, dim, layer, (abs(kept[0]), abs(kept[1])), least)


def _side_by_side(reads: Sequence[Read]) -> Read:
    """Several reads as one; each has its own part of what they read."""
    maps: dict[str, Matrix] = {}
    for space in dict.fromkeys(space for read in reads for space in read.maps):
        rows = next(len(read.maps[space]) for read in reads if space in read.maps)
        maps[space] = np.hstack([read.maps.get(space, np.zeros((rows, read.width))) for read in reads])
    return Read(maps, np.concatenate([read.bias for read in reads]))


def _distance(one: Read, other: Read) -> float:
    """How far apart the weights of two reads are."""
    spaces = {*one.maps, *other.maps}
    pairs = [(one.maps.get(space, np.zeros(1)), other.maps.get(space, np.zeros(1))) for space in spaces]
    off = [float(np.abs(a - b).max(initial=0.0)) for a, b in (*pairs, (one.bias, other.bias))]
    return max(off)
