"""Designs of MLPs: neurons that compute a function of finitely many values, exactly and with room for noise.

A function is given on a grid: for each combination of the input variables' values, a class (−1 where the
combination cannot occur), and for each class a row of outputs. Three designs:

- a *line*: one sum of features orders all combinations; the function is a staircase along it;
- *cells*: one neuron for each cell of the grid, after equal slices have been merged;
- *gated lines*: a staircase along one variable for each cell of the others.

Two neurons make a step that is flat around every value that can occur. Slopes are powers of two, and
thresholds dyadic, so that a saturated step is exact in floating point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.lines import Line, where_known
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Ids
from raspc.graph.rows import distinct_rows
from raspc.numbers.precision import PRECISIONS, Precision

NEURON_LIMIT = 1 << 15
"""The most neurons of one design."""

MANY, SAMPLED = 512, 11
"""Of a line with more points than `MANY`, about one of so many is looked at first."""

Worth: TypeAlias = Callable[[int, Sequence[int], Sequence[Matrix]], bool]
"""Whether a design of so many neurons, which reads these features of these axes, is worth making."""


def always(size: int, axes: Sequence[int], features: Sequence[Matrix]) -> bool:
    """Every design is."""
    return True


@dataclass(frozen=True, eq=False)
class Grid:
    """classes[a, b, …]: which row of outputs [classes, c] holds for the values a, b, …; −1: none can.

    `merging`: whether values with equal slices count as one.
    """

    axes: tuple[int, ...]
    classes: Ids
    outputs: Matrix
    merging: bool = True
    _merged: list[tuple[NDArray[np.int64], Ids]] = field(default_factory=list)

    @cached_property
    def known(self) -> NDArray[np.intp] | None:
        """The cells that can occur, of all in a row; None if all can."""
        return where_known(self.classes)

    @cached_property
    def points(self) -> Ids:
        """The classes of these cells."""
        flat = self.classes.ravel()
        return flat if self.known is None else flat[self.known]

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """A few of the points: all of the classes that are rare, and every so many of the others."""
        counts = np.bincount(self.points)
        chosen = counts[self.points] <= len(self.points) // (SAMPLED * np.count_nonzero(counts))
        chosen[::SAMPLED] = True
        return np.flatnonzero(chosen)

    @cached_property
    def changes(self) -> int:
        """How many classes occur, but for one: no design has fewer neurons, and no staircase fewer steps."""
        return len(np.unique(self.points)) - 1

    def merged(self, axis: int) -> tuple[NDArray[np.int64], Ids]:
        """A number for each value of an axis, after all axes before it, and what is left of the grid then."""
        while len(self._merged) <= axis:
            left = self._merged[-1][1] if self._merged else self.classes
            self._merged.append(_merged_along(left, len(self._merged), self.merging))
        return self._merged[axis]


@dataclass(frozen=True, eq=False)
class Design:
    """relu(Σ_i features_i[value_i] @ weights_i + bias) @ out + base, for input variables i.

    `gap`: the least distance along a line between values that are told apart; infinite for cells.
    `slack`, `reach` and `lead`: see `raspc.blocks.spaces.Neurons`; no `lead` stands for zeros.
    """

    axes: tuple[int, ...]
    features: tuple[Matrix, ...]
    weights: tuple[Matrix, ...]
    bias: Floats
    out: Matrix
    base: Floats
    gap: float
    slack: Floats
    reach: int = 0
    lead: Floats | None = None

    @property
    def leads(self) -> Floats:
        """`lead` of each neuron."""
        return np.zeros(self.size) if self.lead is None else self.lead

    @property
    def size(self) -> int:
        """The number of neurons."""
        return len(self.bias)

    def noise(self, unit: float) -> Floats:
        """[c] about how far rounding with this unit moves each output: a unit of all that the neurons can write."""
        top = self.bias
        for features, weights in zip(self.features, self.weights, strict=True):
            top = top + _greatest(features, weights)
        return unit * np.maximum(top, 0.0) @ np.abs(self.out)


def _greatest(features: Matrix, weights: Matrix) -> Floats:
    """The greatest entry of each column of features @ weights; 0 where none is positive."""
    if features.shape[1] > 1 and len(features):
        return (features @ weights).max(axis=0, initial=0.0)  # type: ignore[no-any-return]
    low, high = features.min(initial=0.0), features.max(initial=0.0)
    return np.maximum(low * weights, high * weights).max(axis=0, initial=0.0)  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Steps:
    """Where staircases change: thresholds, powers of two as slopes, and the change of the outputs.

    `of`: which staircase each step belongs to; `stairs`: all of them, and `first` the outputs that each begins with.
    """

    thresholds: Floats
    slopes: Floats
    change: Matrix
    first: Matrix
    gap: float
    slack: Floats
    of: NDArray[np.intp]
    stairs: NDArray[np.intp]


def line(
    grid: Grid, positions: Sequence[Floats], noise: float | Floats, precision: Precision = PRECISIONS["float32"]
) -> Design | None:
    """A staircase along Σ positions_i[value_i]; None if it does not tell the classes apart."""
    found = Line(grid.axes, positions, noise, grid.classes.shape, grid.known)
    return along(grid, found, precision=precision)


def along(grid: Grid, line: Line, worth: Worth = always, precision: Precision = PRECISIONS["float32"]) -> Design | None:
    """The same along a line that is there; None too if it is not worth it.

    A step needs four times as much as the noise between its two sides, as its ramp takes up to half of the gap.
    """
    axes, features = line.reads
    classes = grid.points
    if len(classes) > MANY and "order" not in vars(line) and _fails_on_few(grid, line, precision, worth):
        return None
    found = _steps_on_lattice if precision.narrow else _steps_in_order
    steps = found(line, classes, grid.outputs, precision, lambda count: worth(2 * count, axes, features))
    if steps is None or 2 * len(steps.slopes) > NEURON_LIMIT:
        return None
    first = steps.first[0] if len(steps.first) else np.zeros(grid.outputs.shape[1])
    side = _shorter_side(line.sums, steps.thresholds)
    up = np.repeat(side * steps.slopes, 2)
    offset = np.tile([0.5, -0.5], len(steps.slopes))
    return Design(
        axes,
        features,
        tuple(up[None, :] for _ in axes),
        offset - up * np.repeat(steps.thresholds, 2),
        _alternating(side[:, None] * steps.change),
        first + steps.change[side < 0].sum(axis=0),
        steps.gap,
        np.repeat(steps.slack, 2),
    )


def _fails_on_few(grid: Grid, line: Line, precision: Precision, worth: Worth) -> bool:
    """Whether some of the points alone take too many steps, or two that lie too close together: then all do."""
    s = line.sums[grid.sample]
    order = np.argsort(s)
    s, c = s[order], grid.points[grid.sample][order]
    places = np.flatnonzero(c[1:] != c[:-1])
    room = 4 * line.noise if isinstance(line.noise, float) and not precision.narrow else 0.0
    gap = float((s[places + 1] - s[places]).min(initial=np.inf))
    return gap <= 0 or gap < room or not worth(2 * len(places), (), ())


def _shorter_side(along: Floats, thresholds: Floats) -> Floats:
    """1 where a step is to fire above its threshold, −1 where below: its neurons then stay small, and round little."""
    top, bottom = float(along.max(initial=0.0)), float(along.min(initial=0.0))
    return np.where(top - thresholds <= thresholds - bottom, 1.0, -1.0)


def beside(one: Design, other: Design) -> Design:
    """Both designs of the same variable, which they read along the same line; outputs side by side."""
    if one.axes != other.axes or not all(map(np.array_equal, one.features, other.features)):
        raise ValueError(f"designs that stand side by side read the same features: {one.axes} and {other.axes}")
    out = np.zeros((one.size + other.size, one.out.shape[1] + other.out.shape[1]))
    out[: one.size, : one.out.shape[1]], out[one.size :, one.out.shape[1] :] = one.out, other.out
    return Design(
        one.axes, one.features, tuple(map(np.hstack, zip(one.weights, other.weights, strict=True))),
        np.concatenate([one.bias, other.bias]), out, np.concatenate([one.base, other.base]), min(one.gap, other.gap),
        np.concatenate([one.slack, other.slack]), max(one.reach, other.reach),
        np.concatenate([one.leads, other.leads]),
    )  # fmt: skip


def _alternating(change: Matrix) -> Matrix:
    return np.stack([change, -change], axis=1).reshape(2 * len(change), change.shape[1])


def _steps_in_order(
    line: Line, classes: Ids, outputs: Matrix, precision: Precision, worth: Callable[[int], bool]
) -> Steps | None:
    """The steps along a line, if so many are worth it."""
    c = classes[line.order]
    places = np.flatnonzero(c[1:] != c[:-1])
    return _steps(line.ascending, c, places, outputs, line.noises) if worth(len(places)) else None


def _steps(
    s: Floats, c: Ids, places: NDArray[np.intp], outputs: Matrix, noise: float | Floats,
    stairs: NDArray[np.intp] | None = None,
) -> Steps | None:  # fmt: skip
    """Staircases side by side, along points s in ascending order with their classes c, which change at `places`.

    `stairs` says of each point which staircase it belongs to, if there are several.
    """
    if 2 * len(places) > NEURON_LIMIT:
        return None
    low, high = s[places], s[places + 1]
    gaps = high - low
    each = noise if isinstance(noise, float) else np.maximum(noise[places], noise[places + 1])
    floor = np.maximum(4 * each, 1e-9 * np.maximum(np.maximum(np.abs(low), np.abs(high)), gaps))
    if ((gaps < floor) | (gaps <= 0)).any():  # where points of two classes coincide as well
        return None
    slopes = 2.0 ** np.ceil(np.log2(2.0 / gaps))
    grain = 2.0 ** np.floor(np.log2(gaps / 32))
    thresholds = np.round((low + gaps / 2) / grain) * grain
    change = outputs[c[places + 1]] - outputs[c[places]]
    slack = slopes * (gaps - grain) / 2 - 0.5
    least = float(gaps.min(initial=np.inf))
    stairs = np.zeros(len(s), np.intp) if stairs is None else stairs
    starts = np.flatnonzero(np.diff(stairs, prepend=-1))
    return Steps(thresholds, slopes, change, outputs[c[starts]], least, slack, stairs[places], stairs[starts])


def _steps_on_lattice(
    line: Line, classes: Ids, outputs: Matrix, precision: Precision, worth: Callable[[int], bool]
) -> Steps | None:
    """Steps for a narrow format, along sums that are stored as multiples of a power of two.

    relu(m) − relu(m − 1) is a step exactly where m is an integer that the format holds: the slope makes multiples of
    the power into integers, and the thresholds lie halfway between two of them.
    """
    order = np.lexsort((classes, line.sums))
    noise = np.asarray(line.noise, np.float64)
    s, c = line.sums[order], classes[order]
    each = line.at_points(noise)[order] if noise.ndim else np.broadcast_to(noise, s.shape)
    places = np.flatnonzero(c[1:] != c[:-1])
    if not worth(len(places)):
        return None
    of, stairs = np.zeros(len(places), np.intp), np.zeros(min(1, len(s)), np.intp)
    grain = _power_within(np.concatenate([s, each]))
    low, high = s[places] + each[places], s[places + 1] - each[places + 1]
    if (high - low < grain).any():
        return None
    slopes = np.full(len(places), 1.0 / grain)
    first = np.floor((slopes * low + slopes * high) / 2)
    reach = slopes * np.minimum(s.max(initial=0.0) - low, high - s.min(initial=0.0))
    if (np.maximum(np.abs(first) + 1, reach) > 2.0**precision.bits).any():
        return None
    change = outputs[c[places + 1]] - outputs[c[places]]
    gap = float((s[places + 1] - s[places]).min(initial=np.inf))
    thresholds = (first + 0.5) / slopes
    slack = slopes * np.minimum(thresholds - low, high - thresholds) - 0.5
    return Steps(thresholds, slopes, change, outputs[c[:1]], gap, np.maximum(slack, 2.0**-20), of, stairs)


def _power_within(numbers: Floats) -> float:
    """The largest power of two that all these are multiples of."""
    mantissa, exponent = np.frexp(numbers[numbers != 0])
    whole = np.abs(mantissa * 2.0**53).astype(np.int64)
    found = np.ldexp((whole & -whole).astype(np.float64), exponent - 53)
    return float(found.min(initial=1.0))


def merged(classes: Ids, axis: int) -> NDArray[np.int64]:
    """A number for each value of an axis, the same for values whose slices agree wherever both are known."""
    slices = np.moveaxis(classes, axis, 0).reshape(classes.shape[axis], -1)
    distinct, inverse = distinct_rows(slices)
    inverse = inverse.ravel()
    if (distinct < 0).any() and len(distinct) <= 512:
        inverse = _greedy(distinct)[inverse]
    first_seen = {number: i for i, number in enumerate(dict.fromkeys(inverse.tolist()))}
    return np.array([first_seen[number] for number in inverse.tolist()])


def _greedy(rows: Ids) -> NDArray[np.int64]:
    """Merge compatible rows, each into the first group that it does not contradict."""
    groups, count = np.empty_like(rows), 0
    number = np.zeros(len(rows), np.int64)
    for place in np.argsort((rows < 0).sum(axis=1), kind="stable"):
        row, known = rows[place], groups[:count]
        fits = np.flatnonzero(((known == row) | (known < 0) | (row < 0)).all(axis=1))
        if len(fits):
            groups[fits[0]] = np.maximum(known[fits[0]], row)
        else:
            groups[count] = row
            count += 1
        number[place] = fits[0] if len(fits) else count - 1
    return number


def merge(grid: Grid, axes: Sequence[int]) -> tuple[list[NDArray[np.int64]], Ids]:
    """A number for each value of each axis, and the grid over these numbers.

    One axis after the other, each on what the ones before left: two merges that are right on their own can
    contradict each other where combinations are missing.
    """
    numbers, classes, first = [], grid.classes, True
    for place, axis in enumerate(axes):
        first = first and axis == place  # so far these are the first axes in order, which others ask for too
        number, classes = grid.merged(axis) if first else _merged_along(classes, axis, grid.merging)
        numbers.append(number)
    return numbers, classes


def _merged_along(classes: Ids, axis: int, merging: bool) -> tuple[NDArray[np.int64], Ids]:
    """The same along one axis."""
    number = merged(classes, axis) if merging else np.arange(classes.shape[axis])
    moved = np.moveaxis(classes, axis, 0)
    result = np.full((int(number.max()) + 1, *moved.shape[1:]), -1, classes.dtype)
    np.maximum.at(result, number, moved)
    return number, np.moveaxis(result, 0, axis)


@dataclass(frozen=True, eq=False)
class Gate:
    """A read that is 1 at one merged value of an axis and at most 0 at the others: features and weights."""

    features: Matrix
    weights: Matrix
    bias: Floats


def gate(number: NDArray[np.int64], squares: bool) -> Gate:
    """weights[:, v] and bias[v] make the gate of merged value v.

    By indicators, or by squares of the merged value's number n: 1 − (n − v)².
    """
    count = int(number.max()) + 1
    if not squares or count <= 3:
        return Gate((number[:, None] == np.arange(count)).astype(float), np.eye(count), np.zeros(count))
    n, v = number.astype(float) - count // 2, np.arange(count) - float(count // 2)
    return Gate(np.stack([n, n**2], axis=1), np.stack([2 * v, -np.ones(count)]), np.asarray(1.0 - v**2, np.float64))


def cells(grid: Grid, squares: Sequence[bool], worth: Worth = always) -> Design | None:
    """One neuron for each cell whose outputs are not the most common ones; None if that is not worth it."""
    kept, gates = [], []
    for axis, place in enumerate(grid.axes):
        number, _ = grid.merged(axis)
        if number.any():
            kept.append(axis)
            gates.append(gate(number, squares[axis]))
            if not worth(grid.changes, (place,), (gates[-1].features,)):  # seen before the other axes are merged
                return None
    _, small = merge(grid, range(len(grid.axes)))
    base = _most_common(small)
    places = np.argwhere((small >= 0) & (small != base))
    if len(places) > NEURON_LIMIT:
        return None
    axes, features = tuple(grid.axes[axis] for axis in kept), tuple(g.features for g in gates)
    if not worth(len(places), axes, features):
        return None
    bias = np.full(len(places), 1.0 - len(kept))
    for axis, g in zip(kept, gates, strict=True):
        bias = bias + g.bias[places[:, axis]]
    outputs = grid.outputs[small[tuple(places.T)]] - grid.outputs[base]
    return Design(
        axes, features,
        tuple(g.weights[:, places[:, axis]] for axis, g in zip(kept, gates, strict=True)),
        bias, outputs, grid.outputs[base], np.inf, np.zeros(len(bias)), reach=_reach(small.shape),
    )  # fmt: skip


def stepped(design: Design) -> Design:
    """The same cells with a step in place of each neuron, which clears away the error of what is read."""
    two = np.repeat(2.0 * design.bias, 2) - np.tile([0.5, 1.5], design.size)
    return Design(
        design.axes, design.features, tuple(np.repeat(2.0 * w, 2, axis=1) for w in design.weights),
        two, _alternating(design.out), design.base, design.gap, np.full(2 * design.size, 0.5), design.reach,
    )  # fmt: skip


def evened(design: Design) -> Design:
    """A line whose steps are all as steep as the steepest: of multiples of a power of two, all reads then are too.

    Ratios of slopes are powers of two, and a steeper ramp is a narrower one. Other designs stay as they are.
    """
    if not _is_line(design):
        return design
    slopes = np.abs(np.vstack(design.weights)).max(axis=0)
    ratio = slopes.max(initial=0.0) / slopes
    half = np.tile([0.5, -0.5], design.size // 2)
    return replace(
        design,
        weights=tuple(w * ratio for w in design.weights),
        bias=half + ratio * (design.bias - half),
        slack=ratio * (design.slack + 0.5) - 0.5,
    )


def _is_line(design: Design) -> bool:
    """Whether all neurons are halves of steps along one sum."""
    rows = np.vstack([np.zeros((0, design.size)), *design.weights])
    if not len(rows) == len(design.weights) > 0 or (rows != rows[:1]).any() or design.size % 2:
        return False
    return bool((design.slack > 0).all() and np.allclose(design.bias[::2] - design.bias[1::2], 1.0))


def _reach(sizes: Sequence[int]) -> int:
    """How many gates of a grid are open or next to open at once: one cell, and its neighbours along the axes."""
    return 1 + sum(size - 1 for size in sizes)


def _most_common(classes: Ids) -> int:
    values, counts = np.unique(classes[classes >= 0], return_counts=True)
    return int(values[counts.argmax()]) if len(values) else 0


def gated_lines(
    grid: Grid, along: int, position: Floats, squares: Sequence[bool], noise: float, worth: Worth = always
) -> Design | None:
    """A staircase along one axis for each cell of the other axes; None if there is none, or it is not worth it."""
    others = [axis for axis in range(grid.classes.ndim) if axis != along]
    numbers, small = merge(grid, others)
    gates = [gate(number, squares[axis]) for axis, number in zip(others, numbers, strict=True)]
    axes = (grid.axes[along], *(grid.axes[axis] for axis in others))
    features = [position[:, None], *(g.features for g in gates)]
    if not worth(grid.changes, axes, features):
        return None
    small = np.moveaxis(small, along, -1)
    known = small.reshape(-1, small.shape[-1]) >= 0
    cell, value = np.nonzero(known)
    order = np.lexsort((position[value], cell))
    s, c, stairs = position[value][order], small.reshape(known.shape)[known][order], cell[order]
    places = np.flatnonzero((c[1:] != c[:-1]) & (stairs[1:] == stairs[:-1]))
    steps = _steps(s, c, places, grid.outputs, noise, stairs)
    if steps is None or not len(steps.stairs) or 2 * len(steps.slopes) + len(steps.stairs) > NEURON_LIMIT:
        return None
    stands = np.asarray((steps.first != steps.first[0]).any(axis=1))
    if not worth(2 * len(steps.slopes) + int(stands.sum()), axes, features):
        return None
    cells_of = np.stack(np.unravel_index(steps.stairs, small.shape[:-1]), axis=1)
    return _gated(axes, position, gates, steps, stands, cells_of)


def _gated(
    axes: tuple[int, ...], position: Floats, gates: Sequence[Gate], steps: Steps,
    stands: NDArray[np.bool_], cells_of: NDArray[np.int64],
) -> Design:  # fmt: skip
    """The neurons, one cell after the other: the gate itself where what the cell begins with is not the base
    (`stands`), a neuron without a slope; then two for each step, which a closed gate holds shut.
    """
    base = steps.first[0]
    own = np.searchsorted(steps.stairs, steps.of)
    up = np.repeat(steps.slopes, 2)
    order = np.argsort(np.concatenate([np.flatnonzero(stands), np.repeat(own, 2)]), kind="stable")
    alone = np.zeros(int(stands.sum()))
    slopes = np.concatenate([alone, up])[order]
    shut = 2.0 ** np.ceil(np.log2(up * float(np.ptp(position)) + 1))
    strength = np.concatenate([alone + 1, shut])[order]
    offset = np.tile([0.5, -0.5], len(steps.slopes)) - up * np.repeat(steps.thresholds, 2)
    bias = np.concatenate([alone + 1, offset])[order] - strength * len(gates)
    out = np.concatenate([steps.first[stands] - base, _alternating(steps.change)])[order]
    slack = np.concatenate([alone, np.minimum(np.repeat(steps.slack, 2), 0.5)])[order]
    places = np.concatenate([cells_of[stands], np.repeat(cells_of[own], 2, axis=0)])[order]
    weights = []
    for i, g in enumerate(gates):
        weights.append(g.weights[:, places[:, i]] * strength)
        bias = bias + strength * g.bias[places[:, i]]
    return Design(
        axes,
        (position[:, None], *(g.features for g in gates)),
        (slopes[None, :], *weights),
        bias, out, base, steps.gap, slack, _reach([g.weights.shape[1] for g in gates]),
    )  # fmt: skip
