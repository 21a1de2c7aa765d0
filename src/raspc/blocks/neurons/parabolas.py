"""A number and its square along one sum: a chain of ramps in place of steps, which needs no room between two values.

A pick that compares numbers by −(k − q)² = 2qk − k² − q² reads k and k² of its keys. Where k + e is there in place of
k, and what stands for the square is k² + 2k·e, the key loses (k − q)² − 2e·(q − k): any error below ½ is borne, as long
as both features err together. So the square is the chain of its own tangents,

    f(x) = 2·x_0·x − x_0² + Σ 2·(x_i − x_(i−1))·relu(x − (x_(i−1) + x_i)/2) above x_0, and its mirror image below,

which is x² at every value x_i, with the slope 2·x_i, as far as the next kinks, halfway between two values.

Where values lie beyond all that they are compared with, the columns may be flat: there the ramps end, at the last
value before.

What the ramps add up to rounds by up to a unit of their sum for each of them. So many ramps are shared out among
several directions, each a part of them; readers add these parts. Then each sum has fewer terms, and is smaller.

Requires: columns that are polynomials of degree 2 at most of one sum, which is the same wherever the value is the same,
but for flat ends; a sum that is off by less than the readers bear, and by less than a quarter of a gap.
Ensures: an error e of the sum moves each column by e times its slope. One neuron for each gap, one
for each end, and one more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from raspc.blocks.neurons.bent import Pieces, bent
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
BEYOND = 1.0
"""The same on a flat end, where nothing is near."""
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
    inner = _between_flat_ends(columns[at.value])
    polynomials = _polynomials(at.x[inner], columns[at.value[inner]])
    if polynomials is None:
        return None
    slopes, squares = polynomials
    gaps = np.diff(at.x)
    steepest = float(np.abs(slopes[squares == 0]).max(initial=0.0))
    if (
        (line.noise and not steepest)
        or line.noise * steepest > borne
        or 4 * line.noise > gaps.min()
        or len(at.x) > NEURON_LIMIT
    ):
        return None
    terms = _ramps(line, at.x, inner)
    middle = at.value[inner][len(at.x[inner]) // 2]
    found = _combined(terms, np.stack([slopes, squares]), columns[middle])
    if rounding(found, at.x[inner], unit) <= ROUNDS and rounding(found, at.x, unit) <= BEYOND:
        return Parabolas(found, columns)
    shared = (_shared_out(terms, at.x, inner, parts, slopes, squares, unit) for parts in range(2, PARTS + 1))
    design = next((one for one in shared if one is not None), None)
    if design is None:
        return None
    code = np.zeros((len(columns), design.out.shape[1]))
    code[at.value] = _written(design, at.x)
    return Parabolas(design, code)


def _between_flat_ends(columns: Matrix) -> slice:
    """Which of the values, in ascending order, all columns change among; from the last one of a flat end on."""
    moving = np.flatnonzero((columns[1:] != columns[:-1]).any(axis=1))
    return slice(int(moving[0]), int(moving[-1]) + 2) if len(moving) else slice(0, len(columns))


def _combined(terms: Design, factors: Matrix, middle: Floats) -> Design:
    """The sum of number and square with these factors [2, c], which is `middle` [c] where both are 0."""
    return replace(terms, out=terms.out @ factors, base=middle + terms.base @ factors)


def _written(design: Design, x: Floats) -> Matrix:
    """What the neurons write along the line."""
    return np.asarray(_fired(design, x) @ design.out + design.base)


def _shared_out(
    terms: Design, x: Floats, inner: slice, parts: int, slopes: Floats, squares: Floats, unit: float
) -> Design | None:
    """The number in one direction, and each of so many parts of the ramps in one more; None where this errs too far.

    Each part has as many ramps on either side of the middle, where those of one side fire alone.
    """
    square, falls = terms.out[:, 1], terms.weights[0][0] < 0
    out = np.zeros((terms.size, 1 + parts))
    for side in (falls, ~falls):
        (rising,), (ends,) = np.nonzero(side & (square > 0)), np.nonzero(side & (square < 0))
        out[rising, 1 + np.arange(len(rising)) * parts // max(len(rising), 1)] = square[rising]
        out[ends, 1:] = -out[rising, 1:].sum(axis=0)  # each part is flat by itself beyond a flat end
    out[:, 0] = terms.out[:, 0]
    found = replace(terms, out=out, base=np.r_[terms.base[0], np.zeros(parts)])
    ends = np.r_[x[[0, -1]], x[inner][[0, -1]]]
    fired, sizes = _fired(terms, ends), np.abs(out)
    factors = np.vstack([np.abs(slopes), np.repeat(np.abs(squares)[None], parts, axis=0)])
    each = unit * ((fired > 0) @ (out != 0).astype(np.float64)) * (fired @ sizes)  # [ends, directions]
    factors_of_parts = np.vstack([0 * slopes, np.repeat(np.abs(squares)[None], parts, axis=0)])
    added = unit * (parts + 2) * (fired @ sizes) @ factors_of_parts
    borne = np.r_[BEYOND, BEYOND, ROUNDS, ROUNDS][:, None]
    return found if bool((each @ factors + added <= borne).all()) else None


def _fired(design: Design, x: Floats) -> Matrix:
    """What each neuron gives at some places of the line."""
    found: Matrix = np.maximum(np.outer(x, design.weights[0][0]) + design.bias, 0.0)
    return found


def rounding(design: Design, x: Floats, unit: float) -> float:
    """By how much what is written may round, at either end of the line: each addition by a unit of all before it."""
    fired = _fired(design, x[[0, -1]])
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


def _ramps(line: Line, x: Floats, inner: slice) -> Design:
    """The number, and the square of its distance from the middle, whose kinks lie between each two values.

    Both are 0 in the middle of the `inner` values, and flat beyond these.
    """
    own, (first, end, _) = x[inner], inner.indices(len(x))
    middle, tangents = _middle(own), np.stack([np.ones_like(own), 2 * (own - _middle(own))], axis=1)
    none = np.zeros((1, 2))
    low, high = first > 0, end < len(x)
    kinks = np.r_[own[:1][:low], (own[1:] + own[:-1]) / 2, own[-1:][:high]]
    slopes = np.vstack([none[:low], tangents, none[:high]])
    pieces = Pieces(kinks, slopes, len(own) // 2 + low, middle, np.zeros(2))
    return bent(line.reads, pieces, float(2 * x[0] - x[1]), float(np.diff(x).min()))
