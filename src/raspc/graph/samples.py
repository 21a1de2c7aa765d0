"""Inputs to look for counter-examples on: all of them where they are few, telling ones where not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from raspc.graph.evaluate import Batch
from raspc.graph.nodes import UNDEFINED, Ids

EXHAUSTIVE = 1500
"""Up to this many inputs, all are tried and the search is a proof."""
SMALL = 1 << 12
"""The most (query, key) pairs in a batch of short inputs of several lengths."""
PAIRS = 1 << 20
"""The most (query, key) pairs in the batch of long inputs."""


@dataclass(frozen=True)
class Search:
    """Batches of inputs; `complete` if they are all that there are.

    `endings`: all that these begin with are inputs as well, and computed with them, under a causal mask.
    """

    batches: tuple[Batch, ...]
    complete: bool
    endings: bool = False


@lru_cache(maxsize=8)
def search(n_tokens: int, max_len: int, causal: bool) -> Search:
    """Every input if there are few; else every short one, and long ones from few and from many tokens.

    Remembered, as those who compile many programs compile them for one vocabulary and length.
    """
    total, longest = 0, 0
    while longest < max_len and total + n_tokens ** (longest + 1) <= EXHAUSTIVE:
        longest += 1
        total += n_tokens**longest
    short = tuple(_all_of(n_tokens, lengths, causal) for lengths in _groups(n_tokens, longest))
    if longest == max_len:
        return Search(short, True)
    return Search((*short, _long(n_tokens, max_len, causal)), False)


def of_length(n_tokens: int, length: int, causal: bool) -> Batch:
    """Some inputs of one length: all if there are few."""
    if n_tokens**length <= EXHAUSTIVE:
        return _all_of(n_tokens, range(length, length + 1), causal)
    rng = np.random.default_rng(0)
    rows = np.stack([_row(rng, n_tokens, length, 1 + i % min(n_tokens, 4)) for i in range(64)])
    return _fixed(rows, np.full(64, length, np.int64), causal)


def _groups(n_tokens: int, longest: int) -> Iterator[range]:
    """All lengths, short ones together where that makes a small batch: one batch takes less time than several."""
    first, rows = 1, 0
    for length in range(1, longest + 1):
        rows += n_tokens**length
        if rows * length**2 > SMALL and length > first:
            yield range(first, length)
            first, rows = length, n_tokens**length
    if longest:
        yield range(first, longest + 1)


def _all_of(n_tokens: int, lengths: range, causal: bool) -> Batch:
    """Every input of these lengths, in order of length, then in lexicographic order."""
    rows = [_all_of_length(n_tokens, length) for length in lengths]
    widest = lengths[-1]
    padded = [np.pad(ids, ((0, 0), (0, widest - ids.shape[1])), constant_values=UNDEFINED) for ids in rows]
    each = np.repeat(np.array(lengths, np.int64), [len(ids) for ids in rows])
    return _fixed(np.concatenate(padded), each, causal)


def _all_of_length(n_tokens: int, length: int) -> Ids:
    """Every input of one length, in lexicographic order."""
    place_values = [n_tokens**i for i in range(length - 1, -1, -1)]
    grid = np.arange(n_tokens**length)[:, None] // np.array(place_values) % n_tokens
    found: Ids = grid.astype(np.int32)
    return found


def _long(n_tokens: int, max_len: int, causal: bool) -> Batch:
    """Random inputs of all lengths, the longest well represented, each drawn from a few of the tokens."""
    rng = np.random.default_rng(0)
    count = int(np.clip(PAIRS // max_len**2, 6, 256))
    lengths = rng.integers(1, max_len + 1, count)
    lengths[: max(2, count // 4)] = max_len
    few = rng.integers(1, min(n_tokens, 4) + 1, count)
    few[::3] = n_tokens
    rows = [_row(rng, n_tokens, max_len, int(k)) for k in few]
    ids: Ids = np.stack(rows).astype(np.int32)
    ids[0] = np.arange(max_len) % n_tokens
    ids[np.arange(max_len) >= lengths[:, None]] = UNDEFINED
    return _fixed(ids, lengths.astype(np.int64), causal)


def _fixed(ids: Ids, lengths: NDArray[np.int64], causal: bool) -> Batch:
    """A batch that several compiles may share."""
    ids.setflags(write=False)
    lengths.setflags(write=False)
    return Batch(ids, lengths, causal)


def _row(rng: np.random.Generator, n_tokens: int, max_len: int, distinct: int) -> Ids:
    pool = rng.choice(n_tokens, distinct, replace=False)
    return rng.choice(pool, max_len).astype(np.int32)
