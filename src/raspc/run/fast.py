"""The forward pass for large batches: what is zero is not computed, and equal states are computed once.

Compiled weights are mostly zeros: heads that only fill up a layer, neurons that others need, dimensions that
nobody reads. Queries are often the same everywhere, and scores the same for every input. And of the many
positions of a batch only few are in different states. The result is that of `raspc.run.forward`, up to
the order of float32 sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from raspc.run.arrays import NUMPY
from raspc.run.plain import Array, Ids, Layer, Linear, Setting, Weights
from raspc.run.reading import Read, Step, Stream, Write, columns_of
from raspc.run.renamed import renamed
from raspc.target import Widths

SAFE = 40.0
"""Powers between e^−SAFE and e^SAFE neither overflow nor lose precision in a float32 sum."""

HIDDEN_AT_ONCE = 2**22
"""How many activations of hidden neurons are held at one time."""

WORTH_SHARING = 1024
"""Equal states are sought where the MLP takes at least this many multiplications for one position."""


@dataclass(frozen=True, eq=False)
class Head:
    """The live columns of one head. `write`: what becomes of its mix; `scale`: what its scores are multiplied by."""

    query: Read
    key: Read
    value: Read
    write: Write
    scale: float


@dataclass(frozen=True, eq=False)
class Neurons:
    """The live neurons of one MLP: relu(first(read)), or relu(read) where `first` is None, then `write`."""

    read: Read
    first: Linear | None
    write: Write


@dataclass(frozen=True, eq=False)
class FastLayer:
    """The live parts of a layer; `biases` are what attention and MLP add at every position."""

    heads: tuple[Head, ...]
    neurons: Neurons | None
    biases: tuple[Write | None, Write | None]


@dataclass(frozen=True, eq=False)
class FastWeights:
    """The live parts of a model. `start`: what embedding leaves in the dimensions that are kept."""

    config: Setting
    dtype: npt.DTypeLike
    start: Read
    layers: tuple[FastLayer, ...]
    unembed: Read

    @property
    def widest(self) -> int:
        """How many numbers the widest activation has for one position, shared hidden neurons aside."""
        return max(self.start.width, *(layer.neurons.read.width for layer in self.layers if layer.neurons), 1)


# -- what is live ------------------------------------------------------------------------------------


def prune(weights: Weights) -> FastWeights:
    """Leave out what contributes nothing, whatever the input.

    Raises KeyError for a target whose neurons are not relu, or which `raspc.run.forward` does not run.
    """
    if (activation := weights.how.activation) is not NUMPY.activations["relu"]:
        raise KeyError(f"the fast pass knows relu alone, not {activation}")
    weights = renamed(weights)
    widths = weights.config.widths
    parts = [(_live_heads(*each), _live_neurons(each[0])) for each in zip(weights.layers, widths, strict=True)]
    streams = Stream.through(weights, list(_stages(weights, parts)), _rows(weights.unembed))
    scales = (scale for _, scale in weights.how.heads)
    each = zip(streams[:-1:2], streams[1::2], weights.layers, scales, parts, strict=True)
    layers = tuple(
        _fast_layer(at_heads, at_neurons, layer, scale, *part) for at_heads, at_neurons, layer, scale, part in each
    )
    return FastWeights(
        weights.config, weights.pos_embed.dtype, streams[0].start(), layers, streams[-1].read(weights.unembed)
    )


LiveHead = tuple[Linear, Linear, Linear, Linear]
"""Query, key and value with the columns that matter, and the rows of `linear` that they end in, without a bias."""


def _live_heads(layer: Layer, widths: Widths) -> list[LiveHead]:
    """The heads that move something anywhere, with what they use."""
    found: list[LiveHead] = []
    for i in range(widths.n_heads):
        part = np.arange(i * widths.d_head, (i + 1) * widths.d_head)
        scored = part[_used(layer.query, part) & _used(layer.key, part)]
        moved = part[_used(layer.value, part) & layer.linear.w[part].any(1)]
        if moved.size:
            out = Linear(layer.linear.w[moved], np.zeros_like(layer.linear.b))
            columns = (columns_of(layer.query, scored), columns_of(layer.key, scored), columns_of(layer.value, moved))
            found.append((*columns, out))
    return found


def _used(linear: Linear, columns: Ids) -> npt.NDArray[np.bool_]:
    """True for the columns that are not constantly 0."""
    used: npt.NDArray[np.bool_] = linear.w[:, columns].any(0) | (linear.b[columns] != 0)
    return used


def _live_neurons(layer: Layer) -> tuple[Linear, Linear] | None:
    """The neurons that can be active and are read, without the bias of what they write; None if there are none."""
    first, second = layer.linear_1, layer.linear_2
    live = np.flatnonzero(second.w.any(1) & (first.w.any(0) | (first.b > 0)))
    return (columns_of(first, live), Linear(second.w[live], np.zeros_like(second.b))) if live.size else None


Part = tuple[list[LiveHead], tuple[Linear, Linear] | None]


def _stages(weights: Weights, parts: list[Part]) -> Iterator[list[Step]]:
    """What each head and MLP reads and writes, the heads of a layer together; a bias reads nothing."""
    for layer, (heads, neurons) in zip(weights.layers, parts, strict=True):
        moved = [(_rows(*reads), np.flatnonzero(out.w.any(0))) for *reads, out in heads]
        yield [*moved, (_rows(), np.flatnonzero(layer.linear.b))]
        computed = [] if neurons is None else [(_rows(neurons[0]), np.flatnonzero(neurons[1].w.any(0)))]
        yield [*computed, (_rows(), np.flatnonzero(layer.linear_2.b))]


def _rows(*reads: Linear) -> Ids:
    """The dimensions that any of these reads."""
    return np.unique(np.concatenate([np.zeros(0, np.intp), *(np.flatnonzero(read.w.any(1)) for read in reads)]))


def _fast_layer(
    at_heads: Stream, at_neurons: Stream, layer: Layer, scale: float,
    heads: list[LiveHead], neurons: tuple[Linear, Linear] | None,
) -> FastLayer:  # fmt: skip
    found = (_fast_head(at_heads, scale, *head) for head in heads)
    mlp = None if neurons is None else _fast_neurons(at_neurons, *neurons)
    biases = (
        at_heads.write(Linear(np.zeros((0, linear.w.shape[1])), linear.b)) for linear in (layer.linear, layer.linear_2)
    )
    return FastLayer(tuple(head for head in found if head is not None), mlp, (next(biases), next(biases)))


def _fast_head(
    stream: Stream, scale: float, query: Linear, key: Linear, value: Linear, out: Linear
) -> Head | None:  # fmt: skip
    write = stream.write(out)
    if write is None:
        return None
    return Head(stream.read(query), stream.read(key), stream.read(value), write, scale)


def _fast_neurons(stream: Stream, first: Linear, second: Linear) -> Neurons | None:
    """Many neurons read their state at first, so that equal states can be found."""
    write = stream.write(second)
    if write is None:
        return None
    direct = stream.read(first)
    if sum(w.size for w in (direct.w, write.w) if w is not None) < WORTH_SHARING:
        return Neurons(direct, None, write)
    reads = np.flatnonzero(first.w.any(1))
    state = Linear(np.eye(len(first.w), dtype=first.w.dtype)[:, reads], np.zeros(len(reads), first.w.dtype))
    return Neurons(stream.read(state), Linear(np.ascontiguousarray(first.w[reads]), first.b), write)


# -- running -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Piece:
    """Ids [batch, position] that run together, and the stream x [written dimension, batch, position].

    `real` [batch, position] is 0 at PAD and 1 elsewhere; None where there is no PAD. `first` and `place`: the
    first input of each length, and for each input which of these is as long.
    """

    ids: Ids
    x: Array
    real: Array | None
    first: Ids
    place: Ids

    def run(self, read: Read, once: bool) -> Array:
        """What is read of all inputs, or of one input of each length."""
        return read(self.ids[self.first], self.x[:, self.first]) if once else read(self.ids, self.x)

    def each(self, found: Array, once: bool) -> Array:
        """For all inputs [c, batch, position] what was found for one of each length."""
        return found.take(self.place, axis=1) if once and found.shape[1] > 1 else found


def forward(fast: FastWeights, ids: Ids) -> Array:
    """The logits [d_vocab_out, batch, position] of a batch of ids [batch, position], each row with BOS first."""
    start = fast.start(ids, np.zeros((0, *ids.shape), fast.dtype))
    own = start.flags.writeable and start.shape[1:] == ids.shape  # else a table, or the same for all inputs
    x = start if own else np.array(np.broadcast_to(start, (len(start), *ids.shape)), order="C")
    real = ids != fast.config.pad_id
    _, first, place = np.unique(real.sum(1), return_index=True, return_inverse=True)
    piece = _Piece(ids, x, None if real.all() else real.astype(x.dtype), first, place)
    for layer in fast.layers:
        _run_layer(layer, piece, fast.config.causal)
    logits = fast.unembed(ids, x)
    return np.broadcast_to(logits, (len(logits), *ids.shape))


def _run_layer(layer: FastLayer, piece: _Piece, causal: bool) -> None:
    mixed = [_mixed(head, piece, causal) for head in layer.heads]
    for head, moved in zip(layer.heads, mixed, strict=True):
        head.write(piece.x, moved)
    if layer.biases[0] is not None:
        layer.biases[0](piece.x, None)
    if layer.neurons is not None:
        _run_neurons(layer.neurons, piece)
    if layer.biases[1] is not None:
        layer.biases[1](piece.x, None)


def _mixed(head: Head, piece: _Piece, causal: bool) -> Array:
    """One head's mix of values, [value, batch or 1, position]."""
    scored_once = head.query.wordless and head.key.wordless
    once = scored_once and head.value.wordless
    query, key = (piece.run(read, scored_once) for read in (head.query, head.key))
    value, real = piece.run(head.value, once), piece.real
    scores = scores_of(query, key, head.scale, causal)
    shares = shares_of(scores, real if real is None or not scored_once else real[piece.first])
    return piece.each(sums_of(piece.each(shares, scored_once and not once), value), once)


