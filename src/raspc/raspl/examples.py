"""Programs in RASP-L that say, at every position, which token comes next.

Zhou et al. (2023) give such programs for tasks on which transformers do, or do not, learn to handle longer inputs:
counting, and addition whose digits carry index hints. These are our own, in the same manner.
"""

from __future__ import annotations

from raspc import rasp
from raspc.rasp import SOp
from raspc.raspl.core import indices, kqv, lt, seq_map
from raspc.raspl.functions import (
    has_seen,
    index_select,
    induct,
    induct_kqv,
    lasts,
    mask,
    num_prev,
    shift_right,
    where,
)

START, STOP = -1, -2
"""The tokens that end the prompt and the answer of `count`."""

PLUS, EQUALS, END = -1, -2, -3
"""The tokens between and behind the numbers of an addition."""

HINT = 100
"""The index hint of the last digit of a number; that of the digit before is 101."""

_NO_HINT = HINT + 1_000


def count() -> SOp:
    """Counting from a to b: behind `a b START` come a, a + 1, …, b and STOP.

    >>> count()([2, 4, START, 2, 3, 4])[2:]
    [2, 3, 4, -2]
    """
    x = rasp.tokens
    start = lasts(x, START)
    first, last = index_select(x, start - 2), index_select(x, start - 1)
    counted = where(x < last, x + 1, STOP)
    return where(indices(x) == start, first, where(start < 0, STOP, counted)).named("count")


def addition(base: int = 10) -> SOp:
    """The sum of two numbers, from its first digit on: every digit stands behind its index hint.

    The prompt of 17 + 25 is `101 1 100 7 PLUS 101 2 100 5 EQUALS`, the answer `101 4 100 2 END`. Both numbers have as
    many digits as the sum. A digit needs the carry from all places behind it, so it looks for the nearest one that
    settles it: the first pair behind whose sum is not base − 1.

    >>> addition()([101, 1, 100, 7, PLUS, 101, 2, 100, 5, EQUALS, 101, 4, 100, 2])[9:]
    [101, 4, 100, 2, -3]
    """
    x = rasp.tokens
    hint = shift_right(x, 1)
    total = x + induct(x, hint, 1)  # of a digit of the second number, with that of the first
    settles = (num_prev(x, PLUS) > num_prev(x, EQUALS)) & (x >= 0) & (x < HINT) & (total != base - 1)
    nearest = kqv(mask(hint, settles, _NO_HINT), x, indices(x), lt, default=-1, reduction="min")
    carry = index_select(total >= base, nearest)
    following = where(hint == HINT, END, hint - 1)
    return _answer(carry, following, index_select(x, 0), base).named("addition")


def reversed_addition(base: int = 10) -> SOp:
    """The sum from its last digit on: behind `101 1 100 7 PLUS 101 2 100 5 EQUALS` comes `100 2 101 4 END`.

    A place carries if its digits add up to more than the digit that was written there: the carry is known from the
    place before.

    >>> reversed_addition()([101, 1, 100, 7, PLUS, 101, 2, 100, 5, EQUALS, 100, 2, 101, 4])[9:]
    [100, 2, 101, 4, -3]
    """
    x = rasp.tokens
    hint, written = shift_right(x, 2), shift_right(x, 1)
    carry = mask(_column(hint) > written, x > HINT)
    following = where(shift_right(x, 1) == index_select(x, 0), END, shift_right(x, 1) + 1)
    return _answer(carry, following, HINT, base).named("reversed_addition")


def _column(hint: SOp) -> SOp:
    """The sum of the two digits behind an index hint."""
    x = rasp.tokens
    second = where(has_seen(x, PLUS), x, PLUS)
    return induct(x, hint, 1) + induct_kqv(second, hint, x, 1)


def _answer(carry: SOp, following: SOp, first: SOp | int, base: int) -> SOp:
    """Behind a hint its digit, behind a digit the following hint, behind EQUALS the first hint."""
    x = rasp.tokens
    digit = seq_map(_column(x), carry, lambda total, carried: (total + carried) % base)
    return where(x == EQUALS, first, where(x >= HINT, digit, following))
