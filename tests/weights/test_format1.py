"""Models that were saved without a plan: what is told of them from weights, alignment and graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import raspc
from raspc import library
from raspc.certify.checking.variables import first_difference
from raspc.weights import format1

NAMES = ("hist", "sort", "majority", "shuffle_dyck1", "frac_prevs", "reverse")


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_the_plan_is_made_again(name: str, level: int) -> None:
    """Where today's compiler gives the same weights; not of weights that it does not give."""
    entry = library.get(name)
    model = raspc.compile(entry.program, entry.vocab, 5, causal=entry.causal, optimize=level)
    bare = replace(model, plan=None)
    assert model.plan is not None
    again = format1.plan_of(bare)
    assert again is not None and again.size == model.plan.size
    first = next(iter(model.params))
    other = replace(bare, params={**model.params, first: np.asarray(model.params[first]) + 1})
    assert format1.plan_of(other) is None


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_codes_are_seen_in_a_run(name: str, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any plan the trace is that of the program all the same."""
    entry = library.get(name)
    model = replace(raspc.compile(entry.program, entry.vocab, 5, causal=entry.causal, optimize=level), plan=None)
    monkeypatch.setattr(format1, "_made_again", lambda model: None)
    for tokens in (entry.vocab[:1], [*entry.vocab, *entry.vocab][:5]):
        assert first_difference(model, list(tokens)) is None
