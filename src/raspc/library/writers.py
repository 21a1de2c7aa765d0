"""Programs that write: each with its prompts, the token at which it stops, and the answer in plain Python.

The program's answer at the last token is the next token; `raspc.compile(…, generate=True)` compiles it. Outside its
prompts, and before they end, what it says means nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from raspc import rasp
from raspc.library.parts import equal, same
from raspc.rasp import Comparison, SOp, Value

T, I = rasp.tokens, rasp.indices  # noqa: E741
STOP = "."
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Writer:
    """A program that writes, ready to compile.

    `build()` makes the expression. For every prompt that matches `prompts`, a regular expression over `vocab`, it
    writes what `reference(prompt)` gives, then `stop`, within `max_seq_len` tokens in all. `source` says where the
    task comes from.
    """

    name: str
    build: Callable[[], SOp]
    vocab: tuple[Value, ...]
    max_seq_len: int
    prompts: str
    reference: Callable[[str], Any]
    description: str
    source: str
    stop: Value = STOP

    @property
    def program(self) -> SOp:
        """The expression, built anew."""
        return self.build()

    def options(self) -> dict[str, Any]:
        """What `raspc.compile` is to be told beside program, vocabulary and length."""
        return {"generate": True, "stop": self.stop, "prompts": self.prompts}


@rasp.program
def place_of(mark: Value) -> SOp:
    """Where the mark stands, of several the last; −1 before it comes."""
    marks = equal(T, mark)
    last_mark = rasp.latest(marks)
    return rasp.Aggregate(last_mark, I, default=-1)


@rasp.program
def token_at(place: SOp, source: SOp = T, default: Value = STOP) -> SOp:
    """What a variable is at another place; `default` where there is none."""
    there = equal(I, place)
    return rasp.Aggregate(there, source, default)


@rasp.program
def memory(address: SOp, value: SOp, at: SOp, default: Value = None) -> SOp:
    """The value that was last written to an address, up to here; `default` where none was."""
    writes = equal(address, at)
    last_write = rasp.latest(writes)
    return rasp.Aggregate(last_write, value, default)


@rasp.program
def machine(delta: Callable[[Value, Value], Value], start: Value, inputs: SOp, begins: SOp) -> SOp:
    """The next state of a finite automaton whose states are written one after another.

    The state is the token here, or `start` where `begins` is True; `inputs` is the letter that is read in it.
    """
    state = rasp.where(begins, start, T).named("state")
    return rasp.SequenceMap(partial(_next_state, delta), state, inputs).named("next_state")


def _next_state(delta: Callable[[Value, Value], Value], state: Value, letter: Value) -> Value:
    return STOP if letter in ("=", STOP) else delta(state, letter)


@rasp.program
def write_copy(mark: Value = "=") -> SOp:
    """abc= is followed by abc."""
    end = place_of(mark)
    copied = token_at((I - end).named("source"), default=STOP)
    return rasp.Map(partial(_until, mark), copied).named("write_copy")


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

    The next token is the one that was written last, if it came more often than it was written, else the next
    greater one of the prompt.
    """
    end = place_of(mark)
    prompt, after = rasp.Select(end, -1, Comparison.EQ), rasp.Select(end, 0, Comparison.GEQ)
    same_in_prompt, same_after = prompt & same(T), after & same(T)
    came = rasp.SelectorWidth(same_in_prompt).named("came")
    written = rasp.SelectorWidth(same_after).named("written")
    greater = rasp.Select(T, T, partial(_is_greater, mark))
    greater_in_prompt = prompt & greater
    order = rasp.Map(_order, T)
    next_greater = rasp.best(greater_in_prompt, order, "min")
    following = rasp.Aggregate(next_greater, T, default=STOP).named("following")
    return rasp.where((written < came).named("again"), T, following).named("write_sort")


def _is_greater(mark: Value, key: Value, query: Value) -> bool:
    return key not in (mark, STOP) and (query in (mark, STOP) or key > query)


def _order(token: Any) -> int:
    return ord(token)


@rasp.program
def write_parity(mark: Value = "=") -> SOp:
    """0110= is followed by 0100, the parity so far after each bit."""
    place = place_of(mark)
    source = (I - place).named("source")
    bit = token_at(source).named("bit")
    return machine(_xor, "0", bit, (source == 0).named("begins")).named("write_parity")


def _xor(state: Value, bit: Value) -> Value:
    return str(int(state == "1") ^ int(bit == "1"))


