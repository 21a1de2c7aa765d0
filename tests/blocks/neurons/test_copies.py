"""A named difference of means is a number in one direction, copied by two neurons; no direction for each value."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import raspc
from raspc import rasp
from raspc.rasp import Comparison

T, I = rasp.tokens, rasp.indices  # noqa: E741
SO_FAR = rasp.Select(I, I, Comparison.LEQ)
LENGTH = 8


def share(token: int) -> rasp.SOp:
    """How large a part of the tokens so far is this one."""
    return rasp.numerical(rasp.Aggregate(SO_FAR, rasp.numerical(rasp.Map(lambda t: t == token, T)), default=0))


BALANCE = rasp.numerical(rasp.LinearSequenceMap(share(0), share(1), 1, -1)).named("balance")
READERS: dict[str, rasp.SOp] = {
    "below": BALANCE < 0,
    "zero": BALANCE == 0,
    "with a token": rasp.SequenceMap(lambda x, t: t if x > 0 else -1, BALANCE, T),
}


@cache
def model(name: str, level: int) -> raspc.Model:
    """One reader of the difference."""
    return raspc.compile(READERS[name], (0, 1, 2), LENGTH, optimize=level)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("name", READERS)
def test_a_named_difference_is_a_number(name: str, level: int) -> None:
    """Proved, right on every short input and many others, and small: its readers need no directions of its values."""
    found = model(name, level)
    assert found.certificate is not None and found.certificate.verdict == "proved"
    assert raspc.check(found, limit=3_000).ok
    homes = {space.name: space.dims for space in found.alignment.variables["balance"].spaces}
    start, stop = homes["balance"]
    assert stop - start == 1 and "balance:values" not in homes
    assert sum(array.size for array in found.params.values()) < 6_000


def test_the_direction_holds_the_number() -> None:
    """Where the alignment says: the difference itself, at every position."""
    tokens = [0, 1, 1, 2, 0, 0, 1, 2]
    for level in (0, 1):
        assert np.allclose(balance_of(model("below", level), tokens), raspc.interpret(BALANCE, tokens), atol=1e-5)


def balance_of(found: raspc.Model, tokens: list[int]) -> np.ndarray:
    """What the direction of the difference holds, BOS left out."""
    space = next(s for s in found.alignment.variables["balance"].spaces if s.name == "balance")
    held: np.ndarray = found.apply(["BOS", *tokens]).residuals[space.from_stage][0, 1:, space.dims[0]]
    return held


def test_a_copy_that_is_off_is_seen() -> None:
    """Nobody reads the direction but people: half of the pair that copies turned around, and it holds other numbers."""
    found, tokens = model("below", 1), [0, 1, 1, 2, 0, 0, 1, 2]
    (part,) = found.alignment.variables["balance"].neurons
    assert part.neurons[1] - part.neurons[0] == 2
    params = {name: np.array(found.params[name]) for name in found.params}
    params[f"transformer/layer_{part.layer}/mlp/linear_2/w"][part.neurons[0]] *= -1
    broken = replace(found, params=params, certificate=None)
    assert np.abs(balance_of(broken, tokens) - raspc.interpret(BALANCE, tokens)).max() > 0.1


def test_what_cannot_be_copied() -> None:
    """No sum, a count, what a head compares, or more than is borne: another design is made."""
    short = raspc.compile(BALANCE < 0, (0, 1, 2), 5)
    (part,) = short.alignment.variables["balance"].neurons
    assert part.neurons[1] - part.neurons[0] > 2  # a staircase, which rounds little enough there
    counts = rasp.numerical(rasp.SelectorWidth(rasp.Select(T, 0, Comparison.EQ)) * 2).named("twice")
    counted = raspc.compile(counts > 3, (0, 1), 6)
    assert all(part.neurons[1] - part.neurons[0] != 2 for part in counted.alignment.variables["twice"].neurons)
