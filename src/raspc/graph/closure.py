"""What a program makes of its prompts: run on them token by token, until it stops. The domain of a program that writes.

Where all prompts can be run, the domain is exact: they, what they begin with, and what the program goes on with. Else
it is wider: what begins a prompt, and prompts with any tokens after them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import rasp
from raspc import values as V
from raspc.errors import InputError, InvalidProgram, UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.domain import Domain
from raspc.graph.evaluate import Batch, Run, run_graph
from raspc.graph.growing import Growth
from raspc.graph.nodes import UNDEFINED, Graph, Ids, Listed
from raspc.graph.prompts import and_what_follows, prompts_of
from raspc.graph.writing import Writing
from raspc.interpret import interpret
from raspc.regular.automaton import Automaton, drawn, of_rows

MOST_PREFIXES = 1_000_000
"""The domain is exact where prompts with all that is written after them begin with no more inputs than that."""
SAMPLE = 256
"""Of more prompts so many are run, at random."""
BY_INTERPRETER = 4_000
"""So many tokens are asked of the interpreter, where the program cannot be listed as a graph over the wider domain."""
PAIRS = 1 << 22
"""So many (query, key) pairs are computed at one time."""


@dataclass(frozen=True)
class Task:
    """A program that is to write: over which vocabulary, how long, and where it stops (its number)."""

    program: rasp.SOp
    vocab: tuple[Any, ...]
    max_len: int
    stop: int | None


def domain_of_prompts(program: rasp.SOp, vocab: tuple[Any, ...], max_len: int, stop: Any, prompts: Any) -> Domain:
    """The inputs that a program which writes is for. `stop`, `prompts`: as `raspc.compile` takes them.

    Raises InvalidProgram for bad arguments, and for a prompt on which the program writes what is no token, or does not
    stop within the length; UnsupportedProgram for one on which it has no value.
    """
    task = Task(program, vocab, max_len, _stop_of(stop, vocab))
    automaton, written = prompts_of(prompts, vocab, max_len)
    if automaton is None:
        return Domain(writing=Writing(stop=stop))
    many = sum(automaton.sizes(max_len)[1:])
    wide = and_what_follows(automaton, task.stop)
    follow = _next_of(task, wide)
    few = many <= SAMPLE
    strings = [] if few else _strings(task, _some_of(automaton, max_len), follow)
    every = few or many * _written_each(strings) <= MOST_PREFIXES
    if every:
        strings = _strings(task, _all_of(automaton, max_len), follow)
    writing = Writing(automaton, stop, written, many if every else SAMPLE, every)
    return Domain(_exact(strings, wide) if every else wide, written=f"what follows from {written}", writing=writing)


def _written_each(strings: Sequence[Ids]) -> float:
    """About how many inputs a prompt leads to."""
    return sum(int((ids >= 0).sum()) for ids in strings) / sum(map(len, strings))


def _stop_of(stop: Any, vocab: tuple[Any, ...]) -> int | None:
    if stop is None:
        return None
    try:
        return Listed(vocab).id(V.plain(stop))
    except (KeyError, TypeError):
        raise InvalidProgram(f"stop: {stop!r} is not in the vocabulary; add it, or name a token that is") from None


def _exact(strings: Sequence[Ids], wide: Automaton) -> Automaton:
    """All that these begin with; the wider domain where they are too many for an automaton."""
    try:
        found = of_rows(np.concatenate(strings), wide.n_tokens)
    except InvalidProgram:
        return wide
    return found.prefixes()


def _all_of(prompts: Automaton, max_len: int) -> list[Ids]:
    return [prompts.inputs(n) for n, size in enumerate(prompts.sizes(max_len)) if n and size]


def _some_of(prompts: Automaton, max_len: int) -> list[Ids]:
    """Random prompts, some of each length: the shortest and the longest among them."""
    rng = np.random.default_rng(0)
    there = np.flatnonzero(prompts.ends(max_len)[1:, 0]) + 1
    lengths = np.sort(np.concatenate([[there[0], there[-1]], rng.choice(there, SAMPLE - 2)])).astype(np.int64)
    ids = drawn(prompts, lengths, np.ones((SAMPLE, prompts.n_tokens)), rng)
    return [ids[lengths == n, :n] for n in np.unique(lengths).tolist()]


@dataclass(frozen=True)
class Follow:
    """From inputs that grow together to what comes next; `at_once`: how many inputs of a length do so."""

    opened: Callable[[], Next]
    at_once: Callable[[int], int]


Next = Callable[[Ids, NDArray[np.bool_]], NDArray[np.int64]]
"""From inputs [B, T] of one length to the numbers of their next tokens [B].

