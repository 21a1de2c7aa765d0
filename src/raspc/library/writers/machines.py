"""Writers that are machines: automata, a Turing machine, a stack."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import permutations, product

from raspc import rasp
from raspc.library.parts import equal
from raspc.library.writers.writer import DIGITS, STOP, I, T, Writer, digit, entry, place_of, token_at
from raspc.rasp import Comparison, SOp, Value


@rasp.program
def letter_to_read(mark: Value = "=") -> SOp:
    """The token of the prompt that is read at this step: the first at the mark, and so on."""
    end = place_of(mark)
    source = (I - end).named("source")
    return token_at(source).named("letter")


XOR = {(a, b): str(int(a) ^ int(b)) for a, b in product("01", repeat=2)}


@rasp.program
def write_parity() -> SOp:
    """0110= is followed by 0100, the parity so far after each bit."""
    letter = letter_to_read()
    return rasp.machine(XOR, "0", letter).named("write_parity")


START = "12345"
"""The identity of S₅; each of its 120 elements is written as the order that it makes of this one."""
GENERATORS = {"a": "21345", "b": "23451"}
"""A swap and a turn, which make all the others."""
ORDERS = tuple(map("".join, permutations(START)))


def composed(first: str, second: str) -> str:
    """What the first makes of 12345, put in order by the second."""
    return "".join(first[int(place) - 1] for place in second)


S5 = {(order, letter): composed(order, by) for order, (letter, by) in product(ORDERS, GENERATORS.items())}


@rasp.program
def write_word_problem() -> SOp:
    """ab= is followed by 21345 13452: the order of five after each swap of the first two (a) or turn (b).

    A word of S₅ is 1 where the last order is 12345. To tell that is as hard as anything that formulas of logarithmic
    depth decide (Barrington 1989); with its steps written out a transformer of fixed depth does it.
    """
    letter = letter_to_read()
    return rasp.machine(S5, START, letter).named("write_word_problem")


BUSY_BEAVER = {"A0": "1RB", "A1": "1LB", "B0": "1LA", "B1": "0LC", "C0": "1RH", "C1": "1LD", "D0": "1RD", "D1": "0RA"}
"""The machine of four states that makes most steps of all that halt, 107 (Brady 1983)."""
TAPE = ">"


@rasp.program
def write_busy_beaver() -> SOp:
    """> is followed by the 107 steps of a busy beaver: each what it writes, where it goes, its next state."""
    return turing_machine(BUSY_BEAVER).named("write_busy_beaver")


@rasp.program
def turing_machine(rules: Mapping[str, str]) -> SOp:
    """The next step of a Turing machine on an empty tape, from state A on; `STOP` after one into state H.

    `rules`: from a state and a symbol, as "A0", to what is written, the direction (L or R) and the next state, as
    "1RB". A step is a token. The place of the head is the steps to the right less those to the left; what stands there
    is what was written there last.
    """
    so_far, way = rasp.Select(I, I, Comparison.LEQ), rasp.Map(_way, T)
    place = rasp.Sum(so_far, way).named("place")
    wrote_at = rasp.SequenceMap(_place_before, place, T).named("wrote_at")
    written = rasp.Map(_symbol, T)
    symbol = rasp.memory(wrote_at, written, place, default="0").named("symbol")
    return rasp.SequenceMap(partial(_step, dict(rules)), T, symbol)


def _way(token: str) -> int:
    """By how much a step moves the head to the right."""
    return {"R": 1, "L": -1}.get(token[1:2], 0)


def _place_before(place: int, token: str) -> int:
    """Where a step wrote: beside the place that it went to; what is no step writes the blank that is there."""
    return place - _way(token)


def _symbol(token: str) -> str:
    return token[0] if len(token) == 3 else "0"


def _step(rules: Mapping[str, str], token: str, symbol: str) -> str:
    state = token[2] if len(token) == 3 else "A"
    return rules.get(state + symbol, STOP)


@rasp.program
def write_postfix() -> SOp:
    """34+2*= is followed by 34724: the top of the stack after each token, modulo 10; the last is the value.

    The second number of an operation is the top of the stack when it was last as low as it will be afterwards.
    """
    so_far = rasp.Select(I, I, Comparison.LEQ)
    pushes, pops = T.is_in(DIGITS), T.is_in("+*")
    pushing, popping = equal(pushes, True), equal(pops, True)
    pushing_so_far, popping_so_far = so_far & pushing, so_far & popping
    pushed, popped = rasp.SelectorWidth(pushing_so_far), rasp.SelectorWidth(popping_so_far)
    height, end = (pushed - popped).named("height"), place_of("=")
    source = (I - end).named("source")
    letter, after = token_at(source).named("letter"), token_at(source, height, 0).named("height_after")
    before = rasp.SequenceMap(_height_before, letter, after).named("height_before")
    under = rasp.memory(before, T, after, default="0").named("under")
    return rasp.map(_top, letter, T, under).named("write_postfix")


def _height_before(letter: Value, after: int) -> int:
    """The height before a token was taken; −1 where there is none to take."""
    return after - 1 if letter in DIGITS else after + 1 if letter in ("+", "*") else -1


def _top(letter: Value, top: Value, under: Value) -> Value:
    if letter in DIGITS:
        return letter
    if letter not in ("+", "*"):
        return STOP
    a, b = max(digit(under), 0), max(digit(top), 0)
    return str((a + b if letter == "+" else a * b) % 10)


def _parities(prompt: str) -> str:
    return "".join(str(prompt[: i + 1].count("1") % 2) for i in range(len(prompt) - 1))


def _orders(prompt: str) -> list[str]:
    order, found = list(START), list[str]()
    for letter in prompt[:-1]:
        order = [order[1], order[0], *order[2:]] if letter == "a" else [*order[1:], order[0]]
        found.append("".join(order))
    return found


def _steps(prompt: str) -> list[str]:
    tape, place, state, found = dict[int, str](), 0, "A", list[str]()
    while state != "H":
        step = BUSY_BEAVER[state + tape.get(place, "0")]
        found.append(step)
        tape[place] = step[0]
        place, state = place + (1 if step[1] == "R" else -1), step[2]
    return found


def _tops(prompt: str) -> str:
    stack, found = list[int](), ""
    for token in prompt[:-1]:
        if token in DIGITS:
            stack.append(int(token))
        else:
            b, a = stack.pop(), stack.pop()
            stack.append((a + b if token == "+" else a * b) % 10)
        found += str(stack[-1])
    return found


POSTFIX = "[0-9]=|[0-9][0-9][+*]=|[0-4][0-4][+*][0-4][+*]=|[0-4][0-4][0-4][+*][+*]="

WRITERS: tuple[Writer, ...] = (
    entry(write_parity, "01=.", 17, "[01]{1,8}=", _parities),
    entry(write_word_problem, (*ORDERS, *GENERATORS, "=", STOP), 19, "[ab]{1,9}=", _orders, "Barrington (1989)"),
    entry(write_busy_beaver, (*sorted(set(BUSY_BEAVER.values())), TAPE, STOP), 109, TAPE, _steps, "Brady (1983)"),
    entry(write_postfix, "0123456789+*=.", 12, POSTFIX, _tops),
)
