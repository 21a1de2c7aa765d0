"""One combination of values against all others, however many these are: "every one of these is as it should be".

A function that is special in one case only is a pulse along a sum Σ w_i·(x_i − z_i) that is 0 in that case and far from
0 in all others. The cases need not be listed together, only the values of each variable:

- a variable may have a weight for which all before it cannot make up, by the least distance of theirs; those that leave
  z_i to one side alone come last, as they make up for nothing among themselves;
- or weights that no accident makes equal, for those that leave to both sides: their sums are compared half against half
  (Horowitz and Sahni 1974, "Computing partitions with applications to the knapsack problem").

Requires: a table that is special where each of its arguments has one value, or one class of values, and these are
functions of one variable each, which has one value there. Ensures: 1 in that case, 0 in all others, by four neurons, or
by two where all variables leave to one side; the gap is at least eight times the rounding of the sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.neurons.lines import Line
from raspc.blocks.neurons.steps import along
from raspc.blocks.reading.readiness import Readiness
from raspc.graph.nodes import Floats
from raspc.graph.stages import neurons_after
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "pulse", "neurons",
    "a function that is special in one case is a pulse along a sum that is 0 there alone",
    "the sum is 8 roundings from 0 in every other case",
    "two or four neurons, in the layer of its heads",
)  # fmt: skip

TRIES = 8
"""How many draws of weights are compared."""
HALF = 1 << 17
"""The most sums of one half of the variables."""
GRAIN = 2.0**-6
"""Weights that outweigh are multiples of this."""
ROOM = 8.0
"""How many times its rounding the sum must be away from 0 in every other case."""


@dataclass(frozen=True, eq=False)
class Away:
    """A variable: how far each of its values lies from the one of the special case, and the error of what is read."""

    place: int
    distance: Floats
    noise: float

    @cached_property
    def one_sided(self) -> bool:
        """Whether no value lies below."""
        return bool((self.distance >= 0).all())

    @cached_property
    def least(self) -> float:
        """How far its nearest other value lies."""
        return float(np.abs(self.distance[self.distance != 0]).min(initial=np.inf))

    @cached_property
    def most(self) -> float:
        """How far its farthest value lies."""
        return float(np.abs(self.distance).max())


@dataclass(frozen=True, eq=False)
class Weights:
    """Of a sum over variables: a weight each, the least distance from 0 in any other case, and its error."""

    each: Floats
    gap: float
    noise: float


def lone(ready: Readiness, grid: Grid) -> Iterator[Design]:
    """Pulses that tell one combination from all others; none if the function is not of this kind.

    One along what is left of all variables; then one that takes those which are decoded by the time the others are
    there as 0 in the special case and 1 in all others, so that they make up for nothing.
    """
    found = _special(grid)
    there = None if found is None else _at_roots(ready, grid, found)
    if found is None or there is None:
        return
    away = [_away(ready, root, special) for root, special in there.items() if len(special) > 1]
    early = [_decoded(one) if _is_early(ready, one.place, away) else one for one in away]
    for each in (away, early) if early != away else (away,):
        design = _pulse(grid, found, each) if each else None
        if design is not None:
            yield design


def _at_roots(ready: Readiness, grid: Grid, found: Special) -> Mapping[int, NDArray[np.bool_]] | None:
    """Which values the roots have in the special case; None unless each has one."""
    there: dict[int, NDArray[np.bool_]] = {}
    for place, special in zip(grid.axes, found.values, strict=True):
        root, special = _at_root(ready, place, special)
        there[root] = there[root] & special if root in there else special
    return None if any(special.sum() != 1 for special in there.values()) else there


def _is_early(ready: Readiness, place: int, away: Sequence[Away]) -> bool:
    """Whether a variable that attention leaves is decoded by neurons before the last of all others is there."""
    last = neurons_after(max(ready.times.latest[one.place] for one in away))
    return place in ready.left and ready.times.decoded[place] < last


def _decoded(one: Away) -> Away:
    """What tells the special case from all others, once it is decoded."""
    return Away(one.place, (one.distance != 0).astype(float), 0.0)


def _pulse(grid: Grid, found: Special, away: Sequence[Away]) -> Design | None:
    """The pulse along a sum of these; None where no weights keep all other cases away."""
    weights = _weights(away)
    if weights is None or weights.gap < ROOM * weights.noise:
        return None
    sums = np.array([0.0, weights.gap] if all(one.one_sided for one in away) else [-weights.gap, 0.0, weights.gap])
    axes = tuple(one.place for one in away)
    pulse = Grid(axes, (sums == 0).astype(np.int32), grid.outputs[list(found.classes)])
    positions = [w * one.distance for w, one in zip(weights.each, away, strict=True)]
    return along(pulse, Line(axes, positions, weights.noise, given=sums))


@dataclass(frozen=True, eq=False)
class Special:
    """The case that is like no other: for each axis which values it has there, and the classes (elsewhere, there)."""

    values: tuple[NDArray[np.bool_], ...]
    classes: tuple[int, int]


def _special(grid: Grid) -> Special | None:
    """None unless there are two classes, one of them in one combination of classes of values alone."""
    present = np.unique(grid.classes[grid.classes >= 0])
    if grid.classes.ndim < 2 or len(present) != 2:
        return None
    numbers, small = merge(grid, range(grid.classes.ndim))
    for elsewhere, there in (present.tolist(), present.tolist()[::-1]):
        cells = np.argwhere(small == there)
        if len(cells) == 1:
            values = tuple(number == place for number, place in zip(numbers, cells[0], strict=True))
            return Special(values, (int(elsewhere), int(there)))
    return None


def _at_root(ready: Readiness, place: int, special: NDArray[np.bool_]) -> tuple[int, NDArray[np.bool_]]:
    """Values of a function of one variable as values of that variable, and which it is."""
    joint = ready.derived(place)
    if joint is None or len(joint.roots) != 1:
        return place, special
    return _at_root(ready, joint.roots[0], (joint.cells >= 0) & special[np.maximum(joint.cells, 0)])


def _away(ready: Readiness, place: int, special: NDArray[np.bool_]) -> Away:
    position, noise = ready.position(place)
    distance = position - position[special.argmax()]
    return Away(place, -distance if (distance <= 0).all() else distance, noise)


def _weights(away: Sequence[Away]) -> Weights | None:
    """Weights with which no other case comes near 0, as far as rounding allows; None if one cannot be told apart."""
    if any(np.count_nonzero(one.distance) != len(one.distance) - 1 for one in away):
        return None
    order = sorted(range(len(away)), key=lambda i: away[i].one_sided)
    sides = [away[i] for i in order if not away[i].one_sided]
    found = [_outweighing(away, order, each) for each in (np.zeros(0), *_generic(sides))]
    return max(found, key=lambda weights: weights.gap / weights.noise if weights.noise else np.inf)


def _outweighing(away: Sequence[Away], order: Sequence[int], each: Floats) -> Weights:
    """Each variable that has no weight yet gets one that all before it cannot make up for, by a gap."""
    first = [away[i] for i in order[: len(each)]]
    gap = _least_sum([w * one.distance for w, one in zip(each, first, strict=True)])
    reach = sum(w * one.most for w, one in zip(each, first, strict=True))
    weights = list(each)
    for i in order[len(each) :]:
        own = GRAIN * np.ceil((reach + min(gap, 1.0)) / away[i].least / GRAIN)
        gap = min(gap, own * away[i].least - reach)
        reach += 0.0 if away[i].one_sided else own * away[i].most  # what leaves to one side makes nothing up
        weights.append(own)
    noise = sum(w * away[i].noise for i, w in zip(order, weights, strict=True))
    return Weights(np.array(weights)[np.argsort(order)], float(gap), float(noise))


def _generic(away: Sequence[Away]) -> Iterator[Floats]:
    """Draws of weights for variables that leave to both sides, where their sums can be listed."""
    half = len(away) // 2
    listed = max(np.prod([float(len(one.distance)) for one in part]) for part in (away[:half], away[half:])) <= HALF
    rng = np.random.default_rng(0)
    powers = np.array([2.0 ** np.round(np.log2(float(np.ptp(one.distance)))) for one in away])
    for _ in range(TRIES if listed and len(away) > 1 else 0):
        yield (1.0 + rng.integers(1, 1024, len(away)) / 1024) / powers


def _least_sum(terms: Sequence[Floats]) -> float:
    """The least |Σ terms_i[v_i]| but for the one combination of zeros."""
    halves = terms[: len(terms) // 2], terms[len(terms) // 2 :]
    (first, zero), (second, other_zero) = map(_sums, halves)
    rest = np.delete(first, zero)
    order = np.sort(second)
    after = np.searchsorted(order, -rest)
    near = [np.abs(rest + order[np.clip(after + step, 0, len(order) - 1)]) for step in (-1, 0)]
    own = np.abs(np.delete(second, other_zero))
    return float(min(part.min(initial=np.inf) for part in (*near, own)))


def _sums(terms: Sequence[Floats]) -> tuple[Floats, int]:
    """All sums of one of each, and the place of the sum of zeros."""
    places = [int((term == 0).argmax()) for term in terms]
    total = reduce(np.add.outer, terms, np.zeros(()))
    return total.ravel(), int(np.ravel_multi_index(places, [len(term) for term in terms])) if terms else 0
