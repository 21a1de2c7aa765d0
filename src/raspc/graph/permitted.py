"""The inputs of a domain: which of a batch are permitted, all of them where they are few, random ones where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import arguments
from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph.domain import Domain
from raspc.graph.evaluate import Batch, Bools, run_graph
from raspc.graph.nodes import UNDEFINED, Graph, Ids, Listed
from raspc.graph.samples import EXHAUSTIVE, PAIRS, Search, of_length, search
from raspc.regular.automaton import Automaton, drawn, everything

LISTED = 1 << 17
"""Up to this many inputs of a domain are all tried, and what is found out is a proof ..."""
LISTED_PAIRS = 1 << 24
"""... if they have at most so many (query, key) pairs together."""
TRIES = 64
"""So many times as many random inputs are drawn as are wanted, where a condition has to hold of them."""


@dataclass(frozen=True)
class Frame:
    """What a domain is a domain of: the vocabulary in its order, the longest input, the mask."""

    where: Domain
    vocab: tuple[Any, ...]
    max_len: int
    causal: bool

    @property
    def automaton(self) -> Automaton:
        """The candidates: the inputs that the automaton accepts, or all."""
        return self.where.automaton or everything(len(self.vocab))

    def batch(self, ids: Ids, lengths: NDArray[np.int64]) -> Batch:
        """Inputs as a batch that several readers may share."""
        ids.setflags(write=False)
        lengths.setflags(write=False)
        return Batch(ids, lengths, self.causal)


def frame_of(graph: Graph) -> Frame:
    """The domain of a graph, with what it is a domain of."""
    return Frame(graph.where, graph.vocab, graph.max_seq_len, graph.causal)


def search_of(graph: Graph) -> Search:
    """The inputs to look for counter-examples on: those of the graph's domain."""
    return searched(frame_of(graph))


def searched(frame: Frame) -> Search:
    """Every permitted input if there are few; else every short one, and random ones of all lengths.

    Raises UnsupportedProgram where no input is permitted, or none is found.
    """
    if frame.where.is_everything:
        return search(len(frame.vocab), frame.max_len, frame.causal)
    return _searched(frame)


