"""Two programs or models compared: by the normal forms of their graphs, else by their answers, shortest input first.

Equal forms are a proof about programs. About models they are a proof that both were compiled from one program;
that a model computes its program is for `raspc.check`, and the comparison says so. Where forms decide nothing,
or a caller wants models run, inputs are tried in order of length: programs are interpreted, models are run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from raspc import arguments
from raspc import values as V
from raspc.certify.checking.answers import Codes, Side, differing
from raspc.certify.checking.inputs import (
    Piece,
    batch_of,
    check_asked,
    count_of,
    longest_of,
    pieces_of,
    random_of,
    random_sizes,
    stored,
    whole,
)
from raspc.certify.checking.normal import same_form
from raspc.certify.checking.ordered import cores, in_order
from raspc.errors import InputError
from raspc.graph.build import build
from raspc.graph.domain import EVERYTHING
from raspc.graph.evaluate import Batch
from raspc.graph.nodes import Graph, Ids
from raspc.graph.permitted import Frame
from raspc.numbers.promise import ABSOLUTE, RELATIVE
from raspc.rasp import SOp
from raspc.weights.model import Model

LIMIT = 100_000
"""So many inputs are tried; all are, where there are no more."""

EXACT, ROUNDED = (1e-9, 1e-9), (ABSOLUTE, RELATIVE)
"""Absolute and relative: how near numbers are one answer; the second where a model computes them in float32."""

GRAPHS_ONLY = (
    "graphs were compared, not weights: raspc check compares a model's weights with its graph, --run runs them"
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    `how`: "weights" (the models are the same arrays), "normal form" (the same graph), "inputs". `checked` of
    `total` inputs were tried, all of them up to length `up_to`; on `undefined` of them neither side has an
    answer. `notes`: that only the graphs of models were compared, or what of two sides was that do not take the
    same inputs. `tokens`: an input on which they differ, the first in order of length unless it is longer than
    `up_to`; `a` and `b`: the answers, None for a side that has none.
    """

    equal: bool
    how: str
    checked: int = 0
    total: int = 0
    up_to: int = 0
    undefined: int = 0
    notes: tuple[str, ...] = ()
    tokens: tuple[Any, ...] | None = None
    a: tuple[Any, ...] | None = None
    b: tuple[Any, ...] | None = None

    def __bool__(self) -> bool:
        return self.equal

    @property
    def exhaustive(self) -> bool:
        """True where nothing is left open: a difference was found, or equality is proved."""
        return not self.equal or self.how != "inputs" or self.checked == self.total

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON data."""
        lists = {name: getattr(self, name) for name in ("notes", "tokens", "a", "b")}
        plain = {name: None if items is None else list(items) for name, items in lists.items()}
        return vars(self) | plain | {"total": stored(self.total), "exhaustive": self.exhaustive}


@dataclass(frozen=True)
class _Subject:
    """A thing to compare: its graph, or its weights, or both."""

    graph: Graph | None
    model: Model | None

    @property
    def vocab(self) -> tuple[Any, ...]:
        if self.model is None:
            assert self.graph is not None
            return self.graph.vocab
        config = self.model.config
        return tuple(v for i, v in enumerate(config.vocab) if i not in (config.bos_id, config.pad_id))

    @property
    def max_seq_len(self) -> int:
        return self.model.config.max_seq_len if self.model else self.graph.max_seq_len if self.graph else 0

    def side(self, tokens: Sequence[Any], dtype: Any) -> Side:
        known = self.model.config.vocab if self.model else self.vocab
        places = {V.key(token): i for i, token in enumerate(known)}
        return Side(self.graph, self.model, np.array([places[V.key(t)] for t in tokens], np.int32), dtype)

    @property
    def tolerance(self) -> tuple[float, float]:
        return ROUNDED if self.model and self.model.config.output.kind == "numerical" else EXACT


def diff(
    a: Model | Graph | SOp,
    b: Model | Graph | SOp,
    vocab: Iterable[Any] | None = None,
    max_seq_len: int | None = None,
    causal: bool | None = None,
    limit: int | None = LIMIT,
    seed: int = 0,
    run: bool = False,
    dtype: Any = None,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Comparison:
    """Compare two programs or models: are they equal, and if not, on which input do they first differ?

    `vocab`, `max_seq_len` and `causal` are for expressions, and default to those of the other side. Sides with
    different vocabularies or lengths are compared on what both take, and `notes` says so. `limit`: the most
    inputs to try, None for all; where there are more, all short ones and random long ones are. `run`: try
    inputs even where the weights or the normal forms are equal. `threads`: as many as there are cores, unless
    told otherwise.

    Raises InputError where an expression lacks its vocabulary or length, or no token is common to both.
    """
    check_asked(limit, seed, threads, dtype)
    arguments.an(bool, "run", run, "True or False")
    given = None if vocab is None else tuple(arguments.items("vocab", vocab, "the tokens, as a list or a set"))
    frame = _Frame(given, max_seq_len, causal)
    one, other = _subject(a, frame.with_defaults_of(b)), _subject(b, frame.with_defaults_of(a))
    tokens, notes = _common(one, other)
    if not run and not notes and (how := _same_without_running(one, other)):
        about = (GRAPHS_ONLY,) if how == "normal form" and (one.model or other.model) else ()
        return Comparison(True, how, up_to=one.max_seq_len, notes=about)
    longest, tolerance = min(one.max_seq_len, other.max_seq_len), max(one.tolerance, other.tolerance)
    trial = _Trial(one.side(tokens, dtype), other.side(tokens, dtype), tolerance, tokens, longest, threads or cores())
    return replace(trial.run(limit, seed, progress), notes=notes)


@dataclass(frozen=True)
class _Frame:
    """What an expression is tabulated for."""

    vocab: tuple[Any, ...] | None
    max_seq_len: int | None
    causal: bool | None

    def with_defaults_of(self, other: Model | Graph | SOp) -> _Frame:
        if isinstance(other, SOp):
            return self
        subject = _subject(other, self)
        mask = subject.model.config.causal if subject.model else bool(subject.graph and subject.graph.causal)
        return _Frame(
            subject.vocab if self.vocab is None else self.vocab,
            subject.max_seq_len if self.max_seq_len is None else self.max_seq_len,
            mask if self.causal is None else self.causal,
        )


def _subject(x: Model | Graph | SOp, frame: _Frame) -> _Subject:
    if isinstance(x, Model):
        return _Subject(x.program, x)
    if isinstance(x, Graph):
        return _Subject(x, None)
    if not isinstance(x, SOp):
        raise InputError(f"found {x!r}; needed a model, a graph, or an s-op")
    if frame.vocab is None or frame.max_seq_len is None:
        raise InputError(f"{x.name}: an expression needs vocab and max_seq_len to be compared with another")
    return _Subject(build(x, frame.vocab, frame.max_seq_len, bool(frame.causal)), None)


def _common(a: _Subject, b: _Subject) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The tokens that both sides take, and what has to be said of sides that are not alike."""
    others = set(map(V.key, b.vocab))
    tokens = tuple(token for token in a.vocab if V.key(token) in others)
    if not tokens:
        raise InputError(f"no token is common to both: one takes {list(a.vocab[:6])}, the other {list(b.vocab[:6])}")
    notes = []
    if not len(tokens) == len(a.vocab) == len(b.vocab):
        shared = f"{len(tokens)} token" + "s" * (len(tokens) > 1)
        notes.append(f"the vocabularies differ: compared on the {shared} that both have")
    if a.max_seq_len != b.max_seq_len:
        shorter = min(a.max_seq_len, b.max_seq_len)
        notes.append(f"the maximum lengths differ ({a.max_seq_len} and {b.max_seq_len}): compared up to {shorter}")
    wheres = [EVERYTHING if side.graph is None else side.graph.where for side in (a, b)]
    if wheres[0] != wheres[1]:
        notes.append(f"one is for {wheres[0]}, the other for {wheres[1]}: compared on the inputs that both are for")
    masks = [side.side(tokens, None).causal for side in (a, b)]
    if masks[0] != masks[1]:
        notes.append(
            f"{'AB'[masks.index(True)]} is causal and {'AB'[masks.index(False)]} is not: each has its own mask"
        )
    return tokens, tuple(notes)


