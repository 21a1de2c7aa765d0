"""Compiled against interpreted: every input where they are few, else many random ones of all lengths.

The graph's batch interpreter stands for the program; that it equals the plain interpreter is tested. The
first difference is followed to the first layer and variable at which it arises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from raspc.certify.variables import Difference, first_difference
from raspc.errors import InputError
from raspc.graph.evaluate import Batch, Column, decoded, run_graph
from raspc.graph.nodes import UNDEFINED, Domain, Graph, Listed
from raspc.graph.samples import all_of_length
from raspc.weights.encoders import decode_logits
from raspc.weights.model import Model

LIMIT = 100_000
"""Up to this many inputs all are checked."""
ABSOLUTE, RELATIVE = 1e-5, 1e-4
"""A number is right if it is this near, or this near relative to its size."""
CELLS = 1 << 21
"""About how many (query, key) pairs are worked on at once."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """What a check found. `difference` is about the first input on which the two differ."""

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

    @property
    def ok(self) -> bool:
        """True if no input differed."""
        return self.failures == 0

    def __bool__(self) -> bool:
        return self.ok

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "total": self.total,
            "exhaustive": self.exhaustive,
            "undefined": self.undefined,
            "failures": self.failures,
            "max_error": self.max_error,
            "tokens": None if self.tokens is None else list(self.tokens),
            "expected": None if self.expected is None else list(self.expected),
            "found": None if self.found is None else list(self.found),
            "difference": None if self.difference is None else self.difference.to_json(),
        }


def check(
    model: Model, limit: int = LIMIT, seed: int = 0, dtype: Any = np.float32, progress: Progress | None = None
) -> Report:
    """Compare the model with its program on all inputs if there are at most `limit`, else on `limit` random ones.

    Inputs on which the program is undefined are counted and left out. `progress(done, total)` is called
    after each batch.

    Raises InputError for a model that holds no graph.
    """
    if not isinstance(model.graph, Graph):
        raise InputError("the model holds no graph to check against; compile it again, or load a whole directory")
    graph = model.graph.before_passes
    sizes = [len(graph.vocab) ** n for n in range(1, graph.max_seq_len + 1)]
    total = sum(sizes)
    exhaustive = total <= limit
    batches = _all(graph) if exhaustive else _random(graph, limit, seed)
    goal = total if exhaustive else limit
    state = _State(model, graph, dtype)
    for batch in batches:
        state.add(batch)
        if progress is not None:
            progress(state.checked, goal)
    return state.report(total, exhaustive)


@dataclass
class _State:
    model: Model
    graph: Graph
    dtype: Any
    checked: int = 0
    undefined: int = 0
    failures: int = 0
    worst: float = 0.0
    first: tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]] | None = None

    def add(self, batch: Batch) -> None:
        run = run_graph(self.graph, batch)
        domain = self.graph.variable(self.graph.output).domain
        expected = run.column(self.graph.output)
        ids = model_ids(self.model, batch)
        logits = self.model.logits(ids, self.dtype)
        wrong, error = disagreements(self.model, logits[:, 1:], expected, domain, batch)
        wrong &= ~run.undefined[:, None]
        rows = np.flatnonzero(wrong.any(axis=1))
        self.checked += len(batch.lengths)
        self.undefined += int(run.undefined.sum())
        self.failures += len(rows)
        self.worst = max(self.worst, float(np.where(run.undefined[:, None], 0, error).max(initial=0.0)))
        if len(rows) and self.first is None:
            self.first = self.describe(batch, int(rows[0]), expected, domain, logits, ids)

    def describe(
        self, batch: Batch, row: int, expected: Column, domain: Domain, logits: Any, ids: Any
    ) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        length = int(batch.lengths[row])
        tokens = tuple(self.graph.vocab[i] for i in batch.ids[row, :length])
        answer = decode_logits(self.model.config, logits[row : row + 1], ids[row : row + 1])[0]
        return tokens, tuple(decoded(expected, domain, row, length)), tuple(answer[1 : length + 1])

    def report(self, total: int, exhaustive: bool) -> Report:
        tokens, expected, found = self.first or (None, None, None)
        difference = first_difference(self.model, tokens) if tokens is not None else None
        return Report(
            self.checked,
            total,
            exhaustive,
            self.undefined,
            self.failures,
            tokens,
            expected,
            found,
            difference,
            self.worst,
        )


def model_ids(model: Model, batch: Batch) -> Any:
    """The model's ids for a batch of the graph: BOS in front, PAD behind; both number tokens alike."""
    ids = np.where(batch.ids < 0, model.config.pad_id, batch.ids).astype(np.intp)
    return np.hstack([np.full((len(ids), 1), model.config.bos_id, np.intp), ids])


