"""A model run along the edges of its circuit: every channel sums what its edges carry, some of it from another run.

That is the model itself, in float64, while all edges carry what their writers compute now. An edge that is corrupted
carries what its writer computed in a corrupted run instead, so that all that it reaches later is computed anew: the
patching of ACDC, EAP and AutoCircuit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raspc.lab.activations import Floats, embedded_acts
from raspc.lab.circuit import Circuit, Pair
from raspc.lab.frame import framed
from raspc.lab.nodes import Node
from raspc.lab.wires import BOS_NODE, LOGITS, POSITIONS, TOKENS
from raspc.run import forward as run
from raspc.run.arrays import NUMPY
from raspc.run.plain import Ids
from raspc.run.plain import hidden as hidden_of

INPUT = "input"
"""What tools call the embeddings together: those of tokens, positions and BOS."""
EMBEDDINGS = (TOKENS, POSITIONS, BOS_NODE)
FEW = 1 << 22
"""How many numbers the acts of one batch may hold."""


@dataclass(frozen=True, eq=False)
class Engine:
    """A circuit that can be run. `merged`: the embeddings are one node, `input`, as tools have it."""

    circuit: Circuit
    merged: bool

    @cached_property
    def pairs(self) -> dict[Pair, Floats]:
        """The matrix of each edge as tools know it. Parts of `input` stay apart: see `parts`."""
        return {pair: self.circuit.matrix(*pair) for pair in self.circuit.pairs}

    @cached_property
    def parts(self) -> dict[Pair, tuple[Pair, ...]]:
        """The edges that can be corrupted, and which pairs of nodes each of them stands for."""
        found: dict[Pair, list[Pair]] = {}
        for pair in self.circuit.pairs:
            writer = INPUT if self.merged and pair[0] in EMBEDDINGS else pair[0]
            found.setdefault((writer, *pair[1:]), []).append(pair)
        return {edge: tuple(pairs) for edge, pairs in found.items()}

    @cached_property
    def into(self) -> dict[tuple[str, str], list[Pair]]:
        """The pairs that lead to each channel."""
        found: dict[tuple[str, str], list[Pair]] = {}
        for pair in self.pairs:
            found.setdefault((pair[1], pair[2]), []).append(pair)
        return found

    @cached_property
    def biases(self) -> dict[tuple[str, str], Floats]:
        """What each channel reads beside its edges."""
        model, found = self.circuit.model, dict[tuple[str, str], Floats]()
        config, biases = model.config, framed(model).biases
        for node in self.circuit.nodes:
            if node.layer is not None:
                called = config.target.names.layer(node.layer)
                for channel, side in zip("qkv", (called.query, called.key, called.value), strict=True):
                    if node.kind == "head" and node.index is not None:
                        heads = biases[side.b].reshape(config.n_heads, -1)
                        found[node.name, channel] = heads[node.index]
                if node.kind == "mlp":
                    found[node.name, "in"] = biases[called.linear_1.b]
                if node.kind == "neuron" and node.index is not None:
                    found[node.name, "in"] = biases[called.linear_1.b][[node.index]]
        return found | {(LOGITS, "out"): biases[config.target.names.unembed.b]}

    def run(
        self, ids: Ids, other: Mapping[str, Floats] | None = None, corrupted: Collection[Pair] = ()
    ) -> tuple[Floats, dict[str, Floats]]:
        """Logits, and what every node computes [input, position, numbers].

        `other`: what each node computed in the corrupted run, which the edges in `corrupted` carry.
        """
        swapped = {pair for edge in corrupted for pair in self.parts[edge]}
        acts = embedded_acts(self.circuit.model, ids)
        how = run.how(self.circuit.model.config, NUMPY)
        hidden = hidden_of(self.circuit.model.config, ids)
        for node in self.circuit.nodes:
            if node.kind == "bias":
                acts[node.name] = np.ones((*ids.shape, 1))
            elif node.kind in RULES:
                read = {c: self._read(node.name, c, acts, other or {}, swapped, ids) for c in node.channels}
                acts[node.name] = RULES[node.kind](read, hidden, how)
        return acts[LOGITS], acts

    def _read(
        self, node: str, channel: str, acts: Mapping[str, Floats], other: Mapping[str, Floats], swapped: set[Pair],
        ids: Ids,
    ) -> Floats:  # fmt: skip
        bias = self.biases[node, channel]
        total = np.broadcast_to(bias, (*ids.shape, len(bias))).copy()
        for pair in self.into.get((node, channel), ()):
            total += (other if pair in swapped else acts)[pair[0]] @ self.pairs[pair]
        return total

    def rows_at_once(self, width: int) -> int:
        """How many inputs of a width run together."""
        return max(1, FEW // (width * max(width, 1 + sum(self.circuit.rows.values()))))

    @property
    def readers(self) -> Sequence[Node]:
        """The nodes that read the stream."""
        return [node for node in self.circuit.nodes if node.channels]


def _head(read: Mapping[str, Floats], hidden: NDArray[np.bool_] | None, how: run.How) -> Floats:
    scores = (read["q"] @ read["k"].transpose(0, 2, 1) * how.scale)[:, None]
    pattern = how.arrays.softmax(scores, hidden)[:, 0]
    mixed: Floats = pattern @ read["v"]
    return mixed


def _neurons(read: Mapping[str, Floats], hidden: NDArray[np.bool_] | None, how: run.How) -> Floats:
    found: Floats = how.activation(read["in"])
    return found


def _logits(read: Mapping[str, Floats], hidden: NDArray[np.bool_] | None, how: run.How) -> Floats:
    return read["out"]


RULES = {"head": _head, "mlp": _neurons, "neuron": _neurons, "unembedding": _logits}
