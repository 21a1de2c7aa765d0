"""Writers of lists: copied, counted, sorted, closed."""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import Any

from raspc import rasp
from raspc.library.parts import same
from raspc.library.writers.writer import STOP, I, T, Writer, digit, entry, place_of, token_at
from raspc.rasp import Comparison, SOp, Value


@rasp.program
def write_copy(mark: Value = "=") -> SOp:
    """abc= is followed by abc."""
    end = place_of(mark)
    copied = token_at((I - end).named("source"), default=STOP)
    return rasp.Map(partial(_until, mark), copied).named("write_copy")


@rasp.program
def write_copy_unique(mark: Value = "=") -> SOp:
    """cab= is followed by cab; no token comes twice, so each is found by the one before it, not by its place."""
    left = I - 1
    previous = token_at(left, default=mark).named("previous")
    after_it = rasp.Select(previous, T, Comparison.EQ)
    first_after_it = rasp.earliest(after_it)
    following = rasp.Aggregate(first_after_it, T, default=STOP).named("following")
    return rasp.Map(partial(_until, mark), following).named("write_copy_unique")


def _until(mark: Value, token: Value) -> Value:
    return STOP if token == mark else token


@rasp.program
def write_count() -> SOp:
    """37: is followed by 34567; where the first number is greater, by nothing."""
    first, last = token_at(rasp.Full(0), default="0").named("first"), token_at(rasp.Full(1), default="0").named("last")
    return rasp.map(_count_on, T, first, last).named("write_count")


def _count_on(token: str, first: str, last: str) -> str:
    if token == ":":
        return first if first <= last else STOP
    return STOP if token == STOP or last == ":" or token >= last else str(int(token) + 1)


@rasp.program
def write_sort(mark: Value = "=") -> SOp:
    """312= is followed by 123: the smallest token first, as often as it came.

    The next token is the one that was written last, if it came more often than it was written (each that came counts
    1, each that was written −1), else the next greater one of the prompt.
    """
    end = place_of(mark)
    prompt, side = rasp.Select(end, -1, Comparison.EQ), rasp.Map(_came_or_written, end)
    left_over = rasp.Sum(same(T), side).named("left_over")
    greater = rasp.Select(T, T, partial(_is_greater, mark))
    greater_in_prompt = prompt & greater
    order = rasp.Map(_order, T)
    next_greater = rasp.best(greater_in_prompt, order, "min")
    following = rasp.Aggregate(next_greater, T, default=STOP).named("following")
    return rasp.where((left_over > 0).named("again"), T, following).named("write_sort")


def _came_or_written(end: int) -> int:
    return 1 if end < 0 else -1


def _is_greater(mark: Value, key: Value, query: Value) -> bool:
    return key not in (mark, STOP) and (query in (mark, STOP) or key > query)


def _order(token: Value) -> int:
    return digit(token)


@rasp.program
def write_closing() -> SOp:
    """([ is followed by ]), what closes the brackets that are open."""
    opens, closes = T.is_in(["(", "["]), T.is_in([")", "]"])
    so_far = rasp.Select(I, I, Comparison.LEQ)
    opening, closing = rasp.Select(opens, True, Comparison.EQ), rasp.Select(closes, True, Comparison.EQ)
    opening_so_far, closing_so_far = so_far & opening, so_far & closing
    opened, closed = rasp.SelectorWidth(opening_so_far), rasp.SelectorWidth(closing_so_far)
    depth = (opened - closed).named("depth")
    same_depth = rasp.Select(depth, depth, Comparison.EQ)
    open_here = opening & same_depth
    last_open = rasp.latest(open_here)
    innermost = rasp.Aggregate(last_open, T, default=STOP).named("opened")
    is_open, closes_it = depth > 0, rasp.Map(_closing, innermost)
    return rasp.where(is_open, closes_it, STOP).named("write_closing")


def _closing(bracket: Value) -> Value:
    return {"(": ")", "[": "]"}.get(bracket, STOP)


def _but_the_last(prompt: Any) -> Any:
    return prompt[:-1]


def _counted(prompt: str) -> str:
    return "".join(map(str, range(int(prompt[0]), int(prompt[1]) + 1)))


def _sorted(prompt: str) -> str:
    return "".join(sorted(prompt[:-1]))


def _closed(prompt: str) -> str:
    stack: list[str] = []
    for bracket in prompt:
        stack = [*stack, bracket] if bracket in "([" else stack[:-1]
    return "".join(str(_closing(bracket)) for bracket in reversed(stack))


ORDERS = tuple("".join(some) + "=" for n in range(1, 6) for some in permutations("abcde", n))
"""Every row of different letters of the first five."""

WRITERS: tuple[Writer, ...] = (
    entry(write_copy, "abc=.", 13, "[abc]{1,6}=", _but_the_last),
    entry(write_copy_unique, "abcde=.", 11, ORDERS, _but_the_last),
    entry(write_count, "0123456789:.", 14, "[0-9][0-9]:", _counted),
    entry(write_sort, "0123=.", 11, "[0-3]{1,5}=", _sorted),
    entry(write_closing, "()[].", 8, "[(\\[]{1,4}|\\([)\\]]?|\\[\\(\\)\\[", _closed),
)
