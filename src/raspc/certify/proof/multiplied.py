"""Gated neurons that multiply, from the parameters of a family: act(K·a)·b/K for every combination of values.

With a = a' + e and b = b' + f, where a' and b' are right,

- the activation is relu(a) but for r·e^(−K·r), where r = |a'| − |e| and K·r ≥ 2, for SiLU and for GELU in both forms;
  beyond `Loose.quiet` for nothing; for 0.28/K at most in any case; and for |e| where a' = 0, as |act(x)| ≤ |x|;
- relu(a) is off by |e|, or by nothing where a' + |e| ≤ 0, so the product by |e|·|b| + relu(a)·|f| + |e|·|f|;
- the product is rounded once, unless its factors have few digits; so is the activation where it is not relu;
- a norm that is not the identity leaves its factor in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raspc.blocks.spaces import Matrix, Products, Read
from raspc.blocks.stream import beside
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.cells import Cells
from raspc.certify.proof.loose import Loose
from raspc.certify.proof.mlp import Written, raise_to
from raspc.certify.proof.rounding import fits, grain_of, of_sum
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision

FAR = 2.0
"""From K·|a| on the activation is off by e to minus that at most, times |a|."""
LAST_PLACES = 4.0
"""How many units of roundoff an activation is off by, besides, in the libraries that run such models."""


def both_reads(products: Products) -> Read:
    """The factors side by side: gates first."""
    return beside([products.gate, products.times])


@dataclass(frozen=True, eq=False)
class _Factors:
    """Gates and what they multiply, [cells, neurons], and how far off each is."""

    gate: Matrix
    times: Matrix
    gate_error: Matrix
    times_error: Matrix


def multiply(
    products: Products, base: Mapping[str, Floats], read: Reading, cells: Cells, codes: Mapping[str, Matrix],
    loose: Loose, precision: Precision,
) -> dict[str, Written]:  # fmt: skip
    """What gated neurons write, held against the code of each value. `read`: both factors, side by side; `base`: what
    is added besides."""
    n = products.size
    error = {space: np.zeros(code.shape) for space, code in codes.items()}
    for piece in cells.pieces():
        off = np.broadcast_to(piece.passed + piece.rounding, piece.reads.shape)
        factors = _Factors(piece.reads[:, :n], piece.reads[:, n:], off[:, :n], off[:, n:])
        numbers, errors = _numbers(factors, read.grain[:n], read.grain[n:], loose, precision)
        for space, code in codes.items():
            raise_to(
                error[space],
                piece.value,
                _off(numbers, errors, products.out[space], base[space], code[piece.value], precision),
            )
    there = _Factors(
        *(part[None] for part in (read.there[:n], read.there[n:], read.there_error[:n], read.there_error[n:]))
    )
    numbers, errors = _numbers(there, read.grain[:n], read.grain[n:], loose, precision)
    at_bos = {
        space: _off(numbers, errors, products.out[space], np.zeros(len(one)), np.zeros(len(one)), precision)[0]
        for space, one in base.items()
    }
    return {
        space: Written(
            error[space] + loose.base * np.abs(base[space]),
            np.zeros(len(base[space])),
            at_bos[space] + loose.base * np.abs(base[space]),
        )
        for space in codes
    }


def _numbers(
    factors: _Factors, gate_grain: Floats, times_grain: Floats, loose: Loose, precision: Precision
) -> tuple[Matrix, Matrix]:  # fmt: skip
    """[cells, neurons] the products, and how far off each is."""
    open_, off = np.maximum(factors.gate, 0.0), _of_activation(factors, loose, precision)
    numbers, sizes = open_ * factors.times, np.abs(factors.times)
    error = off * sizes + open_ * factors.times_error + off * factors.times_error
    largest = np.abs(numbers) + error
    exact = fits(gate_grain * times_grain, largest, precision.sum_bits) & (off == 0) & (factors.times_error == 0)
    part = 0.0 if loose.exactly else 2.02 * (loose.common + loose.rate + loose.constant) + 8 * precision.sum_unit
    return numbers, error + largest * (np.where(exact, 0.0, 2 * precision.sum_unit) + part + 3 * precision.weight_error)


def _of_activation(factors: _Factors, loose: Loose, precision: Precision) -> Matrix:
    """How far the activation of a gate, divided by K, is from relu of what the gate should be."""
    gate, error = factors.gate, factors.gate_error
    away, k = np.maximum(np.abs(gate) - error, 0.0), loose.steep
    beside_relu = np.where(
        k * away >= FAR, np.minimum(loose.neuron, away * np.exp(-np.minimum(k * away, 700.0))), loose.neuron
    )
    rounded = LAST_PLACES * precision.sum_unit * (np.maximum(gate, 0.0) + error)
    near = loose.near(gate, error) & (gate != 0) & (loose.neuron > 0)
    return np.where(near, beside_relu + rounded, 0.0) + np.where(gate + error <= 0, 0.0, error)


def _off(
    numbers: Matrix, errors: Matrix, out: Matrix, base: Floats, code: Matrix, precision: Precision
) -> Matrix:  # fmt: skip
    """How far what is written is from the code: [cells, dims]."""
    sizes = np.abs(numbers) + errors
    up = sizes @ np.maximum(out, 0.0) + np.maximum(base, 0.0) + sizes @ np.maximum(-out, 0.0) + np.maximum(-base, 0.0)
    terms = (out != 0).sum(axis=0) + (base != 0)
    passed = errors @ np.abs(out)
    found = numbers @ out + base
    grain = np.minimum(grain_of(numbers)[:, :, None] * grain_of(np.where(out != 0, out, 0.0))[None], 2.0**200).min(
        axis=1, initial=2.0**200
    )
    exact = fits(np.minimum(grain, grain_of(base)), up, precision.sum_bits) & (passed == 0)
    rounding = np.where(
        exact, 0.0, of_sum(terms + 1.0, up, up, np.abs(found) + passed, precision) + precision.sum_unit * up
    )
    return np.asarray(np.abs(found - code) + passed + rounding)
