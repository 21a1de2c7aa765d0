"""Programs that look something up: earlier occurrences, extremes, the most frequent token.

Several are primitives or exercises of RASP-L: Zhou et al. (2023), "What Algorithms can Transformers Learn?".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from raspc import rasp
from raspc.library.parts import equal, everything, same, so_far
from raspc.library.program import entry
from raspc.library.tracr import hist, shift_by
from raspc.rasp import Selector, SOp, Value

_OWN = "raspc"
_RASPL = "Zhou et al. (2023), RASP-L"
_NOWHERE = -2
"""A position that no key has, and whose successor no key has."""
_NO_TOKEN = ("no token",)
"""What no token is equal to."""


@rasp.program
def induction(sop: SOp = rasp.tokens, default: Value = None) -> SOp:
    """The token that came after the latest earlier occurrence of this one; `default` where it is new.

    The induction head of Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits", and
    `induct` of RASP-L. As there, one head moves each token to the next position; another one looks for the last
    position so far to which this token was moved.

    >>> induction()("abcab")
    [None, None, None, 'b', 'c']
    """
    previous = shift_by(1, sop, default=_NO_TOKEN).named("previous")
    followers = equal(previous, sop)
    followers_so_far = followers & so_far()
    match = rasp.latest(followers_so_far)
    return rasp.Aggregate(match, sop, default).named("induction")


@rasp.program
def has_seen(sop: SOp = rasp.tokens) -> SOp:
    """True where the token has occurred before. RASP-L: `has_seen`.

    >>> has_seen()("abab")
    [False, False, True, True]
    """
    earliest = rasp.earliest(same(sop))
    first = rasp.Aggregate(earliest, rasp.indices)
    return (first < rasp.indices).named("has_seen")


@rasp.program
def first_occurrence(of: SOp | Value = rasp.tokens, sop: SOp = rasp.tokens, default: Value = None) -> SOp:
    """The index at which a value occurs first; `default` where it does not occur.

    `of` is the value to look for: by default the token of each position, otherwise a constant or an s-op.

    >>> first_occurrence()("abcb")
    [0, 1, 2, 1]
    >>> first_occurrence("c")("abcb")
    [2, 2, 2, 2]
    """
    holders = equal(sop, of)
    earliest = rasp.earliest(holders)
    return rasp.Aggregate(earliest, rasp.indices, default).named("first_occurrence")


@rasp.program
def last_occurrence(of: SOp | Value = rasp.tokens, sop: SOp = rasp.tokens, default: Value = None) -> SOp:
    """The index at which a value occurs last (under a causal mask: so far); `default` where it does not.

    `of` as in `first_occurrence`.

    >>> last_occurrence()("abcb")
    [0, 3, 2, 3]
    """
    holders = equal(sop, of)
    latest = rasp.latest(holders)
    return rasp.Aggregate(latest, rasp.indices, default).named("last_occurrence")


@rasp.program
def token_after_last(token: Value = "a", sop: SOp = rasp.tokens, default: Value = None) -> SOp:
    """What comes right after the last occurrence of a token, at every position; `default` if nothing does.

    >>> token_after_last()("abacb")
    ['c', 'c', 'c', 'c', 'c']
    """
    place = last_occurrence(token, sop, default=_NOWHERE).named("place")
    after = place + 1
    next_place = equal(rasp.indices, after)
    return rasp.Aggregate(next_place, sop, default).named("token_after_last")


@rasp.program
def minimum(sop: SOp = rasp.tokens) -> SOp:
    """The least value, at every position. RASP-L: `seq_min`.

    >>> minimum()([3, 1, 2])
    [1, 1, 1]
    """
    least = _least(sop)
    return rasp.Aggregate(least, sop).named("minimum")


@rasp.program
def maximum(sop: SOp = rasp.tokens) -> SOp:
    """The greatest value, at every position. RASP-L: `seq_max`.

    >>> maximum()([3, 1, 2])
    [3, 3, 3]
    """
    greatest = _greatest(sop)
    return rasp.Aggregate(greatest, sop).named("maximum")


@rasp.program
def argmin(sop: SOp = rasp.tokens) -> SOp:
    """The index of the least value, the first of several, at every position.

    >>> argmin()([3, 1, 1])
    [1, 1, 1]
    """
    least = _least(sop)
    first = rasp.earliest(least)
    return rasp.Aggregate(first, rasp.indices).named("argmin")


@rasp.program
def argmax(sop: SOp = rasp.tokens) -> SOp:
    """The index of the greatest value, the first of several, at every position.

    >>> argmax()([1, 3, 3])
    [1, 1, 1]
    """
    greatest = _greatest(sop)
    first = rasp.earliest(greatest)
    return rasp.Aggregate(first, rasp.indices).named("argmax")


@rasp.program
def index_select(sop: SOp = rasp.tokens, at: SOp = rasp.tokens, default: Value = None) -> SOp:
    """The value at the index that each position names; `default` outside the input. RASP-L: `index_select`.

    By default the tokens themselves are the indices: a step along pointers.

    >>> index_select()([1, 2, 0, 3])
    [2, 0, 1, 3]
    """
    pointed = equal(rasp.indices, at)
    return rasp.Aggregate(pointed, sop, default).named("index_select")


@rasp.program
def mode(sop: SOp = rasp.tokens) -> SOp:
    """The most frequent token, at every position; the one that occurs first, of several.

    >>> mode()("abcbc")
    ['b', 'b', 'b', 'b', 'b']
    """
    count = hist(sop)
    greatest = _greatest(count)
    most = rasp.Aggregate(greatest, count).named("most")
    modes = equal(count, most)
    first = rasp.earliest(modes)
    return rasp.Aggregate(first, sop).named("mode")


def _least(sop: SOp) -> Selector:
    """The positions that hold the least value."""
    return rasp.best(everything(), sop, "min")


def _greatest(sop: SOp) -> Selector:
    """The positions that hold the greatest value."""
    return rasp.best(everything(), sop, "max")


def _induction(xs: Sequence[Value]) -> list[Value]:
    latest = [max((j for j in range(i) if xs[j] == x), default=None) for i, x in enumerate(xs)]
    return [None if j is None else xs[j + 1] for j in latest]


def _last(xs: Sequence[Value], value: Value) -> int:
    return len(xs) - 1 - list(xs)[::-1].index(value)


def _after_last_a(xs: Sequence[Value]) -> list[Value]:
    after = [*xs[_last(xs, "a") + 1 :], None][0] if "a" in xs else None
    return [after] * len(xs)


def _mode(xs: Sequence[Value]) -> Value:
    return Counter(xs).most_common(1)[0][0]


def _everywhere(xs: Sequence[Value], value: Value) -> list[Value]:
    return [value] * len(xs)


_NUMBERS = (0, 1, 2, 3)

PROGRAMS = (
    entry(induction, "abc", 6, _induction, "Elhage et al. (2021)"),
    entry(has_seen, "abc", 8, lambda xs: [x in xs[:i] for i, x in enumerate(xs)], _RASPL),
    entry(first_occurrence, "abc", 6, lambda xs: [list(xs).index(x) for x in xs], _OWN),
    entry(last_occurrence, "abc", 6, lambda xs: [_last(xs, x) for x in xs], _OWN),
    entry(token_after_last, "abc", 6, _after_last_a, _OWN),
    entry(minimum, _NUMBERS, 5, lambda xs: _everywhere(xs, min(xs)), _RASPL),
    entry(maximum, _NUMBERS, 5, lambda xs: _everywhere(xs, max(xs)), _RASPL),
    entry(argmin, _NUMBERS, 5, lambda xs: _everywhere(xs, list(xs).index(min(xs))), _RASPL),
    entry(argmax, _NUMBERS, 5, lambda xs: _everywhere(xs, list(xs).index(max(xs))), _RASPL),
    entry(index_select, _NUMBERS, 5, lambda xs: [xs[x] if x < len(xs) else None for x in xs], _RASPL),
    entry(mode, "abc", 6, lambda xs: _everywhere(xs, _mode(xs)), _RASPL),
)
