"""Ramps along one sum, from their weights: between two kinks an error of the sum moves all that is written alike.

Neurons that read multiples s_j·X + b_j of one number X write a chain of straight pieces, Σ relu(s_j·X + b_j)·m_j. Where
X is off by ξ, they are off by the sum over the pieces between X and X + ξ of the length of each, times its slope. So
the error of each piece is one cause, which all directions have in common; what each neuron rounds itself comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raspc.blocks.spaces import BOS, Matrix, Neurons
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.causes import Causes
from raspc.certify.proof.cells import Cells
from raspc.certify.proof.mlp import Written, fired_at_bos, raise_to, steps_of
from raspc.certify.proof.rounding import of_sum
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision

MOST = 1 << 24
"""The most pairs of a cell and a piece that are looked at."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The pieces in ascending order: `kinks` between them, and the slope of each [pieces, dims].

    `first`: the neuron that reads X itself, of which all others are read as multiples.
    """

    kinks: Floats
    slopes: Matrix
    first: int


def written(
    block: Neurons, space: str, code: Matrix, read: Reading, cells: Cells, precision: Precision
) -> Written | None:
    """What ramps write to a space; None for what are no ramps along one sum, or where the sum is not off."""
    if precision.narrow or not read.passed.any() or not cells.whole or len(steps_of(block).first):
        return None
    matrix, base, shaken = block.write.maps[space], block.write.bias[space], precision.weight_error
    chain = chain_of(block, read, matrix)
    if chain is None or len(cells) * len(chain.slopes) > MOST:
        return None
    base_size = np.abs(base)
    error, alone, lengths = (np.zeros((len(code), width)) for width in (*2 * code.shape[1:], len(chain.slopes)))
    for piece in cells.pieces(max(len(chain.slopes), code.shape[1])):
        passed, rounding = (np.broadcast_to(one, piece.reads.shape) for one in (piece.passed, piece.rounding))
        sizes = _lengths(piece.reads[:, chain.first] - read.bias[chain.first], passed[:, chain.first], chain.kinks)
        fires = piece.reads + passed + rounding > 0
        height = np.where(fires, np.maximum(piece.reads, 0.0) + passed + rounding, 0.0)
        weights, numbers = np.abs(matrix), np.maximum(piece.reads, 0.0) @ matrix + base
        own = np.where(fires, rounding, 0.0) @ weights + shaken * (height @ weights + base_size)
        moved = sizes @ np.abs(chain.slopes)
        up, down = height @ np.maximum(matrix, 0.0), height @ np.maximum(-matrix, 0.0)
        terms = fires.astype(float) @ (weights > 0).astype(float) + (base != 0)
        last = np.abs(numbers) + moved + own
        rounded = of_sum(terms, np.maximum(up, down) + base_size, up + down + base_size, last, precision)
        products = precision.sum_unit * (up + down)
        off = np.abs(numbers - code[piece.value]) + own + rounded + products + read.common * np.abs(numbers - base)
        off = off + read.common * (moved + own)
        raise_to(error, piece.value, off + moved)
        raise_to(alone, piece.value, off)
        raise_to(lengths, piece.value, sizes)
    at_bos = shaken * base_size + fired_at_bos(read, matrix, base, precision)
    return Written(error, np.zeros(code.shape[1]), at_bos, Causes(lengths, chain.slopes), alone)


def chain_of(block: Neurons, read: Reading, matrix: Matrix) -> Chain | None:
    """The pieces; None where neurons do not read multiples, by their weights, of one number."""
    maps = [weights for space, weights in block.read.maps.items() if space != BOS]
    first = next((int(np.flatnonzero(weights.any(axis=0))[0]) for weights in maps if weights.any()), None)
    if first is None:
        return None
    row = next(weights[np.flatnonzero(weights[:, first])[0]] for weights in maps if weights[:, first].any())
    times = row / row[first]
    powers = np.frexp(times[times != 0])[0]
    if (np.abs(powers) != 0.5).any() or any((weights != weights[:, [first]] * times).any() for weights in maps):
        return None
    moving = np.flatnonzero(times)
    kinks = -read.bias[moving] / times[moving]
    order = np.argsort(kinks, kind="stable")
    turns, rising = (times[moving][:, None] * matrix[moving])[order], times[moving][order] > 0
    none = np.zeros((1, matrix.shape[1]))
    above = np.vstack([none, np.cumsum(np.where(rising[:, None], turns, 0.0), axis=0)])
    below = np.vstack([none, np.cumsum(np.where(rising[:, None], 0.0, turns)[::-1], axis=0)])[::-1]
    return Chain(kinks[order], above + below, first)


def _lengths(x: Floats, off: Floats, kinks: Floats) -> Matrix:
    """[cells, pieces]: how much of each piece lies between x and a number that is no further than `off` from it."""
    low, high = np.r_[-np.inf, kinks], np.r_[kinks, np.inf]
    above = np.minimum(high, (x + off)[:, None]) - np.maximum(low, x[:, None])
    below = np.minimum(high, x[:, None]) - np.maximum(low, (x - off)[:, None])
    return np.asarray(np.maximum(np.maximum(above, below), 0.0))
