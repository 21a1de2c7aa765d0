"""Which layer holds which block. Layers alternate: attention, then MLP.

Greedy: each block as soon as what it reads is there, which gives the fewest layers for given blocks.
Blocks with room to wait are then moved to even out the heads of a layer, and its neurons. Bounds that need
no search say whether that is the best there is; where they leave it open, `raspc.layout.solver` goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Block, Head, Neurons, reads_of
from raspc.graph.stages import attention_after
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options
from raspc.target.distances import MADE, tells_by_distance

CHOICE = Choice(
    "schedule", "layers",
    "blocks with room to wait even out the layers",
    "the fewest layers are kept",
    "no block before what it reads",
)  # fmt: skip


@dataclass(frozen=True)
class Bound:
    """A quantity to be made small: what the schedule has of it, and what no schedule can be below."""

    found: int
    least: int

    @property
    def gap(self) -> float:
        """(found − least) / found."""
        return (self.found - self.least) / self.found if self.found else 0.0


@dataclass(frozen=True)
class Schedule:
    """stage[i] of block i: 2·layer for a head, 2·layer + 1 for neurons; how it was found, and if optimal.

    `bounds`: "layers", "heads" and "neurons", the most in a layer, in the order of their importance.
    """

    stages: tuple[int, ...]
    method: str
    proved_optimal: bool
    bounds: Mapping[str, Bound] = field(default_factory=dict)

    @property
    def n_layers(self) -> int:
        """At least one: every framework takes a model of one layer."""
        return max((stage // 2 + 1 for stage in self.stages), default=1)


@dataclass(frozen=True)
class Windows:
    """The stages that each block can be in, if the model has no more layers than it must.

    `needs`: the blocks that write what it reads; `soonest`: before which stage it cannot be even so.
    """

    needs: tuple[frozenset[int], ...]
    soonest: tuple[int, ...]
    early: tuple[int, ...]
    late: tuple[int, ...]

    def free(self) -> list[int]:
        """The blocks that have a choice."""
        return [i for i, (early, late) in enumerate(zip(self.early, self.late, strict=True)) if early < late]


def dependencies(blocks: Sequence[Block]) -> list[set[int]]:
    """For each block, the blocks that write what it reads."""
    writer = {space: i for i, block in enumerate(blocks) for space in block.write.maps}
    return [
        {writer[space] for read in reads_of(block) for space in read.maps if space in writer} - {i}
        for i, block in enumerate(blocks)
    ]


def late_spaces(lowered: Lowered, options: Options) -> frozenset[str]:
    """The spaces that nothing in the first layer can read: positions, where that layer makes them by biases."""
    return frozenset(lowered.positions if tells_by_distance(options.target) else ())


def windows(blocks: Sequence[Block], late: Collection[str] = ()) -> Windows:
    """The earliest and the latest stage of each block. The longest chain of blocks says how many layers there are.

    `late`: spaces that nothing in the first layer can read.
    """
    needs = dependencies(blocks)
    waits = [any(space in late for read in reads_of(block) for space in read.maps) for block in blocks]
    soonest = [attention_after(MADE) if wait else 0 for wait in waits]
    early: list[int] = []
    for block, need, first in zip(blocks, needs, soonest, strict=True):
        after = max((early[i] + 1 for i in need), default=0)
        after = max(after, first)
        early.append(after + (after % 2 != isinstance(block, Neurons)))
    last = max(early, default=0) | 1
    limits = [last] * len(blocks)
    for i in range(len(blocks) - 1, -1, -1):
        limits[i] -= limits[i] % 2 != isinstance(blocks[i], Neurons)
        for j in needs[i]:
            limits[j] = min(limits[j], limits[i] - 1)
    return Windows(tuple(frozenset(need) for need in needs), tuple(soonest), tuple(early), tuple(limits))


def as_soon_as_possible(blocks: Sequence[Block], late: Collection[str] = ()) -> Schedule:
    """Each block in the first stage in which all that it reads is there. `late`: see `windows`."""
    found = windows(blocks, late)
    bounds = bounds_of(blocks, found, found.early)
    return Schedule(found.early, "as soon as possible", all(b.found == b.least for b in bounds.values()), bounds)


def greedy(blocks: Sequence[Block], late: Collection[str] = ()) -> Schedule:
    """As soon as possible, then evened out. `late`: see `windows`."""
    found = windows(blocks, late)
    stages = tuple(_evened(blocks, found))
    bounds = bounds_of(blocks, found, stages)
    return Schedule(stages, "greedy", all(b.found == b.least for b in bounds.values()), bounds)


def _evened(blocks: Sequence[Block], found: Windows) -> list[int]:
    """Each block, those without room first, in the least loaded stage that it can be in."""
    load: dict[int, int] = {}
    stage = list(found.early)
    for i, block in enumerate(blocks):
        first = max([found.soonest[i], *(stage[j] + 1 for j in found.needs[i])])
        first += first % 2 != isinstance(block, Neurons)
        options = range(first, found.late[i] + 1, 2)
        stage[i] = min(options, key=lambda s: (load.get(s, 0), s)) if found.late[i] > first else first
        load[stage[i]] = load.get(stage[i], 0) + size_of(block)
    return stage


def size_of(block: Block) -> int:
    """What a block takes of its stage: one head, or so many neurons."""
    return 1 if isinstance(block, Head) else block.read.width


def most(blocks: Sequence[Block], stages: Sequence[int], kind: int) -> int:
    """The largest load of a stage, of heads (kind 0) or of neurons (kind 1)."""
    load: dict[int, int] = {}
    for block, stage in zip(blocks, stages, strict=True):
        load[stage] = load.get(stage, 0) + size_of(block)
    return max((size for stage, size in load.items() if stage % 2 == kind), default=0)


def least(blocks: Sequence[Block], found: Windows, kind: int) -> int:
    """What no schedule of as many layers can be below.

    No layer is below its largest block; and the blocks that must lie within some run of layers share these.
    """
    spans = zip(blocks, found.early, found.late, strict=True)
    rows = [(early // 2, late // 2, size_of(block)) for block, early, late in spans if early % 2 == kind]
    bound = max((size for *_, size in rows), default=0)
    by_first: dict[int, list[tuple[int, int]]] = {}
    for first, last, size in rows:
        by_first.setdefault(first, []).append((last, size))
    until = np.zeros(1 + max((last for _, last, _ in rows), default=0), np.int64)  # what must lie between, by its last
    for first in sorted(by_first, reverse=True):
        for last, size in by_first[first]:
            until[last] += size
        total = np.cumsum(until[first:])
        bound = max(bound, int((-(-total // np.arange(1, 1 + len(total)))).max()))
    return bound


def bounds_of(blocks: Sequence[Block], found: Windows, stages: Sequence[int]) -> dict[str, Bound]:
    """Layers, heads and neurons of a schedule beside the bounds that hold without a search."""
    layers = max(found.early, default=0) // 2 + 1
    heads, neurons = (Bound(most(blocks, stages, kind), least(blocks, found, kind)) for kind in (0, 1))
    return {"layers": Bound(layers, layers), "heads": heads, "neurons": neurons}
