"""Wrong models that a certificate once called proved: each is refused by the certificate alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import library, rasp
from raspc.blocks.spaces import BOS, Block, Head, Neurons
from raspc.rasp import Comparison, SOp

T, INDEX = rasp.tokens, rasp.indices
PLANNING = importlib.import_module("raspc.plan.planning")
EARLIER = rasp.Select(T, T, Comparison.EQ) & rasp.Select(INDEX, INDEX, Comparison.LT)
SAME, PREVIOUS = rasp.Select(T, T, Comparison.EQ), rasp.Select(INDEX, INDEX - 1, Comparison.EQ)
MEAN = rasp.Aggregate(SAME, rasp.numerical(INDEX + 1))


def halved(block: Any) -> Block:
    """Neurons that write half of what they should: the right logit ties with another."""
    written = {space: matrix / 2 for space, matrix in block.write.maps.items()}
    return replace(block, write=replace(block.write, maps=written))  # type: ignore[no-any-return]


def doubled(block: Any) -> Block:
    """A head that averages twice the numbers."""
    read = {space: matrix if space == BOS else 2 * matrix for space, matrix in block.value.maps.items()}
    return replace(block, value=replace(block.value, maps=read))  # type: ignore[no-any-return]


HOLES: dict[str, tuple[SOp, type[Any], Callable[[Any], Block]]] = {
    "a tie of logits": (rasp.map(lambda x, i: (x * i) % 3, T, INDEX), Neurons, halved),
    "numbers of a mean": (rasp.Aggregate(EARLIER, INDEX, default=-1), Head, doubled),
    "a mean that is picked": (rasp.Aggregate(PREVIOUS, MEAN, default=0), Head, doubled),
    "a mean that equal tokens share": (rasp.Aggregate(SAME, MEAN), Head, doubled),
}


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("name", HOLES)
def test_what_was_proved_and_wrong_is_not_proved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check finds the fault; with or without it the certificate does not hold."""
    program, kind, change = HOLES[name]
    sound = raspc.compile(program, (0, 1, 2), 4, optimize=0)
    assert sound.certificate is not None and sound.certificate.holds
    original = PLANNING.lower

    def broken(*args: Any) -> Any:
        lowered = original(*args)
        blocks = list(lowered.blocks)
        last = max(i for i, block in enumerate(blocks) if isinstance(block, kind))
        blocks[last] = change(blocks[last])
        return replace(lowered, blocks=tuple(blocks))

    monkeypatch.setattr(PLANNING, "lower", broken)
    model = raspc.compile(program, (0, 1, 2), 4, optimize=0, certify=False)
    assert not raspc.check(model).ok
    assert not raspc.certificate(model).holds


def test_a_named_direction_that_nobody_reads_is_held_against_its_s_op() -> None:
    """A person reads it: with the other sign it is not what the certificate says, though all answers are right."""
    seen = rasp.SequenceMap(lambda x, i: (x * i) % 3, T, INDEX).named("seen")
    model = raspc.compile(rasp.SequenceMap(lambda s, x: (s + x) % 2, seen, T), (0, 1, 2), 4)
    space, name = model.alignment.spaces["seen"], "transformer/layer_0/mlp/linear_2/w"
    assert model.certificate is not None and model.certificate.proved and space.to_stage is None
    written = np.array(model.params[name])
    written[:, slice(*space.dims)] *= -1
    edited = replace(model, params={**model.params, name: written}, certificate=None)
    found = raspc.certificate(edited)
    assert raspc.check(edited).ok and not found.proved
    assert (found.weakest.kind, found.weakest.name) == ("direction", "seen")


def test_a_run_on_no_input_with_a_value_measures_nothing() -> None:
    """A file whose program is defined nowhere: passes are not proved, and there is nothing to compare."""
    model = raspc.compile(library.sort(), (1, 2, 3), 4, optimize=2)
    assert model.program is not None
    nowhere = replace(model, program=replace(model.program, exact_length=9))
    report = raspc.check(nowhere)
    assert (report.ok, report.compared) == (False, 0)
    assert not raspc.certificate(nowhere).holds
