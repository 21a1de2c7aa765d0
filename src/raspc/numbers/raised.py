"""Adding numbers by attention: how BOS scores in the head of a sum, and what the numbers are multiplied by.

A head selects d keys, each with the score 0; BOS scores ln M and holds 0. The head leaves Σ x / (M + d). With
M = 2²⁶·N or more this is Σ x / M, whatever d is: beside the power of BOS all others together are less than a quarter of
its last digit, so that the denominator is the power of BOS in whatever order it is added up, and the probability of
every selected key is one and the same number. The numbers are multiplied by a power of two near M, and what arrives by
what is left of M, so that the sum itself is written. It errs by what its own addition rounds: two sums of whole numbers
are told apart while the largest sum times N + 8 is below about 2²².
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, floor, log, log2

import numpy as np

from raspc.numbers.precision import Precision

SHARE = 2.0**26
"""M is at least so many times the number of keys."""
SMALL_SHARE = 2.0**11
"""The same where M is to be small: a sum of d keys then errs by d² parts of M besides."""
STEP = 8.0
"""The score of BOS is a multiple of 1/STEP, which every format holds."""
EXP = 4.0
"""How far off, in units of roundoff, the exponential of a score may be."""


@dataclass(frozen=True)
class Raised:
    """`score`: that of BOS, ln M. `at_key`: the power of two by which the number at each key is multiplied.

    `factor`: by what the sum is multiplied when it is written, M over that power.
    """

    score: float
    at_key: float
    factor: float


def raised_for(n: int, precision: Precision, after_layer_norm: bool = False) -> Raised | None:
    """How to add the numbers of up to n keys; None in narrow formats, whose probabilities are rounded too far.

    `after_layer_norm`: what BOS holds is 0 but for rounding, which M multiplies, so that M is kept small.
    """
    if precision.narrow:
        return None
    score = ceil(STEP * log((SMALL_SHARE if after_layer_norm else SHARE) * n)) / STEP
    at_key = 2.0 ** floor(log2(exp(score)))
    return Raised(score, at_key, float(precision.round(np.array(exp(score) / at_key))))


def looseness(raised: Raised, n: int, precision: Precision, stretches: int = 1) -> float:
    """By how much of the sum of the sizes of up to n numbers their sum may be off, where keys weigh alike.

    `stretches`: so many parts of them are added up apart, and then together.
    Each term is rounded where it is stored as a weight, multiplied and added; all share the error of one probability:
    that of the power, of the score of BOS that is scaled twice, and of the keys beside it.
    """
    alone = n / exp(raised.score) + precision.sum_unit
    together = float(precision.roundings(float(stretches))) + 2 if stretches > 1 else 0.0
    units = float(precision.roundings(ceil(n / stretches) + 1.0)) + together + 4 + EXP + 2 * raised.score
    return units * precision.sum_unit + alone
