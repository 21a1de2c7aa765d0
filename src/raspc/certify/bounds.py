"""Error bounds, block by block: how far what the stream holds can be from what it should hold.

For each direction of each space: the values it can take (its code), and a bound on its error. A head or a
set of neurons turns bounds on what it reads into bounds on what it writes. Rounding is counted under the
any-order model of summation: a sum of n terms of total size S errs by at most (n + 1)·u·S, u the unit
roundoff (Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2); sums of exact terms whose
total fits the significand do not err at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import BOS, Head, Matrix, Neurons, Read
from raspc.graph.nodes import Floats


@dataclass(frozen=True)
class Precision:
    """A format: the unit roundoff, and how many bits a significand has."""

    name: str
    unit: float
    bits: int


PRECISIONS = {
    "float64": Precision("float64", 2.0**-53, 53),
    "float32": Precision("float32", 2.0**-24, 24),
}


@dataclass(frozen=True, eq=False)
class Held:
    """One space at real positions: code [rows, dims], a bound on the error of each direction, and its grain.

    The grain is a power of two of which every value of the direction is a multiple, where the direction is
    exact; 0 where it is not.
    """

    code: Matrix
    error: Floats
    grain: Floats


@dataclass(frozen=True, eq=False)
class Bound:
    """A read: the size of its terms, the error passed on, the error of rounding, and the grain (0: inexact)."""

    size: Floats
    passed: Floats
    rounding: Floats
    grain: Floats
    rows: Matrix | None

    @property
    def top(self) -> Floats:
        """The greatest value that each number can take."""
        return self.size if self.rows is None else np.maximum(self.rows.max(axis=0, initial=0.0), 0.0)

    @property
    def error(self) -> Floats:
        """Both errors together."""
        return self.passed + self.rounding


@dataclass(frozen=True)
class Link:
    """One decision: what it is, the margin that it needs, and the margin that is there, in one unit."""

    kind: str
    name: str
    needed: float
    present: float
    unit: str

    @property
    def holds(self) -> bool:
        """Whether the margin suffices."""
        return self.needed <= self.present

    @property
    def used(self) -> float:
        """The part of the margin that is used up."""
        return self.needed / self.present if self.present > 0 else np.inf

    def to_json(self) -> dict[str, object]:
        """The link as JSON data."""
        return {"kind": self.kind, "name": self.name, "needed": self.needed, "present": self.present, "unit": self.unit}


ANY = 2.0**200
"""The grain of zero, which is a multiple of everything; its products stay finite."""


def grain_of(numbers: Matrix) -> Matrix:
    """For each number the largest power of two that it is a multiple of; `ANY` for 0."""
    mantissa, exponent = np.frexp(np.asarray(numbers, np.float64))
    whole = np.abs(mantissa * 2.0**53).astype(np.int64)
    lowest = (whole & -whole).astype(np.float64)
    return np.where(whole == 0, ANY, np.ldexp(lowest, exponent - 53))


def embedded(code: Matrix, precision: Precision) -> Held:
    """A space that an embedding writes."""
    grain = grain_of(code).min(axis=0, initial=np.inf)
    size = np.abs(code).max(axis=0, initial=0.0)
    exact = size < grain * 2.0**precision.bits
    return Held(code, np.where(exact, 0.0, precision.unit * size), np.where(exact, grain, 0.0))


def bound(read: Read, stream: Mapping[str, Held], precision: Precision) -> Bound:
    """What a read of the stream can be, and how far off."""
    size = np.abs(read.bias).astype(np.float64)
    passed = np.zeros(read.width)
    grain = grain_of(read.bias)
    terms = np.ones(read.width)
    rows: list[Matrix] = []
    for space, matrix in read.maps.items():
        if space == BOS:
            continue
        held = stream[space]
        size = size + (np.abs(held.code) @ np.abs(matrix)).max(axis=0, initial=0.0)
        passed = passed + held.error @ np.abs(matrix)
        used = matrix != 0
        terms = terms + ((held.code != 0).astype(float) @ used).max(axis=0, initial=0.0)
        product = held.grain[:, None] * grain_of(np.where(used, matrix, 1.0))
        product = np.where(used, np.where(held.grain[:, None] > 0, product, 0.0), np.inf)
        grain = np.minimum(grain, product.min(axis=0, initial=np.inf))
        rows.append(held.code @ matrix)
    exact = (grain > 0) & (size < np.where(grain > 0, grain, 1.0) * 2.0**precision.bits)
    exact_too = _scaled_and_shifted(read, stream, precision)
    rounding = np.where(exact | exact_too, 0.0, precision.unit * (terms + 1) * size)
    single = rows[0] + read.bias if len(rows) == 1 else (read.bias[None, :] if not rows else None)
    return Bound(size, passed, rounding, np.where(exact, grain, 0.0), single)


def _scaled_and_shifted(read: Read, stream: Mapping[str, Held], precision: Precision) -> NDArray[np.bool_]:
    """Which numbers are σ·x − c, positive, of one x ≥ 0: these do not round, or round to something not positive.

    σ a power of two and c ≥ 0 a multiple of σ·ulp(x): then σ·x − c is a multiple of σ·ulp(x) too, and where it
    is positive it is at most σ·x, so that it has no more digits than x.
    """
    spaces = [space for space in read.maps if space != BOS]
    none = np.zeros(read.width, bool)
    if len(spaces) != 1:
        return none
    held, matrix = stream[spaces[0]], read.maps[spaces[0]]
    one = (matrix != 0).sum(axis=0) == 1
    slope = matrix.sum(axis=0)
    top = np.where(matrix != 0, np.abs(held.code).max(axis=0, initial=0.0)[:, None], 0.0).max(axis=0, initial=0.0)
    positive = np.where(matrix != 0, np.asarray((held.code >= 0).all(axis=0))[:, None], True).all(axis=0)
    power = (slope > 0) & (grain_of(slope) == slope)
    fits = (read.bias <= 0) & (grain_of(read.bias) >= slope * top * 2.0 ** (1 - precision.bits))
    return np.asarray(one & power & positive & fits)


@dataclass(frozen=True)
class Scores:
    """How far apart the scores of equals can be, in steps of a penalty, and after the softmax."""

    error: float
    tie: float
    leak: float
    needed: float
    present: float


def score_bounds(head: Head, stream: Mapping[str, Held], d_head: int, n: int, precision: Precision) -> Scores:
    """The errors of a head's scores for n keys."""
    query, key = bound(head.query, stream, precision), bound(head.key, stream, precision)
    sizes = (query.size * key.size).sum() if key.rows is None else (np.abs(key.rows) @ query.size).max(initial=0.0)
    error = float((query.size * key.error + key.size * query.error + query.error * key.error).sum())
    grains = query.grain * key.grain
    exact = bool((grains > 0).all()) and sizes < grains.min(initial=np.inf) * 2.0**precision.bits
    if not exact:
        error += precision.unit * (head.query.width + 2) * float(sizes)
    beta = head.scale(d_head) / np.sqrt(d_head)
    margin = 1.0 if head.sink != -0.5 else 0.5
    quiet = np.log((n + 1) / precision.unit) + (head.log_sink or 0.0)
    leak = float((n + 1) * np.exp(-max(0.0, beta * (margin - 2 * error) - (head.log_sink or 0.0))))
    return Scores(error, float(np.expm1(min(50.0, 2 * beta * error))), leak, 2 * error + quiet / beta, margin)


