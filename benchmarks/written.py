"""Programs that write token by token, in the plain way: many `where`s in a row, truths joined one by one.

Each gives, at every position, the token that comes next.
"""

from __future__ import annotations

from raspc import rasp
from raspc.rasp import Comparison, Selector, SOp

DIGITS = "0123456789"
SORTED_VOCAB = (*DIGITS, ">", ".")
SUM_VOCAB = (*DIGITS, "+", "=", ".")
T, I = rasp.tokens, rasp.indices  # noqa: E741


def is_token(token: str) -> Selector:
    """The positions that hold it."""
    return rasp.Select(T, rasp.Full(token), Comparison.EQ)


def sorted_digits() -> SOp:
    """`3716>` goes on `1367.`: the least digit that has occurred and is above the one at this position, or the end."""
    here = rasp.Map(lambda token: int(token) if token in DIGITS else -1, T)
    following: SOp = rasp.Full(".")
    for digit in reversed(DIGITS):
        occurs = rasp.SelectorWidth(is_token(digit)) > 0
        following = rasp.where(occurs & (here < int(digit)), rasp.Full(digit), following)
    return following


def reversed_sum() -> SOp:
    """`12+345=` goes on `753.`: the sum of two numbers, its last digit first.

    What was carried into the digit at this position follows from it and from the two digits that it is the sum of.
    """
    equals, plus = (rasp.Aggregate(rasp.earliest(is_token(sign)), I, default=-1) for sign in "=+")
    number = rasp.Map(lambda token: int(token) if token in DIGITS else 0, T)
    written = I - equals

    def digit(end: SOp, place: SOp, start: SOp | int) -> tuple[SOp, SOp]:
        """The digit so many places before the end of a number that begins after `start`; whether there is one."""
        at = end - 1 - place
        selector = rasp.Select(I, rasp.where(at > start, at, rasp.Full(-1)), Comparison.EQ)
        return rasp.Aggregate(selector, number, default=0), at > start

    (first, more), (second, more_too) = digit(plus, written, -1), digit(equals, written, plus)
    before = digit(plus, written - 1, -1)[0] + digit(equals, written - 1, plus)[0]
    carried = rasp.SequenceMap(lambda found, added: (found - added) % 10, number, before) == 1
    carry = rasp.where(carried, rasp.where(before >= 9, 1, 0), rasp.where(before >= 10, 1, 0))
    carry = rasp.where(written == 0, 0, carry)
    next_digit = rasp.Map(lambda total: str(total % 10), first + second + carry)
    end = rasp.where(T == ".", rasp.Full("."), rasp.where(carry == 1, rasp.Full("1"), rasp.Full(".")))
    return rasp.where(equals == -1, rasp.Full("."), rasp.where(more | more_too, next_digit, end))
