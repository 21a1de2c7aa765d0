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

SAFE = 40.0
"""Powers between e^−SAFE and e^SAFE neither overflow nor lose precision in a float32 sum."""

HIDDEN_AT_ONCE = 2**22
"""How many activations of hidden neurons are held at one time."""

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
    """The live parts of a layer.

    Heads write to the dimensions `writes`, neurons read the dimensions `reads`; `mlp` is None where no neuron
    can be active. `biases` are what attention and MLP add to every position.
    """

    project: Linear
    heads: tuple[Head, ...]
    writes: Ids
    combine: Array
    reads: Ids
    mlp: tuple[Linear, Array] | None
    biases: tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class FastWeights:
    """The live parts of a model; the unembedding reads the dimensions `reads`."""

    weights: Weights
    layers: tuple[FastLayer, ...]
    reads: Ids
    unembed: Linear

    @property
    def widest(self) -> int:
        """How many numbers the widest activation has for one position, hidden neurons aside."""
        return max([self.weights.config.d_model, *(layer.project.b.size for layer in self.layers)])


def prune(weights: Weights) -> FastWeights:
    """Leave out what contributes nothing, whatever the input."""
    layers = tuple(_prune_layer(layer, weights.config) for layer in weights.layers)
    reads = np.flatnonzero(weights.unembed.w.any(1))
    return FastWeights(weights, layers, reads, Linear(weights.unembed.w[reads], weights.unembed.b))


def _prune_layer(layer: Layer, config: Config) -> FastLayer:
    columns, heads, rows = _live_heads(layer, config)
    project = Linear(
        np.concatenate([np.zeros((config.d_model, 0), layer.query.w.dtype), *(w for w, _ in columns)], axis=1),
        np.concatenate([np.zeros(0, layer.query.w.dtype), *(b for _, b in columns)]),
    )
    combine = layer.linear.w[rows]
    writes = np.flatnonzero(combine.any(0))
    reads, mlp = _live_neurons(layer)
    biases = (layer.linear.b, layer.linear_2.b)
    return FastLayer(project, heads, writes, combine[:, writes], reads, mlp, biases)


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


def _live_neurons(layer: Layer) -> tuple[Ids, tuple[Linear, Array] | None]:
    """The dimensions that the MLP reads, and its neurons that can be active and are read."""
    first, second = layer.linear_1, layer.linear_2
    live = second.w.any(1) & (first.w.any(0) | (first.b > 0))
    reads = np.flatnonzero(first.w[:, live].any(1))
    if not live.any():
        return reads, None
    weights = np.ascontiguousarray(first.w[np.ix_(reads, live)])
    return reads, (Linear(weights, first.b[live]), second.w[live])


def forward(fast: FastWeights, ids: Ids) -> Array:
    """The logits [batch, position, d_vocab_out] of a batch of ids [batch, position]."""
    weights = fast.weights
    x: Array = weights.token_embed[ids]
    x += weights.pos_embed[: ids.shape[1]]
    hidden = hidden_keys(weights.config, ids, x.dtype)
    flat = x.reshape(-1, x.shape[-1])
    for layer in fast.layers:
        if layer.heads:
            flat[:, layer.writes] += _attention(layer, x, hidden, weights.config)
        _add_bias(flat, layer.biases[0])
        if layer.mlp is not None:
            flat += _mlp(layer.mlp, np.take(flat, layer.reads, axis=1))
        _add_bias(flat, layer.biases[1])
    logits: Array = fast.unembed(np.take(flat, fast.reads, axis=1))
    return logits.reshape(*ids.shape, -1)


def _add_bias(flat: Array, bias: Array) -> None:
    used = np.flatnonzero(bias)
    if used.size:
        flat[:, used] += bias[used]


def _attention(layer: FastLayer, x: Array, hidden: Array | None, config: Config) -> Array:
    """What the heads add to the dimensions that they write to, [batch · position, dimension]."""
    batch, length, _ = x.shape
    scale = np.asarray(1 / math.sqrt(config.d_head), x.dtype)
    projected = layer.project(x.reshape(batch * length, -1)).reshape(batch, length, -1)
    mask = None if hidden is None else hidden[:, 0]
    mixed = [_head(head, projected, mask, scale) for head in layer.heads]
    joined = mixed[0] if len(mixed) == 1 else np.concatenate(mixed, axis=-1)
    added: Array = joined.reshape(batch * length, -1) @ layer.combine
    return added


def _head(head: Head, projected: Array, mask: Array | None, scale: Array) -> Array:
    """One head's mix of values. The column of ones sums the powers, so that the quotient is taken last."""
    query, key, value = projected[..., head.query], projected[..., head.key], projected[..., head.value]
    scores: Array = query * key.swapaxes(-1, -2) if query.shape[-1] == 1 else query @ key.swapaxes(-1, -2)
    scores *= scale
    if mask is not None:
        scores += mask
    mixed = _mix(scores, value)
    quotient: Array = mixed[..., :-1] / mixed[..., -1:]
    return quotient


def _mix(scores: Array, value: Array) -> Array:
    """exp(scores) · value, with the largest score of each row taken off where the powers need it.

    Scores of compiled heads are mostly 0 where selected and negative elsewhere: no power is then too large
    and no sum too small, and finding each row's largest score, the dearest step, can be left out.
    """
    if scores.max(initial=0) < SAFE:
        mixed: Array = np.exp(scores) @ value
        if mixed[..., -1].min(initial=1) > math.exp(-SAFE):
            return mixed
    scores -= scores.max(-1, keepdims=True)
    shifted: Array = np.exp(scores, out=scores) @ value
    return shifted


def _mlp(mlp: tuple[Linear, Array], state: Array) -> Array:
    """What the neurons add to the stream [row, d_model], given the dimensions that they read."""
    first, second = mlp
    if first.w.size + second.size < WORTH_SHARING:
        return _neurons(first, second, state)
    distinct, place = _distinct(state)
    found = _neurons(first, second, distinct)
    return found if place is None else np.take(found, place, axis=0)


def _neurons(first: Linear, second: Array, state: Array) -> Array:
    """The MLP in pieces, as its hidden layer may be many times as wide as the stream."""
    rows = max(1, HIDDEN_AT_ONCE // first.w.shape[1])
    parts = [_relu(first(state[i : i + rows])) @ second for i in range(0, len(state), rows)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


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
