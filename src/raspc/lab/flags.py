"""What is told of an edge beside its matrix: does what it carries vary, does anybody read it in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from raspc.lab.activations import Floats
from raspc.lab.edges import Edge
from raspc.lab.nodes import Node
from raspc.lab.wires import LOGITS

SAME = 1e-7
"""What is carried is the same if it differs by no more than this part of the largest that the channel reads."""


def flagged(
    edges: Sequence[Edge], nodes: Sequence[Node], acts: Mapping[str, Floats], lengths: NDArray[np.int64],
    alive: Mapping[tuple[str, str], NDArray[np.bool_]],
) -> Iterator[Edge]:  # fmt: skip
    """The edges with all their flags.

    `acts`: of each node on some inputs of these `lengths`, at BOS first. `alive`: see `living_columns`.
    """
    clearing = {node.name for node in nodes if node.clears and not node.variables}
    spread = _Spread(acts, lengths)
    scale: dict[tuple[str, str], float] = {}
    for edge in edges:
        where = edge.reader, edge.channel
        scale[where] = max(scale.get(where, 0.0), spread.largest(edge))
    for edge in edges:
        found = set(edge.flags) | {spread.of(edge, scale[edge.reader, edge.channel])}
        if edge.reader in clearing or edge.writer in clearing:
            found.add("clearing")
        elif not edge.matrix[:, alive[edge.reader, edge.channel]].any():
            found.add("inert")
        yield replace(edge, flags=frozenset(found))


class _Spread:
    """How what edges carry differs between inputs and between positions; kept for each writer."""

    def __init__(self, acts: Mapping[str, Floats], lengths: NDArray[np.int64]) -> None:
        self.acts = {name: act[:, 1:] for name, act in acts.items()}
        widest = max((act.shape[1] for act in self.acts.values()), default=0)
        self.real = np.arange(widest) < lengths[:, None]
        self.known: dict[str, tuple[Floats, Floats, Floats]] = {}

    def directions(self, writer: str) -> tuple[Floats, Floats, Floats]:
        """Bases [.., numbers] of differences between inputs at one position, between positions; and of all values."""
        if writer not in self.known:
            act = self.acts[writer]
            firsts = self.real.argmax(axis=0)
            at = act - act[firsts, np.arange(act.shape[1])]
            anywhere = act - act[0, 0]
            self.known[writer] = tuple(_spanning(one[self.real]) for one in (at, anywhere, act))  # type: ignore[assignment]
        return self.known[writer]

    def largest(self, edge: Edge) -> float:
        """The largest number that the edge carries."""
        return _most(self.directions(edge.writer)[2], edge)

    def of(self, edge: Edge, scale: float) -> str:
        """The flag."""
        inputs, positions, _ = self.directions(edge.writer)
        if _most(inputs, edge) > SAME * scale:
            return "varying"
        return "positional" if _most(positions, edge) > SAME * scale else "constant"


def _most(rows: Floats, edge: Edge) -> float:
    return float(np.abs(rows @ edge.matrix).max(initial=0.0)) if len(rows) else 0.0


def _spanning(rows: Floats) -> Floats:
    """Distinct rows; where many, a few that span the others at their size."""
    found = np.unique(rows, axis=0)
    if len(found) <= 4 * found.shape[1]:
        return found
    _, s, v = np.linalg.svd(found, full_matrices=False)
    spanning: Floats = s[:, None] * v / np.sqrt(len(found))
    return spanning


def living_columns(
    edges: Sequence[Edge], columns: Mapping[tuple[str, str], int], rows: Mapping[str, int], by_head: Mapping[str, int]
) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """For each (node, channel) which of the numbers that are read have a part in the answer, in the end.

    A number that a head moves, or a neuron computes, has one if what is written of it is read by such a number in turn,
    as the program means it: what is void, or interference, gives no part in the answer. Edges come in the order of
    stages. `columns` and `rows`: how many numbers each channel reads, each node writes. `by_head`: the nodes that are
    heads.
    """
    alive = {where: np.full(size, where[0] == LOGITS) for where, size in columns.items()}
    written = {node: np.zeros(size, bool) for node, size in rows.items()}
    for edge in sorted(edges, key=lambda edge: -_stage(edge.writer)):
        if edge.flags & {"void", "interference"}:
            continue
        # all readers of this writer's later stages are settled, since edges run forward
        written[edge.writer] |= edge.matrix[:, _settled(edge, alive, written, by_head)].any(axis=1)
    for (node, channel), own in alive.items():
        own |= _column(node, channel, len(own), written, by_head)
    return alive


def _settled(
    edge: Edge, alive: Mapping[tuple[str, str], NDArray[np.bool_]], written: Mapping[str, NDArray[np.bool_]],
    by_head: Mapping[str, int],
) -> NDArray[np.bool_]:  # fmt: skip
    own = alive[edge.reader, edge.channel]
    return own | _column(edge.reader, edge.channel, len(own), written, by_head)


def _column(
    node: str, channel: str, size: int, written: Mapping[str, NDArray[np.bool_]], by_head: Mapping[str, int]
) -> NDArray[np.bool_]:
    """A value that a head moves, or a neuron, lives as what is written of it; queries and keys as any of these."""
    if node not in written:
        return np.zeros(size, bool)
    if node in by_head and channel != "v":
        return np.full(size, written[node].any())
    return written[node]


def _stage(node: str) -> int:
    """The stage of a node by its name: a1.h0 is 2, m1.n3 is 3, embeddings are −1."""
    head = node.split(".")[0]
    return 2 * int(head[1:]) + (head[0] == "m") if head[0] in "am" and head[1:].isdigit() else -1
