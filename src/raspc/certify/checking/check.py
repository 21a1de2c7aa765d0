"""Compiled against interpreted: every input where they are few, else many random ones of all lengths.

The graph's batch interpreter stands for the program; where the expressions are at hand, their interpreter is asked too.
The first difference is followed to the first layer and variable at which it arises. Batches are judged by threads,
as NumPy leaves Python to others while it works, and are added up in order; what has been added up can be kept
in a file from which a check that was interrupted goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from raspc import arguments, doors, rasp
from raspc.certify.checking import inputs, runs, symmetry
from raspc.certify.checking.answers import model_ids
from raspc.certify.checking.expressions import check_expressions
from raspc.certify.checking.judging import Tally, disagreements, expected_numbers, judge
from raspc.certify.checking.ordered import cores, in_order
from raspc.certify.checking.runs import Runs
from raspc.certify.checking.state import Asked, Journal
from raspc.certify.checking.variables import Difference, first_difference
from raspc.errors import InputError, wrong_kind
from raspc.graph.evaluate import decoded, run_graph
from raspc.graph.nodes import Graph
from raspc.graph.permitted import Frame, frame_of
from raspc.numbers.precision import PRECISIONS
from raspc.numbers.promise import ABSOLUTE, RELATIVE
from raspc.run.plain import Ids
from raspc.run.rounded import logits_by_definition
from raspc.weights.encoders import decode_logits
from raspc.weights.model import Model

LIMIT = 100_000
"""Up to this many inputs all are checked."""

WORTH_A_PROOF = 5_000
"""From so many inputs on, symmetric ones are sought."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, repr=False)
class Report:
    """What a check found. `difference` is about the first input on which the two differ.

    `asked`: on how many inputs the interpreter of expressions was asked too, beside the graph that was made from them;
    where it was not, `alone` says why the graph was the only oracle. A report on no input with a value is no success.

    As JSON, a `total` that has no room in 64 bits is null.

    `where`: which inputs these are all of, or random ones of, where the program is not for every one.

    `ran`: how many inputs the model was run on. It is smaller than `checked` under a causal mask, where a run tells of
    every input that its own begins with (`beginnings`), and where there are classes of tokens that are proved to be
    exchangeable, `symmetric`: of inputs that are equal but for an exchange one was run for all.
    """

    checked: int
    total: int
    exhaustive: bool
    undefined: int
    failures: int
    tokens: tuple[Any, ...] | None = None
    expected: tuple[Any, ...] | None = None
    found: tuple[Any, ...] | None = None
    difference: Difference | None = None
    max_error: float = field(default=0.0)
    ran: int = 0
    symmetric: tuple[tuple[Any, ...], ...] = ()
    asked: int = 0
    alone: str = ""
    where: str = ""
    beginnings: bool = False

    @property
    def compared(self) -> int:
        """On how many inputs the program has a value, and was compared."""
        return self.checked - self.undefined

    @property
    def ok(self) -> bool:
        """True if there was something to compare, and nothing differed."""
        return self.failures == 0 and self.compared > 0

    @property
    def oracles(self) -> str:
        """Which oracles spoke."""
        if self.alone:
            return f"the graph alone, since {self.alone}"
        return f"the graph, and the interpreter of expressions on {self.asked:,} inputs"

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return str(doors.through("report_text")(self))

    def _repr_html_(self) -> str:
        return str(doors.through("report_html")(self))

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "total": inputs.stored(self.total),
            "exhaustive": self.exhaustive,
            "undefined": self.undefined,
            "failures": self.failures,
            "max_error": self.max_error,
            "tokens": None if self.tokens is None else list(self.tokens),
            "expected": None if self.expected is None else list(self.expected),
            "found": None if self.found is None else list(self.found),
            "difference": None if self.difference is None else self.difference.to_json(),
            "ran": self.ran,
            "asked": self.asked,
            "oracles": self.oracles,
            "symmetric": [list(tokens) for tokens in self.symmetric],
            "where": self.where,
            "beginnings": self.beginnings,
        }


def check(
    model: Model,
    limit: int | None = LIMIT,
    seed: int = 0,
    dtype: Any = None,
    progress: Progress | None = None,
    symmetric: bool = True,
    threads: int | None = None,
    state: str | os.PathLike[str] | None = None,
    program: rasp.SOp | None = None,
) -> Report:
    """Compare the model with its program on all inputs if there are at most `limit`, else on `limit` random ones.

    Of a program that is for some inputs alone, these are meant. Where a condition holds of few, fewer are found.

    `limit=None`: all inputs, however many. Inputs on which the program is undefined are counted and left out.
    `dtype`: of NumPy; without one the model runs in the format that it was compiled for.
    `symmetric`: run one input for all those that a proved symmetry makes like it. `threads`: as many as there
    are cores, unless told otherwise. `state`: a file that keeps what has been found; a check that finds one goes
    on where it ended. `progress(done, total)` is called after each batch.

    Under a causal mask no answer depends on a later token: every input that a longer one begins with is compared in its
    run. Random inputs are then as long as may be, and no two that are compared are the same.

    The model runs as in a batch. An answer that is nearly another one, or off by half of what it may be, is computed as
    `apply` computes it too, and both have to be right: elsewhere the order of sums changes less than that.

    The graph speaks for the program. The interpreter of expressions is asked too, on all inputs where these are few and
    else on a sample, in the process that compiled the model, and where its `program` is given.

    Raises InputError for a limit below 1, for a model that holds no graph, and for a state that is malformed or of
    another check.
    """
    if not isinstance(model, Model):
        raise wrong_kind("model", model, "a compiled model")
    if not isinstance(program, rasp.SOp | None):
        raise wrong_kind("program", program, "the s-op that the model was compiled from")
    inputs.check_asked(limit, seed, threads, dtype)
    arguments.an(bool, "symmetric", symmetric, "True or False")
    if state is not None:
        arguments.path("state", state)
    if model.graph is None:
        raise InputError("the model holds no graph to check against; compile it again, or load a whole directory")
    graph = model.as_written
    total = inputs.count_of(frame_of(graph))
    exhaustive = limit is None or total <= limit
    classes: symmetry.Classes = ()
    if symmetric and exhaustive and total >= WORTH_A_PROOF and graph.where.is_everything:
        classes = symmetry.exchangeable(model)
    name = model.precision.name if dtype is None else np.dtype(dtype).name
    plan = Asked(None if exhaustive else limit, 0 if exhaustive else seed, name, classes)
    journal = None if state is None else Journal.open(state, model)
    plan = journal.adopt(plan) if journal else plan
    work = _Work(model, graph, dtype, total, threads or cores())
    tally = work.run(plan, journal, progress)
    if plan.classes and tally.unclear:
        plan = replace(plan, classes=())
        tally = work.run(plan, journal, progress)
    return _with_expressions(_report(work, plan, tally), work, limit, seed, program)


