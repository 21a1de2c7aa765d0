"""Choosing an MLP for a function of several variables: every way to build it is tried, the cheapest kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from raspc.blocks import features as F
from raspc.blocks import neurons
from raspc.blocks.lone import lone
from raspc.blocks.readiness import LATE, NUMBER_ERROR, ROUGH, Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Table
from raspc.graph.rows import distinct_rows
from raspc.graph.tables import JOINT_LIMIT, Joint

GENERIC_CELLS = 1 << 16
GENERIC_TRIES = 4
"""How many generic sums are tried, over grids of at most so many cells."""
AXES_ON_A_LINE = 3
"""Lines of more variables are tried only where the value itself is their sum."""


def choose(
    ready: Readiness,
    node: Table,
    joint: Joint | None,
    outputs: Matrix,
    rough: float = ROUGH,
    exact: bool = False,
) -> neurons.Design | None:
    """The cheapest design of a table; one that needs no decoding first, if any. None if there is none.

    `outputs` [values, c]: what to compute for each value. `exact`: somebody takes two of its values for equal by a
    score, so that it must not carry on the error of what it is computed from.
    """
    rows, number = distinct_rows(outputs)
    frontiers = {tuple(node.args): node.cells} | ({joint.roots: joint.cells} if joint is not None else {})
    best = _Best(ready, rough)
    for axes, ids in frontiers.items():
        classes = np.where(ids >= 0, number.ravel()[np.maximum(ids, 0)], -1).astype(np.int32)
        grid = neurons.Grid(axes, classes, rows, ready.graph.has("merge_values"))
        best.round += 1
        best.take(_all(ready, grid, exact, best))
        if best.cost > 2 and ready.graph.has("pulse"):  # two are fewer neurons than a pulse has
            best.take([(6, lone(ready, grid))])
        if joint is not None and axes == joint.roots and ready.graph.has("lines"):
            best.take((7, design) for design in _along_itself(ready, node, joint, grid))
            if best.cost >= LATE:
                best.take((8, design) for design in _along_decoded(ready, node, joint, grid, best))
    return best.design


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
            if design is None or (self.ready.precision.narrow and not _is_stored(design, self.ready)):
                continue
            cost, at = self.ready.cost(design, self.rough), (self.round, rank)
            if (cost, at) < (self.cost, self.at):
                self.cost, self.design, self.at = cost, design, at

    def worth(self, size: int, axes: Sequence[int], features: Sequence[Matrix]) -> bool:
        """Whether a design of this size that reads these features can be as cheap."""
        if size + LATE <= self.cost or size > self.cost:
            return size <= self.cost
        return not self.ready.is_late(axes, features)


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
    """Decoding a width or a mean: a staircase along what attention left of it."""
    rows, number = distinct_rows(outputs)
    grid = neurons.Grid((place,), number.ravel().astype(np.int32), rows)
    position, noise = ready.share(place) if place in ready.shares else ready.position(place)
    return neurons.line(grid, [position], noise, precision=ready.precision)


def _all(ready: Readiness, grid: neurons.Grid, exact: bool, best: _Best) -> Iterator[tuple[int, neurons.Design | None]]:
    """Designs with their ranks, those first that are made soonest. None is made that cannot be the best."""
    raw = [axis for axis, place in enumerate(grid.axes) if place in ready.raw]
    # gates of variables that are exact may be squares of numbers, which are narrow, rather than indicators
    squares = ready.graph.has("square_gates") and not ready.precision.narrow
    narrow = [squares and not ready.is_noisy(place) for place in grid.axes]
    changes = len(np.unique(grid.points)) - 1
    for rank, positions, noise in _lines(ready, grid):
        if 2 * changes <= best.cost:
            yield rank, neurons.line(grid, positions, noise, best.worth, ready.precision)
    if len(raw) < 2 or grid.classes.size <= JOINT_LIMIT:
        twice = exact and any(map(ready.is_noisy, grid.axes))
        times = 1 + twice
        found = neurons.cells(grid, narrow, lambda size, *read: best.worth(times * size, *read))
        yield 0, neurons.stepped(found) if found is not None and twice else found
    for along, place in enumerate(grid.axes):
        if raw in ([], [along]) and grid.classes.ndim > 1 and ready.graph.has("gated_lines"):
            position, noise = ready.position(place)
            yield 5, neurons.gated_lines(grid, along, position, narrow, noise, best.worth)


def _lines(ready: Readiness, grid: neurons.Grid) -> Iterator[tuple[int, list[Floats], float]]:
    """Ways to order all combinations along one line: sums, differences, digits of a number, generic sums."""
    if not grid.axes or (len(grid.axes) > 1 and not ready.graph.has("lines")):
        return
    positions, noises = zip(*(ready.position(place) for place in grid.axes), strict=True)
    if len(grid.axes) <= AXES_ON_A_LINE:
        for signs in product((1.0, -1.0), repeat=len(positions) - 1):
            yield 3, [c * p for c, p in zip((1.0, *signs), positions, strict=True)], float(sum(noises))
        if len(positions) == 2 and all(place not in ready.raw for place in grid.axes):
            x, y = (number.astype(float) for number in neurons.merge(grid, (0, 1))[0])
            yield 4, [x * (y.max() + 1), y], 0.0
            yield 4, [x, y * (x.max() + 1)], 0.0
    if sum(place in ready.raw for place in grid.axes) > 1 and grid.classes.size <= GENERIC_CELLS:
        for scaled, noise in _generic(positions, noises):
            yield 1, scaled, noise
        for scaled, noise in _in_turn(positions, noises):
            yield 2, scaled, noise


def _generic(positions: Sequence[Floats], noises: Sequence[float]) -> Iterator[tuple[list[Floats], float]]:
    """Sums with weights that no accident makes equal: a test of one combination against all others."""
    rng = np.random.default_rng(0)
    for _ in range(GENERIC_TRIES):
        weights = 1.0 + rng.integers(1, 1024, len(positions)) / 1024
        powers = [2.0 ** np.round(np.log2(max(float(np.ptp(p)), 2.0**-20))) for p in positions]
        scaled = [w * p / power for w, p, power in zip(weights, positions, powers, strict=True)]
        noise = sum(w * n / power for w, n, power in zip(weights, noises, powers, strict=True))
        yield scaled, float(noise)


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


def _along_itself(ready: Readiness, node: Table, joint: Joint, grid: neurons.Grid) -> Iterator[neurons.Design]:
    """The staircase along the value itself, where that is a sum of what can be read now."""
    found = F.additive(joint, node.listed.numbers) if node.listed.all_numbers else None
    if found is None:
        return
    parts = dict(found.parts)
    noise, positions = 0.0, []
    for root in joint.roots:
        part = parts.get(root, np.zeros(len(ready.graph.variable(root).listed)))
        if root in ready.raw and part.any():
            position, error = ready.position(root)
            scale = _scale(ready, root, part, position)
            if scale is None:
                return
            part, noise = scale * position, noise + abs(scale) * error
        positions.append(part)
    design = neurons.line(grid, positions, noise, precision=ready.precision)
    if design is not None:
        yield design


def _along_decoded(
    ready: Readiness, node: Table, joint: Joint, grid: neurons.Grid, best: _Best
) -> Iterator[neurons.Design | None]:
    """The same where the value is a sum of widths, each of them decoded on its own before."""
    found = F.additive(joint, node.listed.numbers) if node.listed.all_numbers else None
    if found is None or any(root in ready.raw and root not in ready.raised for root, _ in found.parts):
        return
    parts = dict(found.parts)
    positions = [parts.get(root, np.zeros(len(ready.graph.variable(root).listed))) for root in joint.roots]
    noise = 0.0 if ready.precision.narrow else NUMBER_ERROR * len(parts)  # numbers that it stores are right
    yield neurons.line(grid, positions, noise, best.worth, ready.precision)


def _scale(ready: Readiness, root: int, part: Floats, position: Floats) -> float | None:
    """What to multiply the raw position by to get the part, at least nearly; None if it is not linear."""
    if root not in ready.raised:
        return float(part @ position) / float(position @ position)
    steps = np.diff(part)
    if np.ptp(steps) > F.TOLERANCE:
        return None
    # near d = 0 a share of keys is d/M; one of BOS, N/(N + d), falls by about 1/(4N) a key where it is steepest
    return float(steps[0]) * ready.raised[root] * (1.0 if ready.counts_keys[root] else -4.0)
