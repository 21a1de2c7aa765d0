"""Dimensions used again: the same answers, bit for bit the same variables, fewer parameters; and broken on purpose."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.wild import Wild, wild_programs

import raspc
from raspc import library
from raspc.certify.checking.variables import first_difference, trace_variables
from raspc.errors import UnsupportedProgram
from raspc.graph.build import build
from raspc.layout import placement
from raspc.numbers.options import SMALLEST
from raspc.plan.plan import Plan
from raspc.plan.planning import planned

PROGRAMS = ("reverse", "sort", "sort_freq", "shuffle_dyck", "count_less_freq", "most_freq", "induction", "palindrome")


def compiled(name: str, length: int = 5, **options: Any) -> raspc.Model:
    """A library program at level 2."""
    found = library.PROGRAMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        return raspc.compile(found.program, found.vocab, length, causal=found.causal, optimize=2, **options)


def size(model: raspc.Model) -> int:
    """All parameters."""
    return sum(array.size for array in model.params.values())


@pytest.mark.parametrize("name", PROGRAMS)
def test_smaller_and_still_exact(name: str) -> None:
    """No program becomes larger; each passes the check, whole batches with padding among its inputs."""
    with_reuse, without = compiled(name), compiled(name, disabled_passes=("reuse",))
    assert size(with_reuse) <= size(without)
    assert with_reuse.config.d_model <= without.config.d_model
    assert raspc.check(with_reuse, limit=400).ok


def test_it_saves_something() -> None:
    """A chain of heads leaves dimensions behind."""
    for name in ("sort_freq", "shuffle_dyck"):
        assert size(compiled(name)) < size(compiled(name, disabled_passes=("reuse",)))


@pytest.mark.parametrize("name", ["sort_freq", "shuffle_dyck"])
def test_variables_stand_where_the_alignment_says(name: str) -> None:
    """Until a space is cleared it can be read back, and never after; a trace finds no difference."""
    model = compiled(name)
    spaces = [s for entry in model.alignment["variables"].values() for s in entry["spaces"]]
    assert any("until_stage" in space for space in spaces)
    other = compiled(name, disabled_passes=("reuse",))
    first, second = model.config.vocab[:2]
    for tokens in ([first], [second, first, first, second]):
        assert first_difference(model, tokens) is None
        last = max(trace_variables(model, tokens).held)
        found, expected = (trace_variables(m, tokens).held[last] for m in (model, other))
        assert all(found[label] == expected[label] for label in found)


@pytest.mark.parametrize("name", ["reverse", "sort_freq", "shuffle_dyck"])
def test_padding_changes_nothing(name: str) -> None:
    """What a sweep leaves at padding reaches nobody: rows of a batch are what they are alone."""
    model = compiled(name)
    words = [v for v in model.config.vocab if v not in (model.config.bos, model.config.pad)]
    rows = [[model.config.bos, *words[:n]] for n in (1, 3, min(4, len(words)))]
    for row, out in zip(rows, model.apply_batch(rows).decoded, strict=True):
        assert list(out)[: len(row)] == list(model.apply(row).decoded)


def tenants(found: Plan) -> dict[int, list[str]]:
    """The spaces of each dimension."""
    layout = found.layout
    dims: dict[int, list[str]] = {}
    for name in layout.start:
        for dim in range(layout.slice(name).start, layout.slice(name).stop):
            dims.setdefault(dim, []).append(name)
    return dims


@given(wild_programs())
@settings(max_examples=40, deadline=None)
def test_wild_programs(wild: Wild) -> None:
    """Every dimension has as many sweeps as it has tenants but one, each after its readers and before its writer."""
    try:
        found = planned(build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal), SMALLEST)
    except UnsupportedProgram:
        return
    lives = {life.name: life for life in placement._lives(found.lowered, found.schedule, found.layout)}
    swept = {(s.dim, s.space): layer for layer, sweeps in found.layout.sweeps.items() for s in sweeps}
    dims = tenants(found)
    assert len(swept) == sum(len(names) - 1 for names in dims.values())
    assert set(dims) == set(range(found.layout.d_model))
    for dim, names in dims.items():
        order = sorted(names, key=lambda name: lives[name].written)
        for old, new in pairwise(order):
            assert lives[old].clearable <= 2 * swept[dim, old] + 1 < lives[new].written


def test_cleared_is_zero() -> None:
    """After its sweep a dimension holds exactly 0 at BOS and at every token, until it is written again."""
    program = library.PROGRAMS["sort_freq"]
    found = planned(build(program.program, program.vocab, 5, False), SMALLEST)
    model = compiled("sort_freq")
    run = model.apply([model.config.bos, *program.vocab[:3]])
    lives = {life.name: life for life in placement._lives(found.lowered, found.schedule, found.layout)}
    for layer, sweeps in found.layout.sweeps.items():
        for sweep in sweeps:
            later = [lives[n].written for n in tenants(found)[sweep.dim] if lives[n].written > 2 * layer + 1]
            for stage in range(2 * layer + 1, min(later)):
                assert not np.asarray(run.residuals[stage])[..., sweep.dim].any()


def test_too_early_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dimension cleared before its last reader makes answers wrong, and the check finds an input."""
    right = placement._lives

    def too_early(*args: Any) -> list[placement.Life]:
        lives = right(*args)
        return [replace(x, clearable=min(x.clearable, max(1, x.written + 1) | 1)) for x in lives if x.name != "bos"] + [
            x for x in lives if x.name == "bos"
        ]

    monkeypatch.setattr(placement, "_lives", too_early)
    assert not raspc.check(compiled("sort_freq", certify=False), limit=400).ok


def test_not_cleared_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dimension that is used again as it was left makes answers wrong."""
    monkeypatch.setattr(placement, "_sweeps", lambda *args: {})
    assert not raspc.check(compiled("sort_freq", certify=False), limit=400).ok
