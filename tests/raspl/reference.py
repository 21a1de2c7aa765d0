"""RASP-L on arrays: what each primitive holds at position i, written down from its meaning, one position at a time.

Nothing of raspc is used. Each function but `select` is of arrays of whole numbers, all of one length n, and gives one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
equals, leq, lt, geq, gt = operator.eq, operator.le, operator.lt, operator.ge, operator.gt


def at_each(like: Any, value: Callable[[int], Any]) -> Ints:
    """The array of so many positions as `like` has, with the value at each."""
    return np.array([int(value(i)) for i in range(len(like))], np.int64)


def array(x: Any, like: Any) -> Ints:
    """A constant as an array."""
    return np.broadcast_to(np.asarray(x), len(like)).astype(np.int64)


def full(x: Ints, const: int) -> Ints:
    """The constant everywhere."""
    return at_each(x, lambda i: const)


def indices(x: Ints) -> Ints:
    """0 … n−1."""
    return np.arange(len(x))


def tok_map(x: Ints, func: Callable[[int], Any]) -> Ints:
    """A function at each position."""
    return at_each(x, lambda i: func(int(x[i])))


def seq_map(x: Ints, y: Ints, func: Callable[[int, int], Any]) -> Ints:
    """A function of two at each position."""
    return at_each(x, lambda i: func(int(x[i]), int(y[i])))


def select(k: Any, q: Any, pred: Callable[[int, int], Any], causal: bool = True) -> NDArray[np.bool_]:
    """[query, key]: the key is at or before the query, and the predicate holds."""
    like = k if np.ndim(k) else q
    k, q = array(k, like), array(q, like)
    n = len(like)
    return np.array([[j <= i and bool(pred(int(k[j]), int(q[i]))) for j in range(n)] for i in range(n)], bool)


def sel_width(a: NDArray[np.bool_]) -> Ints:
    """How many are selected."""
    return at_each(a, lambda i: np.count_nonzero(a[i]))


def _gathered(a: NDArray[np.bool_], v: Any, default: Any, of: Callable[[list[int]], Any]) -> Ints:
    v = array(v, a)
    chosen = [[int(x) for x, selected in zip(v, row, strict=True) if selected] for row in a]
    return at_each(a, lambda i: of(chosen[i]) if chosen[i] else default)


def aggr_mean(a: NDArray[np.bool_], v: Any, default: int = 0) -> Ints:
    """The quotient of whole numbers, cut towards zero."""
    return _gathered(a, v, default, lambda xs: abs(sum(xs)) // len(xs) * (1 if sum(xs) > 0 else -1))


def aggr_max(a: NDArray[np.bool_], v: Any, default: int = 0) -> Ints:
    """The greatest."""
    return _gathered(a, v, default, max)


def aggr_min(a: NDArray[np.bool_], v: Any, default: int = 0) -> Ints:
    """The least."""
    return _gathered(a, v, default, min)


def aggr(a: NDArray[np.bool_], v: Any, default: int = 0, reduction: str = "mean") -> Ints:
    """One of the three."""
    return {"mean": aggr_mean, "max": aggr_max, "min": aggr_min}[reduction](a, v, default)


def kqv(k: Any, q: Any, v: Any, pred: Any, default: int = 0, reduction: str = "mean") -> Ints:
    """The aggregate of a select."""
    return aggr(select(k, q, pred), v, default, reduction)


def shift_right(x: Ints, n: int, default: int = 0) -> Ints:
    """x[i−n]."""
    return at_each(x, lambda i: x[i - n] if 0 <= i - n <= i else default)


def cumsum(bool_array: Ints) -> Ints:
    """How many true ones so far."""
    return np.cumsum(np.asarray(bool_array) != 0)


def where(condition: Any, x_if: Any, y_else: Any) -> Ints:
    """The choice."""
    return np.where(condition, x_if, y_else)


def mask(x: Ints, bool_mask: Any, mask_val: int = 0) -> Ints:
    """x, or the constant."""
    return np.where(bool_mask, x, mask_val)


def maximum(x: Ints) -> Ints:
    """The greatest so far."""
    return np.maximum.accumulate(x)


def minimum(x: Ints) -> Ints:
    """The least so far."""
    return np.minimum.accumulate(x)


seq_max, seq_min = maximum, minimum


def argmax(x: Ints) -> Ints:
    """The last index of the greatest so far."""
    return at_each(x, lambda i: max(j for j in range(i + 1) if x[j] == max(x[: i + 1])))


def argmin(x: Ints) -> Ints:
    """The last index of the least so far."""
    return at_each(x, lambda i: max(j for j in range(i + 1) if x[j] == min(x[: i + 1])))


def _places(x: Any, wanted: int, i: int) -> list[int]:
    return [j for j in range(i + 1) if x[j] == wanted]


def num_prev(x: Ints, queries: Any) -> Ints:
    """How many equal the query so far."""
    queries = array(queries, x)
    return at_each(x, lambda i: len(_places(x, queries[i], i)))


def has_seen(x: Ints, queries: Any) -> Ints:
    """Whether one does."""
    return (num_prev(x, queries) > 0).astype(int)


def firsts(x: Ints, queries: Any, default: int = -1) -> Ints:
    """The first that does."""
    queries = array(queries, x)
    return at_each(x, lambda i: min(_places(x, queries[i], i), default=default))


def lasts(x: Ints, queries: Any, default: int = -1) -> Ints:
    """The last that does."""
    queries = array(queries, x)
    return at_each(x, lambda i: max(_places(x, queries[i], i), default=default))


def index_select(x: Ints, idx: Ints, default: int = 0) -> Ints:
    """x[idx[i]] of indices up to i."""
    return at_each(x, lambda i: x[idx[i]] if 0 <= idx[i] <= i else default)


def first_true(x: Ints, default: int = -1) -> Ints:
    """The first 1."""
    return firsts(np.asarray(x).astype(int), 1, default)


def mode(x: Ints) -> Ints:
    """Of the values so far the most frequent; among those the one whose last place is the last."""

    def best(i: int) -> int:
        seen = [int(v) for v in x[: i + 1]]
        most = max(map(seen.count, seen))
        return next(v for v in reversed(seen) if seen.count(v) == most)

    return at_each(x, best)


def binary_mode(x: Ints) -> Ints:
    """Whether there are more ones than zeros so far."""
    return at_each(x, lambda i: 2 * len(_places(x, 1, i)) > len(_places(x, 1, i)) + len(_places(x, 0, i)))


def induct_kqv(k: Ints, q: Any, v: Ints, offset: int, default: int = 0, null_val: int = -999) -> Ints:
    """v behind the first place of q[i] in k; a place counts if what lies `offset` behind it is known by now."""
    q = array(q, k)

    def found(i: int) -> int:
        places = _places(k, q[i], i - offset)
        return int(v[places[0] + offset]) if places else default

    return at_each(k, found)


def induct(k: Ints, q: Any, offset: int, default: int = 0, null_val: int = -999) -> Ints:
    """The same of k."""
    return induct_kqv(k, q, k, offset, default)


def induct_prev(k: Ints, q: Any, offset: int, default: int = 0, null_val: int = -999) -> Ints:
    """k before the first place of q[i] in k."""
    return index_select(k, np.where(firsts(k, q) < 0, -999, firsts(k, q) + offset), default)
