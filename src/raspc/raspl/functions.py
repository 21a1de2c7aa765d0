"""The library of RASP-L: what is made of its core.

Zhou et al. (2023), appendix on RASP-L. Each says what it holds at position i, of positions up to i. Where a definition
there fails or is right by luck alone, its meaning is taken: `argmax`, `argmin`, `where`.
"""

from __future__ import annotations

from raspc import rasp, values
from raspc.errors import wrong_kind
from raspc.library.causal import marked
from raspc.rasp import Comparison, Selector, SOp, Value
from raspc.raspl.core import Operand, equals, kqv, sel_width, select, sop

NOWHERE = -999
"""What RASP-L calls `null_val`: a value that no token has, and an index that no position has."""


def shift_right(x: Operand, n: int | SOp, default: Value = 0) -> SOp:
    """x[i−n]; `default` at the first n positions. `n`: a whole number, or for each position that it moves from one.

    >>> shift_right(rasp.tokens, 1, default="-")("abc")
    ['-', 'a', 'b']
    """
    return kqv(rasp.indices + _steps(n, "shift_right: n"), rasp.indices, x, equals, default)


def cumsum(bool_array: Operand) -> SOp:
    """How many values so far are true, this one included.

    >>> cumsum(rasp.tokens == "a")("abaa")
    [1, 1, 2, 3]
    """
    return sel_width(select(bool_array, bool_array, _key_holds))


def _key_holds(key: Value, query: Value) -> bool:
    return bool(key)


def where(condition: Operand, x_if: Operand, y_else: Operand) -> SOp:
    """x_if[i] where the condition is true, else y_else[i].

    >>> where(rasp.indices % 2, rasp.tokens, 0)([5, 6, 7])
    [0, 6, 0]
    """
    condition, x_if, y_else = (sop(part, "where") for part in (condition, x_if, y_else))
    return marked(rasp.where(condition, x_if, y_else))


def mask(x: Operand, bool_mask: Operand, mask_val: Value = 0) -> SOp:
    """x[i] where the mask is true, else `mask_val`.

    >>> mask(rasp.tokens, rasp.tokens > 1)([3, 1, 2])
    [3, 0, 2]
    """
    return where(bool_mask, x, mask_val)


def maximum(x: Operand) -> SOp:
    """The greatest value so far.

    >>> maximum(rasp.tokens)([1, 3, 2])
    [1, 3, 3]
    """
    return kqv(x, x, x, Comparison.TRUE, reduction="max")


def minimum(x: Operand) -> SOp:
    """The least value so far.

    >>> minimum(rasp.tokens)([2, 3, 1])
    [2, 2, 1]
    """
    return kqv(x, x, x, Comparison.TRUE, reduction="min")


seq_max, seq_min = maximum, minimum


def argmax(x: Operand) -> SOp:
    """The index of the greatest value so far, the last of several.

    >>> argmax(rasp.tokens)([1, 3, 3, 2])
    [0, 1, 2, 2]
    """
    return _place(x, "max")


def argmin(x: Operand) -> SOp:
    """The index of the least value so far, the last of several.

    >>> argmin(rasp.tokens)([2, 1, 1, 3])
    [0, 1, 2, 2]
    """
    return _place(x, "min")


def _place(x: Operand, end: str) -> SOp:
    score = sop(x, f"arg{end}")
    return rasp.Aggregate(rasp.latest(rasp.best(_everything(score), score, end)), rasp.indices)


def _everything(x: SOp) -> Selector:
    return select(x, x, Comparison.TRUE)


def num_prev(x: Operand, queries: Operand) -> SOp:
    """How many values so far, this one included, equal queries[i].

    >>> num_prev(rasp.tokens, rasp.tokens)("abaa")
    [1, 1, 2, 3]
    """
    return sel_width(select(x, queries, equals))


def has_seen(x: Operand, queries: Operand) -> SOp:
    """1 where a value so far, this one included, equals queries[i], else 0.

    >>> has_seen(rasp.tokens, "b")("abaa")
    [0, 1, 1, 1]
    """
    return kqv(x, queries, 1, equals)


def firsts(x: Operand, queries: Operand, default: Value = -1) -> SOp:
    """The index of the first value that equals queries[i]; `default` where none so far does.

    >>> firsts(rasp.tokens, "b")("abab")
    [-1, 1, 1, 1]
    """
    return kqv(x, queries, rasp.indices, equals, default, "min")


def lasts(x: Operand, queries: Operand, default: Value = -1) -> SOp:
    """The index of the last value so far that equals queries[i]; `default` where none does.

    >>> lasts(rasp.tokens, "b")("abab")
    [-1, 1, 1, 3]
    """
    return kqv(x, queries, rasp.indices, equals, default, "max")


def index_select(x: Operand, idx: Operand, default: Value = 0) -> SOp:
    """x[idx[i]]; `default` where idx[i] is no index up to i.

    >>> index_select(rasp.tokens, rasp.tokens)([1, 0, 2, -1])
    [0, 1, 2, 0]
    """
    return kqv(rasp.indices, idx, x, equals, default)


def first_true(x: Operand, default: Value = -1) -> SOp:
    """The index of the first true value (1 or True); `default` where none so far is.

    >>> first_true(rasp.tokens)([0, 1, 1])
    [-1, 1, 1]
    """
    return firsts(x, 1, default)


def mode(x: Operand) -> SOp:
    """The most frequent value so far; of several the one that came to its number last.

    >>> mode(rasp.tokens)("abba")
    ['a', 'b', 'b', 'a']
    """
    return index_select(x, argmax(num_prev(x, x)))


def binary_mode(x: Operand) -> SOp:
    """True (1) where so far there are more ones than zeros, else False.

    >>> binary_mode(rasp.tokens)([1, 0, 1])
    [True, False, True]
    """
    return num_prev(x, 1) > num_prev(x, 0)


def induct(k: Operand, q: Operand, offset: int | SOp, default: Value = 0, null_val: Value = NOWHERE) -> SOp:
    """The value of k at `offset` behind the first place where k equals q[i]; `default` where that is not so far.

    `null_val`: a value that neither k nor q holds, and no index.

    >>> induct(rasp.tokens, rasp.tokens, 1)("abab")
    [0, 0, 'b', 'a']
    """
    return induct_kqv(k, q, k, offset, default, null_val)


def induct_kqv(
    k: Operand, q: Operand, v: Operand, offset: int | SOp, default: Value = 0, null_val: Value = NOWHERE
) -> SOp:
    """The same, of the values v.

    >>> induct_kqv(rasp.tokens, rasp.tokens, rasp.indices, 1)("abab")
    [0, 0, 1, 2]
    """
    places = firsts(shift_right(k, _steps(offset, "induct_kqv: offset"), null_val), q, null_val)
    return index_select(v, places, default)


def induct_prev(k: Operand, q: Operand, offset: int | SOp, default: Value = 0, null_val: Value = NOWHERE) -> SOp:
    """The same, of k, for offsets of at most 0.

    >>> induct_prev(rasp.tokens, rasp.tokens, -1)("abab")
    [0, 'a', 0, 'a']
    """
    places = firsts(k, q, null_val) + _steps(offset, "induct_prev: offset")
    return index_select(k, places, default)


def _steps(given: int | SOp, argument: str) -> int | SOp:
    given = values.plain(given)
    if isinstance(given, SOp) or (isinstance(given, int) and not isinstance(given, bool)):
        return given
    raise wrong_kind(argument, given, "a whole number")
