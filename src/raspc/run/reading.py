"""Reads and writes of the residual stream, without the stream where nobody needs it.

What tokens and positions embed in dimensions that no layer writes is the same throughout a run: a linear read
of it is a row of a table. So only the dimensions that some layer writes and some reader reads are kept: the
*written* dimensions, numbered in the order in which they are first written. Arrays here have the dimension
first, [dimension, batch, position], so that what runs over positions runs over contiguous numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from raspc.run.plain import Array, Ids, Linear, Setting, Weights

Places = slice | Ids
Step = tuple[Ids, Ids]
"""The dimensions that a writer reads, and those that it writes."""


@dataclass(frozen=True, eq=False)
class Read:
    """x → x · w + b for c numbers. None stands for zeros.

    `tokens` [d_vocab, c] and `positions` [c, n_ctx]: what is read of the embeddings, and b. `w` [c, written
    dimensions at `places`]: how the rest is read. `wordless`: whether it is the same whatever the tokens are,
    so that it is a matter of the position and of how many tokens there are.
    """

    width: int
    wordless: bool
    tokens: Array | None
    positions: Array | None
    places: Places
    w: Array | None

    def __call__(self, ids: Ids, x: Array, first: int = 0) -> Array:
        """[c, batch or 1, position] for ids [batch, position] and x [written dimension, batch, position].

        `first`: the position of the first id.
        """
        parts = []
        if self.w is not None:
            flat = x.reshape(len(x), -1)[self.places]
            parts.append((self.w * flat if len(flat) == 1 else self.w @ flat).reshape(-1, *ids.shape))
        if self.tokens is not None:
            rows = self.tokens.take(ids.ravel(), axis=0)
            parts.append(np.ascontiguousarray(rows.T).reshape(-1, *ids.shape))
        if self.positions is not None or not parts:
            n = ids.shape[1]
            table = self.positions
            fixed = np.zeros((self.width, n), x.dtype) if table is None else table[:, first : first + n]
            parts.append(fixed[:, None])
        total, *others = parts
        for other in others:
            total += other
        return total


@dataclass(frozen=True, eq=False)
class Write:
    """Adds w · y + b to the written dimensions at `places`; w None is the identity, b None nothing."""

    places: Places
    w: Array | None
    b: Array | None = None

    def __call__(self, x: Array, y: Array | None) -> None:
        """Add to x [written dimension, batch, position]; y is [c, batch or 1, position], or None for b alone."""
        if y is not None:
            x[self.places] += self.of(y)
        if self.b is not None:
            x[self.places] += self.b[:, None, None]

    def of(self, y: Array) -> Array:
        """w · y."""
        return y if self.w is None else (self.w @ y.reshape(len(y), -1)).reshape(-1, *y.shape[1:])


@dataclass(frozen=True, eq=False)
class Stream:
    """Which dimensions of the whole stream are kept, in the order in which they are first written.

    `words`: the ids that are neither BOS nor PAD. `worded` [d_model]: which dimensions hold something that
    depends on the tokens, at the time at which it is read; one that is used again may do so later.
    """

    weights: Weights
    kept: Ids
    words: Ids
    worded: npt.NDArray[np.bool_]

    @classmethod
    def through(cls, weights: Weights, stages: Sequence[Sequence[Step]], answer: Ids) -> list[Stream]:
        """The stream as each stage reads it, and as the answer does. Writers of one stage do not read each other.

        `stages`: in order, of each writer what it reads and what it writes; `answer`: what is read last.
        """
        steps = [step for stage in stages for step in stage]
        order = dict.fromkeys(d for _, writes in steps for d in writes.tolist())
        read = {d for reads in (answer, *(reads for reads, _ in steps)) for d in reads.tolist()}
        words = _words(weights.config)
        tokens = weights.token_embed[words]
        found = [cls(weights, np.array([d for d in order if d in read], np.intp), words, (tokens != tokens[:1]).any(0))]
        for stage in stages:
            before, worded = found[-1].worded, found[-1].worded.copy()
            for reads, writes in stage:
                worded[writes] |= before[reads].any()
            found.append(replace(found[-1], worded=worded))
        return found

    def start(self) -> Read:
        """What embedding leaves in the dimensions that are kept."""
        tokens, positions = self.weights.token_embed[:, self.kept], self.weights.pos_embed[:, self.kept]
        return self._looked_up(tokens, positions, False, slice(0, 0), None)

    def read(self, linear: Linear) -> Read:
        """What `linear` reads of the whole stream. Products are rounded as in the plain pass, which is what is run."""
        alone: npt.NDArray[np.bool_] = np.asarray(linear.w.any(1))
        wordless = not self.worded[alone].any()
        alone[self.kept] = False
        w, weights = linear.w[alone], self.weights
        tokens, positions = (table[:, alone] @ w for table in (weights.token_embed, weights.pos_embed))
        own = linear.w[self.kept]
        used = np.flatnonzero(own.any(1))
        transposed = np.ascontiguousarray(own[used].T) if used.size else None
        return self._looked_up(tokens, positions + linear.b, wordless, places_of(used), transposed)

    def write(self, linear: Linear) -> Write | None:
        """What `linear` writes to the dimensions that are kept; None if that is nothing."""
        w, b = linear.w[:, self.kept], linear.b[self.kept]
        columns = np.flatnonzero(w.any(0) | (b != 0))
        if not columns.size:
            return None
        w, b = np.ascontiguousarray(w[:, columns].T), b[columns]
        identity = w.shape[0] == w.shape[1] and np.array_equal(w, np.eye(len(w)))
        return Write(places_of(columns), None if identity else w, b if b.any() else None)

    def _looked_up(self, tokens: Array, positions: Array, wordless: bool, places: Places, w: Array | None) -> Read:
        """A read with these tables. What only tells BOS from tokens is a matter of position: BOS stands at 0."""
        bos, real, kind = self.weights.config.bos_id, self.words, self.weights.pos_embed.dtype
        if real.size and (tokens[real] == tokens[real[0]]).all():
            first = np.arange(len(positions))[:, None] == 0
            positions, tokens = positions + np.where(first, tokens[bos], tokens[real[0]]), np.zeros_like(tokens)
        return Read(tokens.shape[1], wordless, _table(tokens, kind), _table(positions.T, kind), places, w)


def _words(config: Setting) -> Ids:
    """The ids that are neither BOS nor PAD."""
    return np.array([i for i in range(config.d_vocab) if i not in (config.bos_id, config.pad_id)], np.intp)


def _table(table: Array, kind: npt.DTypeLike) -> Array | None:
    """A table that nobody can write to; None where it holds only zeros."""
    if not table.any():
        return None
    fixed: Array = np.array(table, kind, order="C")
    fixed.setflags(write=False)
    return fixed


def columns_of(linear: Linear, which: Ids) -> Linear:
    """Some of the numbers that `linear` computes."""
    return Linear(linear.w[:, which], linear.b[which])


def places_of(dimensions: Ids | Sequence[int]) -> Places:
    """The dimensions as a slice, which is read without a copy, where they stand side by side."""
    places = np.asarray(dimensions, np.intp)
    if not places.size:
        return slice(0, 0)
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if np.array_equal(places, np.arange(first, last + 1)) else places
