"""How a head ranks the keys that compete, from its weights: what a rank adds to a score, and what lies between two.

Scores round. Where every penalty of a selected key is 0 to the last digit, its score is its rank alone, one number
times another; and a format that holds ranks as they are stores such a score without loss. So the ranks of a narrow
format are told apart as far as it has numbers, though it rounds larger scores by more than a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.grids import Rows
from raspc.certify.proof.meaning import Meaning
from raspc.certify.proof.selecting import Noise, score_errors, side_of
from raspc.graph.nodes import Best, Floats
from raspc.graph.scores import ranks
from raspc.numbers.precision import Precision


@dataclass(frozen=True)
class Ranked:
    """What the ranks of keys add to their scores: at least `low`, where selected, and at most `top`.

    `tie`: how far apart keys of one rank can be; `step`: the least that a rank adds beyond those below it. `reach`: how
    far from 0 it is at most, selected or not.
    """

    low: float
    top: float
    tie: float
    step: float
    at: Mapping[int, int] = field(default_factory=dict)
    reach: float = np.inf


UNRANKED = Ranked(0.0, 0.0, 0.0, -np.inf)
"""Where it cannot be said how keys are ranked."""


@dataclass(frozen=True)
class Stored:
    """How scores are stored: a product is multiplied by `scale`, stored, divided by `divisor`, and stored again."""

    precision: Precision
    scale: float
    divisor: float

    def of(self, products: Floats) -> Floats:
        """What is stored of products of two numbers of the format, in steps of a penalty."""
        factor = float(self.precision.round(np.array(1 / self.divisor)))
        first = self.precision.round(self.precision.round(products * self.scale, self.precision.sum_bits))
        return self.precision.round(first * factor) * (self.divisor / self.scale)


def ranked(
    meaning: Meaning, best: Best, query: Reading, key: Reading, cut: slice, noise: Noise, stored: Stored | None
) -> Ranked:
    """How the score directions `cut` rank keys, if by the weights all queries read the same there.

    `stored`: how scores are, where selected keys score by their ranks alone.
    """
    keys, asked = side_of(meaning, best.score, key, cut, causes=False), query.columns(cut)
    noise = noise.beside(float((query.size * key.size)[cut].sum()))
    if keys is None or asked.seen:
        return UNRANKED
    asker = Rows(asked.bias[None], asked.error[None], np.zeros(1, np.int32))
    score = (keys.values @ asker.values.T)[:, 0]
    error = np.asarray(score_errors(keys, asker, score[:, None], noise)) + np.zeros((len(score), 1))
    low, high = score - error[:, 0], score + error[:, 0]
    top, reach = float(high.max(initial=0.0)), float(np.maximum(np.abs(low), np.abs(high)).max(initial=0.0))
    if stored is not None and score_is_known(keys, asker):
        low, high = (stored.of(score) + end * np.where(score == 0, error[:, 0], 0.0) for end in (-1, 1))
    if not np.isfinite([low, high]).all():
        return UNRANKED
    order = ranks(meaning.graph.variable(best.score).listed, best.end)[keys.number]
    held = np.unique(order[order >= 0])
    if not len(held):
        return UNRANKED
    least = np.array([low[order == rank].min() for rank in held])
    most = np.array([high[order == rank].max() for rank in held])
    steps = least[1:] - most[:-1]
    where = int(steps.argmin()) if len(steps) else 0
    at = {best.score: int(keys.number[order == held[where]][0])}
    tie = float((most - least).max())
    return Ranked(float(least.min()), max(top, float(most.max())), tie, float(steps.min(initial=np.inf)), at, reach)


def score_is_known(keys: Rows, asker: Rows) -> bool:
    """Whether the rank of a key is one product of numbers that are read without error, or of what should be 0."""
    return keys.values.shape[1] == 1 and not keys.error[keys.values != 0].any() and not asker.error.any()
