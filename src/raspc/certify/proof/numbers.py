"""How far off a number may be as a function of what it is, and where that is nearest to what is promised.

Of an interval two values stand for all, its ends: between them a bound lies on or below the line through the bounds at
the ends, its *chord*. What is promised is least near 0, so that an interval of both signs is also looked at there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.bounds import Reading
from raspc.graph.nodes import Domain, Floats, Interval
from raspc.numbers.precision import Precision
from raspc.numbers.promise import RELATIVE, tolerance

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Off:
    """A number that is `needed` off where it may be `allowed` off."""

    needed: float
    allowed: float


@dataclass(frozen=True, eq=False)
class Averaged:
    """What a head averages, or picks: [rows, width] a row for each combination of the values that it is read off.

    The number comes first, then indicators of special values. `errors`: how far off each of them is.
    """

    rows: Matrix
    errors: Matrix


def mean_errors(
    constant: Matrix, loose: float, uneven: float, leak: float, value: Averaged, default: Floats, domain: Domain,
    precision: Precision,
) -> Matrix:  # fmt: skip
    """[values of the mean, width]: the errors of a mean, whose number is in the first column, before indicators.

    `constant` [1, width]: what they are at most. A mean Σ pᵢ·vᵢ is off by Σ pᵢ·(eᵢ + loose·|vᵢ|), where eᵢ is how far
    off vᵢ is, by what leaks, and by what unequal weights make of it (`uneven`, see `Scores`). A line that lies on or
    above all points (vᵢ, eᵢ + loose·|vᵢ|) is on or above that sum, at Σ pᵢ·vᵢ. So what cancels keeps the error of what
    it is made of, and what does not cancel errs in proportion.
    """
    if not np.isfinite(constant).all():
        return constant
    numbers, errors = value.rows[:, 0], value.errors[:, 0]
    points = np.append(numbers, default[0])
    leaked = leak * (np.abs(points).max() + errors.max(initial=0.0))
    values, is_number = _rows(domain)

    def line(part: float) -> Floats:
        return np.asarray(_line_above(points, np.append(errors, 0.0) + part * np.abs(points), values) + leaked)

    low, high = float((numbers - errors).min()), float((numbers + errors).max())
    plain = line(loose)
    lines = [
        np.full(len(values), constant[0, 0]),
        line(loose + np.expm1(2 * uneven)),
        plain + (high - low) * np.tanh(uneven / 2),
    ]
    found = np.repeat(constant, len(values), axis=0)
    if isinstance(domain, Interval):  # its ends stand for all between them, so that one line has to do for both
        told = min(lines, key=lambda one: float((one / tolerance(values, precision))[is_number].max(initial=0.0)))
    else:
        told = np.min([*lines, plain + _of_uneven(uneven, low, high, values)], axis=0)
    found[:, 0] = np.where(is_number, told, found[:, 0])
    found[is_number, 1:] = np.minimum(found[is_number, 1:], _of_indicators(value, default, leak, loose))
    return found


def _of_indicators(value: Averaged, default: Floats, leak: float, loose: float) -> Floats:
    """[special values]: how far off an indicator of the default is where keys are selected.

    All of them hold 0 there, so that what their weights round makes no difference, and 0 is off by what leaks to BOS.
    Infinite where a key holds anything else.
    """
    held, errors = np.abs(value.rows[:, 1:]).max(axis=0), value.errors[:, 1:].max(axis=0)
    leaked = leak * (1 + loose) * (np.abs(default[1:]) + errors)
    return np.where(held == 0, (1 + loose) * errors + leaked, np.inf)


def _of_uneven(uneven: float, low: float, high: float, means: Floats) -> Floats:
    """What unequal weights make of means, value by value.

    Weights wᵢ between e^−t and e^t move the mean m by Σ pᵢ·(wᵢ − c)·(vᵢ − m) / Σ pᵢ·wᵢ, whatever c is: with c half way,
    by sinh(t)·e^t times the mean distance Σ pᵢ·|vᵢ − m|, which for numbers between a and b with the mean m is at most
    2·(m − a)·(b − m)/(b − a).
    """
    if uneven == 0.0 or high <= low:
        return np.zeros(len(means))
    distance = 2 * np.maximum(means - low, 0.0) * np.maximum(high - means, 0.0) / (high - low)
    return np.asarray(np.sinh(uneven) * np.exp(uneven) * distance)


def _line_above(points: Floats, heights: Floats, at: Floats) -> Floats:
    """A line on or above all points: the one through the first and the last, lifted to the highest."""
    order = np.argsort(points)
    (first, last), (low, high) = points[order][[0, -1]], heights[order][[0, -1]]
    slope = (high - low) / (last - first) if last > first else 0.0
    lift = float((heights - low - slope * (points - first)).max())
    return np.asarray(np.maximum(low + lift + slope * (at - first), 0.0))


def _rows(domain: Domain) -> tuple[Floats, Bits]:
    """The number of each row of a code, and which rows are numbers; of an interval the ends come first."""
    if isinstance(domain, Interval):
        special = np.zeros(len(domain.specials))
        return np.array([domain.lo, domain.hi, *special]), np.array([True, True, *(special > 0)])
    return domain.numbers, domain.is_number


def with_the_least(numbers: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Values with the ends of an interval first: with the least that lies between them too, if that is 0."""
    (low, high), (one, two) = numbers[:2], errors[:2]
    if low * high >= 0:
        return numbers, errors
    return np.append(numbers, 0.0), np.append(errors, one + (two - one) * low / (low - high))


def nearest(numbers: Floats, errors: Floats, precision: Precision) -> Off:
    """Where a number uses most of what is promised."""
    allowed = tolerance(numbers, precision)
    worst = int((errors / allowed).argmax())
    return Off(float(errors[worst]), float(allowed[worst]))


def of_several(read: Reading, off: float, precision: Precision) -> Off:
    """A sum of numbers of several variables: off by the sum of what each is off, and by what the sum is off as such.

    Where it has one sign, or is 0, each variable is where its error exceeds its part of the promise most; where all of
    these together do not exceed the promise, nothing does. Where it has both signs, all errors may come with 0.
    """
    seen, whole = read.seen.values(), float(read.error[0]) + off
    low, high = (float(read.bias[0]) + sum(float(end(one.values[:, 0])) for one in seen) for end in (np.min, np.max))
    if low < 0 < high or precision.narrow:
        return nearest(np.array([max(0.0, low, -high)]), np.array([whole]), precision)
    sign = 1.0 if low >= 0 else -1.0
    places = [int((one.error[:, 0] - RELATIVE * sign * one.values[:, 0]).argmax()) for one in seen]
    number = float(read.bias[0]) + sum(float(one.values[i, 0]) for one, i in zip(seen, places, strict=True))
    error = off + float(read.rounding[0]) + sum(float(one.error[i, 0]) for one, i in zip(seen, places, strict=True))
    return nearest(np.array([number]), np.array([error]), precision)
