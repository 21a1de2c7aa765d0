"""Variables that a table is a function of, and the ways to order all their combinations along one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.neurons.lines import Line, where_known
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import UNDEFINED, Floats, Ids, Listed

GENERIC_CELLS = 1 << 16
GENERIC_TRIES = 4
"""How many generic sums are tried, over grids of at most so many cells."""
AXES_ON_A_LINE = 3
"""Lines of more variables are tried only where the value itself is their sum."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """Variables that a table is a function of, and the number of its value for each combination of theirs."""

    ready: Readiness
    axes: tuple[int, ...]
    ids: Ids

    @cached_property
    def known(self) -> NDArray[np.intp] | None:
        """The cells that can occur, of all in a row; None if all can."""
        return where_known(self.ids)

    @cached_property
    def lines(self) -> list[tuple[int, Line]]:
        """Lines along which any function of these variables may be a staircase, with their ranks."""
        return [(rank, self.line(positions, noise)) for rank, positions, noise in _lines(self)]

    def line(self, positions: Sequence[Floats], noise: float) -> Line:
        """All combinations along one line."""
        return Line(self.axes, positions, noise, self.ids.shape, self.known)

    def grid(self, rows: Matrix, number: NDArray[np.intp]) -> Grid:
        """What is to be computed: for the value with id i the row number[i]."""
        classes = np.append(number, UNDEFINED).astype(np.int32)  # the last one is of cells without a value
        return Grid(self.axes, classes[self.ids], rows, self.ready.options.has("merge_values"))


def _lines(frontier: Frontier) -> Iterator[tuple[int, list[Floats], float]]:
    """Ways to order all combinations along one line: sums, differences, generic sums."""
    ready, axes = frontier.ready, frontier.axes
    if not axes or (len(axes) > 1 and not ready.options.has("lines")):
        return
    positions, noises = zip(*(ready.position(place) for place in axes), strict=True)
    if ready.options.margin is not None:
        positions = tuple(map(_centred, positions, (place in ready.left for place in axes)))
    if len(axes) <= AXES_ON_A_LINE:
        for ordered in filter(None, (positions, _specials_apart(frontier, positions))):
            for signs in product((1.0, -1.0), repeat=len(positions) - 1):
                yield 1, [c * p for c, p in zip((1.0, *signs), ordered, strict=True)], float(sum(noises))
    if sum(place in ready.left for place in axes) > 1 and frontier.ids.size <= GENERIC_CELLS:
        for scaled, noise in _generic(positions, noises):
            yield 5, scaled, noise
        for scaled, noise in _in_turn(positions, noises):
            yield 4, scaled, noise


def _centred(position: Floats, is_left: bool) -> Floats:
    """Positions around 0: weights that read them off directions, one for each value, are smaller by half.

    What attention leaves stays where it is.
    """
    return position if is_left or not position.size else position - np.round((position.max() + position.min()) / 2)


def _specials_apart(frontier: Frontier, positions: Sequence[Floats]) -> list[Floats] | None:
    """Positions of which those of None and of words lie far beyond all sums of numbers; None where there are no such.

    What attention leaves stays where it is.
    """
    ready, found, away = frontier.ready, list(positions), dict[int, Floats]()
    for axis, place in enumerate(frontier.axes):
        domain = ready.graph.variable(place).domain
        if isinstance(domain, Listed) and place not in ready.left and domain.is_number.any() and not domain.all_numbers:
            found[axis] = domain.numbers
            away[axis] = np.where(domain.is_number, 0.0, -(axis + 1.0) * np.cumsum(~domain.is_number))
    far = 2.0 ** np.ceil(np.log2(1.0 + sum(4.0 * float(np.abs(position).max(initial=0.0)) for position in found)))
    apart = [position + far * away.get(axis, 0.0) for axis, position in enumerate(found)]
    return apart if len(found) > 1 and away and np.isfinite(far) else None


def digits(frontier: Frontier, grid: Grid) -> Iterator[tuple[int, Line]]:
    """Two variables as the digits of a number, in either order."""
    ready = frontier.ready
    if len(grid.axes) != 2 or not ready.options.has("lines") or any(place in ready.left for place in grid.axes):
        return
    x, y = (number.astype(float) for number in merge(grid, (0, 1))[0])
    yield 2, frontier.line([x * (y.max() + 1), y], 0.0)
    yield 2, frontier.line([x, y * (x.max() + 1)], 0.0)


def _generic(positions: Sequence[Floats], noises: Sequence[float]) -> Iterator[tuple[list[Floats], float]]:
    """Sums with weights that no accident makes equal: a test of one combination against all others."""
    powers = [2.0 ** np.round(np.log2(max(float(np.ptp(p)), 2.0**-20))) for p in positions]
    for weights in _draws(len(positions)):
        scaled = [w * p / power for w, p, power in zip(weights, positions, powers, strict=True)]
        noise = sum(w * n / power for w, n, power in zip(weights, noises, powers, strict=True))
        yield scaled, float(noise)


@lru_cache(maxsize=16)
def _draws(count: int) -> tuple[Floats, ...]:
    """Weights between 1 and 2, always the same ones."""
    rng = np.random.default_rng(0)
    return tuple(1.0 + rng.integers(1, 1024, count) / 1024 for _ in range(GENERIC_TRIES))


def _in_turn(positions: Sequence[Floats], noises: Sequence[float]) -> Iterator[tuple[list[Floats], float]]:
    """Two variables in lexicographic order, either first: a case of the first, and the second where that holds."""
    if len(positions) != 2 or any(len(position) < 2 for position in positions):
        return
    for first, second in ((0, 1), (1, 0)):
        gap = float(np.diff(np.sort(positions[first])).min())
        if gap > 0:
            weight = 2.0 ** np.ceil(np.log2(2 * max(float(np.ptp(positions[second])), gap) / gap))
            scaled = {first: weight * positions[first], second: positions[second]}
            yield [scaled[0], scaled[1]], weight * noises[first] + noises[second]
