"""All inputs of a vocabulary in order of length, and random ones, in batches; nothing in Python runs per input.

An input of length n is a number in base |vocabulary| with n digits; inputs of one length come in the order of
these numbers, which is lexicographic. A batch is named by a `Piece`, so that batches can be made anywhere, in
any order, and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log10
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import arguments
from raspc.errors import InputError, wrong_kind
from raspc.graph.evaluate import Batch
from raspc.graph.nodes import UNDEFINED, Ids
from raspc.graph.permitted import Frame, only_permitted, sampled

CELLS = 1 << 19
"""About how many (query, key) pairs one batch has."""


def check_asked(limit: Any, seed: Any, threads: Any, dtype: Any) -> None:
    """What a comparison was asked. Raises TypeError for a wrong kind, InputError for a limit below 1, or no dtype."""
    arguments.an((int, NoneType), "limit", limit, "a number of inputs, or None for all")
    arguments.an(int, "seed", seed, "a whole number")
    arguments.an((int, NoneType), "threads", threads, "a number of threads, or None for as many as there are cores")
    if limit is not None and limit < 1:
        raise InputError(f"found the limit {limit}, needed at least 1 input, or None for all")
    if threads is not None and threads < 1:
        raise InputError(f"found {threads} threads, needed at least 1, or None for as many as there are cores")
    if not 0 <= seed < 2**63:
        raise InputError(f"found the seed {seed}, needed a whole number from 0 to 2⁶³ − 1")
    try:
        found = np.dtype(np.float32 if dtype is None else dtype)
    except (TypeError, ValueError):
        raise wrong_kind("dtype", dtype, "a number format, such as float32, or None") from None
    if found.kind != "f":
        raise InputError(f"found the dtype {found}, needed one of floating-point numbers")


@dataclass(frozen=True)
class Piece:
    """The inputs of one length with the numbers `start` … `stop` − 1."""

    length: int
    start: int
    stop: int


def count_of(frame: Frame) -> int:
    """How many inputs there are of which the automaton of a domain tells that they may be permitted."""
    if frame.where.automaton is None:
        return count(len(frame.vocab), frame.max_len)
    return sum(frame.automaton.sizes(frame.max_len)[1:])


def longest_of(frame: Frame, limit: int) -> int:
    """The greatest length up to which there are at most `limit` of these in all; 0 if there is none."""
    if frame.where.automaton is None:
        return longest_within(len(frame.vocab), frame.max_len, limit)
    length, sizes = 0, frame.automaton.sizes(frame.max_len)
    while length < frame.max_len and sum(sizes[1 : length + 2]) <= limit:
        length += 1
    return length


def pieces_of(frame: Frame, max_len: int | None = None) -> Iterator[Piece]:
    """All of these, in order of length, up to a length."""
    longest = frame.max_len if max_len is None else max_len
    if frame.where.automaton is None:
        yield from pieces(len(frame.vocab), longest)
        return
    for length, many in enumerate(frame.automaton.sizes(longest)):
        rows = rows_at_once(length)
        for start in range(0, many if length else 0, rows):
            yield Piece(length, start, min(many, start + rows))


def batch_of(frame: Frame, piece: Piece) -> Batch:
    """The permitted inputs of a piece."""
    ids = candidates(frame, piece)
    return only_permitted(frame, whole(ids, frame.causal)) or whole(ids[:0], frame.causal)


def candidates(frame: Frame, piece: Piece) -> Ids:
    """[input, position]: the inputs of a piece, whether a condition permits them or not."""
    if frame.where.automaton is None:
        return inputs_of(piece, len(frame.vocab))
    return frame.automaton.inputs(piece.length, piece.start, piece.stop)


def random_of(frame: Frame, size: int, seed: tuple[int, int]) -> Batch:
    """Random permitted inputs of all lengths; fewer where a condition holds of few."""
    if frame.where.is_everything:
        return random_batch(len(frame.vocab), frame.max_len, size, seed, frame.causal)
    return sampled(frame, size, seed)


def count(n_tokens: int, max_len: int) -> int:
    """How many inputs there are of 1 to `max_len` tokens."""
    return max_len if n_tokens == 1 else (n_tokens ** (max_len + 1) - n_tokens) // (n_tokens - 1)


def shown(many: int) -> str:
    """A number of inputs for a person; of one that Python would not even print, the size."""
    return f"{many:,}" if many < 10**15 else f"about 10^{int((many.bit_length() - 1) * log10(2))}"


def stored(many: int) -> int | None:
    """A number of inputs for JSON; null where it has no room in 64 bits."""
    return many if many < 1 << 63 else None


def longest_within(n_tokens: int, max_len: int, limit: int) -> int:
    """The greatest length up to which there are at most `limit` inputs in all; 0 if there is none."""
    length = total = 0
    while length < max_len and (total := total + n_tokens ** (length + 1)) <= limit:
        length += 1
    return length


def pieces(n_tokens: int, max_len: int) -> Iterator[Piece]:
    """All inputs, in order of length."""
    for length in range(1, max_len + 1):
        rows, many = rows_at_once(length), n_tokens**length
        for start in range(0, many, rows):
            yield Piece(length, start, min(many, start + rows))


def rows_at_once(length: int) -> int:
    """How many inputs of a length make a batch."""
    return max(1, CELLS // (length + 1) ** 2)


def inputs_of(piece: Piece, n_tokens: int) -> Ids:
    """The token ids [input, position] of a piece."""
    numbers = np.arange(piece.start, piece.stop)
    ids = np.zeros((len(numbers), piece.length), np.int32)
    for position in range(piece.length - 1, -1, -1):
        numbers, ids[:, position] = np.divmod(numbers, n_tokens)
        if not numbers[-1]:
            break
    return ids


def batch_of_piece(piece: Piece, n_tokens: int, causal: bool) -> Batch:
    """A piece as a batch."""
    return whole(inputs_of(piece, n_tokens), causal)


def whole(ids: Ids, causal: bool) -> Batch:
    """Inputs of one length as a batch."""
    return Batch(ids, np.full(len(ids), ids.shape[1], np.int64), causal)


def random_batch(
    n_tokens: int, max_len: int, size: int, seed: tuple[int, int], causal: bool, longest: bool = False
) -> Batch:
    """Random inputs of all lengths, a third of them (or all) of the greatest, half of them from few tokens."""
    rng = np.random.default_rng(seed)
    lengths = np.where(rng.random(size) < (1 if longest else 1 / 3), max_len, rng.integers(1, max_len + 1, size))
    ids = rng.integers(0, n_tokens, (size, max_len))
    few = np.where(rng.random(size) < 0.5, rng.integers(1, 4, size), n_tokens)
    offset = rng.integers(0, n_tokens, size)
    ids = (ids % few[:, None] + offset[:, None]) % n_tokens
    return Batch(padded(ids, lengths), lengths.astype(np.int64), causal)


def padded(ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> Ids:
    """The ids with no token after each input's length."""
    return np.where(np.arange(ids.shape[1]) < lengths[:, None], ids, UNDEFINED).astype(np.int32)


def random_sizes(max_len: int, many: int) -> Iterator[int]:
    """The sizes of the batches that make up so many random inputs."""
    rows = min(4096, rows_at_once(max_len))
    for start in range(0, many, rows):
        yield min(rows, many - start)
