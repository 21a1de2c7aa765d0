"""What a head that adds writes, from its weights: how far the sum over the selected keys is from what is written.

BOS scores r, selected keys 0, so that each has the probability p = e⁰/(e^r + d + …). What arrives is Σ p·v over the
keys and BOS, which is written with a factor f. Of a number x that is read as v, p·v·f is off x by some h(x); so a sum
is off by Σ h(x). That is at most a constant for each key and a part of Σ |x|, which is the sum itself where all numbers
have one sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raspc.blocks.spaces import Head, Matrix
from raspc.certify.proof import attention as A
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.examined import Examined
from raspc.certify.proof.grids import decided, over_grid
from raspc.certify.proof.meaning import Meaning
from raspc.certify.proof.mlp import UNBOUNDED
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Interval, Listed
from raspc.graph.selectors import most_keys
from raspc.numbers.precision import Precision


@dataclass(frozen=True, eq=False)
class Summed:
    """What is written: the error [values, 1], what it is at BOS [1], and how far off that is."""

    error: Matrix
    there: Floats
    off_there: Floats


def summed(
    plan: Examined, meaning: Meaning, node: N.Sum, head: Head, divisor: float, query: Reading, key: Reading,
    value: Reading, scores: A.Scores, sink: A.Sink, precision: Precision, space: str, code: Matrix,
) -> Summed:  # fmt: skip
    """What a head writes to a space, held against the sums that its code says."""
    matrix, bias, raised = head.write.maps[space], head.write.bias.get(space), head.log_sink
    known = _off_each(meaning, node, value, float(matrix[0, 0]), raised or 0.0) if matrix.shape == (1, 1) else None
    if known is None or raised is None or (bias is not None and bias.any()) or precision.narrow:
        return Summed(np.full(code.shape, UNBOUNDED), np.zeros(code.shape[1]), np.full(code.shape[1], UNBOUNDED))
    factor, n = abs(float(matrix[0, 0])), plan.graph.max_seq_len
    many = most_keys(plan.graph.nodes, node.selector, n)
    size = float(value.size[0] + value.error[0])
    rounding = (float(precision.roundings(n + 1.0)) + 4) * precision.sum_unit + precision.weight_error
    rate = known.rate + (1 + known.rate) * (_off_probability(head, scores, sink, n, precision) + rounding)
    there, off_there = abs(float(value.there[0])) * factor, float(value.there_error[0]) * factor
    alone = A.leak_at_bos(head, query, key, divisor, n, sink, plan.graph.causal) * (size + value.at_bos[0]) * factor
    leaked = _leaked(head, scores, divisor, n) * size * factor
    sizes, numbers = _sizes(node.domain, known, many)
    error = rate * sizes + many * known.constant + leaked + 2 * (there + off_there)
    error = error + np.abs(code[:, 0] - numbers)
    return Summed(error[:, None], value.there * factor, np.array([off_there + alone + rounding * there]))


def added_up(
    head: Head, scores: A.Scores, sink: A.Sink, divisor: float, value: Reading, weight: float, counts: Floats, n: int,
    code: Floats, precision: Precision,
) -> Floats:  # fmt: skip
    """[counts]: how far d equal numbers, added up, are from the code of each number d of selected keys.

    Every selected key holds what is read of all, which is written `weight` times; BOS should hold 0.
    """
    each, share = float(value.bias[0]) * weight, float(np.exp(-(head.log_sink or 0.0)))
    off, there = float(value.error[0]) * abs(weight), abs(float(value.there[0]) * weight)
    off_there = float(value.there_error[0]) * abs(weight)
    rounding = (precision.roundings(counts + 1.0) + 4) * precision.sum_unit + precision.weight_error
    probability = _off_probability(head, scores, sink, n, precision)
    rate = probability + (1 + probability) * rounding
    error = share * counts * (rate * abs(each) + (1 + rate) * off)
    leaked = _leaked(head, scores, divisor, n) * (abs(each) + off)
    return np.asarray(error + leaked + there + off_there + np.abs(each * share * counts - code))


def added_in_stretches(
    head: Head, scores: A.Scores, sink: A.Sink, divisor: float, value: Reading, write: Floats, counts: Floats, n: int,
    code: Floats, precision: Precision, apart: bool,
) -> Floats | None:  # fmt: skip
    """[counts]: the same where a key holds several numbers, by one variable, all of which are written to one direction.

    Of each number only the terms that are not 0 round: those of the keys at the positions where it is not, which are so
    many at most. `write` [numbers]; `apart`: no two keys have one value of the variable. None where it is not known
    what keys hold.
    """
    rows, off = value.rows(), value.row_errors()
    if rows is None or len(value.seen) != 1:
        return None
    each, size = rows @ write, (np.abs(rows) @ np.abs(write)).max()
    uneven, known = float(np.abs(each - each[0]).max()), (rows != 0) | (np.broadcast_to(off, rows.shape) > 0)
    most = float(known.sum(axis=0).max()) if apart else float(n)
    wrong = float((np.broadcast_to(off, rows.shape) @ np.abs(write)).max())
    there, off_there = float(np.abs(value.there) @ np.abs(write)), float(value.there_error @ np.abs(write))
    inside = (precision.roundings(np.minimum(counts, most) + 1.0) + 4) * precision.sum_unit + precision.weight_error
    together = (float(precision.roundings(float(len(write)))) + 4) * precision.sum_unit + precision.weight_error
    rounding = inside + together + inside * together
    probability, share = _off_probability(head, scores, sink, n, precision), float(np.exp(-(head.log_sink or 0.0)))
    rate = probability + (1 + probability) * rounding
    error = share * counts * (rate * size + (1 + rate) * wrong + uneven)
    leaked = _leaked(head, scores, divisor, n) * (size + wrong)
    return np.asarray(error + leaked + (1 + together) * (there + off_there) + np.abs(each[0] * share * counts - code))


@dataclass(frozen=True)
class _Each:
    """How far each number is off what is written of it: by `rate` of itself and `constant`; the ends of all numbers."""

    rate: float
    constant: float
    low: float
    high: float


def _off_each(meaning: Meaning, node: N.Sum, value: Reading, factor: float, raised: float) -> _Each | None:
    """The numbers that are read, held against those of the graph; None where it is not known what is read."""
    if value.width != 1:
        return None
    listed = isinstance(meaning.graph.variable(node.source).domain, Listed)
    read = decided(meaning, node.source, value)[0] if listed else value
    axes = tuple(read.seen)
    found = meaning.amounts(node.source, axes)
    if found is None:
        return None
    shape = meaning.sizes(axes)
    plain = np.broadcast_to(found.known & (found.special < 0), shape)
    seen = list(read.seen.values())
    values = (over_grid([one.values for one in seen], shape, 1) + read.bias)[..., 0][plain]
    errors = over_grid([one.error for one in seen], shape, 1)[..., 0][plain]
    errors = errors + (read.rounding if read.rounded_rows is None else read.rounded_rows[plain][:, 0])
    numbers, share = np.broadcast_to(found.numbers, shape)[plain], factor * float(np.exp(-raised))
    off = np.abs(values * share - numbers) + errors * share
    if not len(numbers):
        return None
    low, high = float(numbers.min()), float(numbers.max())
    if not listed:
        return _Each(0.0, float(off.max()), low, high)
    some = numbers != 0
    rate = float((off[some] / np.abs(numbers[some])).max(initial=0.0))
    return _Each(rate, float(off[~some].max(initial=0.0)), low, high)


def _sizes(domain: N.Domain, known: _Each, many: int) -> tuple[Floats, Floats]:
    """[values]: how large the numbers that make each sum can be in all; and the sums."""
    sums = np.array([domain.lo, domain.hi]) if isinstance(domain, Interval) else domain.numbers
    if known.low >= 0 or known.high <= 0:
        return np.abs(sums), sums
    return np.full(len(sums), many * max(-known.low, known.high)), sums


def _off_probability(head: Head, scores: A.Scores, sink: A.Sink, n: int, precision: Precision) -> float:
    """By how much of itself the probability of a selected key is off e^(−r).

    The powers beside that of BOS, which is e⁰ = 1, are too small to change it, one by one or together, where all of
    them are less than half of its last digit.
    """
    beside = n * (1 + scores.spread) * float(np.exp(-(head.log_sink or 0.0))) + scores.leak
    summed = 0.0 if beside < 0.9 * precision.sum_unit else float(precision.roundings(n + 1.0)) * precision.sum_unit
    return scores.spread + sink.raised + beside + summed + (A.EXP_ULPS + 2) * precision.sum_unit


def _leaked(head: Head, scores: A.Scores, divisor: float, n: int) -> float:
    """The attention of all keys that are not selected."""
    beta = float(head.scale(divisor) / divisor)
    below = beta * (min(scores.gap, 1.0) - 2 * scores.tie) + (head.log_sink or 0.0)
    return 0.0 if below > A.UNDERFLOW else n * float(np.exp(-below))
