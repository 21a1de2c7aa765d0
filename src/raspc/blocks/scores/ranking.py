"""How a head picks the best of the keys that compete: their score is added to the penalties of its selector.

A key scores `weight` times its penalty, plus the rank of its score among all scores. Ranks are whole numbers from 0 to
`top`, and `weight` is `top` + 2: so a selected key scores at least 0, one that is not selected at most −2, and BOS,
which stands for an empty selection, scores −1.

All of it is exact in float32 while the terms of a score add up to less than 2²⁴. Beyond that only penalties will do
whose terms are 0, each of them, where a key is selected (`Factors.is_definite`): then what is rounded has lost anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Best, Floats, Listed
from raspc.graph.scores import ranks

MOST = 1 << 16
"""Scores that are whole numbers stand for their ranks where they spread no further than this."""
SINK = -1.0
"""What BOS scores, in steps of the rank."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """By what keys are ranked: the variable `score`; `keys` [values, 1]: the rank of each; and the highest, `top`."""

    score: int
    keys: Matrix
    top: float
    weight: float


def ranking_of(ready: Readiness, best: Best) -> Ranking:
    """The ranks of the keys: the scores themselves where these can be read and the ranks cannot."""
    domain = ready.graph.variable(best.score).listed
    found = [_ranked(domain, best.end), *_by_number(domain, best.end)]
    column = min(found, key=lambda ranked: not ready.is_ready(best.score, ranked))
    top = float(column.max())
    weight = 2.0 ** np.ceil(np.log2(top + 2)) if ready.precision.narrow else top + 2
    return Ranking(best.score, column[:, None], top, float(weight))


def _ranked(domain: Listed, end: str) -> Floats:
    """The rank of each value; 0 of one that is no number, which no selected key holds."""
    return np.maximum(ranks(domain, end), 0).astype(np.float64)


def _by_number(domain: Listed, end: str) -> list[Floats]:
    """How far each value is from the one that never wins, where that is a whole number that is not too large."""
    numbers = domain.numbers
    if not domain.all_numbers or not np.isfinite(numbers).all() or (numbers % 1).any() or np.ptp(numbers) > MOST:
        return []
    return [numbers - numbers.min() if end == "max" else numbers.max() - numbers]