def head_error(head: Head, scores: Scores, value: Bound, n: int, precision: Precision) -> tuple[Floats, Floats]:
    """(error, grain) of each number that a head moves."""
    spread = value.size + value.error
    if head.kind == "pick" and head.single:
        exact = scores.leak < precision.unit / 4
        loss = 0.0 if exact else scores.leak
        return value.error + loss * spread, np.where(exact & (value.error == 0), value.grain, 0.0)
    summing = (n + 6) * precision.unit
    if head.kind == "pick":
        return value.error + (scores.leak + summing) * spread, np.zeros_like(spread)
    if head.kind == "width":
        return spread * ((scores.tie + scores.leak) / 4 + summing), np.zeros_like(spread)
    return value.error + (scores.tie + scores.leak + summing) * spread, np.zeros_like(spread)


def neuron_error(
    block: Neurons, read: Bound, precision: Precision
) -> tuple[Mapping[str, tuple[Floats, Floats]], Floats]:
    """({space: (error, grain)}, slack needed by each neuron that is half of a step)."""
    step = block.slack > 0
    fires = read.top + read.error
    slip = np.where(step, 2 * read.rounding, 0.0)  # both halves of a step err alike but for rounding
    written = {}
    for space, matrix in block.write.maps.items():
        weights = np.abs(matrix)
        steps = slip @ weights
        gates = np.where(step, 0.0, read.error)[:, None] * weights
        near = np.sort(gates, axis=0)[::-1][: block.reach].sum(axis=0)
        total = (fires[:, None] * weights).sum(axis=0)
        terms = (weights > 0).sum(axis=0)
        product = read.grain[:, None] * grain_of(np.where(weights > 0, matrix, 1.0))
        grain = np.where(weights > 0, product, np.inf).min(axis=0, initial=np.inf)
        bias = np.abs(block.write.bias.get(space, np.zeros(matrix.shape[1])))
        grain = np.minimum(grain, grain_of(bias))
        exact = (grain > 0) & (total + bias < np.where(grain > 0, grain, 1.0) * 2.0**precision.bits)
        summing = np.where(exact, 0.0, precision.unit * (terms + 1) * total)
        error = steps + near + summing
        written[space] = (error, np.where(exact & (error == 0), grain, 0.0))
    return written, np.where(step, read.passed + read.rounding, 0.0)
