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


def place_of(mark: Value) -> SOp:
    """Where the mark stands, of several the last; −1 before it comes."""
    return rasp.Aggregate(rasp.latest(equal(T, mark)), I, default=-1)


def token_at(place: SOp, source: SOp = T, default: Value = STOP) -> SOp:
    """What a variable is at another place; `default` where there is none."""
    return rasp.Aggregate(rasp.Select(I, place, Comparison.EQ), source, default)


def memory(address: SOp, value: SOp, at: SOp, default: Value = None) -> SOp:
    """The value that was last written to an address, up to here; `default` where none was."""
    return rasp.Aggregate(rasp.latest(rasp.Select(address, at, Comparison.EQ)), value, default)


def machine(delta: Callable[[Value, Value], Value], start: Value, inputs: SOp, begins: SOp) -> SOp:
    """The next state of a finite automaton whose states are written one after another.

    The state is the token here, or `start` where `begins` is True; `inputs` is the letter that is read in it.
    """
    state = rasp.where(begins, start, T).named("state")
    return rasp.SequenceMap(partial(_next_state, delta), state, inputs).named("next_state")


def _next_state(delta: Callable[[Value, Value], Value], state: Value, letter: Value) -> Value:
    return STOP if letter in ("=", STOP) else delta(state, letter)


def write_copy(mark: Value = "=") -> SOp:
    """abc= is followed by abc."""
    copied = token_at((I - place_of(mark)).named("source"), default=STOP)
    return rasp.Map(partial(_until, mark), copied).named("write_copy")


def _until(mark: Value, token: Value) -> Value:
    return STOP if token == mark else token


def write_count() -> SOp:
    """37: is followed by 34567; where the first number is greater, by nothing."""
    first, last = token_at(rasp.Full(0), default="0").named("first"), token_at(rasp.Full(1), default="0").named("last")
    return rasp.map(_count_on, T, first, last).named("write_count")


def _count_on(token: str, first: str, last: str) -> str:
    if token == ":":
        return first if first <= last else STOP
    return STOP if token == STOP or last == ":" or token >= last else str(int(token) + 1)


def write_sort(mark: Value = "=") -> SOp:
    """312= is followed by 123: the smallest token first, as often as it came.

    The next token is the one that was written last, if it came more often than it was written, else the next
    greater one of the prompt.
    """
    prompt = rasp.Select(place_of(mark), -1, Comparison.EQ)
    came = rasp.SelectorWidth(prompt & same(T)).named("came")
    written = rasp.SelectorWidth(rasp.Select(place_of(mark), 0, Comparison.GEQ) & same(T)).named("written")
    greater = prompt & rasp.Select(T, T, partial(_is_greater, mark))
    following = rasp.Aggregate(rasp.best(greater, rasp.Map(_order, T), "min"), T, default=STOP).named("following")
    return rasp.where((written < came).named("again"), T, following).named("write_sort")


def _is_greater(mark: Value, key: Value, query: Value) -> bool:
    return key not in (mark, STOP) and (query in (mark, STOP) or key > query)


def _order(token: Any) -> int:
    return ord(token)


def write_parity(mark: Value = "=") -> SOp:
    """0110= is followed by 0100, the parity so far after each bit."""
    place = place_of(mark)
    bit = token_at((I - place).named("source")).named("bit")
    return machine(_xor, "0", bit, (I - place == 0).named("begins")).named("write_parity")


def _xor(state: Value, bit: Value) -> Value:
    return str(int(state == "1") ^ int(bit == "1"))


def write_addition() -> SOp:
    """12+9= is followed by 12: the digits of the sum, 21, from the last one on.

    Two digits of one column add up to 9, or they tell the carry into the next column. So the carry is that of the last
    column before this one that is not 9; each position computes the column before its own as well.
    """
    plus, end = place_of("+").named("plus"), place_of("=").named("equals")
    column, second = (I - end).named("column"), rasp.SequenceMap(_digit_behind, T, plus).named("second")
    upper = rasp.Map(_digit, token_at((plus - 1 - column).named("upper_place"))).named("upper")
    lower = token_at((end - 1 - column).named("lower_place"), second, -1).named("lower")
    total = rasp.map(_total, upper, lower, end).named("total")
    upper_before = rasp.Map(_digit, token_at(plus - column)).named("upper_before")
    lower_before = token_at(end - column, second, -1).named("lower_before")
    before = rasp.map(_total, upper_before, lower_before, end).named("total_before")
    settled = rasp.latest(rasp.Select(before, True, _settles))
    carry = rasp.Aggregate(settled, rasp.Map(_carries, before), default=False).named("carry")
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


def write_closing() -> SOp:
    """([ is followed by ]), what closes the brackets that are open."""
    opens, closes = T.is_in(["(", "["]), T.is_in([")", "]"])
    so_far = rasp.Select(I, I, Comparison.LEQ)
    depth = (
        rasp.SelectorWidth(so_far & rasp.Select(opens, True, Comparison.EQ))
        - rasp.SelectorWidth(so_far & rasp.Select(closes, True, Comparison.EQ))
    ).named("depth")
    opened = rasp.latest(rasp.Select(opens, True, Comparison.EQ) & rasp.Select(depth, depth, Comparison.EQ))
    last = rasp.Aggregate(opened, T, default=STOP).named("opened")
    return rasp.where(depth > 0, rasp.Map(_closing, last), STOP).named("write_closing")


def _closing(bracket: Value) -> Value:
    return {"(": ")", "[": "]"}.get(bracket, STOP)


def write_recall() -> SOp:
    """a1b2a3?a is followed by 3, what was last written to a."""
    previous = token_at(I - 1, default="?").named("previous")
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
