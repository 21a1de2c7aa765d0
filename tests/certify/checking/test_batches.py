"""An answer does not depend on the batch that it is computed in: by no more than a tenth of what is promised."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest
from tests.agreement import compiled, some_inputs
from tests.fuzz import VOCABULARIES

import raspc
from raspc import library, rasp
from raspc.certify.checking import inputs
from raspc.certify.checking.judging import judge
from raspc.certify.checking.runs import whole_inputs
from raspc.numbers.promise import OF_A_BATCH, tolerance
from raspc.weights.model import Model

RANDOM = 12
"""How many random programs are looked through for numerical answers."""


@cache
def models() -> tuple[Model, ...]:
    """Models whose answers are numbers: of the library, random ones, and a mean of large numbers."""
    found = []
    for entry in library.PROGRAMS.values():
        found.append(compiled(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal))
    for seed in range(RANDOM):
        options: dict[str, Any] = {"vocab": VOCABULARIES[2 + seed % 2], "max_seq_len": 3 + seed % 4, "causal": False}
        program = library.random_program(random.Random(seed), 4 + seed % 8, **options)
        try:
            found.append(compiled(program, **options))
        except raspc.RaspcError:
            continue
    everywhere = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE)
    found.append(compiled(rasp.Aggregate(everywhere, rasp.tokens), (0.1, 7.7, 123_456.7), 60))
    return tuple(model for model in found if model.config.output.kind == "numerical")


def inputs_of(model: Model) -> list[list[Any]]:
    """Some inputs of all lengths, with BOS."""
    graph = model.as_written
    return [["BOS", *xs] for xs in islice(some_inputs(graph.vocab, graph.max_seq_len, most=60), 100)]


def alike(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Whether all numbers differ by at most the part of the promise that a batch may make of it."""
    return bool((np.abs(one.astype(float) - other) <= OF_A_BATCH * tolerance(one.astype(float))).all())


def test_there_are_numerical_answers_to_look_at() -> None:
    """The library and the random programs give several models, so that the tests below are about something."""
    assert len(models()) >= 4


def test_one_by_one_in_a_batch_and_in_another_order() -> None:
    """Batches of 1, 3 and all, rows backwards, and rows with padding beside longer ones, give what `apply` gives."""
    for model in models():
        rows = inputs_of(model)
        single = [model.apply(row).unembedded[0] for row in rows]
        for size in (1, 3, len(rows)):
            for order in (rows, rows[::-1]):
                wanted = single if order is rows else single[::-1]
                for start in range(0, len(order), size):
                    found = model.apply_batch(order[start : start + size]).unembedded
                    for row, one, logits in zip(order[start:], wanted[start:], found, strict=False):
                        assert alike(one, logits[: len(row)])


def test_padding_by_hand() -> None:
    """PAD behind the last token, in `apply`, changes nothing."""
    for model in models():
        for row in inputs_of(model):
            padded = [*row, *[model.config.pad] * (model.config.n_ctx - len(row))]
            assert alike(model.apply(row).unembedded[0], model.apply(padded).unembedded[0, : len(row)])


ONE_THREAD = """
import json, sys
from tests.certify.checking.test_batches import inputs_of, models
model = models()[-1]
print(json.dumps(model.apply_batch(inputs_of(model)).unembedded.astype(float).tolist()))
"""


@pytest.mark.parametrize("threads", ["1", "4"])
def test_threads(threads: str) -> None:
    """Another process with another number of threads gives the same, but for the order of its sums."""
    model = models()[-1]
    counts = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    done = subprocess.run(
        [sys.executable, "-c", ONE_THREAD], capture_output=True, text=True, check=True, env=os.environ | counts
    )
    assert alike(model.apply_batch(inputs_of(model)).unembedded, np.array(json.loads(done.stdout)))


@pytest.mark.parametrize(("off", "again", "asked", "failures"), [(0.3, 2.0, 0, 0), (0.7, 0.9, 3, 0), (0.7, 1.1, 3, 3)])
def test_what_is_nearly_wrong_in_a_batch_is_run_as_one_input_too(
    off: float, again: float, asked: int, failures: int
) -> None:
    """Numbers that are off by parts of the promise: from one half on, what a single run gives has to be right too."""
    model = raspc.compile(rasp.numerical(rasp.tokens), (1, 2, 3), 1)
    runs = []

    def shifted(part: float) -> Callable[[Any], Any]:
        def run(ids: Any) -> Any:
            logits = model.logits(ids).astype(np.float64)
            runs.append((part, len(ids)))
            return logits + part * tolerance(logits)

        return run

    batch = inputs.whole(np.array([[0], [1], [2]], np.int32), False)
    found = judge(model, model.as_written, whole_inputs(batch), shifted(off), again=shifted(again))
    assert found.failures == failures and sum(many for part, many in runs if part == again) == asked
