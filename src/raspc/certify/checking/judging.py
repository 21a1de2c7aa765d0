"""The answers of a model to one batch, judged against those of its program; and sums of such judgements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raspc.certify.checking.answers import model_ids
from raspc.certify.checking.runs import Runs
from raspc.graph.evaluate import Batch, Bools, Column, run_graph
from raspc.graph.nodes import Domain, Graph, Listed
from raspc.numbers.precision import PRECISIONS, Precision
from raspc.numbers.promise import ABSOLUTE, tolerance
from raspc.run.plain import Ids
from raspc.weights.model import Model

LEAD = 0.25
"""An answer is clear if the right logit, whose margin is about 1, leads by so much; see `checking.symmetry`."""


@dataclass(frozen=True)
class Tally:
    """What has been found so far. Inputs stand for those that are like them: `ran` of `checked` were run.

    `unclear`: how many of the answers that stood for others were decided by less than LEAD. `first`: the ids of
    the first input that failed.
    """

    checked: int = 0
    ran: int = 0
    undefined: int = 0
    failures: int = 0
    unclear: int = 0
    max_error: float = 0.0
    first: tuple[int, ...] | None = None

    def __add__(self, later: Tally) -> Tally:
        return Tally(
            self.checked + later.checked,
            self.ran + later.ran,
            self.undefined + later.undefined,
            self.failures + later.failures,
            self.unclear + later.unclear,
            max(self.max_error, later.max_error),
            later.first if self.first is None else self.first,
        )


def judge(
    model: Model, graph: Graph, runs: Runs, run_model: Callable[[Ids], Any],
    precision: Precision = PRECISIONS["float32"], part: float = 1.0, again: Callable[[Ids], Any] | None = None,
) -> Tally:  # fmt: skip
    """Run a batch on both sides: `run_model` gives the logits of padded ids, in a precision.

    `part`: of the promise, by which numbers are judged.
    `again`: the same in another order of sums, which is asked too wherever an answer is nearly another one, or off by
    half of what it may be; elsewhere an order changes less than that.

    A failure within a longer input is believed where the failing one is run by itself and fails.
    """
    if not len(runs.weights):
        return Tally()
    found = _judged(model, graph, runs, run_model, precision, part, again)
    doubted = np.asarray((found.failed & (runs.weights > 0)).any(axis=1))
    if not (doubted.any() and runs.begun):
        return _tally(model, runs, found)
    sound = replace(runs, weights=np.where(doubted[:, None], 0, runs.weights))
    alone, rows = runs.some(doubted).apart(), len(doubted)
    parts = (alone.some(slice(i, i + rows)) for i in range(0, len(alone.weights), rows))
    return sum(
        (judge(model, graph, some, run_model, precision, part, again) for some in parts), _tally(model, sound, found)
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """[B, T], of the tokens up to each position: whether they have no value, and failed; how far a number is off."""

    logits: Any
    undefined: Bools
    failed: Bools
    error: Any


def _judged(
    model: Model, graph: Graph, runs: Runs, run_model: Callable[[Ids], Any], precision: Precision, part: float,
    again: Callable[[Ids], Any] | None,
) -> _Judged:  # fmt: skip
    batch, run = runs.batch, run_graph(graph, runs.batch)
    domain = graph.variable(graph.output).domain
    expected = run.column(graph.output)
    logits = run_model(model_ids(model, batch))[:, 1:]
    wrong, error = disagreements(model, logits, expected, domain, batch, precision, part)
    undefined = _so_far(run.raising)
    failed = _so_far(wrong) & ~undefined
    if again is not None:
        doubtful = _so_far(_in_doubt(model, logits, error, expected, domain, batch, precision))
        rows = np.flatnonzero((doubtful & ~failed & ~undefined & (runs.weights > 0)).any(axis=1))
        if len(rows):
            some = Batch(batch.ids[rows], batch.lengths[rows], batch.causal)
            numbers = None if expected.numbers is None else expected.numbers[rows]
            other = again(model_ids(model, batch)[rows])[:, 1:]
            found, off = disagreements(model, other, Column(expected.ids[rows], numbers), domain, some, precision, part)
            failed[rows] |= _so_far(found) & ~undefined[rows]
            error[rows] = np.maximum(error[rows], off)
    return _Judged(logits, undefined, failed, np.maximum.accumulate(error, axis=1))


def _so_far(found: Bools) -> Bools:
    """[B, T]: at some position up to this one."""
    return np.logical_or.accumulate(found, axis=1)


def _tally(model: Model, runs: Runs, found: _Judged) -> Tally:
    weights, compared = runs.weights, (runs.weights > 0) & ~found.undefined
    rows, places = np.nonzero(found.failed & compared)
    near = _so_far(unclear(model, found.logits, found.error, runs.batch)) & compared if runs.exchanged else None
    return Tally(
        int(weights.sum()),
        len(weights),
        int(weights[found.undefined].sum()),
        int(weights[rows, places].sum()),
        0 if near is None else int(near.sum()),
        float(found.error[compared].max(initial=0.0)),
        tuple(runs.batch.ids[rows[0], : places[0] + 1].tolist()) if len(rows) else None,
    )


def disagreements(
    model: Model, logits: Any, expected: Column, domain: Domain, batch: Batch,
    precision: Precision = PRECISIONS["float32"], part: float = 1.0,
) -> tuple[Any, Any]:  # fmt: skip
    """[B, T] where the answer is wrong or no number at all, and how far a number is off."""
    none = np.zeros(batch.ids.shape)
    lost = ~np.isfinite(logits).all(axis=-1)
    if model.config.output.kind == "categorical":
        return ((logits.argmax(axis=-1) != expected.ids) | lost) & batch.real, none
    is_special, which, numbers = expected_numbers(expected, domain)
    indicators = logits[:, :, 1:]
    answer = indicators.argmax(axis=-1) if indicators.shape[-1] else none.astype(int)
    says_special = (indicators > 0.5).any(axis=-1) if indicators.shape[-1] else none.astype(bool)
    error = np.where(is_special | ~batch.real, 0.0, np.abs(logits[:, :, 0].astype(np.float64) - numbers))
    off = error > part * tolerance(numbers, precision)
    wrong = lost | (says_special != is_special) | (is_special & (answer != which)) | (~is_special & off)
    return wrong & batch.real, np.where(says_special, 0.0, error)


def unclear(model: Model, logits: Any, error: Any, batch: Batch) -> Any:
    """[B, T]: answers that rounding in another order might change, or push over the tolerance."""
    if model.config.output.kind == "categorical":
        if logits.shape[-1] == 1:
            return np.zeros(logits.shape[:2], bool)
        two = np.partition(logits, -2, axis=-1)[:, :, -2:]
        near = two[:, :, 1] - two[:, :, 0] < LEAD
    else:
        near = (np.abs(logits[:, :, 1:] - 0.5) < LEAD).any(axis=-1) | (error > ABSOLUTE / 2)
    return near & batch.real


def _in_doubt(
    model: Model, logits: Any, error: Any, expected: Column, domain: Domain, batch: Batch, precision: Precision
) -> Any:  # fmt: skip
    """[B, T]: answers that another order of sums might make wrong: off by half of what they may be."""
    if model.config.output.kind == "categorical":
        return unclear(model, logits, error, batch)
    off = error > tolerance(expected_numbers(expected, domain)[2], precision) / 2
    near = off | (np.abs(logits[:, :, 1:] - 0.5) < LEAD).any(axis=-1)
    return near & batch.real


def expected_numbers(column: Column, domain: Domain) -> tuple[Any, Any, Any]:
    """Which answers are special, which special they are, and the numbers elsewhere."""
    if column.numbers is not None:
        return column.ids >= 0, np.maximum(column.ids, 0), column.numbers
    assert isinstance(domain, Listed)
    order = np.cumsum(~domain.is_number) - 1
    known = np.maximum(column.ids, 0)
    special = (~domain.is_number)[known] & (column.ids >= 0)
    return special, order[known], domain.numbers[known]
