"""Counting by shares of attention: how BOS scores in the head of a width, and what the share of each count is.

A head selects d keys, each with the score 0; BOS scores ln M, so that it gets M/(M + d) of the attention.

- M = N: the shares of 0 … N lie 1/(4N) apart or more.
- M = 8aN²: shares d/(M + d) of tokens are nearly proportional to d, so that sums of them can be decoded.
- M = 1: all powers are e⁰ = 1 and their sum is an integer, exact in any order of summation; for long inputs.
- `on_lattice`, for narrow formats: M is chosen so that the shares, as they are stored, are multiples of one step and
  all different.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from raspc.blocks.precision import Precision
from raspc.graph.nodes import Floats

ALONE = 1024
"""From this length on BOS scores as a selected key does."""
SPREAD = 24.0
"""How far off, in units of the accumulator's roundoff, the powers and the quotient of a softmax may be."""
TRIES = 64


@dataclass(frozen=True, eq=False)
class Share:
    """`raised`: M. `counts_keys`: the share of tokens is taken, not that of BOS. `code`: the share of each count.

    `noise`: how far off the share of each count can be.
    """

    raised: float
    counts_keys: bool
    code: Floats
    noise: Floats


def share_of(counts: Floats, n: int, added: int, precision: Precision) -> Share | None:
    """How to count up to n keys; `added`: how many widths are added up before they are decoded, 0 for none.

    None where no score of BOS lets this precision tell all counts apart.
    """
    if precision.narrow:
        return on_lattice(counts, n, precision)
    unit = precision.sum_unit * (float(precision.roundings(float(n))) + 8)
    if added:
        raised = 8.0 * n * n * added
        code = counts / (raised + counts)
        return Share(raised, True, code, np.full(len(counts), unit * float(code.max(initial=0.0)) / 2))
    if n <= ALONE:
        return Share(float(n), False, n / (n + counts), np.full(len(counts), unit / 4))
    return Share(1.0, False, 1 / (1 + counts), 4 * precision.sum_unit / (1 + counts))


def on_lattice(counts: Floats, n: int, precision: Precision) -> Share | None:
    """The score of BOS, a number of the format, that tells counts apart best.

    What is stored is a multiple of the least step in [½, 1). Where a share is surely on one side of where rounding
    turns, the number that is stored is known; elsewhere it is one of two neighbours.
    """
    best: tuple[tuple[float, float], Share] | None = None
    step = 2.0**-precision.bits
    tiny = precision.sum_unit * (SPREAD + 2 * float(precision.roundings(float(n))))
    for score in _scores(n, precision):
        raised = float(np.exp(score))
        share = raised / (raised + counts)
        stored = precision.round(share)
        room = step / 2 - np.abs(share - stored) - tiny
        noise = np.where(room > 0, 0.0, step)
        clear = float((np.abs(np.diff(stored)) - noise[1:] - noise[:-1]).min(initial=1.0))
        quality = (clear, float(room.min()))
        if clear >= step and float((stored - noise).min()) >= 0.5 and (best is None or quality > best[0]):
            best = quality, Share(raised, False, stored, noise)
    return best[1] if best is not None else None


def _scores(n: int, precision: Precision) -> Floats:
    """Numbers of the format from ln n upwards, so that shares are at least one half and in one binade."""
    low = np.log(max(n, 1)) + 1e-3
    return np.unique(precision.round(low + np.linspace(0.0, 1.5, TRIES)))


def counts_to(precision: Precision, most: int = 1 << 20) -> int:
    """The greatest number of keys, up to `most`, that one head counts so that shares lie four times their error apart.

    What is stored for so many counts, and how their steps round, is another matter: see the certificate.
    """

    def apart(n: int) -> bool:
        found = share_of(np.arange(n + 1.0), n, 0, precision)
        if found is None or precision.narrow:
            return found is not None
        return bool((np.abs(np.diff(found.code)) >= 4 * np.maximum(found.noise[1:], found.noise[:-1])).all())

    low, high = 0, 1
    while high <= most and apart(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if apart(middle) else (low, middle)
    return min(low, most)


@lru_cache(maxsize=16)
def counted_by_one_head(precision: Precision) -> int:
    """`counts_to` of a narrow format, remembered."""
    return counts_to(precision, 1 << 10)
