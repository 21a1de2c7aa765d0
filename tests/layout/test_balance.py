"""Blocks that move: never a larger model, never a block before what it reads, and what is counted is what it takes."""

from __future__ import annotations

import random
import warnings
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.layout.block_lists import block_lists

import raspc
from raspc import library
from raspc.blocks.spaces import BOS, Block, Space
from raspc.graph.build import build
from raspc.layout import balance
from raspc.layout.balance import balanced
from raspc.layout.layout import lay_out
from raspc.layout.schedule import as_soon_as_possible, dependencies, greedy, windows
from raspc.numbers.options import Level, Options
from raspc.numbers.precision import PRECISIONS
from raspc.plan.planning import planned
from raspc.weights.params import parameters_of

OPTIONS = {
    "-O1": Options(Level.NAMED),
    "-O2": Options(Level.COMPACT),
    "-O1, own": Options(Level.NAMED, uniform=False),
    "-O2, own": Options(Level.COMPACT, uniform=False),
    "-O2 bfloat16": Options(Level.COMPACT, PRECISIONS["bfloat16"]),
    "-O2 bfloat16, own": Options(Level.COMPACT, PRECISIONS["bfloat16"], uniform=False),
}


def lowered_of(blocks: list[Block]) -> Any:
    """As much of a program as schedules need."""
    spaces = [Space(name, ("x",)) for name in (BOS, *(space for block in blocks for space in block.write.maps))]
    output = SimpleNamespace(maps={})
    return SimpleNamespace(blocks=tuple(blocks), spaces=tuple(spaces), output=output)


def layers_take(lowered: Any, schedule: Any, options: Options) -> int:
    """The parameters of all layers in their arrays."""
    return lay_out(lowered, schedule, options).parameters(schedule.n_layers)


@settings(max_examples=150, deadline=None)
@given(block_lists(), st.sampled_from(list(OPTIONS)))
def test_blocks_stay_behind_what_they_read(blocks: list[Block], name: str) -> None:
    """As many layers as before, and layers that take no more; often the least that any schedule takes."""
    options, lowered = OPTIONS[name], lowered_of(blocks)
    start = greedy(blocks)
    found = balanced(lowered, start, options)
    assert found.n_layers == start.n_layers
    assert all(found.stages[j] < found.stages[i] for i, needs in enumerate(dependencies(blocks)) for j in needs)
    assert [stage % 2 for stage in found.stages] == [stage % 2 for stage in start.stages]
    assert layers_take(lowered, found, options) <= layers_take(lowered, start, options)
    assert found is start or found.method.endswith(", balanced")


def drawn(blocks: list[Block], rng: random.Random) -> tuple[int, ...]:
    """A random schedule of as few layers as there can be: each block somewhere between what it reads and its latest."""
    found, stages = windows(blocks), list[int]()
    for i, needs in enumerate(found.needs):
        first = max((stages[j] + 1 for j in needs), default=0)
        first += first % 2 != found.early[i] % 2
        stages.append(rng.choice(range(first, found.late[i] + 1, 2)))
    return tuple(stages)


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_counted_is_what_layers_take(name: str) -> None:
    """Of random schedules of programs: heads shared and split, in every form, beside a constant."""
    options, rng = OPTIONS[name], random.Random(0)
    for program in ("most_freq", "shuffle_dyck", "palindrome", "sort"):
        entry = library.get(program)
        lowered = planned(build(entry.program, entry.vocab, 4), options).lowered
        blocks = list(lowered.blocks)
        first = as_soon_as_possible(blocks)
        differences = set()
        for _ in range(8):
            schedule = replace(first, stages=drawn(blocks, rng))
            if schedule.n_layers != first.n_layers:
                continue
            counted, _ = balance._Layers(lowered, schedule, options).cost()
            differences.add(layers_take(lowered, schedule, options) - counted)
        assert len(differences) == 1, (program, differences)


@pytest.mark.parametrize(
    ("name", "level"), [("reverse", 0), ("shuffle_dyck", 1), ("most_freq", 1), ("palindrome", 0), ("dyck1_ptf", 1)]
)
def test_models_are_smaller_and_right(name: str, level: int) -> None:
    """Programs whose blocks used to stand where they made every layer wide."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        without, model = (
            raspc.compile(
                entry.program, entry.vocab, min(5, entry.max_seq_len), entry.causal, optimize=level, partial=True,
                disabled_passes=disabled,
            )
            for disabled in (["balance"], [])
        )  # fmt: skip
    assert parameters_of(model.config) < parameters_of(without.config)
    assert model.config.n_layers == without.config.n_layers
    assert model.alignment.schedule is not None and model.alignment.schedule.method == "greedy, balanced"
    assert model.certificate is not None and without.certificate is not None
    assert model.certificate.verdict == without.certificate.verdict
    assert raspc.check(model, limit=500).ok


def test_work_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many moves it stays with the best so far: by count, so that every run gives the same."""
    entry = library.get("most_freq")
    plan = planned(build(entry.program, entry.vocab, 4), OPTIONS["-O1"])
    start = greedy(plan.lowered.blocks)
    costs = []
    for work in (1, 2, 5, balance.WORK):
        monkeypatch.setattr(balance, "WORK", work)
        found = balanced(plan.lowered, start, OPTIONS["-O1"])
        assert balanced(plan.lowered, start, OPTIONS["-O1"]) == found
        costs.append(layers_take(plan.lowered, found, OPTIONS["-O1"]))
    assert costs == sorted(costs, reverse=True) and costs[-1] < costs[0]
