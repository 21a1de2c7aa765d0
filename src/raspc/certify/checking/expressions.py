"""Oracle 1: what a model answers, against the interpreter of the expressions that a person wrote.

The graph is made from the expressions, so a fault in making it cannot be seen by comparing with the graph.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raspc import rasp
from raspc import values as V
from raspc.certify.checking import inputs, runs
from raspc.certify.checking.answers import model_ids
from raspc.errors import InputError
from raspc.graph.evaluate import batch_of, run_graph
from raspc.graph.nodes import Graph
from raspc.graph.permitted import frame_of, search_of, tokens_of
from raspc.interpret import interpret
from raspc.numbers.precision import Precision
from raspc.numbers.promise import tolerance
from raspc.weights.encoders import decode_logits
from raspc.weights.model import Model

FEW = 1500
"""So many inputs are all interpreted."""
SAMPLE = 200
"""Of more, so many are, at random."""
SECONDS = 10.0
"""After so long a check stops asking."""
AT_ONCE = 256
"""So many inputs are asked before the clock is looked at again, when there is time."""


@dataclass(frozen=True)
class Asked:
    """What the interpreter of expressions said: on how many inputs, and on how many of them the program has no value.

    `failures`: how many answers differed, with the first: the input, the program's answer (None where it has none) and
    the model's.
    """

    inputs: int = 0
    undefined: int = 0
    failures: int = 0
    exhaustive: bool = False
    tokens: tuple[Any, ...] | None = None
    expected: tuple[Any, ...] | None = None
    found: tuple[Any, ...] | None = None
    reason: InputError | None = None

    def __add__(self, later: Asked) -> Asked:
        first = later if self.tokens is None else self
        return Asked(
            self.inputs + later.inputs, self.undefined + later.undefined, self.failures + later.failures,
            self.exhaustive, first.tokens, first.expected, first.found, first.reason,
        )  # fmt: skip


Begun = tuple[tuple[Any, ...], tuple[int, ...]]
"""An input, and the lengths of those that it begins with, it being one, on which program and model are compared."""


def ask(model: Model, program: rasp.SOp, asked: Iterable[Sequence[Any]], deadline: float, dtype: Any = None) -> Asked:
    """Compare the model with the program on inputs, until a time (of `time.perf_counter`)."""
    return _asked(model, program, ((tuple(xs), (len(xs),)) for xs in asked), deadline, dtype)


def _asked(model: Model, program: rasp.SOp, asked: Iterable[Begun], deadline: float, dtype: Any) -> Asked:
    total, held = Asked(), list[Begun]()
    for begun in asked:
        held.append(begun)
        if len(held) >= AT_ONCE:
            total, held = total + _compared(model, program, held, deadline, dtype), []
        if time.perf_counter() > deadline:
            break
    return total + _compared(model, program, held, deadline, dtype) if held else total


def _compared(model: Model, program: rasp.SOp, held: Sequence[Begun], deadline: float, dtype: Any) -> Asked:
    """What is said of inputs; where one is answered rightly as a whole, so is all that it begins with."""
    wanted: list[list[Any] | InputError] = []
    for xs, _ in held:
        wanted.append(_answer(program, xs, model.config.causal))
        if time.perf_counter() > deadline:
            break
    whole = [xs for xs, _ in held[: len(wanted)]]
    batch = batch_of(model.as_written, whole)
    has_none = any(isinstance(want, InputError) for want in wanted)
    nowhere = run_graph(model.as_written, batch).undefined if has_none else np.zeros(len(wanted), bool)
    ids = model_ids(model, batch)
    rows = decode_logits(model.config, model.logits(ids, dtype), ids)
    found = [tuple(row[1 : len(xs) + 1]) for row, xs in zip(rows, whole, strict=False)]
    total, apart = Asked(), list[Begun]()
    for (xs, lengths), want, row, none in zip(held, wanted, found, nowhere, strict=False):
        if not isinstance(want, InputError) and _right(row, want, model.precision):
            total += Asked(len(lengths))
        elif lengths != (len(xs),):
            apart += [(xs[:n], (n,)) for n in lengths]
        else:
            total += _alone(xs, want, row, bool(none))
    return total + _asked(model, program, apart, deadline, dtype) if apart else total


def _alone(xs: tuple[Any, ...], want: list[Any] | InputError, found: tuple[Any, ...], nowhere: bool) -> Asked:
    """What is said of one input on which the program has no value, or another one than the model."""
    if not isinstance(want, InputError):
        return Asked(1, 0, 1, False, xs, tuple(want), found)
    return Asked(1, 1) if nowhere else Asked(1, 1, 1, False, xs, None, found, want)


def _answer(program: rasp.SOp, xs: Sequence[Any], causal: bool) -> list[Any] | InputError:
    try:
        return interpret(program, xs, causal)
    except InputError as error:
        return error


def _right(found: Sequence[Any], wanted: Sequence[Any], precision: Precision) -> bool:
    return all(_agrees(x, y, precision) for x, y in zip(found, wanted, strict=True))


def _agrees(found: Any, wanted: Any, precision: Precision) -> bool:
    if V.same(found, wanted):
        return True
    if not (V.is_number(found) and V.is_number(wanted)):
        return False
    return bool(abs(found - wanted) <= tolerance(np.array(float(wanted)), precision))


def check_expressions(model: Model, program: rasp.SOp, limit: int | None, seed: int, dtype: Any) -> Asked:
    """All inputs where these are few, else those that begin a sample of them, or the sample alone."""
    graph = model.as_written
    total = inputs.count_of(frame_of(graph))
    few = total <= FEW and (limit is None or total <= limit)
    beginnings = runs.by_beginnings(model, program)
    many = SAMPLE if limit is None else min(SAMPLE, limit)
    chosen = _all(graph, beginnings) if few else _sample(graph, many, seed, beginnings)
    found = _asked(model, program, chosen, time.perf_counter() + SECONDS, dtype)
    return Asked(**vars(found) | {"exhaustive": few and (found.inputs == total or graph.where.is_filtered)})


def _all(graph: Graph, beginnings: bool) -> Iterator[Begun]:
    frame = frame_of(graph)
    for piece in runs.pieces_to_run(frame, beginnings):
        yield from _of_runs(runs.of_piece(frame, piece, beginnings), graph)


def _sample(graph: Graph, many: int, seed: int, beginnings: bool) -> Iterator[Begun]:
    frame = frame_of(graph)
    for i, size in enumerate(inputs.random_sizes(graph.max_seq_len, many)):
        batch = inputs.random_of(frame, size, (seed, i))
        yield from _of_runs(runs.compared_once(frame, batch) if beginnings else runs.whole_inputs(batch), graph)


def _of_runs(found: runs.Runs, graph: Graph) -> Iterator[Begun]:
    for xs, weights in zip(tokens_of(found.batch, graph.vocab), found.weights, strict=True):
        yield xs, tuple((np.flatnonzero(weights) + 1).tolist())


def telling(graph: Graph) -> list[tuple[Any, ...]]:
    """A few inputs for a compile to try: of lengths 1, 2 and 3, of the greatest, of the last token alone, and of pairs.

    Of a domain: the first and the last of those that counter-examples are looked for on, and some between.
    """
    if not graph.where.is_everything:
        return _some_of(graph)
    vocab, longest = graph.vocab, graph.max_seq_len
    lengths = [n for n in (1, 2, 3) if n < longest] + ([longest] if longest <= LONG else [])
    turned = [tuple(vocab[(n + i) % len(vocab)] for i in range(n)) for n in lengths]
    pairs = tuple(vocab[i // 2 % len(vocab)] for i in range(min(longest, PAIRED)))
    return list(dict.fromkeys([*turned, (vocab[-1],) * min(longest, 2), pairs]))


def _some_of(graph: Graph) -> list[tuple[Any, ...]]:
    batches, vocab = search_of(graph).batches, graph.vocab
    found = [(batch, row) for batch in batches for row in np.flatnonzero(batch.lengths <= LONG).tolist()]
    step = max(1, len(found) // 6)
    rows = [batch.ids[row, : batch.lengths[row]].tolist() for batch, row in (*found[::step], *found[-1:])]
    return list(dict.fromkeys(tuple(vocab[i] for i in row) for row in rows))


PAIRED = 6
"""An input of pairs of tokens has at most so many."""
LONG = 200
"""A longer input is not interpreted while compiling."""
