"""Running a model against its program in one precision, on inputs that are likely to show a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from raspc.certify.checking.judging import Tally, judge
from raspc.certify.checking.runs import every_beginning, whole_inputs
from raspc.graph.evaluate import Batch
from raspc.graph.permitted import search_of
from raspc.numbers.precision import Precision
from raspc.numbers.promise import slack_of
from raspc.run.plain import Ids
from raspc.run.rounded import logits_by_definition
from raspc.weights.certificate import Measured
from raspc.weights.model import Model

Run = Callable[[Model, Ids, Precision], Any]

MEASURED = 500
"""How many inputs a model is run on, at most, where a bound does not decide."""
MEASURED_PAIRS = 1 << 22
"""How many (query, key) pairs these inputs may have in all, so that long ones are few."""

LONGEST = 1 << 15
"""Inputs that are longer are not run: the scores of one of them would take more than 4 GiB, and its powers as much."""


def measure(model: Model, precision: Precision) -> Measured:
    """What a run found: inputs, failures, the largest error of a number, and the first input that fails."""
    graph = model.as_written
    tally, complete = _run(model, precision, 1.0, Model.logits_in)
    return Measured(
        inputs=tally.checked - tally.undefined,
        exhaustive=complete,
        max_error=tally.max_error,
        failures=tally.failures,
        tokens=None if tally.first is None else tuple(graph.vocab[i] for i in tally.first),
    )


def has_slack(model: Model, precision: Precision) -> bool:
    """Whether a sample that runs as `apply` does is right to the promise over its slack (`raspc.numbers.promise`).

    In a narrow format, where one rounding may be as large as a step of a design, words must be clear besides.
    """
    found, _ = _run(model, precision, 1 / slack_of(precision), _by_definition)
    words = model.config.output.kind == "categorical"
    return not found.failures and not (precision.narrow and words and found.unclear)


def _by_definition(model: Model, ids: Ids, precision: Precision) -> Any:
    """Sums in the order of `apply`, which the quick pass does not keep to."""
    if model.config.held is not None:
        return model.logits_in(ids, precision)
    return logits_by_definition(model.params, model.config, ids, precision)


def _run(model: Model, precision: Precision, part: float, run: Run) -> tuple[Tally, bool]:
    """(the judgement of a sample by a part of the promise, whether these were all inputs)."""
    graph = model.as_written
    limit = max(16, min(MEASURED, MEASURED_PAIRS // (graph.max_seq_len + 1) ** 2))
    found = search_of(graph)
    total = sum(len(batch.lengths) for batch in found.batches)

    def run_model(ids: Ids) -> Any:
        return run(model, ids, precision)

    compared = every_beginning if found.endings else whole_inputs
    whole = (compared(_thinned(batch, limit, total)) for batch in found.batches)
    batches = [replace(runs, exchanged=True) for runs in whole]  # so that it is said which answers are unclear
    tallies = (judge(model, graph, batch, run_model, precision, part) for batch in batches)
    return sum(tallies, Tally()), found.complete and total <= limit


def _thinned(batch: Batch, limit: int, total: int) -> Batch:
    """Every k-th input, so that about `limit` of all remain."""
    step = max(1, -(-total // limit))
    return Batch(batch.ids[::step], batch.lengths[::step], batch.causal)