def scores_of(query: Array, key: Array, scale: float, causal: bool) -> Array:
    """[key, batch or 1, query] of queries and keys [rank, batch or 1, position]; the queries are at the last keys."""
    n, m = key.shape[2], query.shape[2]
    scores = np.empty((n, max(query.shape[1], key.shape[1]), m), key.dtype)
    if len(query) == 1:
        np.multiply(key[0].T[:, :, None], query, out=scores)
    else:
        with np.errstate(over="ignore"):  # a steep score may leave the range: −∞ is not selected
            np.matmul(key.transpose(1, 2, 0), query.transpose(1, 0, 2), out=scores.transpose(1, 0, 2))
    scores *= np.asarray(scale, scores.dtype)
    if causal:
        scores += np.where(np.tri(m, n, n - m, dtype=np.bool_).T, 0, -np.inf).astype(scores.dtype)[:, None, :]
    return scores


def shares_of(scores: Array, real: Array | None) -> Array:
    """The softmax over keys [key, batch or 1, query], in the order of the plain pass: a mean is of shares, rounded."""
    powers = _powers(scores, real)
    if real is not None:
        powers = powers * real.T[:, :, None]
    powers /= powers.sum(0)
    return powers


def _powers(scores: Array, real: Array | None) -> Array:
    """The powers of e, with the largest score of each query taken off where they need it.

    Scores of compiled heads are mostly 0 where selected and negative elsewhere: no power is then too large
    and no sum too small, and finding each query's largest score can be left out.
    """
    if scores.max(initial=0) < SAFE and scores[0].min(initial=0) > -SAFE:
        return np.exp(scores, out=scores)
    if real is not None:
        scores = scores + np.where(real.T[:, :, None] > 0, 0, -np.inf).astype(scores.dtype)
    scores -= scores.max(0)
    return np.exp(scores, out=scores)


