"""Programs that write out what a machine does, token after token, each with the runs that they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from raspc import rasp
from raspc.rasp import Comparison, SOp

BEAVER: Mapping[str, str] = {
    "A0": "1RB", "A1": "1LB", "B0": "1LA", "B1": "0LC", "C0": "1RH", "C1": "1LD", "D0": "1RD", "D1": "0RA",
}  # fmt: skip
"""The busy beaver of four states: for a state and a symbol what is written, where the head goes, and the next state."""
MOVES = {"R": 1, "L": -1}
START = ">0A"
BEAVER_TOKENS = (START, *BEAVER.values())


def beaver_run() -> list[str]:
    """A start token, then the 107 steps of the machine."""
    tape: dict[int, str] = {}
    run, place = [START], 0
    while run[-1][2] != "H":
        step = BEAVER[run[-1][2] + tape.get(place, "0")]
        tape[place] = step[0]
        place += MOVES[step[1]]
        run.append(step)
    return run


def beaver(words: bool = True) -> SOp:
    """The next step; at the last one "H". `words`: with `Sum` and `latest`, else with counts and a rank.

    A step wrote where the head stood before it moved. The head reads what was last written where it stands now.
    """
    tokens, every = rasp.tokens, rasp.Select(rasp.indices, rasp.indices, Comparison.LEQ)
    moved = rasp.map(lambda t: MOVES.get(t[1], 0), tokens)
    if words:
        here = rasp.Sum(every, moved)
    else:
        right, left = (rasp.SelectorWidth(rasp.Select(moved, rasp.Full(way), Comparison.EQ)) for way in (1, -1))
        here = rasp.map(lambda ahead, back: ahead - back, right, left)
    was = here - moved
    wrote = rasp.Select(was, here, Comparison.EQ) & rasp.Select(tokens, rasp.Full(START), Comparison.NEQ)
    if words:
        read = rasp.Aggregate(rasp.latest(wrote), rasp.map(lambda t: t[0], tokens), default="0")
    else:
        before = rasp.Select(rasp.indices, rasp.indices, Comparison.LT)
        again = rasp.SelectorWidth(
            rasp.Select(was, was, Comparison.EQ) & before & rasp.Select(tokens, rasp.Full(START), Comparison.NEQ)
        )
        last = wrote & rasp.Select(again, rasp.SelectorWidth(wrote) - 1, Comparison.EQ)
        read = rasp.Aggregate(last, rasp.map(lambda t: t[0], tokens), default="0")
    return rasp.map(lambda t, symbol: BEAVER.get(t[2] + symbol, "H"), tokens, read)


COUNT_TOKENS = (*range(100), ">", ".")


def count_runs() -> Sequence[Sequence[int | str]]:
    """From each number to each greater one: `3 5 > 3 4 5 .`."""
    return [[a, b, ">", *range(a, b + 1), "."] for a in range(100) for b in range(a, 100)]


def ends() -> tuple[SOp, SOp]:
    """The two numbers in front."""
    first, last = (rasp.Select(rasp.indices, place, Comparison.EQ) for place in (0, 1))
    return rasp.Aggregate(first, rasp.tokens), rasp.Aggregate(last, rasp.tokens, default=".")


def count_up() -> SOp:
    """The next token, as one function of four variables: the token, whether it stands in front, and the two numbers."""
    return rasp.map(_next, rasp.tokens, rasp.indices < 2, *ends())


def _next(token: int | str, in_front: bool, first: int | str, last: int | str) -> int | str:
    if token == ".":
        return "."
    if token == ">":
        return first
    if in_front:
        return ">"  # of the two numbers in front nothing is asked
    return token + 1 if token < last else "."  # type: ignore[operator]


def count_by_choice() -> SOp:
    """The same: the end is known by its equality, and the next number is a function of one."""
    tokens, (first, last) = rasp.tokens, ends()
    more = rasp.map(lambda t: t + 1 if t not in (">", ".", 99) else ".", tokens)
    after = rasp.where(tokens == ">", first, rasp.where(rasp.indices < 2, ">", more))
    return rasp.where((tokens == last) & (rasp.indices > 2), ".", after)
