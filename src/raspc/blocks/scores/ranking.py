"""How a head picks the best of the keys that compete: their score is added to the penalties of its selector.

A key scores `weight` times its penalty, plus the rank of its score among all scores. Ranks are whole numbers from 0 to
`top`, and `weight` is `top` + 2: so a selected key scores at least 0, one that is not selected at most −2, and BOS,
which stands for an empty selection, scores −1.

All of it is exact in float32 while the terms of a score add up to less than 2²⁴. Beyond that only penalties will do
whose terms are 0, each of them, where a key is selected (`Factors.is_definite`): then what is rounded has lost anyway.

A narrow format stores scores, so that ranks are to be numbers of it. Whole numbers that need too many digits are
stretched: bfloat16 has 0 … 256, then every second number up to 512, every fourth up to 1,024, and so on. What is no
rank may round, and does not pass one by rounding: a score of −2 or less stays below that of BOS.

Where the target turns queries and keys by their positions (RoPE), a slow rotation ranks positions instead
(`raspc.target.rotation`): what it adds rises with the position too, but not by whole steps, and within a range of
±2N. So penalties outweigh that, BOS lies in the middle, and only penalties will do whose terms are all 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.spaces import Matrix
from raspc.errors import UnsupportedProgram
from raspc.graph.nodes import Best, Floats, Listed
from raspc.graph.scores import ranks
from raspc.numbers.precision import Precision
from raspc.target.rotation import RANGE, is_turned

MOST = 1 << 16
"""Scores that are whole numbers stand for their ranks where they spread no further than this."""
LEAST_SCALE = 32.0
"""What a step of a rank takes from a score, at least: e^(−32) is 0 in a format with few exponents."""
SINK = -1.0
"""What BOS scores, in steps of the rank, where a rank is a whole number."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """By what keys are ranked: the variable `score`; `keys` [values, 1]: the rank of each; and the highest, `top`.

    `turned`: 1 or −1 where a rotation of the target is to rank positions, so that the last wins, or the first.
    """

    score: int
    keys: Matrix
    top: float
    weight: float
    turned: int = 0

    @property
    def sink(self) -> float:
        """What BOS scores, in steps of the rank."""
        return -self.weight / 2 if self.turned else SINK


def ranking_of(ready: Readiness, best: Best) -> Ranking:
    """The ranks of the keys: the scores themselves where these can be read and the ranks cannot.

    Raises UnsupportedProgram where the format has no number that outweighs all of them.
    """
    domain, precision = ready.graph.variable(best.score).listed, ready.precision
    if is_turned(ready.graph, best.score, ready.options):
        (column, *_), n = _by_number(domain, best.end), len(domain)
        weight = 2.0 ** np.ceil(np.log2(2 * RANGE * (n + 1)))
        return Ranking(best.score, column[:, None], n - 1.0, float(weight), 1 if best.end == "max" else -1)
    found = [_ranked(domain, best.end), *_by_number(domain, best.end)]
    if precision.narrow:
        found = [column for column in found if precision.holds(column)] or [stretched(found[0], precision)]
    column = min(found, key=lambda ranked: not ready.is_ready(best.score, ranked))
    top = float(column.max())
    weight = 2.0 ** np.ceil(np.log2(top + 2)) if precision.narrow else top + 2
    if LEAST_SCALE * weight > precision.largest:
        raise UnsupportedProgram.at(
            ready.graph.labels[best.score],
            f"a pick among {len(domain):,} scores, more than {precision.name} ranks", "at most 1,023 scores",
            "pick by fewer scores, such as x // 10, or compile for bfloat16 or float32",
        )  # fmt: skip
    return Ranking(best.score, column[:, None], top, float(weight))


def stretched(places: Floats, precision: Precision) -> Floats:
    """For each place from 0 on a number of the format, each at least 1 above those before it."""
    plain, half = 2.0**precision.bits, 2.0 ** (precision.bits - 1)
    beyond = np.maximum(places - plain, 0.0)
    binade = np.floor(beyond / half)
    return np.where(places < plain, places, 2.0**binade * (plain + 2 * (beyond - half * binade)))


def _ranked(domain: Listed, end: str) -> Floats:
    """The rank of each value; 0 of one that is no number, which no selected key holds."""
    return np.maximum(ranks(domain, end), 0).astype(np.float64)


def _by_number(domain: Listed, end: str) -> list[Floats]:
    """How far each value is from the one that never wins, where that is a whole number that is not too large."""
    numbers = domain.numbers
    if not domain.all_numbers or not np.isfinite(numbers).all() or (numbers % 1).any() or np.ptp(numbers) > MOST:
        return []
    return [numbers - numbers.min() if end == "max" else numbers.max() - numbers]
