"""A number and its square along one sum: a chain of ramps in place of steps, which needs no room between two values.

A pick that compares numbers by −(k − q)² = 2qk − k² − q² reads k and k² of its keys. Where k + e is there in place of
k, and what stands for the square is k² + 2k·e, the key loses (k − q)² − 2e·(q − k): any error below ½ is borne, as long
as both features err together. So the square is the chain of its own tangents,

    f(x) = 2·x_0·x − x_0² + Σ 2·(x_i − x_(i−1))·relu(x − (x_(i−1) + x_i)/2) above x_0, and its mirror image below,

which is x² at every value x_i, with the slope 2·x_i, as far as the next kinks, halfway between two values.

What the ramps add up to rounds by up to a unit of their sum for each of them. So many ramps are shared out among
several directions, each a part of them; readers add these parts. Then each sum has fewer terms, and is smaller.

Requires: columns that are polynomials of degree 2 at most of one sum, which is the same wherever the value is the same;
a sum that is off by less than the readers bear, and by less than a quarter of a gap.
Ensures: an error e of the sum moves each column by e times its slope. One neuron for each gap, and one more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from raspc.blocks.neurons.design import NEURON_LIMIT, Design
from raspc.blocks.neurons.lines import Line
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Ids
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "parabolas", "neurons",
    "the number and the square that a pick compares are a chain of ramps along one sum, which may be off a little",
    "level 2; a sum that is the same wherever the value is, and nobody else who reads the variable",
    "one neuron a value; both features err together",
)  # fmt: skip

ROUNDS = 1 / 7
"""By how much what the ramps add up to may round: 256 values do, about 0, in one part."""
PARTS = 16
"""The ramps are shared out among at most so many directions."""


@dataclass(frozen=True, eq=False)
class Parabolas:
    """The ramps, and what they write for each value [values, dims], of which the columns are sums."""

    design: Design
    code: Matrix


def parabolas(line: Line, values: Ids, columns: Matrix, borne: float, unit: float) -> Parabolas | None:
    """The ramps; None where the columns are no parabolas along the line, or this errs too far.

    `values`: the value at each point of the line; `columns` [values, c]; `borne`: how far off the number may be, in its
    own units; `unit`: of rounding.
    """
    at = _one_place_each(line.sums, values, len(columns))
    if at is None or len(at.x) < 3 or not isinstance(line.noise, float):
        return None
    polynomials = _polynomials(at.x, columns[at.value])
    if polynomials is None:
        return None
    slopes, squares = polynomials
    gaps = np.diff(at.x)
    steepest = float(np.abs(slopes[squares == 0]).max(initial=0.0))
    if not steepest or line.noise * steepest > borne or 4 * line.noise > gaps.min() or len(at.x) > NEURON_LIMIT:
        return None
    found = _ramps(line, at.x, columns[at.value], slopes, squares)
    if rounding(found, at.x, unit) <= ROUNDS:
        return Parabolas(found, columns)
    shared = (_shared_out(found, at.x, parts, slopes, squares, unit) for parts in range(2, PARTS + 1))
    design = next((one for one in shared if one is not None), None)
    if design is None:
        return None
    code = np.zeros((len(columns), design.out.shape[1]))
    code[at.value] = _written(design, at.x)
    return Parabolas(design, code)


def _written(design: Design, x: Floats) -> Matrix:
    """What the neurons write along the line."""
    fired = np.maximum(np.outer(x, design.weights[0][0]) + design.bias, 0.0)
    return np.asarray(fired @ design.out + design.base)


def _shared_out(whole: Design, x: Floats, parts: int, slopes: Floats, squares: Floats, unit: float) -> Design | None:
    """The number in one direction, and each of so many parts of the ramps in one more; None where this errs too far.

    Each part has as many ramps on either side of the middle, where those of one side fire alone.
    """
    kinks, half = np.arange(1, whole.size), len(x) // 2
    part = np.r_[np.arange(half) * parts // half, np.arange(whole.size - 1 - half) * parts // (whole.size - 1 - half)]
    out = np.zeros((whole.size, 1 + parts))
    out[0, 0] = 1.0
    out[kinks, 1 + part] = 2 * np.diff(x)
    found = replace(whole, out=out, base=np.zeros(1 + parts))
    fired = np.maximum(np.outer(x[[0, -1]], whole.weights[0][0]) + whole.bias, 0.0)
    used = (out != 0).astype(np.float64)
    each = unit * ((fired > 0) @ used) * (fired @ out)  # [ends, directions]
    errs = each @ np.vstack([np.abs(slopes), np.repeat(np.abs(squares)[None], parts, axis=0)])
    added = (
        unit * (parts + 2) * (fired @ out) @ np.vstack([0 * slopes, np.repeat(np.abs(squares)[None], parts, axis=0)])
    )
    return found if float((errs + added).max()) <= ROUNDS else None


def rounding(design: Design, x: Floats, unit: float) -> float:
    """By how much what is written may round, at either end of the line: each addition by a unit of all before it."""
    fired = np.maximum(np.outer(x[[0, -1]], design.weights[0][0]) + design.bias, 0.0)
    terms, sums = (fired[:, 1:] > 0).sum(axis=1), fired @ np.abs(design.out) + np.abs(design.base)
    return float((unit * terms[:, None] * sums).max())


@dataclass(frozen=True, eq=False)
class _Places:
    """Where on the line each value that occurs lies, in ascending order."""

    x: Floats
    value: Ids


def _one_place_each(sums: Floats, values: Ids, count: int) -> _Places | None:
    """None where a value lies at several places, or two values at one."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, values, sums)
    np.maximum.at(high, values, sums)
    there = np.flatnonzero(np.isfinite(low))
    order = there[np.argsort(low[there], kind="stable")]
    if (high[there] - low[there]).max(initial=0.0) > 1e-9 or (np.diff(low[order]) <= 1e-9).any():
        return None
    return _Places(low[order], order.astype(np.int32))


def _polynomials(x: Floats, columns: Matrix) -> tuple[Floats, Floats] | None:
    """[c] the slope at the middle of the line, and the factor of the square; None where a column is no parabola."""
    away = x - _middle(x)
    terms = np.stack([np.ones_like(away), away, away**2], axis=1)
    found = np.linalg.lstsq(terms, columns, rcond=None)[0]
    found = np.round(found * 4) / 4
    return (found[1], found[2]) if np.array_equal(terms @ found, columns) else None


def _middle(x: Floats) -> float:
    return float(x[len(x) // 2])


def _ramps(line: Line, x: Floats, columns: Matrix, slopes: Floats, squares: Floats) -> Design:
    """The tangent at the middle, then a kink between each two values, which fires on the side away from there."""
    middle, half = _middle(x), len(x) // 2
    kinks, side = (x[1:] + x[:-1]) / 2, np.where(np.arange(len(x) - 1) < half, -1.0, 1.0)
    foot = x[0] - (x[1] - x[0])
    sign, feet = np.r_[1.0, side], np.r_[foot, kinks]
    out = np.vstack([slopes, 2 * np.diff(x)[:, None] * squares])
    axes, features = line.reads
    return Design(
        axes, features, tuple(sign[None, :] for _ in axes), -sign * feet, out,
        columns[half] - slopes * (middle - foot), float(np.diff(x).min()), np.zeros(len(sign)), reach=0,
    )  # fmt: skip
