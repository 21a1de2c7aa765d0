"""Which layer holds which block. Layers alternate: attention, then MLP.

Greedy: each block as soon as what it reads is there, which gives the fewest layers for given blocks.
Blocks with room to wait are then moved to even out the heads of a layer, and its neurons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from raspc.blocks.spaces import Block, Head, Neurons, Read

Scheduler: TypeAlias = Callable[[Sequence[Block]], "Schedule"]


@dataclass(frozen=True)
class Schedule:
    """stage[i] of block i: 2·layer for a head, 2·layer + 1 for neurons; how it was found, and if optimal."""

    stages: tuple[int, ...]
    method: str
    proved_optimal: bool

    @property
    def n_layers(self) -> int:
        """At least one: every framework takes a model of one layer."""
        return max((stage // 2 + 1 for stage in self.stages), default=1)


def reads_of(block: Block) -> tuple[Read, ...]:
    """All that a block reads."""
    return (block.query, block.key, block.value) if isinstance(block, Head) else (block.read,)


def dependencies(blocks: Sequence[Block]) -> list[set[int]]:
    """For each block, the blocks that write what it reads."""
    writer = {space: i for i, block in enumerate(blocks) for space in block.write.maps}
    return [
        {writer[space] for read in reads_of(block) for space in read.maps if space in writer} - {i}
        for i, block in enumerate(blocks)
    ]


def greedy(blocks: Sequence[Block]) -> Schedule:
    """As soon as possible, then evened out."""
    needs = dependencies(blocks)
    early: list[int] = []
    for block, need in zip(blocks, needs, strict=True):
        after = max((early[i] + 1 for i in need), default=0)
        early.append(after + (after % 2 != isinstance(block, Neurons)))
    last = max(early, default=0)
    late = [0] * len(blocks)
    for i in range(len(blocks) - 1, -1, -1):
        limit = min((late[j] - 1 for j in range(i + 1, len(blocks)) if i in needs[j]), default=last)
        late[i] = limit - (limit % 2 != isinstance(blocks[i], Neurons))
    return Schedule(tuple(_evened(blocks, needs, early, late)), "greedy", False)


def _evened(blocks: Sequence[Block], needs: Sequence[set[int]], early: Sequence[int], late: Sequence[int]) -> list[int]:
    """Each block, those without room first, in the least loaded stage that it can be in."""
    load: dict[int, int] = {}
    stage = list(early)
    for i, block in enumerate(blocks):
        first = max((stage[j] + 1 for j in needs[i]), default=0)
        first += first % 2 != isinstance(block, Neurons)
        size = 1 if isinstance(block, Head) else len(block.read.bias)
        options = range(first, late[i] + 1, 2)
        stage[i] = min(options, key=lambda s: (load.get(s, 0), s)) if late[i] > first else first
        load[stage[i]] = load.get(stage[i], 0) + size
    return stage
