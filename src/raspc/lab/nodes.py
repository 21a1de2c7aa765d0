"""The nodes of a circuit: parts of a model, each with the variables and selectors of the program that it computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from raspc.lab.frame import Frame
from raspc.lab.spaces import Spaces
from raspc.lab.wires import BOS_NODE, LOGITS, POSITIONS, TOKENS, Tenancy, head_name, mlp_name
from raspc.weights.alignment import Alignment

INPUTS_OF = {"head": ("q", "k", "v"), "mlp": ("in",), "neuron": ("in",), "unembedding": ("out",)}
"""The channels in which a node of each kind reads the stream."""


@dataclass(frozen=True)
class Node:
    """A part of a model.

    `kind`: "embedding", "head", "mlp", "neuron", "bias" or "unembedding". `layer` is None outside layers; `stage`
    counts as in the alignment: −1 the embedding, 2l the attention of layer l, 2l + 1 its MLP, 2·n_layers the
    unembedding. `index`: the number of a head or a neuron. `variables` and `selectors`: what it computes, by the names
    of the program.
    `clears`: the spaces whose directions it clears for others.
    """

    name: str
    kind: str
    layer: int | None
    stage: int
    index: int | None = None
    variables: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels in which it reads the stream; none of an embedding."""
        return INPUTS_OF.get(self.kind, ())


@dataclass(frozen=True)
class ModulePart:
    """A module, and some of the numbers that it gives (where it reads the stream) or reads (where it writes to it).

    Of a table of embeddings `at` are its rows.
    """

    module: str
    at: tuple[int, ...]


def nodes_of(frame: Frame, spaces: Spaces, tenancy: Tenancy, by_neuron: bool) -> Iterator[Node]:
    """Every node, in the order of stages; heads and neurons that only fill up a layer are among them."""
    config, alignment = frame.model.config, frame.model.alignment
    yield Node(TOKENS, "embedding", None, -1, variables=_embedded(frame, spaces, frame.plan.lowered.embeddings))
    if config.target.has_positions:
        yield Node(POSITIONS, "embedding", None, -1, variables=_embedded(frame, spaces, frame.plan.lowered.positions))
    yield Node(BOS_NODE, "embedding", None, -1)
    for layer, widths in enumerate(config.widths):
        called = frame.names.layer(layer)
        for head in range(widths.n_heads):
            variables = _of_head(alignment, layer, head)
            selectors = _selectors(alignment, layer, head)
            yield Node(head_name(layer, head), "head", layer, 2 * layer, head, variables, selectors)
        yield from _bias(frame, called.linear.b, f"a{layer}.bias", layer, 2 * layer)
        if widths.d_mlp:
            yield from _neurons(frame, tenancy, layer) if by_neuron else _mlp(frame, tenancy, layer)
        yield from _bias(frame, called.linear_2.b, f"m{layer}.bias", layer, 2 * layer + 1)
    yield Node(LOGITS, "unembedding", None, 2 * config.n_layers)


def _embedded(frame: Frame, spaces: Spaces, tables: object) -> tuple[str, ...]:
    assert hasattr(tables, "__iter__")
    return tuple(dict.fromkeys(spaces[name].variable for name in tables))


def _bias(frame: Frame, name: str, node: str, layer: int, stage: int) -> Iterator[Node]:
    bias = frame.writes.get(name)
    if bias is not None and bias.any():
        yield Node(node, "bias", layer, stage)


def _of_head(alignment: Alignment, layer: int, head: int) -> tuple[str, ...]:
    return tuple(
        label
        for label, facts in alignment.variables.items()
        if any((part.layer, part.head) == (layer, head) for part in facts.heads)
    )


def _selectors(alignment: Alignment, layer: int, head: int) -> tuple[str, ...]:
    return tuple(
        label
        for label, uses in alignment.selectors.items()
        if any((use.layer, use.head) == (layer, head) for use in uses)
    )


def _of_neurons(alignment: Alignment, layer: int, n: int) -> list[list[str]]:
    """For each neuron of a layer the variables that it computes."""
    found: list[list[str]] = [[] for _ in range(n)]
    for label, facts in alignment.variables.items():
        for part in facts.neurons:
            if part.layer == layer:
                for i in range(part.neurons[0], min(part.neurons[1], n)):
                    found[i].append(label)
    return found


def _mlp(frame: Frame, tenancy: Tenancy, layer: int) -> Iterator[Node]:
    neurons = list(_neurons(frame, tenancy, layer))
    variables = tuple(dict.fromkeys(label for neuron in neurons for label in neuron.variables))
    clears = tuple(dict.fromkeys(space for neuron in neurons for space in neuron.clears))
    yield Node(mlp_name(layer), "mlp", layer, 2 * layer + 1, variables=variables, clears=clears)


def _neurons(frame: Frame, tenancy: Tenancy, layer: int) -> Iterator[Node]:
    stage, written = 2 * layer + 1, tenancy.written(2 * layer + 1)
    known = _of_neurons(frame.model.alignment, layer, frame.model.config.widths[layer].d_mlp)
    writes, cleared = frame.writes[frame.names.layer(layer).linear_2.w], tenancy.clearing(stage)
    for i, (labels, row) in enumerate(zip(known, writes, strict=True)):
        dims = [dim for dim in np.flatnonzero(row).tolist() if dim in cleared] if not labels else []
        clears = tuple(dict.fromkeys(tenancy.names[written[dim]] for dim in dims))
        yield Node(mlp_name(layer, i), "neuron", layer, stage, i, tuple(labels), (), clears)
