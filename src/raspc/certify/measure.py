"""Running a model against its program in one precision, on inputs that are likely to show a fault."""

from __future__ import annotations

from typing import Any

import numpy as np

from raspc.blocks.precision import Precision
from raspc.certify.check import disagreements, expected_numbers, model_ids
from raspc.certify.prove import tolerance
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.nodes import Graph
from raspc.graph.samples import search
from raspc.weights.model import Model
from raspc.weights.rounded import logits_in

MEASURED = 500
"""How many inputs a model is run on, at most, where a bound does not decide."""
MEASURED_PAIRS = 1 << 22
"""How many (query, key) pairs these inputs may have in all, so that long ones are few."""


def measure(model: Model, precision: Precision) -> dict[str, Any]:
    """What a run found, JSON data: inputs, failures, the largest error of a number, and the first input that fails."""
    graph = model.graph.before_passes
    limit = max(16, min(MEASURED, MEASURED_PAIRS // (graph.max_seq_len + 1) ** 2))
    found = {"inputs": 0, "exhaustive": False, "failures": 0, "max_error": 0.0, "tokens": None}
    batches = search(len(graph.vocab), graph.max_seq_len, graph.causal)
    total = sum(len(batch.lengths) for batch in batches.batches)
    found["exhaustive"] = batches.complete and total <= limit
    for batch in batches.batches:
        _add(found, model, graph, _thinned(batch, limit, total), precision)
    return found


def _thinned(batch: Batch, limit: int, total: int) -> Batch:
    """Every k-th input, so that about `limit` of all remain."""
    step = max(1, -(-total // limit))
    return Batch(batch.ids[::step], batch.lengths[::step], batch.causal)


def _add(found: dict[str, Any], model: Model, graph: Graph, batch: Batch, precision: Precision) -> None:
    run = run_graph(graph, batch)
    domain = graph.variable(graph.output).domain
    expected = run.column(graph.output)
    logits = logits_in(model, model_ids(model, batch), precision)[:, 1:]
    wrong, error = disagreements(model, logits, expected, domain, batch)
    if precision.narrow and model.config.output.kind == "numerical":
        is_special, _, numbers = expected_numbers(expected, domain)
        wrong = np.where(is_special, wrong, error > tolerance(numbers, precision)) & batch.real
    wrong = (wrong | ~np.isfinite(logits).all(axis=-1) & batch.real) & ~run.undefined[:, None]
    rows = np.flatnonzero(wrong.any(axis=1))
    found["inputs"] += len(batch.lengths)
    found["failures"] += len(rows)
    right = np.where(run.undefined[:, None], 0.0, error)
    found["max_error"] = max(found["max_error"], float(right.max(initial=0.0)))
    if len(rows) and found["tokens"] is None:
        length = int(batch.lengths[rows[0]])
        found["tokens"] = [graph.vocab[i] for i in batch.ids[rows[0], :length]]
