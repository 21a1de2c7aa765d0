"""Functions that are straight along a count: one neuron for each value of the others, errors passed on."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import library, rasp
from raspc.blocks.neurons.grid import Grid
from raspc.blocks.neurons.slopes import slopes
from raspc.blocks.reading.slopes import straight
from raspc.rasp import Comparison, SOp

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")  # a causal program has other answers
T, I = rasp.tokens, rasp.indices  # noqa: E741
COUNT = rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ))
PROGRAMS: dict[str, tuple[SOp, tuple[Any, ...], int]] = {
    "count · index": (COUNT * I, tuple("abc"), 24),
    "less than none": (COUNT * T - 3 * I, (-2, -1, 0, 1, 2), 9),
    "where a word stands": (rasp.where(T == "a", COUNT, 7 - 2 * COUNT), tuple("abc"), 12),
    "of a pick": (COUNT * library.shift_by(1, T, default=5), (0, 1, 3), 10),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_answers(name: str, causal: bool) -> None:
    """They are right, and proved; with far fewer neurons than steps would take."""
    program, vocab, length = PROGRAMS[name]
    given: dict[str, Any] = {"max_seq_len": length, "causal": causal, "optimize": 2}
    model = raspc.compile(program, vocab, **given)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    steps = raspc.compile(program, vocab, certify=False, disabled_passes=["slopes"], **given)
    assert model.config.n_layers <= steps.config.n_layers and 2 * model.config.d_mlp <= steps.config.d_mlp
    draw = random.Random(name)
    for size in (1, length, *(draw.randint(1, length) for _ in range(30))):
        tokens = draw.choices(vocab, k=size)
        assert model.apply(["BOS", *tokens]).decoded[1:] == raspc.interpret(program, tokens, causal)


def test_many_numbers_along_one_direction() -> None:
    """209 different answers: 23 neurons, proved, where 1,081 rounded too much for a proof."""
    program, vocab, length = PROGRAMS["count · index"]
    model = raspc.compile(program, vocab, length, optimize=2)
    assert (model.config.d_mlp, model.config.n_layers) == (23, 1) and model.config.d_model <= 8
    assert len(model.config.output.values) == 209


def test_straight_lines() -> None:
    """Slopes and starts; cells that cannot occur are free; what bends is no line."""
    cells = np.array([[0, 1, 2], [2, -1, 0], [-1, -1, -1], [1, -1, -1]], np.int32)
    outputs = np.array([[0.0], [2.0], [4.0]])
    found = straight(cells, 1, np.array([1.0, 2.0, 3.0]), outputs)
    assert found is not None
    assert found.slope[:, 0].tolist() == [2, -2, 0, 0] and found.known.tolist() == [True, True, False, True]
    assert found.start[[0, 1, 3], 0].tolist() == [0, 4, 2]
    assert straight(np.array([[0, 1, 1]], np.int32), 1, np.array([1.0, 2.0, 3.0]), outputs) is None


def test_readers_must_bear_the_error() -> None:
    """What the count is off by, times the steepest slope, is held against what the readers bear."""
    cells = np.arange(12, dtype=np.int32).reshape(3, 4) // 1
    outputs = np.array([[float(x * y)] for x in range(3) for y in range(4)])
    grid = Grid((5, 6), cells, outputs)
    count = np.arange(4.0)
    assert slopes(grid, 1, count, [False, False], 0.01, 0.125) is not None
    assert slopes(grid, 1, count, [False, False], 0.02, 0.125) is None
