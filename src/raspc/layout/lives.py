"""Which spaces can be in one dimension after each other, and where they then lie.

A space lives from the stage that writes it to its last reader; an MLP after that clears its dimensions for the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import inf

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
        apart = ~(follows | follows.T)
        there = np.zeros((len(self.sizes), sum(self.sizes)), bool)
        start: dict[str, int] = {}
        for i, (name, size) in enumerate(zip(self.names.tolist(), self.sizes, strict=True)):
            place = _first_fit(np.asarray(there[:i][apart[i, :i]].any(axis=0)), size)
            there[i, place : place + size] = True
            start[name] = place
        return start


def _first_fit(blocked: NDArray[np.bool_], size: int) -> int:
    """The least place from which so many dimensions are free."""
    place = 0
    while True:
        hit = np.flatnonzero(blocked[place : place + size])
        if not len(hit):
            return place
        place += int(hit[-1]) + 1


ROOM = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""With how many neurons in a layer beyond the widest one sweeps are tried."""

PATIENCE = 32
"""After so many places without room for a sweep a space gets new dimensions; as many layers are looked at for one."""


def all_at_once(lives: Sequence[Life], loads: Sequence[int]) -> Iterator[dict[str, int]]:
    """Places in which every space may be followed by others, with more and more room for sweeps in each layer."""
    tried: list[dict[str, int]] = []
    for room in ROOM:
        found = _Filling(lives, loads, max(1, *loads) + room).run()
        if found not in tried:
            tried.append(found)
            yield found


class _Filling:
    """Spaces in the order in which they are written, each at the first place that is free or can be cleared for it.

    What the output is read from keeps its places, the first ones; others can be there before. `most`: the neurons that
    a layer may have, sweeps among them.
    """

    def __init__(self, lives: Sequence[Life], loads: Sequence[int], most: int) -> None:
        self.lives, self.load, self.most = lives, list(loads), most
        output = list(takewhile(lambda life: life.clearable > FOREVER and life.written >= 0, lives))
        self.reserved = [life for life in output for _ in range(life.size)]
        self.tenant: list[Life | None] = [None] * len(self.reserved)
        self.start: dict[str, int] = {}

    def run(self) -> dict[str, int]:
        for life in sorted(self.lives, key=lambda life: life.written):
            self.start[life.name] = self.place(life)
        return self.start

    def place(self, life: Life) -> int:
        """Settle a space at the first place with room for it."""
        if life in self.reserved:
            place = self.reserved.index(life)
            self.settle(life, place, inf)
            return place
        free = dim = refused = 0
        while free < life.size or not self.settle(life, dim - life.size, self.most):
            refused += free >= life.size
            if refused > PATIENCE and dim < len(self.tenant):
                free, dim = 0, len(self.tenant)
            free = free + 1 if self.is_free(dim, life) else 0
            dim += 1
        return dim - life.size

    def is_free(self, dim: int, life: Life) -> bool:
        """Whether nobody is there, or one who can be cleared away in time; and so can this one where that must be."""
        if dim < len(self.reserved) and not life.may_precede(self.reserved[dim]):
            return False
        tenant = self.tenant[dim] if dim < len(self.tenant) else None
        return tenant is None or tenant.may_precede(life)

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
        return True
