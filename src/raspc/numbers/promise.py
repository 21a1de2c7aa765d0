"""The promise: how near a number of a model must be to the interpreter's.

It is said here once; check, certificate, fuzzer and tests read it. The page on exactness has it in words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raspc.numbers.precision import PRECISIONS, Precision

Floats = NDArray[np.float64]

ABSOLUTE, RELATIVE = 1e-5, 1e-4
"""A number v may be off by ABSOLUTE + RELATIVE·|v|."""
OF_A_BATCH = 0.1
"""The part of the promise by which an answer may depend on the batch that it is computed in: it is but another order
of the same float32 sums, and of all that may go wrong it is the part that a user sees change from run to run."""
COARSE = 8.0
"""By how much a bound on a number may exceed the promise in a model that is measured, not proved. Bounds are of the
worst order of each sum; errors found on inputs made to cancel are some 50 times smaller. Where a bound exceeds
the promise further, such inputs break it, though a sample need not show that."""
SLACK = 4.0
"""A measured number must keep so much better than was promised: inputs that were not run may be somewhat worse than
those that were, and another order of sums too."""

NARROW_SLACK = 2.0
"""The same in a narrow format, which promises four units: one is what storing the answer takes."""


def slack_of(precision: Precision) -> float:
    """How many times better than promised a measured number must be."""
    return NARROW_SLACK if precision.narrow else SLACK


def tolerance(numbers: Floats | float, precision: Precision = PRECISIONS["float32"]) -> Floats:
    """How far off numbers may be: what was promised, or in a narrow format four units, if that is more."""
    own = 4 * precision.unit * np.maximum(1.0, np.abs(numbers)) if precision.narrow else 0.0
    return np.asarray(np.maximum(ABSOLUTE + RELATIVE * np.abs(numbers), own), np.float64)


def is_kept(found: float, expected: float) -> bool:
    """Whether a number of a float32 model is as near to the expected one as is promised."""
    return found == expected or bool(abs(found - expected) <= tolerance(float(expected)))
