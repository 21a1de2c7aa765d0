"""The forward pass for large batches: what is zero is not computed, and equal states are computed once.

Compiled weights are mostly zeros: heads that only fill up a layer, neurons that others need, dimensions that
nobody reads. And of the many positions of a batch only few are in different states. The result is that of
`raspc.weights.forward`, up to the order of float32 sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raspc.weights.config import Config
from raspc.weights.forward import Ids, Layer, Linear, Weights, hidden_keys
from raspc.weights.params import Array

WORTH_SHARING = 4096
"""Equal states are sought where the MLP takes at least this many multiplications for one position."""


@dataclass(frozen=True, eq=False)
class Head:
    """The columns of one head in the projection of its layer; the last value column is constantly 1."""

    query: slice
    key: slice
    value: slice


@dataclass(frozen=True, eq=False)
class FastLayer:
    """The live parts of a layer. `mlp` is None where no neuron can be active."""

    project: Linear
    heads: tuple[Head, ...]
    combine: Linear
    reads: Ids
    mlp: tuple[Linear, Linear] | None
    constant: Array


@dataclass(frozen=True, eq=False)
class FastWeights:
    """The live parts of a model."""

    weights: Weights
    layers: tuple[FastLayer, ...]

    @property
    def widest(self) -> int:
        """How many numbers the widest activation has for one position."""
        widths: list[int] = [layer.mlp[0].w.shape[1] for layer in self.layers if layer.mlp]
        widths += [layer.project.w.shape[1] for layer in self.layers]
        return max(self.weights.config.d_model, *widths)


def prune(weights: Weights) -> FastWeights:
    """Leave out what contributes nothing, whatever the input."""
    return FastWeights(weights, tuple(_prune_layer(layer, weights.config) for layer in weights.layers))


def _prune_layer(layer: Layer, config: Config) -> FastLayer:
    columns, heads, rows = _live_heads(layer, config)
    project = Linear(
        np.concatenate([np.zeros((config.d_model, 0), layer.query.w.dtype), *(w for w, _ in columns)], axis=1),
        np.concatenate([np.zeros(0, layer.query.w.dtype), *(b for _, b in columns)]),
    )
    reads, mlp = _live_neurons(layer)
    return FastLayer(project, heads, Linear(layer.linear.w[rows], layer.linear.b), reads, mlp, layer.linear_2.b)


def _live_heads(layer: Layer, config: Config) -> tuple[list[tuple[Array, Array]], tuple[Head, ...], list[int]]:
    """The columns to project to, where each head finds its own, and the rows of `linear` that are used."""
    columns: list[tuple[Array, Array]] = []
    heads: list[Head] = []
    rows: list[int] = []
    one = np.zeros((config.d_model, 1), layer.query.w.dtype), np.ones(1, layer.query.w.dtype)

    def add(*parts: tuple[Array, Array]) -> slice:
        start = sum(b.size for _, b in columns)
        columns.extend(parts)
        return slice(start, sum(b.size for _, b in columns))

    for i in range(config.n_heads):
        part = np.arange(i * config.d_head, (i + 1) * config.d_head)
        scored = part[_used(layer.query, part) & _used(layer.key, part)]
        moved = part[_used(layer.value, part) & layer.linear.w[part].any(1)]
        if moved.size:
            query, key = (add((linear.w[:, scored], linear.b[scored])) for linear in (layer.query, layer.key))
            heads.append(Head(query, key, add((layer.value.w[:, moved], layer.value.b[moved]), one)))
            rows.extend(moved.tolist())
    return columns, tuple(heads), rows


def _used(linear: Linear, columns: Ids) -> npt.NDArray[np.bool_]:
    """True for the columns that are not constantly 0."""
    used: npt.NDArray[np.bool_] = linear.w[:, columns].any(0) | (linear.b[columns] != 0)
    return used


def _live_neurons(layer: Layer) -> tuple[Ids, tuple[Linear, Linear] | None]:
    """The dimensions that the MLP reads, and its neurons that can be active and are read."""
    first, second = layer.linear_1, layer.linear_2
    live = second.w.any(1) & (first.w.any(0) | (first.b > 0))
    reads = np.flatnonzero(first.w[:, live].any(1))
    if not live.any():
        return reads, None
    weights = np.ascontiguousarray(first.w[np.ix_(reads, live)])
    return reads, (Linear(weights, first.b[live]), Linear(second.w[live], second.b))


def forward(fast: FastWeights, ids: Ids) -> Array:
    """The logits [batch, position, d_vocab_out] of a batch of ids [batch, position]."""
    weights = fast.weights
    x: Array = weights.token_embed[ids]
    x += weights.pos_embed[: ids.shape[1]]
    hidden = hidden_keys(weights.config, ids, x.dtype)
    flat = x.reshape(-1, x.shape[-1])
    for layer in fast.layers:
        flat += _attention(layer, x, None if hidden is None else hidden[:, 0], weights.config)
        flat += _mlp(layer, flat)
    return weights.unembed(flat).reshape(*ids.shape, -1)


def _attention(layer: FastLayer, x: Array, hidden: Array | None, config: Config) -> Array:
    """What the heads add to the stream, [batch · position, d_model]."""
    if not layer.heads:
        return layer.combine.b
    batch, length, _ = x.shape
    scale = np.asarray(1 / math.sqrt(config.d_head), x.dtype)
    projected = layer.project(x.reshape(batch * length, -1)).reshape(batch, length, -1)
    mixed = [_head(head, projected, hidden, scale) for head in layer.heads]
    joined = mixed[0] if len(mixed) == 1 else np.concatenate(mixed, axis=-1)
    return layer.combine(joined.reshape(batch * length, -1))


def _head(head: Head, projected: Array, hidden: Array | None, scale: Array) -> Array:
    """One head's mix of values. The column of ones sums the powers, so that the quotient is taken last."""
    powers: Array = projected[..., head.query] @ projected[..., head.key].swapaxes(-1, -2)
    powers *= scale
    if hidden is not None:
        powers += hidden
    powers -= powers.max(-1, keepdims=True)
    np.exp(powers, out=powers)
    mixed: Array = powers @ projected[..., head.value]
    quotient: Array = mixed[..., :-1] / mixed[..., -1:]
    return quotient


def _mlp(layer: FastLayer, x: Array) -> Array:
    """What the neurons add to the stream [row, d_model]."""
    if layer.mlp is None:
        return layer.constant
    first, second = layer.mlp
    state: Array = np.take(x, layer.reads, axis=1)
    if first.w.size + second.w.size < WORTH_SHARING:
        return second(_relu(first(state)))
    distinct, place = _distinct(state)
    found: Array = second(_relu(first(distinct)))
    return found if place is None else found[place]


def _relu(x: Array) -> Array:
    relu: Array = np.maximum(x, 0, out=x)
    return relu


def _distinct(rows: Array) -> tuple[Array, Ids | None]:
    """The different rows, and where each row finds its own; all of them and None where few are equal.

    Rows are told apart by two random projections, side by side in one 64-bit key, and then compared, so that
    a collision costs time and nothing else.
    """
    directions = np.random.default_rng(0).standard_normal((rows.shape[1], 2))
    keys = np.ascontiguousarray(rows.astype(np.float32, copy=False) @ directions.astype(np.float32))
    _, first, place = np.unique(keys.view(np.uint64)[:, 0], return_index=True, return_inverse=True)
    if 2 * len(first) > len(rows):
        return rows, None
    distinct: Array = rows[first]
    return (distinct, place) if np.array_equal(distinct[place], rows) else (rows, None)
