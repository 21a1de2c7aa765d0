"""Of all schedules with the fewest layers, the one whose model is smallest."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.layout.block_lists import all_schedules, block_lists

import raspc
from raspc import library
from raspc.blocks.spaces import Block
from raspc.graph.build import build
from raspc.layout.layout import lay_out
from raspc.layout.placement import parameters, reuse
from raspc.layout.schedule import greedy
from raspc.layout.smallest import MOST, schedules
from raspc.numbers.options import SMALLEST
from raspc.plan.plan import rows_of
from raspc.plan.planning import planned


@settings(max_examples=100)
@given(block_lists())
def test_all_schedules_are_there(blocks: list[Block]) -> None:
    """Each one that respects what blocks read, and no other; none where they may be too many."""
    every = set(all_schedules(blocks, greedy(blocks).n_layers))
    found = schedules(blocks)
    assert not found or {schedule.stages for schedule in found} == every
    assert found or len(blocks) > 1
    assert schedules(blocks, most=0) == []


@pytest.mark.parametrize("name", ["shuffle_dyck1", "shuffle_dyck3"])
def test_heads_that_share_stay_together(name: str) -> None:
    """One head in each layer where evening out blocks would make two; the same answers."""
    found = library.PROGRAMS[name]
    model = raspc.compile(found.program, found.vocab, 6, optimize=2)
    other = raspc.compile(found.program, found.vocab, 6, optimize=2, disabled_passes=["smallest", "balance"])
    sizes = [sum(array.size for array in each.params.values()) for each in (model, other)]
    assert sizes[0] < sizes[1]
    assert model.alignment["schedule"]["method"].startswith("the smallest of ")
    assert raspc.check(model, limit=500).ok


def test_no_schedule_is_smaller() -> None:
    """Laid out one by one, no other is below the one that is taken."""
    found = library.PROGRAMS["shuffle_dyck3"]
    graph = build(found.program, found.vocab, 6)
    chosen = planned(graph, SMALLEST)
    lowered, rows = chosen.lowered, len(graph.vocab) + 6 + 3 + chosen.lowered.output.width
    sizes = {}
    for schedule in schedules(lowered.blocks):
        layout = reuse(lowered, schedule, lay_out(lowered, schedule, SMALLEST), rows)
        sizes[schedule.stages] = parameters(lowered, schedule, layout, rows)
    assert 1 < len(sizes) <= MOST
    assert sizes[chosen.schedule.stages] == min(sizes.values()) < max(sizes.values())


@pytest.mark.parametrize("name", ["sort", "shuffle_dyck1", "reverse", "hist"])
def test_what_is_made_small_is_the_size_of_the_model(name: str) -> None:
    """All parameters, biases of heads among them, but for those that neither schedule nor layout changes."""
    found = library.get(name)
    plan = planned(build(found.program, found.vocab, 5), SMALLEST)
    made_small = parameters(plan.lowered, plan.schedule, plan.layout, rows_of(plan.graph, plan.lowered))
    assert plan.size.parameters - made_small == plan.lowered.output.width
