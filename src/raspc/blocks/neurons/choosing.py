"""Choosing an MLP for a function of several variables: every way to build it is tried, the cheapest kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raspc.blocks.neurons import steps
from raspc.blocks.neurons.cells import cells, stepped
from raspc.blocks.neurons.costs import NOISE, cost, is_stored, late, waiting
from raspc.blocks.neurons.cubes import cubes
from raspc.blocks.neurons.design import Design, Worth
from raspc.blocks.neurons.frontiers import Frontier, digits
from raspc.blocks.neurons.gated import gated_lines
from raspc.blocks.neurons.grid import Grid
from raspc.blocks.neurons.lines import Line
from raspc.blocks.neurons.lone import lone
from raspc.blocks.neurons.products import cases, multiplies, products, squares
from raspc.blocks.neurons.slopes import slopes
from raspc.blocks.neurons.ways import Ways
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats
from raspc.graph.rows import distinct_rows
from raspc.graph.tables import JOINT_LIMIT
from raspc.numbers.choice import Choice
from raspc.numbers.memory import BYTES

CHOICES = (
    Choice(
        "merge_values", "neurons",
        "values with equal slices of a function's table are one",
        "slices agree wherever both are defined",
        "no two equal slices are left",
    ),
    Choice(
        "square_gates", "neurons",
        "a cell is found by squares of numbers rather than by indicators",
        "a variable without rounding, of more than three values",
        "two features of each variable",
    ),
    Choice(
        "lines", "neurons",
        "a function of several variables is a staircase along one sum of them, if one tells its values apart",
        "gaps of at least eight roundings",
        "two neurons a step, in the layer of its heads",
    ),
    Choice(
        "gated_lines", "neurons",
        "a function is a staircase along one variable for each cell of the others",
        "at most one of the variables is undecoded",
        "two neurons a step and cell",
    ),
)  # fmt: skip

WIDE = 64
"""Over more than so many times as many combinations as a design has neurons no cheaper one is looked for."""


def choose(ways: Ways, outputs: Matrix, noise: float = NOISE, exact: bool = False, bears: float = 0.0) -> Design | None:
    """The cheapest design of a table; one that needs no decoding first, if any. None if there is none.

    `outputs` [values, c]: what to compute for each value. `exact`: somebody takes two of its values for equal by a
    score, so that it must not carry on the error of what it is computed from. `bears`: how far off it may be otherwise.
    """
    ready = ways.ready
    rows, number = distinct_rows(outputs)
    grids = [frontier.grid(rows, number) for frontier in ways.frontiers]
    best = _Best(ready, ways.roots, noise, round=len(grids), width=outputs.shape[1])
    best.take(_one_line(3, ways.itself, grids[-1], best))  # soon made, and often the best: others have to beat it
    for best.round, (frontier, grid) in enumerate(zip(ways.frontiers, grids, strict=True), 1):
        if grid.classes.size > WIDE * best.cost:
            continue
        best.take(_all(frontier, grid, exact, best))
        if bears and not exact and ready.options.has("slopes"):
            best.take(_slopes(ready, grid, bears, best))
        if len(grid.axes) > 2 and not _undecoded(ready, grid) and ready.options.has("cubes"):
            best.take(_of_cubes(frontier, grid, exact, best))
        if multiplies(ready.options):
            best.take(_products(ways, grid, exact, bears, best))
        if best.could_be(7, 2) and ready.options.has("pulse"):  # a pulse has two neurons, or more
            best.take((7, pulse) for pulse in lone(ready, grid))
    if best.cost >= late(ready):
        best.take(_one_line(8, ways.decoded, grids[-1], best))
    return best.design


@dataclass
class _Best:
    """The cheapest design so far; of equally cheap ones that of the first round, and there of the lowest rank."""

    ready: Readiness
    roots: Sequence[int]
    noise: float
    cost: float = np.inf
    design: Design | None = None
    round: int = 0
    at: tuple[int, int] = (0, 0)
    width: int = 1

    def take(self, designs: Iterable[tuple[int, Design | None]]) -> None:
        """Consider designs with their ranks. They are made one by one, so that each knows what it has to beat."""
        for rank, design in designs:
            if design is None or not self.could_be(rank, found := cost(self.ready, design, self.roots, self.noise)):
                continue
            if not self.ready.precision.narrow or is_stored(design, self.ready):
                self.cost, self.design, self.at = found, design, (self.round, rank)

    def could_be(self, rank: int, cost: float) -> bool:
        """Whether a design of this rank and cost would be the best."""
        return (cost, (self.round, rank)) < (self.cost, self.at)

    def worth(self, rank: int) -> Worth:
        """Whether a design of so many neurons that reads these features can be the best."""

        def worth(size: int, axes: Sequence[int], features: Sequence[Matrix]) -> bool:
            if 2 * BYTES * size * self.width > self.ready.options.memory:  # two weights for each neuron and direction
                return False  # a model with such neurons would be refused
            if self.could_be(rank, size + late(self.ready)) or not self.could_be(rank, size):
                return self.could_be(rank, size)
            return self.could_be(rank, size + waiting(self.ready, self.roots, axes, features))

        return worth


def _all(frontier: Frontier, grid: Grid, exact: bool, best: _Best) -> Iterator[tuple[int, Design | None]]:
    """Designs with their ranks, those first that are made soonest. None is made that cannot be the best."""
    ready = frontier.ready
    undecoded, narrow = _undecoded(ready, grid), _narrow(ready, grid)
    for rank, line in frontier.lines:
        yield from _one_line(rank, line, grid, best)
    if len(undecoded) < 2 or grid.classes.size <= JOINT_LIMIT:
        twice = exact and any(map(ready.is_noisy, grid.axes))
        times, worth = 1 + twice, best.worth(0)
        found = None
        if worth(times * grid.changes, (), ()):
            found = cells(grid, narrow, lambda size, *read: worth(times * size, *read))
        yield 0, stepped(found) if found is not None and twice else found
    for rank, line in digits(frontier, grid) if best.could_be(2, 2 * grid.changes) else ():
        yield from _one_line(rank, line, grid, best)
    for along, place in enumerate(grid.axes):
        if undecoded in ([], [along]) and grid.classes.ndim > 1 and ready.options.has("gated_lines"):
            position, noise = ready.position(place)
            worth = best.worth(6)
            if worth(grid.changes, (place,), (position[:, None],)):
                yield 6, gated_lines(grid, along, position, narrow, noise, worth, ready.softness(grid.axes))


def _slopes(ready: Readiness, grid: Grid, bears: float, best: _Best) -> Iterator[tuple[int, Design | None]]:
    """Straight lines along a count that attention leaves as a number, where nothing else is undecoded."""
    undecoded = _undecoded(ready, grid)
    for along in undecoded if len(undecoded) == 1 and len(grid.axes) > 1 else ():
        place, worth = grid.axes[along], best.worth(10)
        if ready.is_count(place) and ready.is_rough(place) and worth(1, (), ()):
            position, noise = ready.position(place)
            yield 10, slopes(grid, along, position, _narrow(ready, grid), noise, bears, worth)


def _products(
    ways: Ways, grid: Grid, exact: bool, bears: float, best: _Best
) -> Iterator[tuple[int, Design | None]]:  # fmt: skip
    """Products of functions of one variable, of a sum with itself, and of a case with a sum, for gated neurons."""
    ready, worth = ways.ready, best.worth(11)
    if len(grid.axes) < 2 or not best.could_be(11, 1):
        return
    yield 11, products(ready, grid, exact, bears, worth)
    for positions in _sums(ways, grid):
        yield 11, squares(ready, grid, positions, exact, bears, worth)
    for along in range(len(grid.axes)):
        yield 11, cases(ready, grid, along, exact, bears, worth)


def _sums(ways: Ways, grid: Grid) -> Iterator[list[Floats]]:
    """What the value itself is a sum of, or two numbers, or their difference."""
    if ways.sum is not None and grid.axes == ways.frontiers[-1].axes:
        yield ways.parts()
    listed = [ways.ready.graph.variable(place).listed for place in grid.axes]
    if len(listed) == 2 and all(one.all_numbers for one in listed):
        yield from ([listed[0].numbers, sign * listed[1].numbers] for sign in (1.0, -1.0))


def _of_cubes(frontier: Frontier, grid: Grid, exact: bool, best: _Best) -> Iterator[tuple[int, Design | None]]:
    """Cubes, where they can be the best."""
    ready, worth = frontier.ready, best.worth(9)
    times = 1 + (exact and any(map(ready.is_noisy, grid.axes)))
    if worth(times * grid.changes, (), ()):
        found = cubes(grid, _narrow(ready, grid), lambda size, *read: worth(times * size, *read))
        yield 9, stepped(found) if found is not None and times > 1 else found


def _undecoded(ready: Readiness, grid: Grid) -> list[int]:
    """The axes that are counts and means, as attention leaves them."""
    return [axis for axis, place in enumerate(grid.axes) if place in ready.left]


def _narrow(ready: Readiness, grid: Grid) -> list[bool]:
    """Which axes may be told by squares of numbers, which are narrow, rather than by indicators, which are small, so
    that a sum with a share rounds less: those that are exact."""
    squares = ready.options.has("square_gates") and not ready.precision.narrow
    return [squares and not (ready.is_noisy(place) or ready.is_one_hot(place)) for place in grid.axes]


def _one_line(rank: int, line: Line | None, grid: Grid, best: _Best) -> Iterator[tuple[int, Design | None]]:
    """The staircase along a line, if it can be the best."""
    worth = best.worth(rank)
    if line is not None and worth(2 * grid.changes, *line.reads):
        yield rank, steps.along(grid, line, worth, best.ready.precision, best.ready.softness(line.axes))


def staircase(ready: Readiness, place: int, outputs: Matrix) -> Design | None:
    """Decoding a width or a mean: a staircase along what attention left of it; None of a mean in a narrow format.

    There steps lie between integers, and a mean is rounded to none of these.
    """
    if ready.precision.narrow and not ready.is_count(place):
        return None
    rows, number = distinct_rows(outputs)
    grid = Grid((place,), number.ravel().astype(np.int32), rows)
    position, noise = ready.counted(place) if ready.is_count(place) else ready.position(place)
    return steps.line(grid, [position], noise, ready.precision, ready.softness([place]))
