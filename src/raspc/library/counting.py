"""Programs that count: majorities, fractions, sums, parity.

Counts are widths of selectors, or sums, wherever that is possible: whole numbers, exact at every length.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

from raspc import rasp
from raspc.library.parts import equal, everything, number_of, so_far
from raspc.library.program import entry
from raspc.rasp import SOp, Value

_OWN = "raspc"
_RASPLIB = "Weiss et al. (2021), the library of the RASP interpreter"


@rasp.program
def majority(token: Value = 1, sop: SOp = rasp.tokens) -> SOp:
    """2·#1 − L at every position: positive if ones are the majority, negative if not, 0 on a tie.

    #1 counts the ones and L is the length, BOS not counted. Under a causal mask both are those of the
    input so far, so that the last position holds the answer for the whole input.

    >>> majority()([1, 0, 1])
    [1, 1, 1]
    """
    votes = rasp.Map(partial(_vote, token), sop)
    return rasp.Sum(everything(), votes).named("majority")


def _vote(token: Value, x: Value) -> int:
    return 1 if x == token else -1


@rasp.program
def running_majority(token: Value = 1, sop: SOp = rasp.tokens) -> SOp:
    """True where more than half of the tokens so far are `token`.

    >>> running_majority()([1, 0, 1, 0, 0])
    [True, False, True, False, False]
    """
    hit = rasp.numerical(sop == token)
    share = rasp.Aggregate(so_far(), hit).named("share")
    return (share > 0.5).named("running_majority")


@rasp.program
def fraction(token: Value = "a", sop: SOp = rasp.tokens) -> SOp:
    """The fraction of all tokens that are `token`, at every position.

    >>> fraction()("abab")
    [0.5, 0.5, 0.5, 0.5]
    """
    hit = rasp.numerical(sop == token)
    share = rasp.Aggregate(everything(), hit)
    return rasp.numerical(share).named(f"fraction_{token}")


@rasp.program
def contains(token: Value = "a", sop: SOp = rasp.tokens) -> SOp:
    """True, at every position, if the token occurs anywhere in the input.

    >>> contains()("bca"), contains()("bcb")
    ([True, True, True], [False, False, False])
    """
    number = number_of(token, sop)
    return (number > 0).named(f"contains_{token}")


@rasp.program
def num_prevs(token: Value = "a", sop: SOp = rasp.tokens) -> SOp:
    """How often a token has occurred so far, this position included.

    >>> num_prevs()("abab")
    [1, 1, 2, 2]
    """
    holders = equal(sop, token)
    earlier = holders & so_far()
    return rasp.SelectorWidth(earlier).named(f"num_prevs_{token}")


@rasp.program
def cumulative_sum(largest: int = 15, sop: SOp = rasp.tokens) -> SOp:
    """The sum of the numbers so far, for whole numbers from 0.

    Undefined where anything else than 0 … `largest` occurs. RASP-L: `cumsum`.

    >>> cumulative_sum()([3, 2, 1, 1])
    [3, 5, 6, 7]
    """
    number = rasp.Map(partial(_known, largest), sop)
    return rasp.Sum(so_far(), number).named("cumulative_sum")


def _known(largest: int, x: Value) -> Value:
    """The identity on 0 … largest; undefined elsewhere, so that the compiler refuses."""
    if x not in range(largest + 1):
        raise ValueError(f"{x!r} is not among the whole numbers 0 … {largest} that are summed")
    return x


@rasp.program
def parity(token: Value = 1, sop: SOp = rasp.tokens, bound: int | None = None) -> SOp:
    """1 where the number of ones so far is odd, else 0.

    The prefix is bounded by the maximum length of the model, or else by `bound`: then only the first
    `bound` positions count.

    >>> parity()([1, 1, 0, 1])
    [1, 0, 0, 1]
    >>> parity(bound=2)([1, 1, 0, 1])
    [1, 0, 0, 0]
    """
    holders = equal(sop, token)
    ones = holders & so_far()
    if bound is not None:
        within = rasp.Select(rasp.indices, rasp.Full(bound), rasp.Comparison.LT)
        ones = ones & within
    number = rasp.SelectorWidth(ones)
    return (number % 2).named("parity")


def _majority(xs: Sequence[Value]) -> list[Value]:
    return [2 * list(xs).count(1) - len(xs)] * len(xs)


def _prefixes(xs: Sequence[Value]) -> list[Sequence[Value]]:
    return [xs[: i + 1] for i in range(len(xs))]


PROGRAMS = (
    entry(majority, (0, 1), 10, _majority, _OWN),
    entry(
        running_majority,
        (0, 1),
        10,
        lambda xs: [2 * list(p).count(1) > len(p) for p in _prefixes(xs)],
        _OWN,
    ),
    entry(fraction, "abc", 8, lambda xs: [list(xs).count("a") / len(xs)] * len(xs), _OWN),
    entry(contains, "abc", 8, lambda xs: ["a" in xs] * len(xs), _RASPLIB),
    entry(num_prevs, "abc", 8, lambda xs: [list(p).count("a") for p in _prefixes(xs)], _RASPLIB),
    entry(
        cumulative_sum,
        (0, 1, 2, 3),
        6,
        lambda xs: list(itertools.accumulate(xs)),
        "Zhou et al. (2023), RASP-L",
    ),
    entry(
        parity,
        (0, 1),
        10,
        lambda xs: [list(p).count(1) % 2 for p in _prefixes(xs)],
        "Zhou et al. (2023), RASP-L",
    ),
)
