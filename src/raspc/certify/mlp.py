"""Bounds for neurons: which of them fire, value by value, and what their sums are off by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.design import Design
from raspc.blocks.spaces import Matrix, Neurons, Write
from raspc.certify.bounds import ANY, Reading, fits, grain_of, swept_up
from raspc.graph.nodes import Floats, Ids
from raspc.numbers.precision import Precision

Look: TypeAlias = Callable[[Matrix, Matrix], tuple[Matrix, Matrix, Matrix]]

READS = 1 << 24
"""The most reads (cell, neuron) that are looked at one by one."""
GRID = 1 << 17
"""The same for functions of three variables and more, whose combinations are many and whose proofs are to be quick."""
PRODUCTS = 1 << 26
"""The most products of these with weights."""
DENSE = 1 << 22
"""From this many products on, only those with weights that are not 0 are taken."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What the neurons read [cells, neurons] for each combination of values, and which value each one gives.

    `passed`, `rounding`: errors, [cells, neurons] or the same for all cells. `grain`: of what is above 0.
    """

    reads: Matrix
    value: Ids
    passed: Matrix
    rounding: Matrix
    grain: Floats


@dataclass(frozen=True, eq=False)
class Written:
    """What neurons write to a space: the error [values, dims] or [1, dims], the grain, and the error at BOS [dims]."""

    error: Matrix
    grain: Floats
    at_bos: Floats


def cells_of(design: Design, ids: Ids | None, write: Write, read: Reading, precision: Precision) -> Cells | None:
    """Every combination of the values of a design's variables; `ids`: the value that each gives, −1 for none.

    None where there are too many.
    """
    if ids is None or ids.size * design.size > (READS if ids.ndim <= 2 else GRID):
        return None
    if sum(_products(ids.size, matrix) for matrix in write.maps.values()) > PRODUCTS:
        return None
    known = ids >= 0
    parts = [features @ weights for features, weights in zip(design.features, design.weights, strict=True)]
    reads = design.bias + _over_grid(parts, ids, design.size)
    passed, rounding = read.passed[None], read.rounding[None]
    errors = [read.seen[axis].error for axis in design.axes if axis in read.seen]
    if len(errors) == len(read.seen) and [len(error) for error in errors] == list(ids.shape):
        if len(errors) == 1:
            passed = errors[0][known]
        elif reads.size <= GRID:
            passed = _over_grid(errors, ids, design.size)[known]
        if read.rounded_rows is not None:
            rounding = read.rounded_rows[known]
    found = Cells(reads[known], ids[known], passed, rounding, read.positive_grain)
    return _rounded_twice(found, read, precision) if precision.narrow else found


def _rounded_twice(cells: Cells, read: Reading, precision: Precision) -> Cells:
    """The cells of a narrow format: where nothing errs before it is stored, it is known how each sum is rounded.

    It is stored once without the bias and once with it.
    """
    sure = (read.sums > 0) & ~(cells.passed > 0).any(axis=0)
    stored = precision.round(precision.round(cells.reads - read.bias) + read.bias)
    rounding = np.where(sure, np.abs(stored - cells.reads), cells.rounding)
    shut = cells.reads + cells.passed + rounding <= 0
    grain = np.where(sure & ((rounding == 0) | shut).all(axis=0), read.sums, read.positive_grain)
    return replace(cells, rounding=rounding, grain=grain)


def _over_grid(parts: Sequence[Matrix], ids: Ids, width: int) -> Matrix:
    """The sum of what is told of each axis, for all combinations."""
    found = np.zeros((*[1] * ids.ndim, width))
    for axis, part in enumerate(parts):
        found = found + part.reshape([*(len(part) if a == axis else 1 for a in range(ids.ndim)), width])
    return np.broadcast_to(found, (*ids.shape, width))


def _products(rows: int, matrix: Matrix) -> int:
    """How many products `_times` takes."""
    dense = rows * matrix.size
    return dense if dense <= DENSE else min(dense, rows * matrix.shape[1] * _fullest(matrix))


def _fullest(matrix: Matrix) -> int:
    """The most weights of a column that are not 0."""
    return int((matrix != 0).sum(axis=0).max(initial=0))


def _times(rows: Matrix, matrix: Matrix) -> Matrix:
    """rows @ matrix; of a large one with few weights in a column, column by column of these."""
    most = _fullest(matrix) if len(rows) * matrix.size > DENSE else len(matrix)
    if 2 * most >= len(matrix):
        return rows @ matrix
    places = np.argsort(matrix == 0, axis=0, kind="stable")[:most]
    found: Matrix = np.zeros((len(rows), matrix.shape[1]))
    for place in places:
        found += rows[:, place] * matrix[place, np.arange(matrix.shape[1])]
    return found


@dataclass(frozen=True)
class Step:
    """The step that is nearest to its ramp: how far off it may be read, how far away the ramp is, and in which cell."""

    needed: float
    present: float
    cell: int | None = None


def nearest_step(block: Neurons, read: Reading, cells: Cells | None) -> Step | None:
    """The weakest of the steps; None if there are none.

    The halves of a step read z and z − 1; the step is flat where z ≤ 0 or z ≥ 1.
    """
    halves = np.flatnonzero(block.slack > 0)[::2]
    if not len(halves):
        return None
    if cells is None:
        needed = (read.passed + read.rounding)[halves]
        worst = int((needed / block.slack[halves]).argmax())
        return Step(float(needed[worst]), float(block.slack[halves][worst]))
    present = np.abs(cells.reads[:, halves] - 0.5) - 0.5
    rounding = np.maximum(cells.rounding[:, halves], cells.rounding[:, halves + 1])
    error = np.broadcast_to(cells.passed[:, halves] + rounding, present.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.where(error == 0, np.where(present < 0, np.inf, 0.0), error / np.maximum(present, 0.0))
    shut = _shut(cells)
    used = np.where(shut[:, halves] & shut[:, halves + 1], 0.0, used)
    cell, step = np.unravel_index(used.argmax(), used.shape)
    return Step(float(error[cell, step]), float(present[cell, step]), int(cell))


def _shut(cells: Cells) -> NDArray[np.bool_]:
    """Which neurons are far below their thresholds, so that nothing depends on their ramps."""
    return np.asarray(cells.reads + cells.passed + cells.rounding <= 0)


def written(
    block: Neurons, actual: Neurons, read: Reading, cells: Cells | None, values: int, precision: Precision
) -> Mapping[str, Written]:
    """What the neurons write to each space, for each value of the variable."""
    look = _looked_at(block, read, precision) if cells is None else None
    found = {}
    for space, matrix in actual.write.maps.items():
        planned = block.write.maps[space]
        base = actual.write.bias.get(space, np.zeros(matrix.shape[1]))
        shift = np.abs(base - block.write.bias.get(space, np.zeros(matrix.shape[1])))
        shift = shift + precision.weight_error * np.abs(base)
        if cells is None:
            assert look is not None
            error, total, terms = look(matrix, planned)
            positive = total
            number: Ids | None = None
            sums = total
        else:
            error, positive, total, terms = _by_cell(block, cells, matrix, planned, precision)
            number = cells.value
            sums = np.abs(_times(np.maximum(cells.reads, 0.0), matrix)) + error
        positive_grain = read.positive_grain if cells is None else cells.grain
        grain = _grain(positive_grain, matrix, base) * (not precision.weight_error)
        exact = fits(grain, positive.max(axis=0, initial=0.0) + np.abs(base), precision.sum_bits)
        size = total + np.abs(base)
        error = error + shift + np.where(exact, 0.0, precision.sum_unit * (precision.roundings(terms) + 1) * size)
        error = error + _storing(exact, grain, sums, base, size, precision)
        rows = error.max(axis=0, keepdims=True) if number is None else _by_value(error, number, values)
        known = np.where(exact & (rows.max(axis=0) == 0), grain, 0.0)
        found[space] = Written(rows, known, shift + _fired_at_bos(read, matrix, base, precision))
    return found


def _fired_at_bos(read: Reading, matrix: Matrix, base: Floats, precision: Precision) -> Floats:
    """What neurons that fire at BOS add there, and what the sum with them rounds; they should not fire."""
    height = np.maximum(read.there + read.there_error, 0.0)
    weights = np.abs(matrix)
    added: Floats = height @ (weights * (1 + precision.weight_error))
    terms = (height > 0).astype(float) @ (weights > 0)
    rounding = (precision.sum_unit * (precision.roundings(terms) + 1) + 2 * precision.unit) * (added + np.abs(base))
    return np.where(added > 0, added + np.minimum(rounding, swept_up(added, terms + 1)), 0.0)


def _grain(positive: Floats, matrix: Matrix, base: Floats) -> Floats:
    product = positive[:, None] * grain_of(np.where(matrix != 0, matrix, 1.0))
    found: Floats = np.minimum(np.where(matrix != 0, product, ANY).min(axis=0, initial=ANY), grain_of(base))
    return found


def _storing(
    exact: NDArray[np.bool_], grain: Floats, sums: Matrix, base: Floats, size: Matrix, precision: Precision
) -> Matrix:
    """What a narrow format loses when the sum is stored, before and after the bias is added."""
    if precision.bits >= precision.sum_bits:
        return np.zeros_like(size)
    plain = exact & fits(grain, sums + np.abs(base), precision.bits)
    lost: Matrix = np.where(plain, 0.0, precision.unit * (1.0 + (base != 0)) * size)
    return lost


def _by_cell(
    block: Neurons, cells: Cells, matrix: Matrix, planned: Matrix, precision: Precision
) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """(error, size of the larger of the positive and the negative part, size of all, terms), each [cells, dims]."""
    step = block.slack > 0
    error = cells.passed + cells.rounding
    off = np.where(step, cells.rounding, error)
    fires = cells.reads + error > 0
    height = np.where(fires, np.maximum(cells.reads, 0.0) + error, 0.0)
    weights = np.abs(matrix)
    error = _times(np.where(fires, off, 0.0), weights)
    if precision.weight_error or not np.array_equal(matrix, planned):
        error = error + height @ (np.abs(matrix - planned) + precision.weight_error * weights)
    up, down = _times(height, np.maximum(matrix, 0.0)), _times(height, np.maximum(-matrix, 0.0))
    return error, np.maximum(up, down), up + down, _times(fires.astype(float), (weights > 0).astype(float))


def _looked_at(block: Neurons, read: Reading, precision: Precision) -> Look:
    """The same where there are too many cells: all neurons may fire, but few are near their thresholds."""
    step = block.slack > 0
    rows = read.rows()
    top = read.size if rows is None else np.maximum(rows.max(axis=0, initial=0.0), 0.0)
    fires = top + read.error

    def look(matrix: Matrix, planned: Matrix) -> tuple[Matrix, Matrix, Matrix]:
        weights = np.abs(matrix)
        steps = np.where(step, 2 * read.rounding, 0.0) @ weights
        gates = np.where(step, 0.0, read.error)[:, None] * weights
        near = np.sort(gates, axis=0)[::-1][: block.reach].sum(axis=0)
        error = steps + near + fires @ (np.abs(matrix - planned) + precision.weight_error * weights)
        total: Matrix = (fires @ weights)[None]
        return error[None], total, (weights > 0).sum(axis=0)[None].astype(float)

    return look


def _by_value(error: Matrix, number: Ids, values: int) -> Matrix:
    rows = np.zeros((values, error.shape[1]))
    np.maximum.at(rows, number, error)
    return rows
