"""Counting by shares of attention: how BOS scores in the head of a width, and what the share of each count is.

A head selects d keys, each with the score 0; BOS scores ln M, so that it gets M/(M + d) of the attention.

- M = N + 1: the shares of 0 … N lie 1/(4N) apart or more, and above one half, where floats are evenly spaced.
- M = 8aN²: shares d/(M + d) of tokens are nearly proportional to d, so that sums of them can be decoded.
- M = 8aN², or 8N where no widths are added, and shares of tokens that are what the share of BOS leaves of 1, hence
  small multiples of its last digit: where a sum with them is not to round at all.
- M = 1: all powers are e⁰ = 1 and their sum is an integer, exact in any order of summation; for long inputs.
- `as_number`: M = 2²⁶·N or more, a power of two, and the value of every key is M too: d keys leave d itself, but for
  what a sum of d equal numbers rounds (`raspc.numbers.raised`); for readers that want the number and bear that.
- `as_integers`, for narrow formats: M is so large and so near to a power of two 2^k that the probability of a key is
  stored as 2^−k however many are selected; d of them, times a value of 2^k, are the integer d.
- `on_lattice`, for narrow formats where no M is so near: the shares, as they are stored, are multiples of one step and
  all different.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import ceil, log, log2
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc.numbers.precision import Precision
from raspc.numbers.raised import SHARE, Raised, looseness

Floats: TypeAlias = NDArray[np.float64]

RAISING = 8.0
"""How many times N² BOS weighs where shares are added: they are proportional to counts then, to an eighth of one."""
ROOMY = 1.0
"""The same where counts are to have room: noise in the weights moves a share by the more counts the larger M is."""
ALONE = 1024
"""From this length on BOS scores as a selected key does."""
SPREAD = 24.0
"""How far off, in units of the accumulator's roundoff, the powers and the quotient of a softmax may be."""
TRIES = 64
HIGHEST_SCORE = 32.0
"""BOS scores no more than this where keys are counted as integers: e³² < 2⁴⁷."""
NEAR = 0.02
"""How far, in powers of two, M may be from one."""
LEAST_STEP = 2.0**-8
"""One key leaves at least so much, so that weights that make integers of counts are no large numbers."""
MARGINS = 2.0 ** -np.arange(10, 20)
"""How far off, relatively, a probability may be: the largest of these for which some score of BOS does is taken."""
SURE = 128.0
"""How many times the error of the share of BOS two shares of tokens must lie apart to be taken from it."""


@dataclass(frozen=True, eq=False)
class Share:
    """`raised`: M. `at_key`, `at_bos`: the values that are averaged. `code`: the mean of them, for each count.

    `added`: what is added to it. `noise`: how far off the code of each count can be. `stretches`: in how many stretches
    of positions keys are counted apart, if they are; all these numbers are added in the end.
    """

    raised: float
    at_key: float
    at_bos: float
    code: Floats
    noise: Floats
    added: float = 0.0
    stretches: int | None = field(default=None, metadata={"where_given": True})

    @property
    def counts_keys(self) -> bool:
        """Whether the share of tokens is taken, d of M + d, and not that of BOS."""
        return self.at_key != 0.0 or self.added != 0.0

    @property
    def form(self) -> str:
        """In words for people."""
        if self.is_number:
            apart = "" if self.stretches is None else f" of {self.stretches} stretches"
            return f"a number{apart}, BOS ln {self.raised:.6g}"
        share = "d/(M + d)" if self.counts_keys else "M/(M + d)"
        scaled = f"{self.at_key:.6g} times " if self.at_key not in (0.0, 1.0) else ""
        return f"{scaled}{share}, M = {self.raised:.6g}"

    @property
    def is_number(self) -> bool:
        """Whether the count itself is left, more or less."""
        return self.at_key > 1.0 and self.at_key == self.raised and bool(self.noise.any())

    @property
    def roomy(self) -> Share:
        """The same share times a power of two, so that neighbouring counts lie 1 apart, or up to 2.

        It is for weights that carry noise: what they add to the stream does not grow with it. A share that leaves a
        number, or is taken from what BOS leaves of 1, has no factor to choose. That of BOS is much larger for the least
        counts than it differs between the most: it gets a factor of about N, as noise in what it is written with
        reaches all other directions too.
        """
        gap = float(np.abs(np.diff(self.code)).min(initial=1.0))
        if self.is_number or self.added or gap <= 0:
            return self
        factor = 2.0 ** ceil(-log2(gap) if self.counts_keys else log2(max(len(self.code), 1)))
        return replace(
            self, at_key=factor * self.at_key, at_bos=factor * self.at_bos, code=factor * self.code,
            noise=factor * self.noise,
        )  # fmt: skip


