"""Blocks moved to layers in which the model is smaller, one after the other.

Where all layers have one width, the fullest layer says how wide that is: a block that leaves it for a layer with room
makes all of them narrower, and heads that score alike are one where they come together in a layer. Where layers have
widths of their own, moving pays where heads of one width, or heads that score alike, come together. So what is made
small is the size that the layers would have, with heads split and shared as `raspc.layout.heads` does it; among equals
the more even schedule is taken, from which the next move may gain. Dimensions that are used again are no part of this:
of the schedule that it starts from and the one that it ends with, the one whose whole model is smaller is taken.

Requires: a schedule. Ensures: as few layers, no block before what it reads, and no larger model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Block, Head
from raspc.layout.heads import alike, scaled, scores_of, values_of
from raspc.layout.schedule import Schedule, Windows, bounds_of, late_spaces, windows
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options

CHOICE = Choice(
    "balance", "layers",
    "blocks move to layers in which the model is smaller",
    "a block that may be in several layers, more schedules than `smallest` takes",
    "the fewest layers are kept; no larger model",
)  # fmt: skip

WORK = 2000
"""How many moves are tried at most."""
WIDTHS = 48
"""How many widths of split heads are tried for one move."""

Ints = NDArray[np.int64]


def balanced(lowered: Lowered, schedule: Schedule, options: Options) -> Schedule:
    """The schedule after all moves that pay; itself where none does."""
    found = windows(lowered.blocks, late_spaces(lowered, options))
    free = found.free()
    if not free or schedule.n_layers == 1:
        return schedule
    layers = _Layers(lowered, schedule, options)
    _move(layers, lowered.blocks, found, free)
    if layers.stages == list(schedule.stages):
        return schedule
    stages = tuple(layers.stages)
    bounds = bounds_of(lowered.blocks, found, stages)
    optimal = all(bound.found == bound.least for bound in bounds.values())
    return replace(
        schedule, stages=stages, method=f"{schedule.method}, balanced", proved_optimal=optimal, bounds=bounds
    )


def _move(layers: _Layers, blocks: Sequence[Block], found: Windows, free: Sequence[int]) -> None:
    """Each block that has a choice, in turn, to the best layer for it, until nothing is gained."""
    readers: list[list[int]] = [[] for _ in blocks]
    for i, needs in enumerate(found.needs):
        for j in needs:
            readers[j].append(i)
    best, left, gained = layers.cost(), WORK, True
    while gained:
        gained = False
        for i in free:
            for stage in _others(layers.stages, found, readers, i):
                before = layers.stages[i]
                layers.move(i, stage)
                cost, left = layers.cost(), left - 1
                if cost < best:
                    best, gained = cost, True
                else:
                    layers.move(i, before)
                if not left:
                    return


def _others(stages: Sequence[int], found: Windows, readers: Sequence[Sequence[int]], i: int) -> Iterator[int]:
    """The other stages that a block can be in while all others stay where they are."""
    first = max([found.soonest[i], *(stages[j] + 1 for j in found.needs[i])])
    last = min((stages[j] - 1 for j in readers[i]), default=found.late[i])
    parity = stages[i] % 2
    first += first % 2 != parity
    yield from (stage for stage in range(first, min(last, found.late[i]) + 1, 2) if stage != stages[i])


class _Layers:
    """What each layer holds, and what the layers would take: kept while blocks move.

    Of each layer: `held`, the values of each class of heads that score alike; `neurons`; `rows`, how many heads it has
    if they are as wide as each of `widths`; `least`, how wide they must be, and `widest`, how wide they are if none is
    split; `uneven`, the square of how many values they move.
    """

    def __init__(self, lowered: Lowered, schedule: Schedule, options: Options) -> None:
        self.options, self.stages = options, list(schedule.stages)
        self.split = options.level.compact and options.has("split_heads")
        self.d_model = sum(len(space) for space in lowered.spaces)
        self.a_column, self.a_neuron = 4 * self.d_model + 3, 2 * self.d_model + 1
        heads = [i for i, block in enumerate(lowered.blocks) if isinstance(block, Head)]
        classes = alike(lowered, heads, options.has("share_heads"))
        self.kind = {i: kind for kind, blocks in enumerate(classes) for i in blocks}
        self.scores = [scores_of(lowered, blocks) for blocks in classes]
        self.size = [
            values_of(lowered, [i]) if isinstance(block, Head) else block.read.width
            for i, block in enumerate(lowered.blocks)
        ]
        least = max(self.scores, default=1) if options.uniform else min(self.scores, default=1)
        most = max([least, *self.scores, *(values_of(lowered, blocks) for blocks in classes)])
        tried = np.unique(np.linspace(least, most, WIDTHS).astype(np.int64)).tolist()
        self.widths = np.array(sorted({scaled(width, options) for width in tried}), np.int64)
        n = schedule.n_layers
        self.held: list[dict[int, list[int]]] = [{} for _ in range(n)]
        self.neurons, self.least, self.widest, self.uneven = (np.zeros(n, np.int64) for _ in range(4))
        self.rows = np.zeros((n, len(self.widths)), np.int64)
        for i in range(len(self.stages)):
            self.put(i)
        for layer in range(n):
            self.count(layer)

    def put(self, i: int) -> None:
        """A block comes into its layer."""
        layer = self.stages[i] // 2
        if i in self.kind:
            self.held[layer].setdefault(self.kind[i], []).append(self.size[i])
        else:
            self.neurons[layer] += self.size[i]

    def move(self, i: int, stage: int) -> None:
        """A block goes to another layer."""
        old, self.stages[i] = self.stages[i] // 2, stage
        if i not in self.kind:
            self.neurons[old] -= self.size[i]
            self.put(i)
            return
        there = self.held[old][self.kind[i]]
        there.remove(self.size[i])
        if not there:
            del self.held[old][self.kind[i]]
        self.put(i)
        for layer in (old, stage // 2):
            self.count(layer)

    def count(self, layer: int) -> None:
        """The heads of a layer, anew."""
        held = self.held[layer]
        values = np.array([sum(sizes) for sizes in held.values()], np.int64)
        self.rows[layer] = np.maximum(1, -(-values[:, None] // self.widths)).sum(axis=0)
        self.least[layer] = max((self.scores[kind] for kind in held), default=0)
        self.widest[layer] = max(int(self.least[layer]), int(values.max(initial=0)))
        self.uneven[layer] = int(values.sum()) ** 2

    def cost(self) -> tuple[int, int]:
        """The parameters of the layers, but for what no schedule changes; then how uneven they are."""
        size = self.area() * self.a_column + self.breadth() * self.a_neuron
        if not self.options.uniform:  # what writes adds a bias, where there is anything
            size += self.d_model * (sum(map(bool, self.held)) + int(np.count_nonzero(self.neurons)))
        return size, int((self.neurons**2).sum() + self.uneven.sum())

    def breadth(self) -> int:
        """The neurons of all layers."""
        if self.options.uniform:
            return len(self.held) * max(1, int(self.neurons.max()))
        return int(self.neurons.sum())

    def area(self) -> int:
        """Heads × width of all layers."""
        if self.split and self.options.uniform:
            return len(self.held) * int((np.maximum(1, self.rows.max(axis=0)) * self.widths).min())
        if self.split:
            fits = self.widths >= self.least[:, None]
            return int(np.where(fits, self.rows * self.widths, np.iinfo(np.int64).max).min(axis=1).sum())
        numbers = [len(held) for held in self.held]
        if self.options.uniform:
            return len(self.held) * max(1, *numbers) * scaled(max(1, int(self.widest.max())), self.options)
        return sum(
            number * scaled(int(width), self.options) for number, width in zip(numbers, self.widest, strict=True)
        )