Beside them stands which of the inputs of the call before are left: each of these has one token more.
"""


def _strings(task: Task, rows: list[Ids], follow: Follow) -> list[Ids]:
    """[B, T] for prompts of each length: they with what is written after them, without the stop, padded with −1."""
    return [
        _grown(task, prompts[i : i + size], follow.opened())
        for prompts in rows
        for size in (follow.at_once(prompts.shape[1]),)
        for i in range(0, len(prompts), size)
    ]


def _grown(task: Task, prompts: Ids, after_of: Next) -> Ids:
    grown = np.full((len(prompts), task.max_len), UNDEFINED, np.int32)
    grown[:, : prompts.shape[1]] = prompts
    alive, left = np.arange(len(prompts)), np.ones(len(prompts), bool)
    for at in range(prompts.shape[1], task.max_len + 1):
        after = after_of(grown[alive, :at], left)
        left = after != task.stop
        alive, after = alive[left], after[left]
        if not len(alive):
            break
        if at == task.max_len:
            _refuse_endless(task, grown[alive[0]], prompts.shape[1])
            break
        grown[alive, at] = after
    return grown


def _refuse_endless(task: Task, ids: Ids, length: int) -> None:
    """Raises InvalidProgram for a prompt after which nothing stops; without a stop that is as it should be."""
    if task.stop is None:
        return
    tokens = [task.vocab[i] for i in ids.tolist()]
    raise InvalidProgram(
        f"the program does not stop on the prompt {tokens[:length]!r} within {task.max_len} tokens: it writes "
        f"{tokens[length:]!r} and does not come to {task.vocab[task.stop]!r}; raise max_seq_len, or give shorter "
        "prompts, as '[a-z]{1,9}='"
    )


def _next_of(task: Task, wide: Automaton) -> Follow:
    """The next tokens by the graph over the wider domain; by the interpreter where that cannot be listed."""
    where = Domain(wide, written="what the prompts can be followed by")
    try:
        graph = build(task.program, task.vocab, task.max_len, True, where=where)
    except UnsupportedProgram as error:
        interpreted = _Interpreted(task, error)
        return Follow(lambda: interpreted, lambda _: BY_INTERPRETER)
    return Follow(lambda: _ByGraph(task, graph), lambda length: max(1, PAIRS // max(length, 1) ** 2))


class _ByGraph:
    """The next tokens by a graph, which computes new positions alone where it is defined on every length."""

    def __init__(self, task: Task, graph: Graph) -> None:
        self.task, self.graph, self.growth = task, graph, Growth(graph)

    def __call__(self, ids: Ids, left: NDArray[np.bool_]) -> NDArray[np.int64]:
        return _told(self.task, self.graph, ids, self.run(ids, left), self.tokens)

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """Which token each value of the answer is; the last entry is for none."""
        domain, known = self.graph.variable(self.graph.output).domain, Listed(self.task.vocab)
        values = domain.values if isinstance(domain, Listed) else ()
        return np.array([known.index.get(V.key(value), UNDEFINED) for value in values] + [UNDEFINED], np.int64)

    def run(self, ids: Ids, left: NDArray[np.bool_]) -> Run:
        """The run over what is new."""
        if self.graph.exact_length is not None:
            return run_graph(self.graph, Batch(ids, np.full(len(ids), ids.shape[1], np.int64), True))
        if self.growth.filled and not left.all():
            self.growth.keep(left)
        return self.growth.feed(ids[:, self.growth.filled :])


def _told(task: Task, graph: Graph, ids: Ids, run: Run, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of the next tokens. Raises for an input on which the program has no value, or one that is none."""
    if run.undefined.any():
        _refuse_undefined(task, ids[int(run.undefined.argmax())])
    last = run.column(graph.output).ids[:, -1]
    found = tokens[np.where(last >= 0, last, len(tokens) - 1)]
    if (found < 0).any():
        _refuse_no_token(task, ids[int((found < 0).argmax())])
    return found


class _Interpreted:
    """The next tokens by the interpreter, up to a limit. `reason`: why there is no graph."""

    def __init__(self, task: Task, reason: UnsupportedProgram) -> None:
        self.task, self.reason, self.left = task, reason, BY_INTERPRETER

    def __call__(self, ids: Ids, left: NDArray[np.bool_]) -> NDArray[np.int64]:
        self.left -= len(ids)
        if self.left < 0:
            raise self.reason
        return np.array([self._one(row) for row in ids], np.int64)

    def _one(self, ids: Ids) -> int:
        task = self.task
        try:
            value = interpret(task.program, [task.vocab[i] for i in ids.tolist()], True)[-1]
        except InputError:
            _refuse_undefined(task, ids)
            raise
        found = Listed(task.vocab).index.get(V.key(value), UNDEFINED)
        if found < 0:
            _refuse_no_token(task, ids)
        return found


def _refuse_undefined(task: Task, ids: Ids) -> None:
    tokens = [task.vocab[i] for i in ids.tolist()]
    try:
        interpret(task.program, tokens, True)
    except InputError as error:
        where = f"after {tokens!r}, which a prompt leads to"
        raise UnsupportedProgram(f"the program has no value {where}: {error}") from None


def _refuse_no_token(task: Task, ids: Ids) -> None:
    tokens = [task.vocab[i] for i in ids.tolist()]
    value = interpret(task.program, tokens, True)[-1]
    alike = next((token for token in task.vocab if str(token) == str(value)), None)
    told = "" if alike is None else f", whose {alike!r} is {_kind(alike)} and not {_kind(value)}"
    raise InvalidProgram(
        f"the program writes {value!r} after {tokens!r}, which a prompt leads to; it is no token of the "
        f"vocabulary{told}; add it, or let the program give a token there"
    )


def _kind(value: V.Value) -> str:
    return "a text" if isinstance(value, str) else "a number" if V.is_number(value) else "another value"
