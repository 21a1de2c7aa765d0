"""Gated neurons that multiply, where the plain model goes through values (`raspc.blocks.neurons.products`).

A family with gates has these instead of the plain neurons of such a block: behind the neurons that it has as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from raspc.blocks.spaces import BOS, Neurons, Products, Read
from raspc.errors import ModelFormatError
from raspc.plan.plan import Plan
from raspc.stock.frame import Floats
from raspc.target import Names
from raspc.target.families import Family
from raspc.weights.alignment import Alignment, NeuronPart
from raspc.weights.model import Model


@dataclass(frozen=True, eq=False)
class Gated:
    """relu(x·gate + gate_bias)·(x·times + times_bias) @ out, [d_model, n], [n] and [n, d_model].

    In place of the neurons of the plain layer from `start` to `stop`.
    """

    layer: int
    start: int
    stop: int
    gate: Floats
    gate_bias: Floats
    times: Floats
    times_bias: Floats
    out: Floats

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.gate_bias)


@dataclass(frozen=True, eq=False)
class Gates:
    """All gated neurons of a model that multiply. `used`: how many neurons of each plain layer there are in all."""

    gated: tuple[Gated, ...] = ()
    used: tuple[int, ...] = ()

    def of(self, layer: int) -> tuple[Gated, ...]:
        """Those of a layer."""
        return tuple(one for one in self.gated if one.layer == layer)

    def kept(self, layer: int, plain: int) -> list[int]:
        """Which of the `plain` neurons of a layer the family has as they are."""
        if not self.gated:
            return list(range(plain))
        gone = {i for one in self.of(layer) for i in range(one.start, one.stop)}
        return [i for i in range(self.used[layer]) if i not in gone]

    def d_mlp(self, plain: int) -> int:
        """How many neurons the layers of the family need, where those of the plain model have so many."""
        if not self.gated:
            return plain
        loads = (
            len(self.kept(layer, plain)) + sum(one.size for one in self.of(layer)) for layer in range(len(self.used))
        )
        return max(1, *loads)

    def places(self, layer: int, plain: int) -> Iterator[tuple[Gated, slice]]:
        """The gated neurons of a layer, which are its last ones, and where they stand."""
        stop = self.d_mlp(plain)
        for one in reversed(self.of(layer)):
            yield one, slice(stop - one.size, stop)
            stop -= one.size


NONE = Gates()


def gates_in(model: Model, family: Family) -> Gates:
    """The gated neurons that a family has, by the plan of a model. Raises ModelFormatError for an alignment of another
    model."""
    plan = model.plan
    if plan is None or family.gate is None or not any(_products(block) for block in plan.lowered.blocks):
        return NONE
    try:
        found = tuple(_gated(part, block, model.alignment, plan) for part, block in blocks_of(model.alignment, plan))
    except (KeyError, IndexError, ValueError) as error:
        raise ModelFormatError(f"the model's alignment does not fit its plan ({error}); compile it again") from error
    loads = [sum(sweep.size for sweep in plan.layout.sweeps.get(layer, ())) for layer in range(plan.schedule.n_layers)]
    for block, stage in zip(plan.lowered.blocks, plan.schedule.stages, strict=True):
        loads[stage // 2] += block.read.width if isinstance(block, Neurons) else 0
    return Gates(found, tuple(loads))


def _products(block: object) -> Products | None:
    return block.products if isinstance(block, Neurons) else None


def blocks_of(alignment: Alignment, plan: Plan) -> Iterator[tuple[NeuronPart, Neurons]]:
    """The blocks of products of a plan, and where their plain neurons are."""
    of, blocks = plan.lowered.place_of_block, plan.lowered.blocks
    for i, block in enumerate(blocks):
        if isinstance(block, Neurons) and block.products is not None:
            own = [j for j, other in enumerate(blocks) if isinstance(other, Neurons) and of[j] == of[i]]
            yield alignment.variables[plan.graph.labels[of[i]]].neurons[own.index(i)], block


def _gated(part: NeuronPart, block: Neurons, alignment: Alignment, plan: Plan) -> Gated:
    products, dims = block.products, _dims(alignment)
    assert products is not None
    gate, times = (_matrix(read, dims, plan.layout.d_model) for read in (products.gate, products.times))
    out = np.zeros((products.size, plan.layout.d_model))
    for space, matrix in products.out.items():
        out[:, dims[space]] = matrix
    return Gated(part.layer, *part.neurons, gate, products.gate.bias, times, products.times.bias, out)


def _matrix(read: Read, dims: Mapping[str, slice], d_model: int) -> Floats:
    found = np.zeros((d_model, read.width))
    for space, matrix in read.maps.items():
        found[dims[space]] = matrix
    return found


def _dims(alignment: Alignment) -> dict[str, slice]:
    """Where spaces lie, by the alignment."""
    bos = alignment.bos or 0
    return {**{name: slice(*facts.dims) for name, facts in alignment.spaces.items()}, BOS: slice(bos, bos + 1)}


def give_back(params: dict[str, Floats], plan: Plan, alignment: Alignment, names: Names) -> None:
    """Let the plain model go through values again, by what the plan says; the proof looks at the products."""
    dims = _dims(alignment)
    for part, block in blocks_of(alignment, plan):
        called, own = names.layer(part.layer), slice(*part.neurons)
        params[called.linear_1.w][:, own] = _matrix(block.read, dims, plan.layout.d_model)
        params[called.linear_1.b][own] = block.read.bias
        for space, matrix in block.write.maps.items():
            params[called.linear_2.w][own, dims[space]] = matrix
