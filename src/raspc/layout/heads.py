"""The shape of heads: how many a layer has, how wide they are, and which of them do the work of which block.

Where all layers have heads of one number and one width, what counts is the product: every layer has matrices of
d_model × (heads × width). Blocks that score alike may share a head, their values side by side; and a wide head may be
split into several that score alike and move some of its values each, which pays where another layer has heads to
spare. Where layers have widths of their own, each has the best shape for itself, and one without blocks has no heads.

Requires: a schedule. Ensures: each value of each block is moved by one head of its layer; heads × width is the least
that sharing and splitting reach, and never more than without them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import Head
from raspc.layout.schedule import Schedule
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options
from raspc.target import assembled_for

CHOICES = (
    Choice(
        "share_heads", "heads",
        "heads of a layer that score alike are one",
        "equal scores, sink and sharpness",
        "heads × width is no larger",
    ),
    Choice(
        "split_heads", "heads",
        "the values of a wide head are moved by several narrow ones",
        "level 2",
        "heads × width is no larger",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """One head: the blocks whose values it moves, and which columns of all their values side by side."""

    blocks: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True, order=True)
class HeadShape:
    """Of all layers, or of one, the smallest first: heads × width, heads, width; and whether alike ones are one."""

    area: int
    n_heads: int
    d_head: int
    shared: bool

    def slots(self, lowered: Lowered, attention: Sequence[int]) -> list[Slot]:
        """The heads of one layer of attention blocks."""
        return [
            slot
            for blocks in alike(lowered, attention, self.shared)
            for slot in _cut(blocks, values_of(lowered, blocks), self.d_head)
        ]


NO_HEADS = HeadShape(0, 0, 0, False)
"""The shape of a layer without heads."""


def head_shape(lowered: Lowered, schedule: Schedule, options: Options) -> HeadShape:
    """The best shape for all layers."""
    return _best(lowered, [attention for attention, _ in layers_of(lowered, schedule)], options)


def head_shapes(lowered: Lowered, schedule: Schedule, options: Options) -> list[HeadShape]:
    """The best shape of each layer by itself."""
    layers = (attention for attention, _ in layers_of(lowered, schedule))
    return [_best(lowered, [attention], options) if attention else NO_HEADS for attention in layers]


def _best(lowered: Lowered, layers: Sequence[Sequence[int]], options: Options) -> HeadShape:
    """The best shape. Heads of a readable model are not split: a person finds one head for each selector."""
    sharing = (False, True) if options.has("share_heads") else (False,)
    split = options.level.compact and options.has("split_heads")
    return min(shape for shared in sharing for shape in _shapes(lowered, layers, shared, split, options))


def scaled(d_head: int, options: Options) -> int:
    """A width of heads, in a narrow format so large that 1/√d_head is a power of two, which rounds nothing."""
    if not (options.precision.narrow and assembled_for(options.target).scales_scores and d_head):
        return d_head
    return int(4 ** math.ceil(math.log(d_head, 4) - 1e-9))


def _shapes(
    lowered: Lowered, layers: Sequence[Sequence[int]], shared: bool, split: bool, options: Options
) -> Iterator[HeadShape]:  # fmt: skip
    classes = [alike(lowered, attention, shared) for attention in layers]
    values = [[values_of(lowered, blocks) for blocks in layer] for layer in classes]
    scores = max([scores_of(lowered, blocks) for layer in classes for blocks in layer], default=1)
    widest = max([scores, *(width for layer in values for width in layer)])
    for d_head in dict.fromkeys(scaled(d, options) for d in range(scores if split else widest, widest + 1)):
        n_heads = max(1, *(sum(-(-width // d_head) or 1 for width in layer) for layer in values))
        yield HeadShape(n_heads * d_head, n_heads, d_head, shared)


def _cut(blocks: Sequence[int], width: int, d_head: int) -> Iterator[Slot]:
    """As few heads as hold the values, filled evenly."""
    count = -(-width // d_head) or 1
    ends = [width * i // count for i in range(count + 1)]
    yield from (Slot(tuple(blocks), start, stop) for start, stop in pairwise(ends))


def alike(lowered: Lowered, attention: Sequence[int], shared: bool) -> list[list[int]]:
    """The blocks of an attention layer by how they score; one block each if none is to be shared."""
    classes: dict[object, list[int]] = {}
    for i in attention:
        classes.setdefault(_scoring(_head(lowered, i)) if shared else i, []).append(i)
    return list(classes.values())


def layers_of(lowered: Lowered, schedule: Schedule) -> list[tuple[list[int], list[int]]]:
    """For each layer, the places of its heads and of its sets of neurons among the blocks."""
    layers: list[tuple[list[int], list[int]]] = [([], []) for _ in range(schedule.n_layers)]
    for place, stage in enumerate(schedule.stages):
        layers[stage // 2][stage % 2].append(place)
    return layers


def _head(lowered: Lowered, place: int) -> Head:
    head = lowered.blocks[place]
    assert isinstance(head, Head)
    return head


def scores_of(lowered: Lowered, blocks: Sequence[int]) -> int:
    """Score directions, and one for the sink."""
    return _head(lowered, blocks[0]).query.width + 1


def values_of(lowered: Lowered, blocks: Sequence[int]) -> int:
    """How many values these heads move."""
    return sum(_head(lowered, i).value.width for i in blocks)


def _scoring(head: Head) -> object:
    """What makes two heads score alike."""
    reads = tuple(
        (read.bias.tobytes(), tuple(sorted((space, m.tobytes()) for space, m in read.maps.items())))
        for read in (head.query, head.key)
    )
    return reads, head.sink, head.log_sink, head.sharpness
