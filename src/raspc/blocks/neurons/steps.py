"""Staircases: a function of one sum, two neurons a step.

Where a step is flat, its two neurons cancel: what is read may be off there, and no gradient goes through. The ramp
between takes at most half of the gap; softer ones, up to `WIDEST` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.design import NEURON_LIMIT, Design, Worth, always
from raspc.blocks.neurons.grid import Grid
from raspc.blocks.neurons.lines import Line
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Ids
from raspc.numbers.precision import PRECISIONS, Precision

MANY = 512
"""Of a line with more points than this, a sample is looked at first."""

SPARSE = 8
"""Before that, one of so many points of the sample."""

HALF = 2.0**-6
"""A ramp takes half of its gap, or so much more of it (in binary digits) where that halves its slope."""

WIDEST = 8 / 9
"""The most of its gap that a ramp takes where it is to be soft: on both sides a step stays flat around what is read."""


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
    grid: Grid, positions: Sequence[Floats], noise: float | Floats, precision: Precision = PRECISIONS["float32"],
    sharpness: float = 1.0,
) -> Design | None:  # fmt: skip
    """A staircase along Σ positions_i[value_i]; None if it does not tell the classes apart."""
    found = Line(grid.axes, positions, noise, grid.classes.shape, grid.known)
    return along(grid, found, precision=precision, sharpness=sharpness)


def along(
    grid: Grid, line: Line, worth: Worth = always, precision: Precision = PRECISIONS["float32"], sharpness: float = 1.0
) -> Design | None:
    """The same along a line that is there; None too if it is not worth it.

    A step needs four times as much as the noise between its two sides, as its ramp takes up to half of the gap.
    `sharpness`: by what slopes are multiplied, as far as a step bears that; in a narrow format they stay.
    """
    axes, features = line.reads
    classes = grid.points
    if len(classes) > MANY and "order" not in vars(line):
        few = (grid.sample[::SPARSE], grid.sample)
        if any(_fails_at(some, grid, line, precision, worth) for some in few):
            return None
    found = _steps_on_lattice if precision.narrow else partial(_steps_in_order, sharpness)
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
        alternating(side[:, None] * steps.change),
        first + steps.change[side < 0].sum(axis=0),
        steps.gap,
        np.repeat(steps.slack, 2),
    )


def _fails_at(some: NDArray[np.intp], grid: Grid, line: Line, precision: Precision, worth: Worth) -> bool:
    """Whether some of the points alone take too many steps, or two that lie too close together: then all do."""
    s = line.sums_at(some)
    order = np.argsort(s)
    s, c = s[order], grid.points[some][order]
    places = np.flatnonzero(c[1:] != c[:-1])
    room = 4 * line.noise if isinstance(line.noise, float) and not precision.narrow else 0.0
    gap = float((s[places + 1] - s[places]).min(initial=np.inf))
    return gap <= 0 or gap < room or not worth(2 * len(places), (), ())


def _shorter_side(along: Floats, thresholds: Floats) -> Floats:
    """1 where a step is to fire above its threshold, −1 where below: its neurons then stay small, and round little."""
    top, bottom = float(along.max(initial=0.0)), float(along.min(initial=0.0))
    return np.where(top - thresholds <= thresholds - bottom, 1.0, -1.0)


def alternating(change: Matrix) -> Matrix:
    """[2n, c]: what the two neurons of each step write, the change and then its opposite."""
    return np.stack([change, -change], axis=1).reshape(2 * len(change), change.shape[1])


def _steps_in_order(
    sharpness: float, line: Line, classes: Ids, outputs: Matrix, precision: Precision, worth: Callable[[int], bool]
) -> Steps | None:
    """The steps along a line, if so many are worth it."""
    c = classes[line.order]
    places = np.flatnonzero(c[1:] != c[:-1])
    if not worth(len(places)):
        return None
    return staircases(line.ascending, c, places, outputs, line.noises, sharpness=sharpness)


def staircases(
    s: Floats, c: Ids, places: NDArray[np.intp], outputs: Matrix, noise: float | Floats,
    stairs: NDArray[np.intp] | None = None, sharpness: float = 1.0,
) -> Steps | None:  # fmt: skip
    """Staircases side by side, along points s in ascending order with their classes c, which change at `places`.

    `stairs` says of each point which staircase it belongs to, if there are several. `sharpness`: see `along`.
    """
    if 2 * len(places) > NEURON_LIMIT:
        return None
    low, high = s[places], s[places + 1]
    gaps = high - low
    each = noise if isinstance(noise, float) else np.maximum(noise[places], noise[places + 1])
    floor = np.maximum(4 * each, 1e-9 * np.maximum(np.maximum(np.abs(low), np.abs(high)), gaps))
    if ((gaps < floor) | (gaps <= 0)).any():  # where points of two classes coincide as well
        return None
    slopes = slopes_of(gaps, each, sharpness)
    grain = 2.0 ** np.floor(np.log2(gaps / 32))
    thresholds = np.round((low + gaps / 2) / grain) * grain
    change = outputs[c[places + 1]] - outputs[c[places]]
    slack = slopes * (gaps - grain) / 2 - 0.5
    least = float((gaps if sharpness == 1 else np.minimum(gaps, 2 * (gaps - 1 / slopes))).min(initial=np.inf))
    if stairs is None:
        stairs, starts = np.zeros(len(s), np.intp), np.arange(min(1, len(s)))
    else:
        starts = np.flatnonzero(np.diff(stairs, prepend=-1))
    return Steps(thresholds, slopes, change, outputs[c[starts]], least, slack, stairs[places], stairs[starts])


def slopes_of(gaps: Floats, noise: float | Floats, sharpness: float = 1.0) -> Floats:
    """The slope of a step over each gap: a power of two, where steps are as sharp as they are by default.

    Softer ones are multiples of a quarter of one, so that thresholds stay dyadic. A ramp takes `WIDEST` of its gap at
    most, and leaves twice the noise on either side.
    """
    usual = 2.0 ** np.ceil(np.log2(2.0 / gaps) - HALF)
    if sharpness == 1:
        return usual
    ramps = np.maximum(np.minimum(WIDEST * gaps, gaps - 4 * noise), gaps / 4)
    softer = np.maximum(sharpness * usual, 1 / ramps)
    power = 2.0 ** np.floor(np.log2(softer))
    return np.minimum(usual, power * np.ceil(4 * softer / power) / 4)


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
