"""How sums of floating-point numbers round, and which do not.

u is the unit roundoff of the accumulator. Each of the n − 1 additions of a sum of n numbers rounds its result, which is
a sum of some of them, by at most u times its size; the last one is the sum of all. So the sum errs by at most
u·((n − 2)·R + T), where no sum of some of the numbers is further from 0 than R (the `reach`), and T is the size of the
sum itself; and by at most (n − 1)·u·S, where S is the size of all numbers together, in any order (Jeannerod and Rump,
"Improved error bounds for inner products in floating-point arithmetic", 2013). Where each number goes through r
roundings only, it errs by at most about r·u·S (Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision

ANY = 2.0**200
"""The grain of zero, which is a multiple of everything; its products stay finite."""


def grain_of(numbers: Matrix) -> Matrix:
    """For each number the largest power of two that it is a multiple of; `ANY` for 0."""
    mantissa, exponent = np.frexp(np.asarray(numbers, np.float64))
    whole = np.abs(mantissa * 2.0**53).astype(np.int64)
    lowest = (whole & -whole).astype(np.float64)
    return np.where(whole == 0, ANY, np.ldexp(lowest, exponent - 53))


def fits(grain: Matrix, size: Matrix, bits: int) -> NDArray[np.bool_]:
    """Where sums of multiples of the grain, of that size in all, have at most so many digits."""
    return np.asarray((grain > 0) & (size <= np.where(grain > 0, grain, 1.0) * 2.0**bits))


def of_sum(terms: Matrix, reach: Matrix, size: Matrix, last: Matrix, precision: Precision) -> Matrix:
    """By how much a sum errs; `terms`: how many numbers are added at most; `reach`, `size`, `last`: R, S and T above.

    What the additions so far are off by is a part of what the next one rounds: so all is divided by what (n − 1)·u
    leaves of 1, and where it leaves too little only the size tells. Products of two factors are rounded beforehand,
    which makes the size of all larger by less than a thousandth.
    """
    added = np.maximum(terms - 1.0, 0.0)
    part = added * precision.sum_unit
    rest = np.where(part < 0.5, 1.0 - part, np.nan)
    found: Matrix = np.minimum(last, reach)  # (of large matrices few copies are made)
    found = _into(found, np.multiply, np.sign(added))
    found = _into(found, np.add, np.maximum(added - 1.0, 0.0) * reach)
    found = _into(found, np.divide, rest)
    found = _into(found, np.fmin, np.minimum(added, precision.roundings(terms) + 1.0) * size)
    found *= precision.sum_unit * (1.0 + 2.0**-10)
    return found


def _into(found: Matrix, work: np.ufunc, other: Matrix) -> Matrix:
    """What a function makes of two arrays, in the place of the first where that is large enough."""
    fits_in = np.broadcast_shapes(found.shape, np.shape(other)) == found.shape
    made: Matrix = work(found, other, out=found) if fits_in and found.ndim else np.asarray(work(found, other))
    return made


def swept_up(off: Floats, terms: Floats) -> Floats:
    """What rounding makes of small terms beside a sum that is exact without them: each addition may double them.

    For without them the sum is a number of the format, so that the nearest one is no further away than they are large.
    """
    return np.asarray(off * 2.0 ** np.minimum(terms, 100.0))
