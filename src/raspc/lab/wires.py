"""The two ends of every edge: what each part of a model writes to the stream, and what each part reads of it.

A part is a table of embeddings, a head, an MLP or one of its neurons, a bias of these, or the unembedding. The stream
is read by a head in three channels, q, k and v, by an MLP in one, `in`, and by the unembedding in one, `out`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from raspc.lab.frame import Frame, Matrix
from raspc.lab.spaces import Spaces

Granularity = Literal["component", "neuron", "direction"]
GRANULARITIES: tuple[Granularity, ...] = ("component", "neuron", "direction")

TOKENS, POSITIONS, BOS_NODE, LOGITS = "tokens", "positions", "bos", "logits"
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Output:
    """What a node adds to the stream at a stage: `array` [numbers that the node computes, named directions]."""

    node: str
    stage: int
    array: Matrix


@dataclass(frozen=True, eq=False)
class Input:
    """What a node reads of the stream in one channel: `array` [named directions, numbers that are read]."""

    node: str
    channel: str
    stage: int
    array: Matrix


def head_name(layer: int, head: int) -> str:
    """As EAP-IG and MIB call it."""
    return f"a{layer}.h{head}"


def mlp_name(layer: int, neuron: int | None = None) -> str:
    """The same for an MLP, or one of its neurons."""
    return f"m{layer}" if neuron is None else f"m{layer}.n{neuron}"


def outputs_of(frame: Frame, by_neuron: bool) -> Iterator[Output]:
    """All that is written, in the order of stages."""
    config, names = frame.model.config, frame.names
    tokens = frame.writes[names.token_embed].copy()
    bos = tokens[[config.bos_id]].copy()
    tokens[config.bos_id] = 0.0
    yield Output(TOKENS, -1, tokens)
    if config.target.has_positions:
        yield Output(POSITIONS, -1, frame.writes[names.pos_embed])
    yield Output(BOS_NODE, -1, bos)
    for layer, (n_heads, d_head, d_mlp) in enumerate(config.widths):
        called = names.layer(layer)
        if n_heads:
            heads = frame.writes[called.linear.w].reshape(n_heads, d_head, -1)
            yield from (Output(head_name(layer, i), 2 * layer, head) for i, head in enumerate(heads))
            yield from _bias(frame, called.linear.b, f"a{layer}.bias", 2 * layer)
        if d_mlp:
            yield from _neurons(layer, frame.writes[called.linear_2.w], by_neuron)
            yield from _bias(frame, called.linear_2.b, f"m{layer}.bias", 2 * layer + 1)


def _neurons(layer: int, rows: Matrix, by_neuron: bool) -> Iterator[Output]:
    """What the neurons of a layer write, each by itself or all together."""
    if by_neuron:
        yield from (Output(mlp_name(layer, i), 2 * layer + 1, row[None]) for i, row in enumerate(rows))
    else:
        yield Output(mlp_name(layer), 2 * layer + 1, rows)


def _bias(frame: Frame, name: str, node: str, stage: int) -> Iterator[Output]:
    bias = frame.writes.get(name)
    if bias is not None and bias.any():
        yield Output(node, stage, bias[None])


def inputs_of(frame: Frame, by_neuron: bool) -> Iterator[Input]:
    """All that is read, in the order of stages."""
    config, names = frame.model.config, frame.names
    for layer, (n_heads, d_head, d_mlp) in enumerate(config.widths):
        called = names.layer(layer)
        sides = {"q": called.query, "k": called.key, "v": called.value}
        for head in range(n_heads):
            columns = slice(head * d_head, (head + 1) * d_head)
            for channel, side in sides.items():
                yield Input(head_name(layer, head), channel, 2 * layer, frame.reads[side.w][:, columns])
        if not d_mlp:
            continue
        neurons = frame.reads[called.linear_1.w]
        if by_neuron:
            yield from (
                Input(mlp_name(layer, i), "in", 2 * layer + 1, column[:, None]) for i, column in enumerate(neurons.T)
            )
        else:
            yield Input(mlp_name(layer), "in", 2 * layer + 1, neurons)
    yield Input(LOGITS, "out", 2 * config.n_layers, frame.reads[names.unembed.w])


@dataclass(frozen=True, eq=False)
class Tenancy:
    """Which space each named direction belongs to: by the stage that writes it, and before the stage that reads it.

    `names`: of the spaces, by which they are numbered; `NOBODY` stands for none.
    """

    names: tuple[str, ...]
    spaces: Spaces
    frame: Frame

    @classmethod
    def of(cls, frame: Frame, spaces: Spaces) -> Tenancy:
        """Of a model."""
        return cls(tuple(spaces), spaces, frame)

    def written(self, stage: int) -> NDArray[np.intp]:
        """[D]: the space that a stage writes in each direction, or that it clears away there."""
        found = self._empty()
        for number, name in enumerate(self.names):
            space = self.spaces[name]
            if space.from_stage == stage:
                found[list(space.dims)] = number
            for dim in self._cleared(name, stage):
                found[dim] = number
        return found

    def held(self, stage: int) -> NDArray[np.intp]:
        """[D]: the space that each direction holds before a stage."""
        found = self._empty()
        for number, name in enumerate(self.names):
            space = self.spaces[name]
            if space.from_stage < stage:
                ends = self._ends(name)
                there = [dim for dim in space.dims if stage <= ends.get(dim, stage)]
                found[there] = number
        return found

    def clearing(self, stage: int) -> set[int]:
        """The directions that a stage clears."""
        return {dim for name in self.names for dim in self._cleared(name, stage)}

    def _empty(self) -> NDArray[np.intp]:
        return np.full(len(self.frame.basis), NOBODY)

    def _ends(self, name: str) -> dict[int, int]:
        """For each direction of a space that is cleared the stage that clears it."""
        facts = self.frame.spaces.get(name)
        return {} if facts is None else {dim: 2 * layer + 1 for dim, layer in facts.cleared}

    def _cleared(self, name: str, stage: int) -> list[int]:
        return [dim for dim, end in self._ends(name).items() if end == stage]