@rasp.program
def write_addition() -> SOp:
    """12+9= is followed by 12: the digits of the sum, 21, from the last one on.

    Two digits of one column add up to 9, or they tell the carry into the next column. So the carry is that of the last
    column before this one that is not 9; each position computes the column before its own as well.
    """
    plus, end = place_of("+").named("plus"), place_of("=").named("equals")
    column, second = (I - end).named("column"), rasp.SequenceMap(_digit_behind, T, plus).named("second")
    last_upper, last_lower = plus - 1, end - 1
    upper_token = token_at((last_upper - column).named("upper_place"))
    upper = rasp.Map(_digit, upper_token).named("upper")
    lower = token_at((last_lower - column).named("lower_place"), second, -1).named("lower")
    total = rasp.map(_total, upper, lower, end).named("total")
    upper_place_before, lower_place_before = plus - column, end - column
    upper_token_before = token_at(upper_place_before)
    upper_before = rasp.Map(_digit, upper_token_before).named("upper_before")
    lower_before = token_at(lower_place_before, second, -1).named("lower_before")
    before = rasp.map(_total, upper_before, lower_before, end).named("total_before")
    not_nine = rasp.Select(before, True, _settles)
    settled, carries = rasp.latest(not_nine), rasp.Map(_carries, before)
    carry = rasp.Aggregate(settled, carries, default=False).named("carry")
    over = rasp.SequenceMap(_is_over, upper, lower).named("over")
    return rasp.map(_written, total, carry, over).named("write_addition")


def _digit(token: Value) -> int:
    return int(token) if token in DIGITS else -1


def _digit_behind(token: Value, mark: int) -> int:
    return _digit(token) if mark >= 0 else -1


def _total(upper: int, lower: int, end: int) -> int:
    return max(upper, 0) + max(lower, 0) if end >= 0 else 0


def _settles(total: int, query: bool) -> bool:
    return total != 9


def _carries(total: int) -> bool:
    return total > 9


def _is_over(upper: int, lower: int) -> bool:
    return upper < 0 and lower < 0


def _written(total: int, carry: bool, over: bool) -> str:
    if over:
        return "1" if carry else STOP
    return str((total + carry) % 10)


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


@rasp.program
def write_recall() -> SOp:
    """a1b2a3?a is followed by 3, what was last written to a."""
    left = I - 1
    previous = token_at(left, default="?").named("previous")
    address = rasp.map(_address, previous, T).named("address")
    asked = memory(address, T, T, default=STOP).named("asked")
    return rasp.map(_recalled, previous, asked).named("write_recall")


def _address(previous: str, token: str) -> str:
    return previous if token in DIGITS else "none"


def _recalled(previous: str, asked: str) -> str:
    return asked if previous == "?" else STOP


def _counted(prompt: str) -> str:
    return "".join(map(str, range(int(prompt[0]), int(prompt[1]) + 1)))


def _parities(prompt: str) -> str:
    return "".join(str(prompt[: i + 1].count("1") % 2) for i in range(len(prompt) - 1))


def _sum(prompt: str) -> str:
    first, second = prompt[:-1].split("+")
    return str(int(first) + int(second))[::-1].ljust(max(len(first), len(second)), "0")


def _closed(prompt: str) -> str:
    stack: list[str] = []
    for bracket in prompt:
        stack = [*stack, bracket] if bracket in "([" else stack[:-1]
    return "".join(str(_closing(bracket)) for bracket in reversed(stack))


def _recalled_in(prompt: str) -> str:
    return next((value for name, value in reversed(list(pairwise(prompt[:-2]))) if name == prompt[-1]), "")


def _entry(
    build: Callable[..., SOp], vocab: Iterable[Value], length: int, prompts: str, reference: Callable[[str], Any],
    source: str = "raspc",
) -> Writer:  # fmt: skip
    description = (inspect.getdoc(build) or "").split("\n", 1)[0]
    return Writer(build.__name__, build, tuple(vocab), length, prompts, reference, description, source)


def _but_the_last(prompt: Sequence[str]) -> Any:
    return prompt[:-1]


def _sorted(prompt: str) -> str:
    return "".join(sorted(prompt[:-1]))


WRITERS = (
    _entry(write_copy, "abc=.", 13, "[abc]{1,6}=", _but_the_last),
    _entry(write_count, "0123456789:.", 14, "[0-9][0-9]:", _counted),
    _entry(write_sort, "0123=.", 11, "[0-3]{1,5}=", _sorted),
    _entry(write_parity, "01=.", 17, "[01]{1,8}=", _parities),
    _entry(write_addition, "0123456789+=.", 9, "[0-9]{1,2}\\+[0-9]{1,2}=", _sum),
    _entry(write_closing, "()[].", 8, "[(\\[]{1,4}|\\([)\\]]?|\\[\\(\\)\\[", _closed),
    _entry(write_recall, "ab01?.", 11, "([ab][01]){1,3}\\?[ab]", _recalled_in, "Elhage et al. (2021)"),
)
"""Every program that writes, in the order in which docs/writers.md tells of them."""
