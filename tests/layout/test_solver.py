"""The solver's schedules: as good as every other schedule there is, proved so, and the same on every run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from tests.layout.block_lists import all_schedules, block_lists, neurons

import raspc
from raspc import library
from raspc.blocks.spaces import Block
from raspc.layout import solver
from raspc.layout.schedule import Schedule, greedy, least, most, windows
from raspc.weights.align import schedule_facts

ortools = pytest.importorskip("ortools")


def loads(blocks: list[Block], stages: tuple[int, ...]) -> tuple[int, int]:
    """What is made small: heads, then neurons."""
    return most(blocks, stages, 0), most(blocks, stages, 1)


@given(block_lists())
@settings(max_examples=60, deadline=None)
def test_as_good_as_every_schedule(blocks: list[Block]) -> None:
    """Greedy has the fewest layers; its bounds and its claim are right; the solver finds the best and proves it."""
    start = greedy(blocks)
    every = all_schedules(blocks, start.n_layers)
    assert start.stages in every
    assert start.n_layers == 1 or not all_schedules(blocks, start.n_layers - 1)
    best = min(loads(blocks, stages) for stages in every)
    assert start.proved_optimal <= (loads(blocks, start.stages) == best)
    for kind in (0, 1):
        assert least(blocks, windows(blocks), kind) <= min(loads(blocks, stages)[kind] for stages in every)
    found = solver.cp_sat(blocks, start)
    assert found.stages in every
    assert loads(blocks, found.stages) == best
    assert found.proved_optimal and all(bound.gap == 0 for bound in found.bounds.values())


def tangle(count: int = 60) -> list[Block]:
    """Chains of neurons of all sizes, more than a small limit of work can settle."""
    rng = np.random.default_rng(1)
    sizes, counts = rng.integers(1, 900, count), rng.integers(0, 3, count)
    reads = [[f"b{j}" for j in rng.choice(i, min(i, counts[i]), False)] for i in range(count)]
    return [neurons(f"b{i}", reads[i], int(sizes[i])) for i in range(count)]


def test_the_limit_is_work_not_time() -> None:
    """Cut short, the solver gives the same schedule again, no worse than greedy's, with its bound and its gap."""
    blocks = tangle()
    start = greedy(blocks)
    first, second = (solver.cp_sat(blocks, start, work=0.02) for _ in range(2))
    assert first == second
    assert most(blocks, first.stages, 1) <= most(blocks, start.stages, 1)
    assert not first.proved_optimal
    told = schedule_facts(first).to_json()
    assert told["method"] == "cp-sat" and not told["optimal"]
    assert told["bounds"]["neurons"]["found"] == most(blocks, first.stages, 1) > told["bounds"]["neurons"]["least"]
    assert 0 < told["bounds"]["neurons"]["gap"] < 1


def test_not_asked_where_greedy_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule with no better one costs no solver; without OR-tools, greedy's stands and says so."""

    def never(*_: object) -> Schedule:
        raise AssertionError("the solver was asked")

    monkeypatch.setattr(solver, "cp_sat", never)
    assert solver.solved([neurons("a", [], 3)]).method == "greedy"
    monkeypatch.setattr(solver, "is_installed", lambda: False)
    unproved = next(blocks for blocks in (tangle(n) for n in range(8, 60)) if not greedy(blocks).proved_optimal)
    found = solver.solved(unproved)
    assert "not installed" in found.method and found.stages == greedy(unproved).stages


def test_compile_uses_it_at_level_2() -> None:
    """The schedule's method stands in the alignment; `solver=False` keeps to greedy; both are exact."""
    program, vocab = library.most_freq(), "abcd"
    with_solver = raspc.compile(program, vocab, 5, optimize=2, disabled_passes=["smallest"])
    without = raspc.compile(program, vocab, 5, optimize=2, disabled_passes=["smallest"], solver=False)
    assert without.alignment["schedule"]["method"] in ("greedy", "greedy, balanced")
    assert with_solver.alignment["schedule"] == {"method": "cp-sat", "optimal": True}
    assert with_solver.config.d_mlp <= without.config.d_mlp
    assert raspc.check(with_solver, limit=200).ok
