"""The schedule whose model is smallest, where so few are possible that all can be laid out.

How many heads a layer has, how wide they are and which dimensions can be used again follows from the schedule in ways
that no simple bound tells: heads that score alike are one head in one layer and two in two. So each schedule with the
fewest layers is laid out, and the model with the fewest parameters taken, then the narrowest.

Requires: at most `MOST` schedules with the fewest layers. Ensures: none of them makes a smaller model; the same one is
taken on every run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import product
from math import prod

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Block
from raspc.layout.layout import Layout
from raspc.layout.placement import parameters
from raspc.layout.schedule import Bound, Schedule, Windows, bounds_of, windows
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "smallest", "layers",
    "all schedules with the fewest layers are laid out, and the smallest model is taken",
    "level 2; at most 32 such schedules",
    "no schedule with so few layers makes a smaller model",
)  # fmt: skip

MOST = 32
"""The most schedules that are laid out."""

LayOut = Callable[[Schedule], Layout]


def schedules(blocks: Sequence[Block], most: int = MOST, late: Collection[str] = ()) -> list[Schedule]:
    """All schedules with the fewest layers, greedy's choice of early stages first; none if they may be too many.

    `late`: see `raspc.layout.schedule.windows`.
    """
    found = windows(blocks, late)
    options = [range(early, late + 1, 2) for early, late in zip(found.early, found.late, strict=True)]
    if prod(map(len, options)) > most:
        return []
    every = [stages for stages in product(*options) if _respects(found, stages)]
    return [_schedule(blocks, found, stages, len(every)) for stages in every]


def _respects(found: Windows, stages: Sequence[int]) -> bool:
    return all(stages[j] < stages[i] for i, needs in enumerate(found.needs) for j in needs)


def _schedule(blocks: Sequence[Block], found: Windows, stages: tuple[int, ...], among: int) -> Schedule:
    """What is made small is the model, so each quantity counts as settled."""
    bounds = {name: Bound(bound.found, bound.found) for name, bound in bounds_of(blocks, found, stages).items()}
    return Schedule(stages, f"the smallest of {among}", True, bounds)


def smallest(lowered: Lowered, possible: Sequence[Schedule], lay_out: LayOut, rows: int) -> tuple[Schedule, Layout]:
    """The best of some schedules, and its layout. `rows`: see `raspc.layout.placement.reuse`."""
    pairs = [(schedule, lay_out(schedule)) for schedule in possible]
    return min(pairs, key=lambda pair: (parameters(lowered, pair[0], pair[1], rows), pair[1].d_model))