@lru_cache(maxsize=8)
def _searched(frame: Frame) -> Search:
    endings = _endings(frame) if _begin_one_another(frame) else None
    if endings is not None:
        return endings
    sizes = frame.automaton.sizes(frame.max_len)
    complete = _are_few(sizes)
    longest = frame.max_len if complete else _short(sizes)
    every = [frame.automaton] * (longest + 1)
    listed = (only_permitted(frame, _all_of(frame, every, lengths)) for lengths in _groups(sizes, longest))
    batches = [kept for kept in listed if kept is not None]
    if not complete:
        count = int(np.clip(PAIRS // frame.max_len**2, 6, 256))
        found = sampled(frame, count, (0, 0))
        batches += [found] if len(found.lengths) else []
    if not batches:
        raise UnsupportedProgram.at(
            "where", "no input of 1 to " + f"{frame.max_len} tokens that it permits"
            + ("" if complete else ", of all that were tried"),
            "at least one", "correct the condition or the vocabulary, or raise the maximum length",
        )  # fmt: skip
    return Search(tuple(batches), complete)


def _are_few(sizes: Sequence[int]) -> bool:
    """Whether so many inputs of each length can all be tried."""
    return sum(sizes[1:]) <= LISTED and sum(many * n**2 for n, many in enumerate(sizes)) <= LISTED_PAIRS


def _begin_one_another(frame: Frame) -> bool:
    """Whether all that a permitted input begins with is permitted, and is computed with it: under a causal mask."""
    closed = frame.where.writing is not None and frame.causal and not frame.where.is_filtered
    return closed and frame.automaton.n_states > 0 and bool(frame.automaton.accepting.all())


def _endings(frame: Frame) -> Search | None:
    """The inputs that no other goes on from: the others are what these begin with. None where they are many."""
    every, longest = frame.automaton, frame.max_len
    last = Automaton(every.moves, np.asarray((every.moves < 0).all(axis=1)))
    sizes = [*last.sizes(longest)[:longest], every.sizes(longest)[longest]]
    if not _are_few(sizes) or not any(sizes[1:]):
        return None
    ending = [*[last] * longest, every]
    return Search(tuple(_all_of(frame, ending, lengths) for lengths in _groups(sizes, longest)), True, True)


def _short(sizes: Sequence[int]) -> int:
    """The greatest length up to which there are few inputs."""
    longest = total = 0
    while longest + 1 < len(sizes) and (total := total + sizes[longest + 1]) <= EXHAUSTIVE:
        longest += 1
    return longest


def _groups(sizes: Sequence[int], longest: int) -> Iterator[list[int]]:
    """All lengths of which there are inputs, short ones together: one batch takes less time than several."""
    group: list[int] = []
    for length in range(1, longest + 1):
        if not sizes[length]:
            continue
        if group and sum(sizes[n] for n in (*group, length)) * length**2 > PAIRS:
            yield group
            group = []
        group.append(length)
    if group:
        yield group


def _all_of(frame: Frame, automata: Sequence[Automaton], lengths: Sequence[int]) -> Batch:
    """The inputs of these lengths, each by the automaton for its length."""
    rows = [automata[n].inputs(n) for n in lengths]
    widest = lengths[-1]
    padded = [np.pad(ids, ((0, 0), (0, widest - ids.shape[1])), constant_values=UNDEFINED) for ids in rows]
    return frame.batch(np.concatenate(padded), np.repeat(np.array(lengths, np.int64), [len(ids) for ids in rows]))


def of_exact_length(graph: Graph) -> Batch:
    """Some permitted inputs of the one length on which the program is defined; perhaps none."""
    length, frame = graph.exact_length, frame_of(graph)
    assert length is not None
    if frame.where.is_everything:
        return of_length(len(graph.vocab), length, graph.causal)
    there = frame.automaton.sizes(length)[length]
    lengths = np.full(64 if there else 0, length, np.int64)
    ids = drawn(frame.automaton, lengths, np.ones((len(lengths), len(graph.vocab))), np.random.default_rng(0))
    batch = frame.batch(np.reshape(ids, (len(lengths), length)), lengths)
    return only_permitted(frame, batch) or frame.batch(np.zeros((0, length), np.int32), np.zeros(0, np.int64))


def permits(where: Domain, vocab: Sequence[Any], batch: Batch) -> Bools:
    """[B]: which inputs are permitted."""
    found = np.ones(len(batch.lengths), bool)
    if where.automaton is not None:
        found &= where.automaton.accepts(batch.ids, batch.lengths)
    if where.condition is not None and len(found):
        found &= _holds(where.condition, batch)
    if where.predicate is not None:
        rows = np.flatnonzero(found)
        found[rows] = [_says(where, vocab, batch, row) for row in rows.tolist()]
    return found


def permits_each(where: Domain, vocab: Sequence[Any], batch: Batch) -> Bools:
    """[B, T]: which inputs are permitted of those that each one begins with, under a causal mask."""
    found = batch.real.copy()
    if where.automaton is not None:
        states = where.automaton.states(batch.ids, batch.lengths)
        found &= (states >= 0) & where.automaton.accepting[np.maximum(states, 0)]
    if where.condition is not None and len(found):
        found &= np.logical_and.accumulate(_held(where.condition, batch), axis=1)
    if where.predicate is not None:
        for row, last in np.argwhere(found).tolist():
            length = np.array([last + 1], np.int64)
            found[row, last] = _says(where, vocab, Batch(batch.ids[row : row + 1], length, batch.causal), 0)
    return found


def _holds(condition: Graph, batch: Batch) -> Bools:
    """[B]: where the condition is True at every position, and has a value."""
    long_enough = condition.exact_length is None or batch.lengths == condition.exact_length
    return np.asarray((_held(condition, batch) | ~batch.real).all(axis=1) & long_enough)


def _held(condition: Graph, batch: Batch) -> Bools:
    """[B, T]: the positions at which the condition is True, and nothing raises."""
    run = run_graph(condition, replace(batch, causal=condition.causal))
    held = condition.variable(condition.output).listed
    true = np.array([V.same(value, True) for value in held.values], bool)
    at = run.column(condition.output).ids
    return np.asarray(~run.raising & true[np.maximum(at, 0)] & (at >= 0))


def _says(where: Domain, vocab: Sequence[Any], batch: Batch, row: int) -> bool:
    assert where.predicate is not None
    tokens = [vocab[i] for i in batch.ids[row, : batch.lengths[row]].tolist()]
    return arguments.says("where", where.predicate, tokens)


def tokens_of(batch: Batch, vocab: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """The inputs of a batch as tokens."""
    for ids, length in zip(batch.ids.tolist(), batch.lengths.tolist(), strict=True):
        yield tuple(vocab[i] for i in ids[:length])


def only_permitted(frame: Frame, batch: Batch) -> Batch | None:
    """The permitted inputs of a batch, which the automaton accepts; None where there is none."""
    if not frame.where.is_filtered:
        return batch if len(batch.lengths) else None
    kept = permits(replace(frame.where, automaton=None), frame.vocab, batch)
    if kept.all():
        return batch if len(kept) else None
    return frame.batch(batch.ids[kept], batch.lengths[kept]) if kept.any() else None


def sampled(frame: Frame, size: int, seed: tuple[int, int]) -> Batch:
    """At most `size` random permitted inputs of all lengths that there are, a third of the greatest.

    Fewer where a condition holds of few. Half of them lean to a few tokens.
    """
    rng = np.random.default_rng(seed)
    lengths = np.flatnonzero(frame.automaton.ends(frame.max_len)[1:, :1].any(axis=1)) + 1
    none = frame.batch(np.zeros((0, frame.max_len), np.int32), np.zeros(0, np.int64))
    if not len(lengths):
        return none
    found: list[Batch] = []
    missing, budget = size, TRIES * size if frame.where.is_filtered else size
    while missing > 0 and budget > 0:
        many = min(size, budget)
        kept = only_permitted(frame, _drawn(frame, lengths, many, rng))
        budget -= many
        if kept is not None:
            found.append(kept)
            missing -= len(kept.lengths)
    ids = np.concatenate([none.ids, *(batch.ids for batch in found)])[:size]
    return frame.batch(ids, np.concatenate([none.lengths, *(batch.lengths for batch in found)])[:size])


def _drawn(frame: Frame, lengths: NDArray[np.int64], size: int, rng: np.random.Generator) -> Batch:
    each = np.where(rng.random(size) < 1 / 3, lengths[-1], rng.choice(lengths, size)).astype(np.int64)
    each[: min(size, 2)] = lengths[-1]
    leaning = np.ones((size, len(frame.vocab)))
    some = rng.random(size) < 0.5
    leaning[some] = rng.exponential(1.0, (int(some.sum()), len(frame.vocab))) ** 6 + 1e-9
    ids = drawn(frame.automaton, each, leaning, rng)
    return frame.batch(np.pad(ids, ((0, 0), (0, frame.max_len - ids.shape[1])), constant_values=UNDEFINED), each)


def refusal(where: Domain, vocab: Sequence[Any], tokens: Sequence[Any]) -> str | None:
    """Why an input is not permitted; None where it is. Its tokens must be of the vocabulary."""
    known = Listed(tuple(vocab))
    ids = np.array([[known.id(token) for token in tokens]], np.int32).reshape(1, len(tokens))
    batch = Batch(ids, np.array([len(tokens)], np.int64), False)
    if bool(permits(where, vocab, batch)[0]):
        return None
    text = f"the input {list(tokens)!r} is outside the domain: where = {where}"
    if where.automaton is not None and (at := where.automaton.dies_at(ids[0].tolist())) < len(tokens):
        return f"{text}; no permitted input goes on with {tokens[at]!r} at position {at}"
    if where.automaton is not None and not where.automaton.accepts(ids, batch.lengths)[0]:
        return f"{text}; it ends too early"
    return f"{text}; {_place(where, batch)}"


def _place(where: Domain, batch: Batch) -> str:
    """Where the condition does not hold."""
    if where.condition is None:
        return "the function does not say True of it"
    held = run_graph(where.condition, batch)
    values = where.condition.variable(where.condition.output).listed.values
    for position, number in enumerate(held.column(where.condition.output).ids[0].tolist()):
        if number < 0 or not V.same(values[number], True):
            found = "has no value" if number < 0 else f"is {values[number]!r}"
            return f"the condition {found} at position {position}"
    return "the condition has no value on it"
