"""Bounds for heads: how far apart the scores of equals can be, what leaks, and what arrives at the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raspc.blocks.spaces import Head, Matrix
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.ranking import Ranked
from raspc.certify.proof.rounding import ANY, fits, grain_of
from raspc.certify.proof.selecting import Apart, Noise
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision
from raspc.numbers.shares import Share, keeps

EXP_ULPS = 4.0
"""How far off, in units of roundoff, an implementation of exp may be."""
UNDERFLOW = 104.0
"""e to minus this is 0 in float32."""
SMALL_UNDERFLOW = 18.0
"""The same in float16."""
COPIES = 1 << 22
"""The most numbers that are rounded to see what copies of them leave."""


@dataclass(frozen=True)
class Sink:
    """How far the score of BOS can be off: in steps of a penalty, or as a score where it is raised.

    `part`: the part of itself that a product is off by which BOS makes.
    """

    steps: float
    raised: float
    part: float = 0.0


@dataclass(frozen=True)
class Scores:
    """Of a head: errors among equals and after the softmax, and the separation, in steps of a penalty.

    `gap`: from selected to not selected; `default`: from selected to BOS, where it stands for an empty selection;
    `step`: from one rank to the next, and `step_at` where it is least, if keys are ranked. `reach`: the most that all
    terms of a score add up to, whatever their signs.
    """

    tie: float
    gap: float
    leak: float
    spread: float
    needed: float
    present: float
    default: float | None = None
    at: Mapping[int, int] = field(default_factory=dict)
    step: float | None = None
    step_at: Mapping[int, int] = field(default_factory=dict)
    reach: float = np.inf

    @property
    def uneven(self) -> float:
        """t, where the weights of equals are between e^−t and e^t times what they should be.

        A mean of numbers between a and b is then off by (b − a)·tanh(t/2) at most: where a part p of the weight is on b
        and the rest on a, it is off by (b − a)·(p·e^t / (p·e^t + (1 − p)·e^−t) − p), of which that is the maximum.
        """
        return float(np.log1p(self.spread) / 2)


def score_bounds(
    head: Head,
    query: Reading,
    key: Reading,
    conjuncts: Sequence[Apart],
    sink: Sink,
    divisor: float,
    n: int,
    precision: Precision,
    may_be_empty: bool = False,
    ranked: Ranked | None = None,
) -> Scores:
    """The errors of a head's scores for n keys, by those of its conjuncts; `head`: as the weights say it is.

    `divisor`: what products of queries and keys are divided by.
    `may_be_empty`: BOS stands for an empty selection, so that it must score less than what is selected, and more than
    what is not. Else it must score less than the best of each query, unless it counts too (`log_sink`).

    A selected key is off by no more than the ties of all conjuncts together: margins are what is left of a distance
    when all but that is taken away, and `needed` is that, what BOS is off by, and what it takes to be silent.
    `ranked`: what is added to the scores of keys. One that is not selected may have the highest rank.
    """
    beta = float(head.scale(divisor) / divisor) * (1 - 2 * precision.unit)
    tie = sum(a.tie for a in conjuncts)
    at_bos = float((query.size * key.at_bos).sum() + (query.at_bos * key.size).sum())
    worst = min(conjuncts, key=lambda a: a.gap + a.tie, default=Apart(0.0, 1.0 if ranked is None else np.inf))
    raised = (head.log_sink or 0.0) + sink.raised
    low, top, apart = (0.0, 0.0, 0.0) if ranked is None else (ranked.low, ranked.top, ranked.tie)
    below = sum(a.floor for a in conjuncts) + low - head.sink
    # What is not selected is so by one conjunct, whose gap holds its error; by the others it may be, and err as such.
    outdone = worst.gap + worst.tie - tie - top
    default = min(low - head.sink, outdone + tie + head.sink) - sink.steps if may_be_empty else None
    gap = outdone + low
    margin = gap - sink.steps if default is None else min(default, gap)
    step, step_at = (None, {}) if ranked is None else (ranked.step - tie, ranked.at)
    margin = margin if step is None else min(margin, step)
    if default is None and head.log_sink is None:
        margin = min(margin, below - sink.steps)
    silent = SMALL_UNDERFLOW if precision.highest < 100 and precision.rounded_probabilities else UNDERFLOW
    quiet = np.log((n + 1) / min(precision.sum_unit, 2.0**-24)) + raised
    silence = beta * (margin - tie - at_bos) - raised
    leak = 0.0 if silence > silent and precision.sum_bits <= 24 else float((n + 1) * np.exp(-max(0.0, silence)))
    uneven = sum(a.uneven for a in conjuncts)
    spread = float(np.expm1(min(50.0, 2 * beta * (uneven + (at_bos + apart) / 2))))
    needed = tie + at_bos + float(quiet) / beta
    reach = sum(a.reach for a in conjuncts) + (0.0 if ranked is None else ranked.reach) + abs(head.sink) + at_bos
    reach = min(reach, float((query.size * key.size).sum()))
    return Scores(tie, gap, leak, spread, needed, margin, default, worst.at, step, step_at, reach)


def score_noise(
    head: Head, query: Reading, key: Reading, precision: Precision, competing: bool, averaged: bool = False,
    has_dust: bool = False,
) -> Noise:  # fmt: skip
    """What the scores of a head err by. `has_dust`: what is read may be no multiple of its grain, where it is off."""
    grain = float((query.grain * key.grain).min(initial=np.inf))
    whole = grain * 2.0**precision.sum_bits - float((query.size * key.size).sum())
    if has_dust and (query.error.any() or key.error.any()):
        whole = -np.inf
    rounding = 0.0 if grain > 0 and whole >= 0 else precision.sum_unit * (head.query.width + 2)
    narrow = 2 * precision.unit if precision.bits < precision.sum_bits else 0.0
    common = query.common + key.common + query.common * key.common
    return Noise(rounding, narrow, competing, whole, averaged, common)


def leak_at_bos(head: Head, query: Reading, key: Reading, divisor: float, n: int, sink: Sink, causal: bool) -> float:
    """The attention that BOS, as a query, gives to others: none where it sees none, else by `head.own` steps less."""
    if causal:
        return 0.0
    beta = float(head.scale(divisor) / divisor)
    silence = beta * (head.own + min(head.sink, 0.0) - float((query.at_bos * (key.size + key.at_bos)).sum()))
    silence += min(head.log_sink or 0.0, 0.0) - beta * (sink.steps + max(2.0, head.own) * sink.part) - sink.raised
    return 0.0 if silence > UNDERFLOW else float(n * np.exp(-max(0.0, silence)))


@dataclass(frozen=True, eq=False)
class Arrived:
    """What a head leaves at the query, for each row of what it moves: errors and grain."""

    error: Matrix
    grain: Floats


def picked(scores: Scores, value: Reading, default: Floats, precision: Precision) -> Arrived:
    """One key gets all the attention: its number arrives as it is but for what leaks."""
    spread, loose = np.maximum(value.size, np.abs(default)) + value.error, slip(scores, precision)
    error = value.row_errors() + (scores.leak + loose) * spread
    return Arrived(error, np.where(loose == 0.0, value.grain, 0.0))


def slip(scores: Scores, precision: Precision) -> float:
    """By how much of itself the number of one key is off when it arrives, but for what leaks."""
    quiet = scores.leak == 0.0 and precision.sum_bits <= 24
    return 0.0 if quiet else 4 * precision.sum_unit


def averaged(
    scores: Scores, value: Reading, default: Floats, n: int, precision: Precision, copies: bool, rowwise: bool
) -> Arrived:
    """The mean over selected keys; `copies`: all of them hold the same, so that it matters little how it is shared.

    `rowwise`: errors are told value by value.
    """
    if copies and precision.narrow and (known := _copied(scores, value, n, precision, rowwise)) is not None:
        return known
    spread = np.maximum(value.size, np.abs(default)) + value.error
    loose = scores.leak + looseness(n, precision)
    rows = value.row_errors() if rowwise else value.error[None, :]
    unequal = 0.0 if copies else range_of(value) * np.tanh(scores.uneven / 2)
    return Arrived(rows + loose * spread + unequal, np.zeros_like(spread))


def looseness(n: int, precision: Precision) -> float:
    """By how much of the size of all that is averaged a mean may be off, but for what leaks and for unequal shares."""
    loose = softmax_error(n, precision) + precision.probability_unit
    return loose + 2 * precision.factor_unit + (2 * precision.unit if precision.narrow else 0.0)


def range_of(value: Reading) -> Floats:
    """How far apart two numbers of one read can be."""
    found = 2 * value.rounding
    for one in value.seen.values():
        found = found + (one.values + one.error).max(axis=0) - (one.values - one.error).min(axis=0)
    return np.asarray(found)


def _copied(scores: Scores, value: Reading, n: int, precision: Precision, rowwise: bool) -> Arrived | None:
    """What is stored of the mean of 1 … n equal numbers: that number again, wherever rounding is sure to give it.

    The probability of each of c keys is 1/c, stored or not; rounding is monotone, so that both ends of its error show
    all that can come. None where what is read errs itself, or would be too much to go through.
    """
    rows, dust = value.rows(), value.row_errors()
    if rows is None or (dust * (rows != 0)).any() or scores.leak or precision.sum_bits < 24 or n * rows.size > COPIES:
        return None
    counts, off = np.arange(1.0, n + 1), np.zeros_like(rows)
    for end in (-1.0, 1.0):
        loose = 1 + end * (scores.spread + softmax_error(n, precision))
        each = precision.round(loose / counts) if precision.rounded_probabilities else loose / counts
        stored = precision.round(rows[None] * (counts * each * loose)[:, None, None])
        off = np.maximum(off, np.abs(stored - rows).max(axis=0))
    off = off + 1.02 * dust  # of what should be 0, of which nothing but its dust arrives
    error = off if rowwise else off.max(axis=0, keepdims=True)
    return Arrived(error, np.where(off.any(axis=0), 0.0, value.grain))


def softmax_error(n: int, precision: Precision) -> float:
    """The relative error of a mean of n numbers under equal scores: a sum of powers, a quotient, a sum of products."""
    return (float(precision.roundings(n + 1.0)) + 5) * precision.sum_unit


def counted(
    head: Head, scores: Scores, planned: Share, counts: Floats, n: int, value: Reading, sink: Sink, precision: Precision
) -> Arrived:
    """The share of attention of BOS, or of tokens, for each number of selected keys, held against the planned code.

    Where BOS scores as a selected key does, all powers are e⁰ = 1 and their sum is an integer: no rounding but that of
    the quotient. Else the sum is worst where the power of BOS comes first: each key that is added rounds all before it.
    `planned.at_key` or `at_bos`, the one that is not 0, multiplies the share.
    In a narrow format a share that is surely on one side of where rounding turns is stored as one known number.
    """
    small, amount = (0.0, 1.0) if precision.narrow else sorted((abs(planned.at_key), abs(planned.at_bos)))
    amount = amount or 1.0  # of a plan that gives no value to anything
    other = 2.0 if min(planned.at_key, planned.at_bos) < 0 else small / amount  # then what is left is no such share
    raised, code = head.log_sink or 0.0, planned.code / amount
    many = float(np.exp(raised))
    share = (counts if planned.counts_keys else many) / (many + counts)
    error = (
        precision.sum_unit * share + scores.leak + other
        + value.error.max(initial=0.0) / max(planned.at_key, planned.at_bos, 1e-300)
    )  # fmt: skip
    if raised != 0.0 or sink.raised != 0.0 or scores.spread != 0.0:
        steps = np.minimum(counts * (many + counts / 2) / (many + counts), precision.roundings(n + 1.0))
        ratio = scores.spread + 2 * EXP_ULPS * precision.sum_unit + sink.raised
        summed = ((2.0 if planned.counts_keys else 1.0) * steps + 2) * precision.sum_unit
        error = error + share * (1 - share) * ratio + share * summed
    if not precision.narrow:
        error = error + (precision.probability_unit + precision.factor_unit) * share + np.abs(share - code)
    elif planned.counts_keys:
        error = _each_stored(share, error, counts, many, planned, precision)
    else:
        error = _as_stored(share, error, code, precision)
    return Arrived(amount * error[:, None], amount * np.array([_grain(code, error, scores.leak, precision)]))


def _each_stored(
    share: Floats, error: Floats, counts: Floats, many: float, planned: Share, precision: Precision
) -> Floats:
    """How far the shares of many keys, added up, can be from the code: that of each is rounded, and then their sum."""
    margin = float((error[counts > 0] / share[counts > 0]).max(initial=0.0))
    nothing = precision.round(planned.at_key * error)
    if keeps(many, planned.at_key, counts, planned.code, margin, precision):
        return np.where(counts > 0, 0.0, nothing)
    least = planned.at_key * 2.0 ** (precision.lowest - precision.bits)
    rounded = planned.at_key * (error + 3 * precision.unit * (share + error)) + (counts + 2) * least
    return np.asarray(rounded + np.abs(planned.at_key * share - planned.code))


def subtracted(share: Arrived, added: float, counts: Floats, leak: float, precision: Precision) -> Arrived:
    """What is added, 1, less the share of BOS, which is the share of tokens.

    Shares from one half on are multiples of one small power of two; so is what they leave of 1, without rounding.
    Where no key is selected, and all others together are too small to change a sum, BOS has a share of e/e = 1.
    """
    alone = (counts == 0) & (leak < precision.sum_unit / 4) & (precision.weight_error == 0)
    error = np.where(alone[:, None], 0.0, share.error)
    off = precision.weight_error * abs(added)
    grain = np.where(off > 0, 0.0, share.grain)
    exact = fits(grain, np.abs(np.array([added])), min(precision.bits, precision.sum_bits))
    rounding = np.where(exact, 0.0, 2 * precision.sum_unit + precision.unit)
    return Arrived(error + off + rounding, np.where(exact, grain, 0.0))


def _as_stored(share: Floats, error: Floats, code: Floats, precision: Precision) -> Floats:
    """How far what is stored can be from the code: not at all where rounding is sure to give it."""
    step = 2.0 ** (np.floor(np.log2(np.maximum(share, 2.0**-precision.bits))) + 1 - precision.bits)
    stored = precision.round(share)
    sure = np.abs(share - stored) + error < step / 2
    return np.abs(stored - code) + np.where(sure, 0.0, step + error)


def _grain(code: Floats, error: Floats, leak: float, precision: Precision) -> float:
    """The grain of the code where it is what is stored, else that of the least number that may be; 0 for none."""
    if not error.any():
        return float(grain_of(code).min())
    if (code == 0).any() and leak > 0.0:
        return 0.0
    return grain_floor(code[code > 0].min(initial=1.0) - error.max(initial=0.0), precision)


def sink_error(head: Head, divisor: float, precision: Precision, part: float = 0.0) -> Sink:
    """How far off the score of BOS is, by the weights, once it is stored, divided and stored again.

    `part`: the part of itself that a product of two numbers of the stream is off by.
    """
    loose = part + (16 * precision.sum_unit if part else 0.0)
    if head.log_sink is None:
        scale = head.scale(divisor)
        stored = float(precision.round(np.array([head.sink * scale]))[0]) / scale
        return Sink(abs(stored - head.sink) + (precision.weight_error + loose) * abs(stored), 0.0, loose)
    stored, factor = precision.round(np.array([head.log_sink * divisor, 1 / divisor]))
    score = float(stored * factor)
    exact = float(factor) * divisor == 1.0 and np.log2(divisor) % 1 == 0
    rounding = 0.0 if exact else 2 * precision.unit * abs(score)
    off = abs(score - head.log_sink) + rounding + (precision.weight_error + loose) * abs(score)
    return Sink(0.0, off, loose)


def grain_floor(least: float, precision: Precision) -> float:
    """The grain of stored numbers that are at least so large, or 0."""
    return float(2.0 ** (np.floor(np.log2(least)) + 1 - precision.bits)) if least > 0 else 0.0


def written_grain(grain: Floats, matrix: Matrix) -> Floats:
    """The grain of numbers that are moved by a matrix: 0 where one is a sum of several."""
    used = matrix != 0
    product = np.where(used, grain[:, None] * grain_of(np.where(used, matrix, 1.0)), ANY).min(axis=0, initial=ANY)
    return np.where(used.sum(axis=0) > 1, 0.0, product)
