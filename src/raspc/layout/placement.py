"""Reuse of the residual stream: spaces that are needed at different times share dimensions.

Once the last reader of a space has read it, neurons of an MLP may clear it: −relu(x) + relu(−x) added to x
is 0, exactly, at every position that anybody reads. A space that is written in a later stage then finds zeros,
as it would in dimensions of its own, so that every number it holds is the same bit for bit. What a padding
position holds is no matter: nobody attends to it.

Requires: each space is written once, by the embedding or by one block. Ensures: at no stage are two spaces
whose readers are still to come in one dimension, and the model has fewer parameters than before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, Neurons, reads_of
from raspc.layout.layout import Layout, Sweep
from raspc.layout.schedule import Schedule
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "reuse", "places",
    "dimensions are used again after their last reader",
    "level 2; an MLP between the last reader and the next tenant clears them",
    "no two spaces with readers to come in one dimension; fewer parameters",
)  # fmt: skip

FOREVER = 1 << 30


@dataclass(frozen=True)
class Life:
    """When a space is written, from which MLP on it may be cleared, and with how many neurons a dimension.

    One neuron suffices where nothing can be negative; two clear anything.
    """

    name: str
    size: int
    written: int
    clearable: int
    neurons: int

    def may_precede(self, other: Life) -> bool:
        """Whether some MLP can clear this one before the other is written."""
        return self.clearable < other.written


def reuse(lowered: Lowered, schedule: Schedule, layout: Layout, rows: int) -> Layout:
    """The layout with spaces in each other's dimensions, where that makes the model smaller.

    `rows`: how many rows of embeddings and columns of the unembedding are as wide as the residual stream.
    """
    lives = _lives(lowered, schedule, layout)
    loads = _loads(lowered, schedule)
    best, taken = layout, frozenset[str]()
    givers = [life for life in lives if any(life.may_precede(other) for other in lives)]
    for life in sorted(givers, key=lambda life: (life.neurons, -life.size)):
        found = _placed(layout, lives, taken | {life.name}, loads)
        if _parameters(found, loads, rows) < _parameters(best, loads, rows):
            best, taken = found, taken | {life.name}
    return best


def _lives(lowered: Lowered, schedule: Schedule, layout: Layout) -> list[Life]:
    """In the order of their places in the layout."""
    written = {space: s for b, s in zip(lowered.blocks, schedule.stages, strict=True) for space in b.write.maps}
    last: dict[str, int] = {}
    for block, stage in zip(lowered.blocks, schedule.stages, strict=True):
        for read in reads_of(block):
            last |= {space: max(stage, last.get(space, stage)) for space in read.maps}
    last |= dict.fromkeys((*lowered.output.maps, BOS), FOREVER)
    shares = {f"{block.name}.share" for block in lowered.blocks}
    lives = []
    for name in sorted(layout.start, key=layout.start.__getitem__):
        birth = written.get(name, -1)
        clearable = max(last.get(name, birth), birth + 1) | 1
        positive = name in shares or (birth < 0 and _is_positive(lowered, name))
        lives.append(Life(name, layout.sizes[name], birth, clearable, 1 if positive else 2))
    return lives


def _is_positive(lowered: Lowered, space: str) -> bool:
    """Whether what is embedded is never negative."""
    tables = (lowered.embeddings.get(space), lowered.positions.get(space))
    return all(bool((table >= 0).all()) for table in tables if table is not None)


def _loads(lowered: Lowered, schedule: Schedule) -> list[int]:
    """The neurons of each layer."""
    loads = [0] * schedule.n_layers
    for block, stage in zip(lowered.blocks, schedule.stages, strict=True):
        if isinstance(block, Neurons):
            loads[stage // 2] += block.read.width
    return loads


def _placed(layout: Layout, lives: Sequence[Life], taken: Collection[str], loads: Sequence[int]) -> Layout:
    """Each space at the first place where it meets nobody; those of `taken` may be followed by others."""
    start: dict[str, int] = {}
    placed: list[Life] = []
    for life in lives:
        start[life.name] = _first_fit(life, placed, start, taken)
        placed.append(life)
    d_model = max(start[life.name] + life.size for life in lives)
    sweeps = _sweeps(lives, start, loads)
    load = [own + sum(sweep.size for sweep in sweeps.get(layer, ())) for layer, own in enumerate(loads)]
    return replace(layout, start=start, d_model=d_model, d_mlp=max(1, *load), sweeps=sweeps)


def _first_fit(life: Life, placed: Sequence[Life], start: Mapping[str, int], taken: Collection[str]) -> int:
    """The least place at which no space that is already placed is in the way."""
    rivals = [other for other in placed if not _may_share(life, other, taken)]
    blocked = sorted((start[other.name], start[other.name] + other.size) for other in rivals)
    place = 0
    for first, end in blocked:
        if place + life.size <= first:
            break
        place = max(place, end)
    return place


def _may_share(one: Life, other: Life, taken: Collection[str]) -> bool:
    first, second = sorted((one, other), key=lambda life: life.written)
    return first.name in taken and first.may_precede(second)


def _sweeps(lives: Sequence[Life], start: Mapping[str, int], loads: Sequence[int]) -> dict[int, tuple[Sweep, ...]]:
    """For each dimension that passes on, an MLP between the two tenants clears it: the one with least to do."""
    load = list(loads)
    found: dict[int, list[Sweep]] = {}
    for dim in range(max(start[life.name] + life.size for life in lives)):
        tenants = sorted(
            (life for life in lives if start[life.name] <= dim < start[life.name] + life.size),
            key=lambda life: life.written,
        )
        for old, new in pairwise(tenants):
            layer = min(range(old.clearable // 2, new.written // 2), key=load.__getitem__)
            load[layer] += old.neurons
            found.setdefault(layer, []).append(Sweep(dim, old.name, old.neurons))
    return {layer: tuple(sweeps) for layer, sweeps in sorted(found.items())}


def parameters(lowered: Lowered, schedule: Schedule, layout: Layout, rows: int) -> int:
    """The parameters of the model, but for constants that neither schedule nor layout changes."""
    return _parameters(layout, _loads(lowered, schedule), rows)


def _parameters(layout: Layout, loads: Sequence[int], rows: int) -> int:
    """All parameters but for constants that no layout changes."""
    return layout.d_model * rows + len(loads) * layout.per_layer