def sums_of(shares: Array, value: Array) -> Array:
    """[value, batch or 1, query]: the sum over keys of shares [key, batch or 1, query] times value [value, …, key]."""
    summed = np.empty((len(value), max(value.shape[1], shares.shape[1]), shares.shape[2]), value.dtype)
    np.matmul(value.transpose(1, 0, 2), shares.transpose(1, 0, 2), out=summed.transpose(1, 0, 2))
    return summed


def _run_neurons(neurons: Neurons, piece: _Piece) -> None:
    once = neurons.read.wordless
    added = added_by(neurons, piece.run(neurons.read, once))
    piece.x[neurons.write.places] += piece.each(added, once)


def added_by(neurons: Neurons, state: Array) -> Array:
    """What the neurons write, given what they read, [c, batch or 1, position]."""
    if neurons.first is None:
        return neurons.write.of(np.maximum(state, 0, out=state if state.flags.writeable else None))
    flat = np.ascontiguousarray(state.reshape(len(state), math.prod(state.shape[1:])).T)
    first, place = _distinct(flat)
    found = _in_pieces(neurons, flat if place is None else flat[first])
    return (found if place is None else found.take(place, axis=1)).reshape(-1, *state.shape[1:])


def _in_pieces(neurons: Neurons, state: Array) -> Array:
    """The neurons on states [state, c], as many at once as the many hidden activations allow."""
    assert neurons.first is not None
    rows = max(1, HIDDEN_AT_ONCE // neurons.first.w.shape[1])
    parts = []
    for i in range(0, len(state), rows):
        hidden = neurons.first(state[i : i + rows])
        parts.append(neurons.write.of(np.maximum(hidden, 0, out=hidden).T))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


@lru_cache(maxsize=32)
def _directions(width: int) -> Array:
    """Two random directions, always the same ones."""
    return np.random.default_rng(0).standard_normal((width, 2)).astype(np.float32)


def _distinct(rows: Array) -> tuple[Ids, Ids | None]:
    """Where each of the different rows stands first, and which of them each row equals; None where few are equal.

    Rows are told apart by two random projections, side by side in one 64-bit key, and then compared, so that
    a collision costs time and nothing else.
    """
    keys = np.ascontiguousarray(rows.astype(np.float32, copy=False) @ _directions(rows.shape[1]))
    _, first, place = np.unique(keys.view(np.uint64)[:, 0], return_index=True, return_inverse=True)
    if 2 * len(first) > len(rows):
        return first, None
    return (first, place) if np.array_equal(rows[first[place]], rows) else (first, None)
