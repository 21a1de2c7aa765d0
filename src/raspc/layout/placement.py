"""Reuse of the residual stream: spaces that are needed at different times share dimensions.

Once the last reader of a space has read it, neurons of an MLP may clear it: −relu(x) + relu(−x) added to x
is 0, exactly, at every position that anybody reads. A space that is written in a later stage then finds zeros,
as it would in dimensions of its own, so that every number it holds is the same bit for bit. What a padding
position holds is no matter: nobody attends to it.

Requires: each space is written once, by the embedding or by one block. Ensures: at no stage are two spaces
whose readers are still to come in one dimension, and the model has fewer parameters than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from raspc.blocks.lower import Lowered
from raspc.blocks.spaces import BOS, reads_of
from raspc.layout.layout import Layout, Sweep, loads_of
from raspc.layout.lives import FOREVER, Life, Neighbours, all_at_once
from raspc.layout.schedule import Schedule
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "reuse", "places",
    "dimensions are used again after their last reader",
    "level 2; an MLP between the last reader and the next tenant clears them",
    "no two spaces with readers to come in one dimension; fewer parameters",
)  # fmt: skip

ONE_BY_ONE = 1 << 14
"""Spaces are given up one after the other where trials times spaces are at most so many."""


def reuse(lowered: Lowered, schedule: Schedule, layout: Layout, rows: int) -> Layout:
    """The layout with spaces in each other's dimensions, where that makes the model smaller.

    Tried are spaces one after the other, each kept as it is where its sweep costs more than its dimensions; and all of
    them at once, with so many neurons in each layer for sweeps. The first finds more in small models; the second sees
    that a neuron more in each layer is little where each layer needs one. `rows`: how many rows of embeddings and
    columns of the unembedding are as wide as the residual stream.
    """
    lives = _lives(lowered, schedule, layout)
    loads = loads_of(lowered, schedule)
    givers = _givers(lives)
    found = [layout]
    if givers and len(givers) * len(lives) <= ONE_BY_ONE:
        found.append(_one_by_one(layout, lives, givers, loads, rows))
    if givers:
        found += (_laid_out(layout, lives, start, loads) for start in all_at_once(lives, loads))
    return min(found, key=lambda one: _parameters(one, loads, rows))


def _givers(lives: Sequence[Life]) -> list[Life]:
    """The spaces that some other may follow, those first whose sweeps cost least and that free most."""
    last = max((life.written for life in lives), default=-1)
    return sorted((life for life in lives if life.clearable < last), key=lambda life: (life.neurons, -life.size))


def _one_by_one(
    layout: Layout, lives: Sequence[Life], givers: Sequence[Life], loads: Sequence[int], rows: int
) -> Layout:
    """Each space in turn may be followed by others, if that makes the model smaller."""
    neighbours = Neighbours.of(lives)
    best, taken = layout, np.zeros(len(lives), bool)
    for life in givers:
        trial = taken | (neighbours.names == life.name)
        start = neighbours.placed(trial)
        d_model = max(start[other.name] + other.size for other in lives)
        if _parameters(replace(layout, d_model=d_model), loads, rows) >= _parameters(best, loads, rows):
            continue  # even if its sweeps cost nothing
        found = _laid_out(layout, lives, start, loads)
        if _parameters(found, loads, rows) < _parameters(best, loads, rows):
            best, taken = found, trial
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


def _laid_out(layout: Layout, lives: Sequence[Life], start: Mapping[str, int], loads: Sequence[int]) -> Layout:
    """The layout with each space at its place, and the sweeps that this takes."""
    d_model = max(start[life.name] + life.size for life in lives)
    sweeps = _sweeps(lives, start, loads)
    load = [own + sum(sweep.size for sweep in sweeps.get(layer, ())) for layer, own in enumerate(loads)]
    return replace(layout.with_neurons(load), start=start, d_model=d_model, sweeps=sweeps)


def _sweeps(lives: Sequence[Life], start: Mapping[str, int], loads: Sequence[int]) -> dict[int, tuple[Sweep, ...]]:
    """For each dimension that passes on, an MLP between the two tenants clears it: the one with least to do."""
    tenants: dict[int, list[Life]] = {}
    for life in sorted(lives, key=lambda life: life.written):
        for dim in range(start[life.name], start[life.name] + life.size):
            tenants.setdefault(dim, []).append(life)
    load = list(loads)
    found: dict[int, list[Sweep]] = {}
    for dim in sorted(tenants):
        for old, new in pairwise(tenants[dim]):
            layer = min(range(old.clearable // 2, new.written // 2), key=load.__getitem__)
            load[layer] += old.neurons
            found.setdefault(layer, []).append(Sweep(dim, old.name, old.neurons))
    return {layer: tuple(sweeps) for layer, sweeps in sorted(found.items())}


def parameters(lowered: Lowered, schedule: Schedule, layout: Layout, rows: int) -> int:
    """The parameters of the model, but for constants that neither schedule nor layout changes."""
    return _parameters(layout, loads_of(lowered, schedule), rows)


def _parameters(layout: Layout, loads: Sequence[int], rows: int) -> int:
    """All parameters but for constants that no layout changes."""
    return layout.d_model * rows + layout.parameters(len(loads))
