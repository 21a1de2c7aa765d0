"""Numbers of a mirrored frame: what a layer norm leaves of them in a narrow format, and what is read of them then.

The stream is [x, C, −x, −C]. Its mean is 0 but for what is rounded, m, with |m| ≤ M. So a norm gives of a number y that
is stored the same y, bit for bit, while |m| is less than a quarter of the last digit of y and so is what the factor
makes of it. Of 0 it gives −m, in both halves alike: a read takes half of each side with opposite signs, where these two
come to 0. That is all but exact: sums in float32 round beside m, and what is 0 is dust when it is read.

A format that rounds what is read throws dust away: a number v of the format, off by less than a quarter of its last
digit, is stored as v. Only what should be 0 stays a little off. So each number is held here as what it should be, a
multiple of its grain, and how far off that it is; and whatever rounds asks whether the dust is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raspc.blocks.spaces import Matrix, Read
from raspc.certify.proof.rounding import grain_of, of_sum
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision


@dataclass(frozen=True)
class Dust:
    """What a layer norm leaves of numbers in a mirrored frame.

    `mean`: M. `norms`: how many a number goes through before it is read, where the stream itself does.
    """

    mean: float
    norms: int = 1

    def of(self, code: Matrix, error: Matrix, listed: bool, precision: Precision) -> Matrix:
        """What is added to the error of numbers that are stored, [rows, dims]: nothing where they stay as they are.

        y and its mirror image become y − m and −y − m, of which half of the difference is taken: so m is gone, but for
        what it makes of rounding. `listed`: these are all numbers, and not the ends of an interval.
        """
        small, unit = 4.2 * self.mean / precision.unit, 1.3 * precision.unit * (self.norms + (self.norms > 1))
        if not listed:
            return np.full(code.shape, unit * (small + self.mean))
        size = np.abs(code)
        off = unit * (np.minimum(size + error, small) + self.mean)
        off = off + _least(precision)
        stays = (size - error >= small) | ((code == 0) & (error == 0))
        return np.asarray(np.where(stays, 0.0, off))

    def rounding(self, weights: Matrix, bias: Floats, size: Matrix, has: Floats, precision: Precision) -> Matrix:
        """What sums of float32 round that have dust among their terms: nothing where there is none.

        `weights` [numbers, width]: of all numbers, each of which is read twice; `size`: of all other terms; `has`
        [numbers]: which may be dust. Of one number alone both sides come to 0.
        """
        terms = 2.0 * ((weights != 0).sum(axis=0) + (bias != 0))
        dust = self.mean * (has @ np.abs(weights))
        total = np.asarray(size + dust)
        return np.where((terms > 2) & (dust > 0), of_sum(terms, total, total, total, precision), 0.0)


def stored(numbers: Matrix, dust: Matrix | Floats, precision: Precision) -> Matrix:
    """How far numbers are from what they should be once they are stored, where they were off by their dust before.

    Right numbers that are none of the format are rounded as well.
    """
    size = np.abs(numbers)
    held = precision.round(numbers) == numbers
    gone = held & (numbers != 0) & (np.asarray(dust) < size * precision.unit / 4)
    off = dust + precision.unit * (size + dust) + _least(precision)
    return np.where(gone | (held & (np.asarray(dust) == 0)), 0.0, off)


def _least(precision: Precision) -> float:
    """What a number below the normal ones is rounded by."""
    return float(2.0 ** (precision.lowest - precision.bits))


def twice_stored(numbers: Matrix, base: Floats, dust: Matrix | Floats, precision: Precision) -> Matrix:
    """The same where a constant is added, before numbers are stored or once they are."""
    first = stored(numbers, dust, precision)
    return np.maximum(stored(numbers + base, first, precision), stored(numbers + base, dust, precision))


def swept(code: Matrix, error: Matrix, precision: Precision) -> Matrix:
    """The error of numbers that are added to dust in the stream, which rounds them: none where it throws that away."""
    held = (precision.round(code) == code) & (code != 0)
    return np.asarray(np.where(held & (error < np.abs(code) * precision.unit / 4), 0.0, error))


def grain_of_all(code: Matrix, there: Floats) -> Floats:
    """What numbers are multiples of, but for their dust."""
    return np.asarray(np.minimum(grain_of(code).min(axis=0, initial=2.0**200), grain_of(there)))


def weights_of(read: Read) -> Matrix:
    """[numbers, width]: all that is read of the stream."""
    return np.vstack([np.zeros((1, read.width)), *read.maps.values()])


def zeros_of(read: Read, at_bos: Mapping[str, Floats], off: Mapping[str, Floats]) -> Floats:
    """[numbers]: which of what is read is nothing at BOS, or is off there, so that it may be dust."""
    parts = [(at_bos[space] == 0) | (off[space] > 0) if space in off else at_bos[space] == 0 for space in read.maps]
    return np.concatenate([np.zeros(1), *parts]).astype(np.float64)
