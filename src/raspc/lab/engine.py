"""A model run along the edges of its circuit: every channel sums what its edges carry, some of it from another run.

That is the model itself, in float64, while all edges carry what their writers compute now. An edge that is corrupted
carries what its writer computed in a corrupted run instead, so that all that it reaches later is computed anew: the
patching of ACDC, EAP and AutoCircuit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raspc.lab.activations import Floats, embedded_acts
from raspc.lab.circuits import Circuit, Pair
from raspc.lab.frame import Frame, framed
from raspc.lab.wires import BOS_NODE, LOGITS, POSITIONS, TOKENS, inputs_of, outputs_of
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
class Reading:
    """What one channel reads: by which writers, of which directions, how [directions, numbers], and beside them."""

    writers: tuple[str, ...]
    dims: NDArray[np.intp]
    array: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class Engine:
    """A circuit that can be run. `merged`: the embeddings are one node, `input`, as tools have it."""

    circuit: Circuit
    merged: bool

    @cached_property
    def frame(self) -> Frame:
        """The model by named directions."""
        return framed(self.circuit.model)

    @cached_property
    def parts(self) -> dict[Pair, tuple[Pair, ...]]:
        """The edges that can be corrupted, and which pairs of nodes each of them stands for."""
        found: dict[Pair, list[Pair]] = {}
        for pair in self.circuit.pairs:
            writer = INPUT if self.merged and pair[0] in EMBEDDINGS else pair[0]
            found.setdefault((writer, *pair[1:]), []).append(pair)
        return {edge: tuple(pairs) for edge, pairs in found.items()}

    @cached_property
    def writes(self) -> dict[str, Floats]:
        """What each node adds to the stream [numbers, named directions]."""
        return {found.node: found.array for found in outputs_of(self.frame, self.circuit.granularity != "component")}

    @cached_property
    def reads(self) -> dict[tuple[str, str], Reading]:
        """What each channel reads of the stream."""
        by_neuron, biases = self.circuit.granularity != "component", self._biases
        into: dict[tuple[str, str], list[str]] = {}
        for writer, reader, channel in self.circuit.pairs:
            into.setdefault((reader, channel), []).append(writer)
        found = {}
        for one in inputs_of(self.frame, by_neuron):
            where, dims = (one.node, one.channel), np.flatnonzero(one.array.any(axis=1))
            found[where] = Reading(tuple(into.get(where, ())), dims, one.array[dims], biases[where])
        return found

    @cached_property
    def _biases(self) -> dict[tuple[str, str], Floats]:
        """What each channel reads beside its edges."""
        config, biases = self.circuit.model.config, self.frame.biases
        found = {(LOGITS, "out"): biases[config.target.names.unembed.b]}
        for node in self.circuit.nodes:
            if node.layer is None or not node.channels:
                continue
            called = config.target.names.layer(node.layer)
            if node.kind == "head":
                for channel, side in zip("qkv", (called.query, called.key, called.value), strict=True):
                    found[node.name, channel] = biases[side.b].reshape(config.widths[node.layer].n_heads, -1)[
                        node.index
                    ]
            else:
                bias = biases[called.linear_1.b]
                found[node.name, "in"] = bias if node.index is None else bias[[node.index]]
        return found

    def run(
        self, ids: Ids, other: Mapping[str, Floats] | None = None, corrupted: Collection[Pair] = ()
    ) -> tuple[Floats, dict[str, Floats]]:
        """Logits, and what every node computes [input, position, numbers].

        `other`: what each node computed in the corrupted run, which the edges in `corrupted` carry.
        """
        swapped: dict[tuple[str, str], set[str]] = {}
        for writer, reader, channel in (pair for edge in corrupted for pair in self.parts[edge]):
            swapped.setdefault((reader, channel), set()).add(writer)
        how, hidden = run.how(self.circuit.model.config, NUMPY), hidden_of(self.circuit.model.config, ids)
        acts = embedded_acts(self.circuit.model, ids)
        for node in self.circuit.nodes:
            if node.kind == "bias":
                acts[node.name] = np.ones((*ids.shape, 1))
            elif node.kind in RULES:
                where = [(node.name, channel) for channel in node.channels]
                read = {w[1]: self._read(self.reads[w], acts, other or {}, swapped.get(w, set()), ids) for w in where}
                acts[node.name] = RULES[node.kind](read, hidden, how, node.layer)
        return acts[LOGITS], acts

    def _read(
        self, reading: Reading, acts: Mapping[str, Floats], other: Mapping[str, Floats], swapped: set[str], ids: Ids
    ) -> Floats:
        """What one channel reads. Writers are added up in the stream first, where void ones cancel without rounding."""
        stream = np.zeros((*ids.shape, len(reading.dims)))
        for writer in reading.writers:
            stream += (other if writer in swapped else acts)[writer] @ self.writes[writer][:, reading.dims]
        found: Floats = stream @ reading.array + reading.bias
        return found

    def rows_at_once(self, width: int) -> int:
        """How many inputs of a width run together."""
        return max(1, FEW // (width * max(width, 1 + sum(self.circuit.rows.values()))))


def _head(
    read: Mapping[str, Floats], hidden: NDArray[np.bool_] | None, how: run.How, layer: int | None
) -> Floats:  # fmt: skip
    scale = 1.0 if layer is None else how.heads[layer].scale
    scores = (read["q"] @ read["k"].transpose(0, 2, 1) * scale)[:, None]
    pattern = how.arrays.softmax(scores, hidden)[:, 0]
    mixed: Floats = pattern @ read["v"]
    return mixed


def _neurons(
    read: Mapping[str, Floats], hidden: NDArray[np.bool_] | None, how: run.How, layer: int | None
) -> Floats:  # fmt: skip
    found: Floats = how.activation(read["in"])
    return found


def _logits(
    read: Mapping[str, Floats], hidden: NDArray[np.bool_] | None, how: run.How, layer: int | None
) -> Floats:  # fmt: skip
    return read["out"]


RULES = {"head": _head, "mlp": _neurons, "neuron": _neurons, "unembedding": _logits}
