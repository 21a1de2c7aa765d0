"""Choosing an MLP for a function of several variables: every way to build it is tried, the cheapest kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from raspc.blocks import neurons
from raspc.blocks.lines import Line, where_known
from raspc.blocks.lone import lone
from raspc.blocks.reading import features as F
from raspc.blocks.reading.readiness import NUMBER_ERROR, Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Ids, Table
from raspc.graph.rows import distinct_rows
from raspc.graph.tables import JOINT_LIMIT, Joint
from raspc.numbers.choice import Choice

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

GENERIC_CELLS = 1 << 16
GENERIC_TRIES = 4
"""How many generic sums are tried, over grids of at most so many cells."""
AXES_ON_A_LINE = 3
"""Lines of more variables are tried only where the value itself is their sum."""

ROUGH = 2.0**-9
"""A design that rounds by more than this part of what a neuron writes is avoided."""
ROUGH_TIED = 2.0**-16
"""The same for what a head that averages several keys compares: the score scale multiplies its error."""
ROUGH_ANSWER = 2.0**-5
"""The same for the answer, of which only the greatest logit matters."""
LATE = 1e6
"""What waiting for a decoded variable costs, in neurons."""


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

    def grid(self, rows: Matrix, number: NDArray[np.intp]) -> neurons.Grid:
        """What is to be computed: for the value with id i the row number[i]."""
        classes = np.where(self.ids >= 0, number.ravel()[np.maximum(self.ids, 0)], -1).astype(np.int32)
        return neurons.Grid(self.axes, classes, rows, self.ready.options.has("merge_values"))


@dataclass(frozen=True, eq=False)
class Ways:
    """The ways to compute a table, whatever its values are given as."""

    ready: Readiness
    node: Table
    joint: Joint | None

    @cached_property
    def frontiers(self) -> list[Frontier]:
        """The table over its arguments, and over its roots, which come last."""
        found = {tuple(self.node.args): self.node.cells}
        found |= {self.joint.roots: self.joint.cells} if self.joint is not None else {}
        return [Frontier(self.ready, axes, ids) for axes, ids in found.items()]

    @cached_property
    def itself(self) -> Line | None:
        """The line along the value itself, where that is a sum of what can be read now."""
        return _along_itself(self) if self.sum is not None and self.ready.options.has("lines") else None

    @cached_property
    def decoded(self) -> Line | None:
        """The same where the value is a sum of widths, each of them decoded on its own before."""
        return _along_decoded(self) if self.sum is not None and self.ready.options.has("lines") else None

    @cached_property
    def sum(self) -> F.Sum | None:
        """The value as a sum over the roots."""
        if self.joint is None or not self.node.listed.all_numbers:
            return None
        return F.additive(self.joint, self.node.listed.numbers)

    def parts(self) -> list[Floats]:
        """What each root adds to this sum."""
        assert self.joint is not None and self.sum is not None
        there = dict(self.sum.parts)
        return [there.get(root, np.zeros(len(self.ready.graph.variable(root).listed))) for root in self.joint.roots]


def choose(ways: Ways, outputs: Matrix, rough: float = ROUGH, exact: bool = False) -> neurons.Design | None:
    """The cheapest design of a table; one that needs no decoding first, if any. None if there is none.

    `outputs` [values, c]: what to compute for each value. `exact`: somebody takes two of its values for equal by a
    score, so that it must not carry on the error of what it is computed from.
    """
    ready = ways.ready
    rows, number = distinct_rows(outputs)
    grids = [frontier.grid(rows, number) for frontier in ways.frontiers]
    best = _Best(ready, rough, round=len(grids))
    best.take(_one_line(3, ways.itself, grids[-1], best))  # soon made, and often the best: others have to beat it
    for best.round, (frontier, grid) in enumerate(zip(ways.frontiers, grids, strict=True), 1):
        best.take(_all(frontier, grid, exact, best))
        if best.could_be(7, 2) and ready.options.has("pulse"):  # a pulse has two neurons, or more
            best.take([(7, lone(ready, grid))])
    if best.cost >= LATE:
        best.take(_one_line(8, ways.decoded, grids[-1], best))
    return best.design


def decoding_cost(ready: Readiness, sums: Sequence[F.Sum | None]) -> float:
    """How many neurons decode what these sums read: two a step."""
    costs = 0
    for root, part in {(r, p.tobytes()): (r, p) for found in sums if found for r, p in found.parts}.values():
        if not ready.is_ready(root, part):
            order = np.argsort(ready.position(root)[0], kind="stable")
            costs += 2 * int((np.diff(part[order]) != 0).sum())
    return costs


def cost(ready: Readiness, design: neurons.Design | None, rough: float = ROUGH) -> float:
    """Neurons; a design that must wait for a decoded variable costs more than any that need not.

    One whose many steep steps would drown the result in rounding (more than `rough`) is the last resort.
    """
    if design is None:
        return np.inf
    late = ready.is_late(design.axes, design.features)
    rough = float(design.noise(ready.unit).max(initial=0.0)) > rough * max(
        1.0, float(np.abs(design.out).max(initial=0.0))
    )
    return design.size + LATE * late + 1e9 * rough


@dataclass
class _Best:
    """The cheapest design so far; of equally cheap ones that of the first round, and there of the lowest rank."""

    ready: Readiness
    rough: float
    cost: float = np.inf
    design: neurons.Design | None = None
    round: int = 0
    at: tuple[int, int] = (0, 0)

    def take(self, designs: Iterable[tuple[int, neurons.Design | None]]) -> None:
        """Consider designs with their ranks. They are made one by one, so that each knows what it has to beat."""
        for rank, design in designs:
            if design is None or not self.could_be(rank, found := cost(self.ready, design, self.rough)):
                continue
            if not self.ready.precision.narrow or _is_stored(design, self.ready):
                self.cost, self.design, self.at = found, design, (self.round, rank)

    def could_be(self, rank: int, cost: float) -> bool:
        """Whether a design of this rank and cost would be the best."""
        return (cost, (self.round, rank)) < (self.cost, self.at)

    def worth(self, rank: int) -> neurons.Worth:
        """Whether a design of so many neurons that reads these features can be the best."""

        def worth(size: int, axes: Sequence[int], features: Sequence[Matrix]) -> bool:
            if self.could_be(rank, size + LATE) or not self.could_be(rank, size):
                return self.could_be(rank, size)
            return not self.ready.is_late(axes, features)

        return worth


def _is_stored(design: neurons.Design, ready: Readiness) -> bool:
    """Whether a narrow format holds all weights, features and sums of a design, so that nothing is rounded.

    Of neurons that are shut far below their thresholds nothing is asked.
    """
    holds = ready.precision.holds
    if not (holds(design.bias) and holds(design.out) and holds(design.base)):
        return False
    products = np.zeros((*[1] * len(design.axes), design.size))
    for axis, (features, weights) in enumerate(zip(design.features, design.weights, strict=True)):
        if not (holds(features) and holds(weights)) or ready.position(design.axes[axis])[1] > 0:
            return False
        part = features @ weights
        shape = [len(part) if a == axis else 1 for a in range(len(design.axes))]
        products = products + part.reshape([*shape, design.size])
        if products.size > JOINT_LIMIT << 6:
            return False
    open_ = products + design.bias > 0  # a product and its bias may be stored one after the other
    return holds(np.where(open_, products, 0.0)) and holds(np.where(open_, products + design.bias, 0.0))


def staircase(ready: Readiness, place: int, outputs: Matrix) -> neurons.Design | None:
    """Decoding a width or a mean: a staircase along what attention left of it; None of a mean in a narrow format.

    There steps lie between integers, and a mean is rounded to none of these.
    """
    if ready.precision.narrow and not ready.is_count(place):
        return None
    rows, number = distinct_rows(outputs)
    grid = neurons.Grid((place,), number.ravel().astype(np.int32), rows)
    position, noise = ready.counted(place) if ready.is_count(place) else ready.position(place)
    return neurons.line(grid, [position], noise, ready.precision)


def _all(
    frontier: Frontier, grid: neurons.Grid, exact: bool, best: _Best
) -> Iterator[tuple[int, neurons.Design | None]]:
    """Designs with their ranks, those first that are made soonest. None is made that cannot be the best."""
    ready = frontier.ready
    raw = [axis for axis, place in enumerate(grid.axes) if place in ready.left]
    # gates of variables that are exact may be squares of numbers, which are narrow, rather than indicators, which are
    # small, so that a sum with a share rounds less
    squares = ready.options.has("square_gates") and not ready.precision.narrow
    narrow = [squares and not (ready.is_noisy(place) or ready.is_one_hot(place)) for place in grid.axes]
    for rank, line in frontier.lines:
        yield from _one_line(rank, line, grid, best)
    if len(raw) < 2 or grid.classes.size <= JOINT_LIMIT:
        twice = exact and any(map(ready.is_noisy, grid.axes))
        times, worth = 1 + twice, best.worth(0)
        found = None
        if worth(times * grid.changes, (), ()):
            found = neurons.cells(grid, narrow, lambda size, *read: worth(times * size, *read))
        yield 0, neurons.stepped(found) if found is not None and twice else found
    for rank, line in _digits(frontier, grid) if best.could_be(2, 2 * grid.changes) else ():
        yield from _one_line(rank, line, grid, best)
    for along, place in enumerate(grid.axes):
        if raw in ([], [along]) and grid.classes.ndim > 1 and ready.options.has("gated_lines"):
            position, noise = ready.position(place)
            worth = best.worth(6)
            if worth(grid.changes, (place,), (position[:, None],)):
                yield 6, neurons.gated_lines(grid, along, position, narrow, noise, worth)


def _one_line(
    rank: int, line: Line | None, grid: neurons.Grid, best: _Best
) -> Iterator[tuple[int, neurons.Design | None]]:
    """The staircase along a line, if it can be the best."""
    worth = best.worth(rank)
    if line is not None and worth(2 * grid.changes, *line.reads):
        yield rank, neurons.along(grid, line, worth, best.ready.precision)


def _lines(frontier: Frontier) -> Iterator[tuple[int, list[Floats], float]]:
    """Ways to order all combinations along one line: sums, differences, generic sums."""
    ready, axes = frontier.ready, frontier.axes
    if not axes or (len(axes) > 1 and not ready.options.has("lines")):
        return
    positions, noises = zip(*(ready.position(place) for place in axes), strict=True)
    if len(axes) <= AXES_ON_A_LINE:
        for signs in product((1.0, -1.0), repeat=len(positions) - 1):
            yield 1, [c * p for c, p in zip((1.0, *signs), positions, strict=True)], float(sum(noises))
    if sum(place in ready.left for place in axes) > 1 and frontier.ids.size <= GENERIC_CELLS:
        for scaled, noise in _generic(positions, noises):
            yield 5, scaled, noise
        for scaled, noise in _in_turn(positions, noises):
            yield 4, scaled, noise


def _digits(frontier: Frontier, grid: neurons.Grid) -> Iterator[tuple[int, Line]]:
    """Two variables as the digits of a number, in either order."""
    ready = frontier.ready
    if len(grid.axes) != 2 or not ready.options.has("lines") or any(place in ready.left for place in grid.axes):
        return
    x, y = (number.astype(float) for number in neurons.merge(grid, (0, 1))[0])
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


def _along_itself(ways: Ways) -> Line | None:
    """The line along a sum; None where a part of it is not linear in what can be read now."""
    ready, frontier = ways.ready, ways.frontiers[-1]
    noise, positions = 0.0, []
    for root, part in zip(frontier.axes, ways.parts(), strict=True):
        if root in ready.left and part.any():
            position, error = ready.position(root)
            scale = _scale(ready, root, part, position)
            if scale is None:
                return None
            part, noise = scale * position, noise + abs(scale) * error
        positions.append(part)
    return frontier.line(positions, noise)


def _along_decoded(ways: Ways) -> Line | None:
    """The line along a sum of widths that are decoded; None where there are means in it."""
    ready, found = ways.ready, ways.sum
    if found is None or any(root in ready.left and not ready.is_count(root) for root, _ in found.parts):
        return None
    noise = 0.0 if ready.precision.narrow else NUMBER_ERROR * len(found.parts)  # numbers that it stores are right
    return ways.frontiers[-1].line(ways.parts(), noise)


def _scale(ready: Readiness, root: int, part: Floats, position: Floats) -> float | None:
    """What to multiply the raw position by to get the part, at least nearly; None if it is not linear."""
    if not ready.is_count(root):
        return float(part @ position) / float(position @ position)
    steps = np.diff(part)
    if np.ptp(steps) > F.TOLERANCE:
        return None
    if not np.ptp(codes := np.diff(position)):
        return float(steps[0] / codes[0])
    # near d = 0 a share of keys is d/M; one of BOS, N/(N + d), falls by about 1/(4N) a key where it is steepest
    return float(steps[0]) * ready.share(root).raised * (1.0 if ready.share(root).counts_keys else -4.0)