def _same_without_running(a: _Subject, b: _Subject) -> str | None:
    """How equality is known without trying inputs, if it is."""
    if a.model and b.model and _same_weights(a.model, b.model):
        return "weights"
    return "normal form" if a.graph and b.graph and same_form(a.graph, b.graph) else None


def _same_weights(a: Model, b: Model) -> bool:
    return a.config == b.config and all(np.array_equal(array, b.params[name]) for name, array in a.params.items())


@dataclass(frozen=True)
class _Batch:
    """What one batch gave: how many inputs were tried, and the ids of the first on which the sides differ."""

    checked: int
    undefined: int
    first: Ids | None


@dataclass(frozen=True)
class _Trial:
    """Inputs tried on both sides until they differ."""

    a: Side
    b: Side
    tolerance: tuple[float, float]
    tokens: tuple[Any, ...]
    longest: int
    threads: int

    @property
    def frame(self) -> Frame:
        """The inputs of a side that is not for all of them, if both number the tokens alike; else all."""
        sides = [side.where for side in (self.a, self.b) if side.graph and side.graph.vocab == self.tokens]
        where = next((where for where in sides if not where.is_everything), EVERYTHING)
        return Frame(where, self.tokens, self.longest, False)

    def run(self, limit: int | None, seed: int, progress: Progress | None) -> Comparison:
        total = count_of(self.frame)
        up_to = self.longest if limit is None else longest_of(self.frame, limit)
        goal = total if limit is None else min(total, limit)
        told = Comparison(True, "inputs", 0, total, up_to)
        for found in in_order(self.tasks(up_to, goal, seed), self.threads):
            told = replace(told, checked=told.checked + found.checked, undefined=told.undefined + found.undefined)
            if found.first is not None:
                return self.with_difference(replace(told, equal=False), found.first)
            if progress is not None:
                progress(told.checked, goal)
        return told

    def tasks(self, up_to: int, goal: int, seed: int) -> Iterator[Callable[[], _Batch]]:
        """One for each batch: all short inputs in order, then random ones."""
        for piece in pieces_of(self.frame, up_to):
            yield partial(self.tried_in_order, piece)
        for i, size in enumerate(random_sizes(self.longest, goal - count_of(replace(self.frame, max_len=up_to)))):
            yield partial(self.tried_at_random, size, (seed, i))

    def tried_in_order(self, piece: Piece) -> _Batch:
        return self.tried(batch_of(self.frame, piece))

    def tried_at_random(self, size: int, seed: tuple[int, int]) -> _Batch:
        return self.tried(random_of(self.frame, size, seed))

    def tried(self, batch: Batch) -> _Batch:
        """Both sides on a batch, up to the first input on which they differ."""
        wrong, unanswered = self.differing(batch)
        rows = np.flatnonzero(wrong)
        checked = int(rows[0]) + 1 if len(rows) else len(wrong)
        first = batch.ids[rows[0], : batch.lengths[rows[0]]] if len(rows) else None
        return _Batch(checked, int(unanswered[:checked].sum()), first)

    def differing(self, batch: Batch) -> tuple[Any, Any]:
        """[B]: on which inputs of a batch the sides differ; on which neither has an answer, or one is not for them."""
        codes, inside = Codes(), self.a.permits(batch) & self.b.permits(batch)
        a, b = self.a.answers(batch, codes), self.b.answers(batch, codes)
        return differing(a, b, batch.real, *self.tolerance) & inside, (~a.defined & ~b.defined) | ~inside

    def with_difference(self, told: Comparison, ids: Ids) -> Comparison:
        if len(ids) > told.up_to:
            ids = self.shrunk(ids)
        batch = whole(ids[None], False)
        tokens = tuple(self.tokens[i] for i in ids)
        return replace(told, tokens=tokens, a=self.a.shown(batch, 0), b=self.b.shown(batch, 0))

    def shrunk(self, ids: Ids) -> Ids:
        """A long input without the tokens that the difference can do without."""
        while len(ids) > 1:
            shorter = np.stack([np.delete(ids, i) for i in range(len(ids))])
            wrong = np.flatnonzero(self.differing(whole(shorter, False))[0])
            if not len(wrong):
                return ids
            ids = shorter[wrong[0]]
        return ids
