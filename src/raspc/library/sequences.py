"""Programs that rewrite or judge a whole sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from raspc import rasp
from raspc.library.parts import after, equal
from raspc.library.program import entry
from raspc.library.tracr import reverse
from raspc.rasp import SOp, Value

_OWN = "raspc"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@rasp.program
def addition(base: int = 2) -> SOp:
    """The digits of the sum of two numbers that are written one under the other.

    Each token is a column of two digits, such as "1+0", the most significant column first. A carry out of
    the first column is dropped. A column whose digits add up to base − 1 passes a carry on; so a column
    receives a carry exactly if the nearest column to its right that does not makes one.

    >>> addition()(["0+0", "0+1", "1+1"])
    [1, 0, 0]
    >>> addition(base=10)(["0+0", "7+2", "5+8"])
    [1, 0, 3]
    """
    total = rasp.Map(_column_sum, rasp.tokens).named("total")
    settles = (total != base - 1).named("settles")
    settled = equal(settles, True)
    settled_after = settled & after()
    nearest = rasp.earliest(settled_after)
    carries = total >= base
    carry = rasp.Aggregate(nearest, carries, default=False).named("carry")
    return rasp.map(partial(_digit, base), total, carry).named("addition")


def _column_sum(column: str) -> int:
    return sum(int(digit) for digit in column.split("+"))


def _digit(base: int, digits: int, carried: bool) -> int:
    return (digits + carried) % base


@rasp.program
def caesar(shift: int = 3, alphabet: Sequence[Value] = _LETTERS) -> SOp:
    """Each letter replaced by the one that stands `shift` places later in the alphabet, cyclically.

    Tokens outside the alphabet stay as they are.

    >>> caesar()("abz")
    ['d', 'e', 'c']
    """
    size = len(alphabet)
    cipher = {letter: alphabet[(i + shift) % size] for i, letter in enumerate(alphabet)}
    return rasp.Map(partial(_shifted, cipher), rasp.tokens).named("caesar")


def _shifted(cipher: Mapping[Value, Value], x: Value) -> Value:
    return cipher.get(x, x)


@rasp.program
def palindrome(sop: SOp = rasp.tokens) -> SOp:
    """True, at every position, if the input reads the same from either end.

    >>> palindrome()("abba"), palindrome()("ab")
    ([True, True, True, True], [False, False])
    """
    backwards = reverse(sop)
    differs = (sop != backwards).named("differs")
    different = equal(differs, True)
    differences = rasp.SelectorWidth(different)
    return (differences == 0).named("palindrome")


@rasp.program
def swap_halves(sop: SOp = rasp.tokens) -> SOp:
    """The second half, then the first; a token in the middle stays there.

    >>> swap_halves()("abcde")
    ['d', 'e', 'c', 'a', 'b']
    """
    partner = rasp.SequenceMap(_partner, rasp.indices, rasp.length).named("partner")
    opposite = equal(rasp.indices, partner)
    return rasp.Aggregate(opposite, sop).named("swap_halves")


def _partner(index: int, length: int) -> int:
    half = length // 2
    if index < half:
        return index + length - half
    return index - (length - half) if index >= length - half else index


def _addition(xs: Sequence[Value]) -> list[Value]:
    top, bottom = (int("".join(column.split("+")[row] for column in xs), 2) for row in (0, 1))
    return [int(digit) for digit in format(top + bottom, f"0{len(xs)}b")[-len(xs) :]]


def _caesar(xs: Sequence[Value]) -> list[Value]:
    return [chr((ord(x) - ord("a") + 3) % 26 + ord("a")) for x in xs]


def _swap_halves(xs: Sequence[Value]) -> list[Value]:
    half = len(xs) // 2
    return [*xs[len(xs) - half :], *xs[half : len(xs) - half], *xs[:half]]


PROGRAMS = (
    entry(addition, ("0+0", "0+1", "1+0", "1+1"), 6, _addition, _OWN),
    entry(caesar, "abcxyz", 6, _caesar, _OWN),
    entry(palindrome, "abc", 8, lambda xs: [list(xs) == list(xs)[::-1]] * len(xs), _OWN),
    entry(swap_halves, "abc", 8, _swap_halves, _OWN),
)
