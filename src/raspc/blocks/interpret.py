"""Running blocks without weights: oracle 2. Float64, one named array for each space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, Head, Matrix, Neurons, Read, Write
from raspc.graph.evaluate import Batch


@dataclass(frozen=True, eq=False)
class Stream:
    """The residual stream by space, [B, T + 1, dim], BOS first."""

    spaces: dict[str, Matrix]

    def read(self, read: Read) -> Matrix:
        """[B, T + 1, width]."""
        shape = self.spaces[BOS].shape[:2]
        total = np.zeros((*shape, read.width)) + read.bias
        for space, matrix in read.maps.items():
            total = total + self.spaces[space] @ matrix
        return total

    def write(self, numbers: Matrix, write: Write) -> None:
        """Add to the spaces what a block writes."""
        for space, matrix in write.maps.items():
            self.spaces[space] = self.spaces[space] + numbers @ matrix + write.bias.get(space, 0.0)


def run_blocks(lowered: Lowered, batch: Batch) -> Matrix:
    """[B, T + 1, outputs]: what the output reads, after all blocks in order."""
    stream = _embedded(lowered, batch)
    for block in lowered.blocks:
        if isinstance(block, Head):
            _run_head(stream, block, batch)
        else:
            _run_neurons(stream, block)
    return stream.read(lowered.output)


def _embedded(lowered: Lowered, batch: Batch) -> Stream:
    rows, width = batch.ids.shape
    spaces = {space.name: np.zeros((rows, width + 1, len(space))) for space in lowered.spaces}
    spaces[BOS][:, 0] = 1.0
    for name, table in lowered.embeddings.items():
        spaces[name][:, 1:] += np.where((batch.ids >= 0)[:, :, None], table[np.maximum(batch.ids, 0)], 0.0)
    for name, table in lowered.positions.items():
        spaces[name][:, 1:] += table[:width]
    return Stream(spaces)


def _run_head(stream: Stream, head: Head, batch: Batch) -> None:
    query, key, value = stream.read(head.query), stream.read(head.key), stream.read(head.value)
    scores = head.sharpness * query @ key.transpose(0, 2, 1)
    is_bos = stream.spaces[BOS][:, :, 0]
    sink = head.sharpness * head.sink if head.log_sink is None else head.log_sink
    scores += is_bos[:, None, :] * (sink + 2 * head.sharpness * is_bos[:, :, None])
    scores[~_visible(batch)] = -np.inf
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    stream.write(weights @ value, head.write)


def _visible(batch: Batch) -> NDArray[np.bool_]:
    rows, width = batch.ids.shape
    real = np.hstack([np.ones((rows, 1), bool), batch.real])
    visible = np.broadcast_to(real[:, None, :], (rows, width + 1, width + 1))
    return visible & np.tri(width + 1, dtype=bool) if batch.causal else visible.copy()


def _run_neurons(stream: Stream, neurons: Neurons) -> None:
    stream.write(np.maximum(stream.read(neurons.read), 0.0), neurons.write)
