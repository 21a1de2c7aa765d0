"""One more position of one input, in as few operations on arrays as there are parts of a layer.

A position costs next to nothing: the live parts of a compiled model are small, so that what takes time is the number of
operations, not their size. They are therefore planned once for each model. Of all that is read of a token and of its
position there is one row each, whoever reads it; the heads of a layer read the stream together, are scored together and
write together; and keys and values of a layer stand side by side, so that those of a position are one row.

Nothing else is computed than in `raspc.run.fast`: the same products, added in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from raspc.run.arrays import ZERO
from raspc.run.fast import SAFE, FastLayer, FastWeights, Head, Neurons
from raspc.run.plain import Array, Ids
from raspc.run.reading import Places, Read, Write, places_of

AT_ONCE = 1 << 21
"""So many numbers of activations are held at one time."""
FEW = 8
"""Where at most one neuron in so many is active, and there are ..."""
MANY = 1 << 14
"""... so many weights to what they write, only those of active ones are read."""


class Taken(NamedTuple):
    """A part of the numbers that are looked up, and what is added to it from the stream.

    `w` [c, places]: how the stream is read; None where each number is the one dimension at its place. Places are None
    where nothing is read.
    """

    part: slice
    places: Places | None
    w: Array | None

    def __call__(self, looked_up: Array, x: Array) -> Array:
        """[c] of one position, [c, position] of several; the part itself is changed."""
        found: Array = looked_up[self.part]
        if self.places is not None:
            found += x[self.places] if self.w is None else self.w.dot(x[self.places])
        return found


class Added(NamedTuple):
    """What is added to the dimensions at some places of the stream: w · y, or `part` of y as it is where w is None."""

    places: Places
    w: Array | None
    part: slice = slice(None)

    def __call__(self, x: Array, y: Array) -> None:
        """Add to x, [written dimension] or [written dimension, position]."""
        _add(x, self.places, y[self.part] if self.w is None else self.w.dot(y))


def _add(x: Array, places: Places, y: Array) -> None:
    """x[places] += y, which would copy a slice back to where it is."""
    if isinstance(places, slice):
        part = x[places]
        part += y
    else:
        x[places] += y


@dataclass(frozen=True, eq=False)
class Attending:
    """The heads of a layer.

    `read` takes a row for the queries [query of each head, 0 for each value], and one that is kept [key of each head,
    value of each]. So the product of the two rows is a score, and scores are asked of all that is kept in one piece.
    `half`: how wide a row is. `scale`: what scores are multiplied by, None where that is done to queries, which is
    exact for a power of two. `asking`: of several heads, where the queries go in an array [head, row] of zeros.
    `mixing`: where what each head moves stands in an array [head, row]. `parts`: where each head's keys and values
    stand in a row. `ones`: so many as there are positions.
    """

    read: Taken
    half: int
    scale: Array | None
    asking: Ids
    mixing: Ids
    parts: tuple[tuple[slice, slice], ...]
    write: Added
    ones: Array

    def one(self, looked_up: Array, x: Array, kept: Array, place: int) -> None:
        """Add to the stream what the heads move; `kept` [position, row] gets a row more, at `place`."""
        read, half = self.read(looked_up, x), self.half
        kept[place] = read[half:]
        there = kept[: place + 1]
        if len(self.parts) == 1:
            self.write(x, self.alone(there.dot(read[:half])).dot(there))
            return
        queries = np.zeros((len(self.parts), half), read.dtype)
        queries.put(self.asking, read[: len(self.asking)])
        self.write(x, self.shares(queries.dot(there.T)).dot(there).take(self.mixing))

    def several(self, looked_up: Array, x: Array, kept: Array, place: int) -> None:
        """The same for several positions, the first of them at `place`."""
        read, many, half = self.read(looked_up, x), x.shape[1], self.half
        end = place + many
        kept[place:end] = read[half:].T
        hidden, moved = ~np.tri(many, end, place, dtype=np.bool_), list[Array]()
        for rank, value in self.parts:
            scores = read[rank].T.dot(kept[:end, rank].T)
            scores[hidden] = -np.inf
            moved.append(kept[:end, value].T.dot(self.shares(scores).T))
        if len(moved) == 1:  # as `one` has it, between keys that nobody reads
            moved = [np.zeros((half - len(moved[0]), many), x.dtype), *moved]
        self.write(x, np.concatenate(moved))

    def alone(self, scores: Array) -> Array:
        """The softmax of scores [key], which are overwritten. Small ones need no largest to be taken off."""
        if self.scale is not None:
            scores *= self.scale
        largest = scores[scores.argmax()]
        if not -SAFE < largest < SAFE:
            scores -= largest
        np.exp(scores, out=scores)
        scores /= scores.dot(self.ones[: len(scores)])
        return scores

    def shares(self, scores: Array) -> Array:
        """The same for scores [head or query, key]."""
        if self.scale is not None:
            scores *= self.scale
        if not (scores.flat[scores.argmax()] < SAFE and min(scores[:, 0].tolist()) > -SAFE):
            scores -= np.maximum.reduce(scores, axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.dot(self.ones[: scores.shape[1]])[:, None]
        return scores


@dataclass(frozen=True, eq=False)
class Firing:
    """The neurons of a layer; `first` [neuron, c] and its bias: what they read of the numbers that are read.

    `rows` [neuron, places]: what each writes, where it is worth the while to look for those that are active.
    """

    width: int
    read: Taken
    first: tuple[Array, Array] | None
    write: Added
    rows: Array | None

    def run(self, looked_up: Array, x: Array) -> None:
        """Add to the stream what the neurons write."""
        hidden = self.read(looked_up, x)
        if self.first is not None:
            hidden = self.first[0].dot(hidden)
            hidden += _along(self.first[1], hidden)
        np.maximum(hidden, ZERO, out=hidden)
        if self.rows is not None and hidden.ndim == 1:
            active = hidden.nonzero()[0]
            if FEW * len(active) <= len(hidden):
                _add(x, self.write.places, hidden[active].dot(self.rows[active]))
                return
        self.write(x, hidden)


def _along(b: Array, y: Array) -> Array:
    """A bias [c] for [c] or [c, position]."""
    return b if y.ndim == 1 else b[:, None]


Bias = tuple[Places, Array]
"""The places of dimensions, and what is added there at every position."""


class StepLayer(NamedTuple):
    """A layer: its heads and its neurons, if it has any, and what each of the two adds at every position besides."""

    heads: Attending | None
    bias: Bias | None
    neurons: Firing | None
    late_bias: Bias | None


@dataclass(frozen=True, eq=False)
class Steps:
    """A model, ready to run one position after another.

    `tokens` [d_vocab, c], `positions` [n_ctx, c]: all that is looked up of a token and of its position; the first
    `width` numbers are the stream before the first layer.
    """

    tokens: Array
    positions: Array
    width: int
    layers: tuple[StepLayer, ...]
    unembed: Taken

    def room(self) -> list[Array]:
        """For each layer an array [position, row] for what is kept."""
        n_ctx, kind = len(self.positions), self.positions.dtype
        return [np.zeros((n_ctx, 0 if heads is None else heads.half), kind) for heads, *_ in self.layers]

    @property
    def widest(self) -> int:
        """How many numbers a position has at one time, at most."""
        hidden = (neurons.width for *_, neurons, _ in self.layers if neurons is not None)
        return int(max(self.tokens.shape[1], len(self.positions), *hidden, 1))

    def after(self, ids: Sequence[int], first: int, kept: Sequence[Array]) -> Array:
        """The logits [d_vocab_out] of the last of some tokens, the first of which stands at `first`.

        `kept` holds what stands before them, and gets their own.
        """
        if len(ids) == 1:
            return self._through(self.tokens[ids[0]] + self.positions[first], first, kept)
        looked_up = self.tokens[list(ids)] + self.positions[first : first + len(ids)]
        return self._through(np.ascontiguousarray(looked_up.T), first, kept)[:, -1]

    def _through(self, looked_up: Array, place: int, kept: Sequence[Array]) -> Array:
        x, alone = looked_up[: self.width], looked_up.ndim == 1
        for (heads, bias, neurons, late_bias), own in zip(self.layers, kept, strict=True):
            if heads is not None:
                (heads.one if alone else heads.several)(looked_up, x, own, place)
            if bias is not None:
                _add(x, bias[0], _along(bias[1], x))
            if neurons is not None:
                neurons.run(looked_up, x)
            if late_bias is not None:
                _add(x, late_bias[0], _along(late_bias[1], x))
        return self.unembed(looked_up, x)


@dataclass
class Growing:
    """One input that grows; `filled` says how many positions it has, BOS counted, and `kept` what is kept of them."""

    steps: Steps
    kept: list[Array]
    filled: int = 0

    @classmethod
    def by(cls, steps: Steps) -> Growing:
        """One without a position."""
        return cls(steps, steps.room())

    def feed(self, ids: Sequence[int]) -> Array:
        """The logits [d_vocab_out] of the last of further ids; the first ones open with BOS."""
        many = max(1, AT_ONCE // self.steps.widest)
        for i in range(0, len(ids), many):
            piece = ids[i : i + many]
            logits = self.steps.after(piece, self.filled, self.kept)
            self.filled += len(piece)
        return logits


# -- planning ----------------------------------------------------------------------------------------


def steps_of(fast: FastWeights) -> Steps:
    """The plan of a model for one position after another."""
    table = _Table(fast)
    start = table.takes([fast.start])
    layers = tuple(_layer(table, layer) for layer in fast.layers)
    unembed = table.takes([fast.unembed])
    tokens, positions = table.whole()
    return Steps(tokens, positions, start.part.stop, layers, unembed)


class _Table:
    """Columns of what is looked up, one reader after another."""

    def __init__(self, fast: FastWeights) -> None:
        self.fast, self.width = fast, 0
        self.columns: list[tuple[Array, Array]] = []

    def takes(self, reads: Sequence[Read], scales: Sequence[float] = ()) -> Taken:
        """How several reads of one stream are one; the first are times their scales."""
        used = _union([read.places for read in reads if read.w is not None], self.fast.start.width)
        first, column = self.width, np.zeros(self.fast.start.width, np.intp)
        column[used] = np.arange(len(used))
        w = np.zeros((sum(read.width for read in reads), len(used)), self.fast.dtype)
        for read, scale in zip(reads, [*scales, *[1.0] * (len(reads) - len(scales))], strict=True):
            factor = w.dtype.type(scale)
            if read.w is not None:
                at = self.width - first
                w[at : at + read.width, column[read.places]] = read.w * factor
            tokens, positions = self._tables(read)
            self.columns.append((tokens * factor, positions * factor))
            self.width += read.width
        part = slice(first, self.width)
        if not len(used):
            return Taken(part, None, None)
        chosen = _chosen(w)
        return Taken(part, places_of(used), w) if chosen is None else Taken(part, places_of(used[chosen]), None)

    def _tables(self, read: Read) -> tuple[Array, Array]:
        config, kind = self.fast.config, self.fast.dtype
        none = np.zeros((1, read.width), kind)
        tokens = none if read.tokens is None else read.tokens
        positions = none if read.positions is None else read.positions.T
        return (
            np.broadcast_to(tokens, (config.d_vocab, read.width)),
            np.broadcast_to(positions, (config.n_ctx, read.width)),
        )  # fmt: skip

    def whole(self) -> tuple[Array, Array]:
        """[d_vocab, c] and [n_ctx, c]."""
        tokens, positions = zip(*self.columns, strict=True)
        return np.concatenate(tokens, axis=1), np.concatenate(positions, axis=1)


def _union(places: Sequence[Places], many: int) -> Ids:
    """The dimensions, of so many, at any of these places."""
    used = np.zeros(many, np.bool_)
    for some in places:
        used[some] = True
    return np.flatnonzero(used)


def _chosen(w: Array) -> Ids | None:
    """For each row the one column that it is; None where one is not."""
    if not w.size or not (np.count_nonzero(w, axis=1) == 1).all() or not (w.max(axis=1) == 1).all():
        return None
    return np.asarray(w.argmax(axis=1), np.intp)


def _layer(table: _Table, layer: FastLayer) -> StepLayer:
    heads = _attending(table, layer.heads) if layer.heads else None
    neurons = None if layer.neurons is None else _firing(table, layer.neurons)
    early, late = ((write.places, write.b) if write and write.b is not None else None for write in layer.biases)
    return StepLayer(heads, early, neurons, late)


def _attending(table: _Table, heads: Sequence[Head]) -> Attending:
    scale = float(heads[0].scale)
    is_early = frexp(scale)[0] == 0.5
    ranks, moved = [head.query.width for head in heads], [head.value.width for head in heads]
    half, kind = sum(ranks) + sum(moved), table.fast.dtype
    read = table.takes(
        [head.query for head in heads] + [_nothing(sum(moved), kind)] + [head.key for head in heads]
        + [head.value for head in heads], [scale] * (len(heads) if is_early else 0)
    )  # fmt: skip
    write = _added([(head.write, head.value.width) for head in heads], table.fast)
    if len(heads) == 1:  # it is given what it moves behind a mix of keys
        write = _behind(write, half - moved[0], half)
    ends = np.cumsum(ranks + moved).tolist()
    parts = [slice(end - width, end) for end, width in zip(ends, ranks + moved, strict=True)]
    pairs = tuple(zip(parts[: len(heads)], parts[len(heads) :], strict=True))
    own = [(head, np.arange(part.start, part.stop)) for head, pair in enumerate(pairs) for part in pair]
    asking, mixing = (np.concatenate([head * half + columns for head, columns in own[i::2]]) for i in (0, 1))
    late = None if is_early else np.array(scale, kind)
    ones = np.ones(table.fast.config.n_ctx, kind)
    return Attending(read, half, late, asking, mixing, pairs, write, ones)


def _nothing(width: int, kind: npt.DTypeLike) -> Read:
    """Zeros, whatever the stream holds."""
    return Read(width, True, None, None, slice(0, 0), None)


def _behind(write: Added, before: int, whole: int) -> Added:
    """The same of the last numbers of so many."""
    if write.w is None:
        return write._replace(part=slice(before, whole))
    return write._replace(w=np.hstack([np.zeros((len(write.w), before), write.w.dtype), write.w]))


def _added(writes: Sequence[tuple[Write, int]], fast: FastWeights) -> Added:
    """Several writers, with how many numbers they have, as one."""
    used = _union([write.places for write, _ in writes], fast.start.width)
    row = np.zeros(fast.start.width, np.intp)
    row[used] = np.arange(len(used))
    w, at = np.zeros((len(used), sum(width for _, width in writes)), fast.dtype), 0
    for write, width in writes:
        w[row[write.places], at : at + width] = np.eye(width) if write.w is None else write.w
        at += width
    is_whole = w.shape[0] == w.shape[1] and np.array_equal(w, np.eye(len(w)))
    return Added(places_of(used), None if is_whole else w)


def _firing(table: _Table, neurons: Neurons) -> Firing:
    many = neurons.read.width if neurons.first is None else neurons.first.w.shape[1]
    read = table.takes([neurons.read])
    write = _added([(neurons.write, many)], table.fast)
    first = neurons.first and (np.ascontiguousarray(neurons.first.w.T), neurons.first.b)
    rows = None if write.w is None or write.w.size < MANY else np.ascontiguousarray(write.w.T)
    return Firing(many, read, first, write, rows)