def share_of(
    counts: Floats, n: int, added: int, precision: Precision, lattice: bool = False, roomy: bool = False
) -> Share | None:
    """How to count up to n keys; `added`: how many widths are added up before they are decoded, 0 for none.
    `lattice`: a sum with the share is not to round, if counts lie far enough apart for that. `roomy`: noise in the
    weights is to move it by few counts, which it does by about M + d, times what BOS is off by.

    None where no score of BOS lets this precision tell all counts apart.
    """
    if precision.narrow:
        return as_integers(counts, n, precision) or on_lattice(counts, n, precision)
    unit = precision.sum_unit * (float(precision.roundings(float(n))) + 8)
    if added or lattice:
        raised = (ROOMY if roomy else RAISING) * n * n * added if added else 8.0 * n
        code = counts / (raised + counts)
        if lattice and float(np.diff(code).min(initial=1.0)) > SURE * unit:
            return Share(raised, 0.0, -1.0, code, np.full(len(counts), unit / 4), added=1.0)
        if added:
            return Share(raised, 1.0, 0.0, code, np.full(len(counts), unit * float(code.max(initial=0.0)) / 2))
    if n <= ALONE and not roomy:
        raised = n + 1.0
        return Share(raised, 0.0, 1.0, raised / (raised + counts), np.full(len(counts), unit / 4))
    return Share(1.0, 0.0, 1.0, 1 / (1 + counts), 4 * precision.sum_unit / (1 + counts))


def as_number(counts: Floats, n: int, precision: Precision, stretches: int | None = None) -> Share | None:
    """How to count so that the number itself is left; None where probabilities, or factors of products, are rounded.

    `stretches`: keys are counted in so many stretches of positions apart, each of which rounds as a short input does.
    """
    if precision.narrow or precision.factor_unit:
        return None
    power = 2.0 ** ceil(log2(SHARE * n))
    raised = Raised(log(power), power, 1.0)
    rate = looseness(raised, n, precision, stretches or 1) + raised.score * precision.unit
    return Share(power, power, 0.0, counts, rate * counts, stretches=stretches)


def stretches_of(n: int, stretches: int) -> Floats:
    """[positions, stretches]: whether a position is one of a stretch; all are equally long, but for one."""
    return np.asarray(np.arange(n)[:, None] * stretches // n == np.arange(stretches), np.float64)


# -- narrow formats ----------------------------------------------------------------------------------


def as_integers(counts: Floats, n: int, precision: Precision) -> Share | None:
    """The score of BOS with which d keys leave d times a power of two; None where n is no number of the format."""
    found = _evenly(n, precision)
    if found is None:
        return None
    return Share(found.raised, found.at_key, 0.0, found.step * counts, np.zeros(len(counts)))


class Even(NamedTuple):
    """M, the value that is averaged, and what one key leaves."""

    raised: float
    at_key: float
    step: float


@lru_cache(maxsize=256)
def _evenly(n: int, precision: Precision) -> Even | None:
    """Of the scores with which probabilities may be off furthest before anything else is stored, the lowest."""
    least = precision.sum_unit * (SPREAD + 2 * float(precision.roundings(float(n))))
    counts = np.arange(n + 1.0)
    for margin in MARGINS[least <= MARGINS]:
        for score in _near_powers(n, precision):
            raised = float(np.exp(score))
            power = float(np.rint(np.log2(raised)))
            at_key = 2.0 ** min(power, precision.highest)
            step = at_key * 2.0**-power
            if step >= LEAST_STEP and keeps(raised, at_key, counts, step * counts, float(margin), precision):
                return Even(raised, at_key, step)
    return None


def keeps(
    raised: float, at_key: float, counts: Floats, code: Floats, margin: float, precision: Precision
) -> bool:  # fmt: skip
    """Whether so many keys leave their code exactly, as it is stored, for all errors up to the margin.

    `margin`: how far off the probability of a key is, relatively, before it is stored. What is rounded once is monotone
    in it, so that it is enough to look at both ends. Where probabilities are rounded, the accumulator must hold their
    multiples.
    """
    own = 1 / (raised + counts)
    each = float(precision.round(np.array(1 / raised)))
    few = counts.max(initial=0.0) * 2.0**precision.bits < 2.0**precision.sum_bits
    if not (few and precision.holds(code) and np.array_equal(code, counts * each * at_key)):
        return False
    for end in (1 - margin, 1 + margin):
        if precision.rounded_probabilities and (precision.round(own * end) != each).any():
            return False
        added = counts * at_key * (each if precision.rounded_probabilities else own)
        if not np.array_equal(precision.round(added * end), code):
            return False
    return True


def _near_powers(n: int, precision: Precision) -> Floats:
    """Numbers of the format from ln n upwards whose powers of e are nearly powers of two."""
    digits = 1 + np.arange(2.0 ** (precision.bits - 1)) * 2.0 ** (1 - precision.bits)
    scores = np.unique(2.0 ** np.arange(-4, 5)[:, None] * digits)
    scores = scores[(scores >= np.log(max(n, 1))) & (scores <= HIGHEST_SCORE)]
    powers = scores / np.log(2)
    found: Floats = scores[np.abs(powers - np.rint(powers)) < NEAR]
    return found


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
            best = quality, Share(raised, 0.0, 1.0, stored, noise)
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