def disagreements(model: Model, logits: Any, expected: Column, domain: Domain, batch: Batch) -> tuple[Any, Any]:
    """[B, T] where the answer is wrong, and how far a number is off."""
    none = np.zeros(batch.ids.shape)
    if model.config.output.kind == "categorical":
        return (logits.argmax(axis=-1) != expected.ids) & batch.real, none
    is_special, which, numbers = expected_numbers(expected, domain)
    indicators = logits[:, :, 1:]
    answer = indicators.argmax(axis=-1) if indicators.shape[-1] else none.astype(int)
    says_special = (indicators > 0.5).any(axis=-1) if indicators.shape[-1] else none.astype(bool)
    error = np.where(is_special | ~batch.real, 0.0, np.abs(logits[:, :, 0].astype(np.float64) - numbers))
    off = error > ABSOLUTE + RELATIVE * np.abs(numbers)
    wrong = (says_special != is_special) | (is_special & (answer != which)) | (~is_special & off)
    return wrong & batch.real, np.where(says_special, 0.0, error)


def expected_numbers(column: Column, domain: Domain) -> tuple[Any, Any, Any]:
    """Which answers are special, which special they are, and the numbers elsewhere."""
    if column.numbers is not None:
        return column.ids >= 0, np.maximum(column.ids, 0), column.numbers
    assert isinstance(domain, Listed)
    order = np.cumsum(~domain.is_number) - 1
    known = np.maximum(column.ids, 0)
    special = (~domain.is_number)[known] & (column.ids >= 0)
    return special, order[known], domain.numbers[known]


def _all(graph: Graph) -> Iterator[Batch]:
    for length in range(1, graph.max_seq_len + 1):
        whole = all_of_length(len(graph.vocab), length, graph.causal)
        yield from _pieces(whole, length)


def _pieces(batch: Batch, length: int) -> Iterator[Batch]:
    rows = max(1, CELLS // (length + 1) ** 2)
    for start in range(0, len(batch.lengths), rows):
        cut = slice(start, start + rows)
        yield Batch(batch.ids[cut], batch.lengths[cut], batch.causal)


def _random(graph: Graph, count: int, seed: int) -> Iterator[Batch]:
    """Random inputs of all lengths, a third of them of the greatest, half of them from few tokens."""
    rng = np.random.default_rng(seed)
    n = graph.max_seq_len
    rows = max(1, min(4096, CELLS // (n + 1) ** 2))
    for start in range(0, count, rows):
        size = min(rows, count - start)
        lengths = np.where(rng.random(size) < 1 / 3, n, rng.integers(1, n + 1, size))
        ids = rng.integers(0, len(graph.vocab), (size, n))
        few = np.where(rng.random(size) < 0.5, rng.integers(1, 4, size), len(graph.vocab))
        offset = rng.integers(0, len(graph.vocab), size)
        ids = (ids % few[:, None] + offset[:, None]) % len(graph.vocab)
        padded = np.where(np.arange(n) < lengths[:, None], ids, UNDEFINED).astype(np.int32)
        yield Batch(padded, lengths.astype(np.int64), graph.causal)
