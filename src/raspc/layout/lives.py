"""Which spaces can be in one dimension after each other, and where they then lie.

A space lives from the stage that writes it to its last reader; an MLP after that clears its dimensions for the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, compress, takewhile
from math import inf
from operator import or_

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Some lives in the order of their places, and as arrays: names, sizes, and which may precede which."""

    names: NDArray[np.str_]
    sizes: tuple[int, ...]
    precede: NDArray[np.bool_]

    @classmethod
    def of(cls, lives: Sequence[Life]) -> Neighbours:
        """Of these."""
        clearable, written = (np.array([getattr(life, name) for life in lives]) for name in ("clearable", "written"))
        precede = clearable[:, None] < written[None, :]
        return cls(np.array([life.name for life in lives]), tuple(life.size for life in lives), precede)

    def placed(self, taken: NDArray[np.bool_]) -> dict[str, int]:
        """Each space at the first place where it meets nobody; those of `taken` may be followed by others."""
        follows = self.precede & taken[:, None]
        apart = (~(follows | follows.T)).tolist()
        there: list[int] = []
        start: dict[str, int] = {}
        for name, size, meets in zip(self.names.tolist(), self.sizes, apart, strict=True):
            place = next(places(reduce(or_, compress(there, meets), 0), size))
            there.append(dimensions(place, size))
            start[name] = place
        return start


def dimensions(place: int, size: int) -> int:
    """A set of dimensions as a number: bit i stands for dimension i."""
    return ((1 << size) - 1) << place


def places(blocked: int, size: int) -> Iterator[int]:
    """From where so many dimensions in a row are free, the least first; there is no end to them."""
    fits, run = ~blocked if size else -1, 1  # bit i of fits: dimensions i to i + run - 1 are free
    while run < size:
        step = min(run, size - run)
        fits &= fits >> step
        run += step
    while True:
        least = fits & -fits
        yield least.bit_length() - 1
        fits ^= least


ROOM = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""With how many neurons in a layer beyond the widest one sweeps are tried."""

PATIENCE = 32
"""After so many places without room for a sweep a space gets new dimensions; as many layers are looked at for one."""


def all_at_once(lives: Sequence[Life], loads: Sequence[int]) -> Iterator[dict[str, int]]:
    """Places in which every space may be followed by others, with more and more room for sweeps in each layer."""
    tried: list[dict[str, int]] = []
    for room in ROOM:
        filling = _Filling(lives, loads, max(1, *loads) + room)
        found = filling.run()
        if found not in tried:
            tried.append(found)
            yield found
        if not filling.refused:
            return  # more room makes no difference


class _Filling:
    """Spaces in the order in which they are written, each at the first place that is free or can be cleared for it.

    What the output is read from keeps its places, the first ones; others can be there before. `most`: the neurons that
    a layer may have, sweeps among them.
    """

    def __init__(self, lives: Sequence[Life], loads: Sequence[int], most: int) -> None:
        self.lives, self.load, self.most = lives, list(loads), most
        output = list(takewhile(lambda life: life.clearable > FOREVER and life.written >= 0, lives))
        ends = accumulate((life.size for life in output), initial=0)
        self.own = {life.name: place for life, place in zip(output, ends, strict=False)}
        self.tenant: list[Life | None] = [None] * sum(life.size for life in output)
        self.reserved: dict[int, int] = {}  # the dimensions that the output will have from a stage on
        for life in output:
            mine = dimensions(self.own[life.name], life.size)
            self.reserved[life.written] = self.reserved.get(life.written, 0) | mine
        self.held: dict[int, int] = {}  # the dimensions whose tenants can be cleared from a stage on
        self.start: dict[str, int] = {}
        self.refused = 0  # places without room for a sweep

    def run(self) -> dict[str, int]:
        for life in sorted(self.lives, key=lambda life: life.written):
            self.start[life.name] = self.place(life)
        return self.start

    def place(self, life: Life) -> int:
        """Settle a space at the first place with room for it."""
        if life.name in self.own:
            self.settle(life, self.own[life.name], inf)
            return self.own[life.name]
        for refused, place in enumerate(places(self.blocked(life), life.size), 1):
            if self.settle(life, place, self.most):
                return place
            self.refused += 1
            if refused > PATIENCE and place + life.size < len(self.tenant):
                break
        place = len(self.tenant)
        self.settle(life, place, self.most)
        return place

    def blocked(self, life: Life) -> int:
        """Where somebody is who cannot be cleared away in time, or will be before this one can."""
        there = (mine for clearable, mine in self.held.items() if clearable >= life.written)
        to_come = (mine for written, mine in self.reserved.items() if written <= life.clearable)
        return reduce(or_, (*there, *to_come), 0)

    def settle(self, life: Life, place: int, most: float) -> bool:
        """Clear the dimensions and move in, if no layer between then has more neurons than `most`."""
        swept = list[tuple[int, int]]()
        for tenant in self.tenant[place : place + life.size]:
            if tenant is not None:
                first = tenant.clearable // 2
                layer = min(range(first, min(life.written // 2, first + PATIENCE)), key=self.load.__getitem__)
                self.load[layer] += tenant.neurons
                swept.append((layer, tenant.neurons))
        if any(self.load[layer] > most for layer, _ in swept):
            for layer, neurons in swept:
                self.load[layer] -= neurons
            return False
        self.tenant[place : place + life.size] = [life] * life.size
        mine = dimensions(place, life.size)
        self.held = {clearable: theirs & ~mine for clearable, theirs in self.held.items()}
        self.held[life.clearable] = self.held.get(life.clearable, 0) | mine
        return True