def _with_expressions(report: Report, work: _Work, limit: int | None, seed: int, program: rasp.SOp | None) -> Report:
    """The report with what the interpreter of expressions says, if it can be asked."""
    program = work.model.expression if program is None else program
    if program is None:
        return replace(report, alone="the model was not compiled here and its program is not named")
    asked = check_expressions(work.model, program, limit, seed, work.dtype)
    if report.failures or not asked.failures:
        return replace(report, asked=asked.inputs)
    return replace(
        report, asked=asked.inputs, failures=asked.failures, tokens=asked.tokens, expected=asked.expected,
        found=asked.found,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Work:
    """What is compared, and by how many threads."""

    model: Model
    graph: Graph
    dtype: Any
    total: int
    threads: int

    @property
    def frame(self) -> Frame:
        """The inputs that the program is for."""
        return frame_of(self.graph)

    def run(self, plan: Asked, journal: Journal | None, progress: Progress | None) -> Tally:
        """Judge all batches of the plan that the journal has not."""
        done, tally = journal.resume(plan) if journal else (0, Tally())
        goal = self.total if plan.limit is None else plan.limit
        for found in in_order(islice(self.tasks(plan), done, None), self.threads):
            tally, done = tally + found, done + 1
            if journal:
                journal.keep(plan, done, tally)
            if progress is not None:
                progress(tally.checked, goal)
            if plan.classes and tally.unclear:
                break  # the proof is of exact arithmetic; answers that hang by a thread are all run
        if journal:
            journal.keep(plan, done, tally, now=True)
        return tally

    def tasks(self, plan: Asked) -> Iterator[Callable[[], Tally]]:
        """One for each batch."""
        if plan.limit is None:
            pieces = runs.pieces_to_run(self.frame, self.beginnings)
            yield from (partial(self.judge_piece, piece, plan.classes) for piece in pieces)
            return
        drawn = runs.at_random(self.frame, plan.limit, plan.seed, self.beginnings)
        yield from (partial(self.judge_runs, some) for some in drawn)

    @property
    def beginnings(self) -> bool:
        """Whether a run tells of all inputs that its own begins with."""
        return runs.by_beginnings(self.model)

    def judge_piece(self, piece: inputs.Piece, classes: symmetry.Classes) -> Tally:
        return self.judge_runs(runs.of_piece(self.frame, piece, self.beginnings, classes))

    def judge_runs(self, some: Runs) -> Tally:
        precision = self.model.precision if self.dtype is None else PRECISIONS["float32"]
        one_by_one = self.dtype is None and not precision.narrow
        return judge(
            self.model, self.graph, some, lambda ids: self.model.logits(ids, self.dtype), precision,
            again=self.as_applied if one_by_one else None,
        )  # fmt: skip

    def as_applied(self, ids: Ids) -> Any:
        """The logits as `apply` adds them up, where `apply_batch` adds in another order."""
        return logits_by_definition(self.model.params, self.model.config, ids, self.model.precision)


def _report(work: _Work, plan: Asked, tally: Tally) -> Report:
    tokens, expected, found = _described(work, tally.first) if tally.first else (None, None, None)
    return Report(
        tally.checked,
        tally.checked if plan.limit is None and work.graph.where.is_filtered else work.total,
        plan.limit is None,
        tally.undefined,
        tally.failures,
        tokens,
        expected,
        found,
        first_difference(work.model, tokens) if tokens is not None else None,
        tally.max_error,
        tally.ran,
        tuple(tuple(work.graph.vocab[i] for i in ids) for ids in plan.classes),
        where=work.graph.where.written,
        beginnings=work.beginnings,
    )


def _described(work: _Work, first: tuple[int, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    """An input as tokens, with both answers."""
    graph, model = work.graph, work.model
    batch = inputs.whole(np.array([first], np.int32), graph.causal)
    column = run_graph(graph, batch).column(graph.output)
    expected = decoded(column, graph.variable(graph.output).domain, 0, len(first))
    ids = model_ids(model, batch)
    found = decode_logits(model.config, model.logits(ids, work.dtype), ids)[0][1:]
    return tuple(graph.vocab[i] for i in first), tuple(expected), tuple(found)


__all__ = [
    "ABSOLUTE", "LIMIT", "RELATIVE", "Progress", "Report", "check", "disagreements", "expected_numbers", "model_ids",
]  # fmt: skip
