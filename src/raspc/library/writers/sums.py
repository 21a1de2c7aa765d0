"""Writers that reckon with digits: addition in three ways, a product."""

from __future__ import annotations

from functools import partial

from raspc import rasp
from raspc.library.parts import equal
from raspc.library.writers.writer import DIGITS, STOP, I, T, Writer, digit, entry, place_of, token_at
from raspc.rasp import Comparison, SOp, Value


@rasp.program
def write_addition(digits: int | None = None) -> SOp:
    """12+9= is followed by 12: the digits of the sum, 21, from the last one on.

    Two digits of one column add up to 9, or they tell the carry into the next column. So the carry is that of the last
    column before this one that is not 9; each position computes the column before its own as well. At the = that column
    is empty, so that no search goes further back.

    `digits`: how many both numbers have at most, where that is known: fewer places are told apart then.
    """
    return _reversed_sum(STOP, digits).named("write_addition")


@rasp.program
def _reversed_sum(after: Value, digits: int | None = None) -> SOp:
    """The digits of a sum from the last one on, and then `after`."""
    most = None if digits is None else 2 * digits
    plus, end = place_of("+").named("plus"), place_of("=").named("equals")
    column, second = (I - end).named("column"), rasp.SequenceMap(_digit_behind, T, plus).named("second")
    last_upper, last_lower = plus - 1, end - 1
    upper_place, lower_place = _inside(last_upper - column, most), _inside(last_lower - column, most)
    upper_token = token_at(upper_place.named("upper_place"))
    upper = rasp.Map(digit, upper_token).named("upper")
    lower = token_at(lower_place.named("lower_place"), second, -1).named("lower")
    upper_part, lower_part = rasp.Map(_or_missing, upper), rasp.Map(_or_missing, lower)
    total = (upper_part + lower_part).named("total")
    upper_place_before, lower_place_before = _inside(plus - column, most), _inside(end - column, most)
    upper_token_before = token_at(upper_place_before)
    lower_before = token_at(lower_place_before, second, -1).named("lower_before")
    upper_part_before, lower_part_before = rasp.Map(_part_of, upper_token_before), rasp.Map(_part, lower_before)
    before = (upper_part_before + lower_part_before).named("total_before")
    settles, carries = (before != 9).named("settles"), rasp.Map(_carries, before)
    settling = equal(settles, True)
    settled = rasp.latest(settling)
    carry = rasp.Aggregate(settled, carries, default=False).named("carry")
    return rasp.SequenceMap(_Written(after), total, carry)


def _inside(place: SOp, most: int | None) -> SOp:
    """A place; where it is known how far numbers go, one before the input is −1, where nothing is.

    None is beyond `most`; that it is said to end there makes it a straight line between two ends.
    """
    return place if most is None else rasp.Map(partial(_at_most, most), place)


def _at_most(most: int, place: int) -> int:
    return max(-1, min(place, most))


def _digit_behind(token: Value, mark: int) -> int:
    return digit(token) if mark >= 0 else -1


def _part(found: int) -> int:
    """What a digit adds to its column; where a number has none, nothing."""
    return max(found, 0)


def _part_of(token: Value) -> int:
    return _part(digit(token))


def _carries(total: int) -> bool:
    return total > 9


MISSING = -20
"""What stands in a column for a digit that a number has not: the total still tells the other digit."""


def _or_missing(found: int) -> int:
    return found if found >= 0 else MISSING


class _Written:
    """The digit of a column, and beyond the last one the carry, then `after`."""

    def __init__(self, after: Value) -> None:
        self.after = after

    def __call__(self, total: int, carry: bool) -> Value:
        if total == 2 * MISSING:
            return "1" if carry else self.after
        return str(((total if total >= 0 else total - MISSING) + carry) % 10)


@rasp.program
def write_thought_sum(digits: int | None = None) -> SOp:
    """12+9= is followed by 12>21: the digits from the last one on, as they are found, then the sum as it is read.

    `digits`: how many both numbers have at most, where that is known: fewer places are told apart then.
    """
    think = place_of(">").named("think")
    twice = 2 * think
    last_thought = twice - 1
    mirrored_place = _inside(last_thought - I, None if digits is None else 3 * digits + 2)
    mirrored = token_at(mirrored_place.named("mirrored_place")).named("mirrored")
    return rasp.map(_spoken, think, _reversed_sum(">", digits).named("thought"), mirrored).named("write_thought_sum")


def _spoken(think: int, thought: Value, mirrored: Value) -> Value:
    if think < 0:
        return thought
    return mirrored if mirrored in DIGITS else STOP


@rasp.program
def write_sum(digits: int | None = None) -> SOp:
    """12+09= is followed by 021: two numbers of as many digits, and their sum from its first digit on.

    At each digit of the second number stands the total of its column. A total of 9 passes a carry on, every other total
    decides by itself: it is settled. So the carry into a column is that of the next settled column to its right, which
    is found by counting: where so many are settled up to a column, the one that is meant is the next. What stands
    before the second number is never a 9, and counts everywhere.

    `digits`: how many both numbers have; where it is not given, the place of the + tells it.
    """
    plus = place_of("+").named("plus") if digits is None else rasp.Full(digits)
    behind = I - plus
    above = (behind - 1).named("above")
    upper = token_at(above).named("upper")
    inside = rasp.SequenceMap(_is_in_second, I, plus).named("inside")
    upper_digit, lower_digit = rasp.Map(digit, upper), rasp.Map(digit, T)
    total = (upper_digit + lower_digit).named("total")
    settles = (total != 9).named("settles")
    settling, of_second = equal(settles, True), equal(inside, True)
    settled = rasp.SelectorWidth(settling).named("settled")
    here, so_far = token_at(above, total, -1).named("here"), token_at(above, settled, 0).named("settled_here")
    one_more = so_far + 1
    next_count = rasp.Select(settled, one_more, Comparison.EQ)
    next_settling = next_count & settling
    following, carries = next_settling & of_second, rasp.Map(_carries, total)
    carry = rasp.Aggregate(following, carries, default=False).named("carry")
    return rasp.map(_digit_of, here, carry, upper).named("write_sum")


def _is_in_second(index: int, plus: int) -> bool:
    return 0 <= plus < index <= 2 * plus


def _digit_of(here: int, carry: bool, upper: Value) -> str:
    return STOP if upper == "=" else str((max(here, 0) + carry) % 10)


@rasp.program
def write_product() -> SOp:
    """47*8= is followed by 673: a number times one digit, 376, from the last digit on.

    A column's digit was written, so what was carried into it is known: the digit less the product of the column,
    modulo 10. With it the carry out of the column, into this one, is known as well.
    """
    times, end = place_of("*").named("times"), place_of("=").named("equals")
    column = (I - end).named("column")
    factor_place, last_upper, place_before = end - 1, times - 1, times - column
    factor_token, token_before = token_at(factor_place), token_at(place_before)
    upper_token = token_at((last_upper - column).named("upper_place"))
    factor, upper = rasp.Map(digit, factor_token).named("factor"), rasp.Map(digit, upper_token).named("upper")
    before = rasp.Map(digit, token_before).named("upper_before")
    carry = rasp.map(_carry_of, T, before, factor).named("carry")
    return rasp.map(_product_written, upper, factor, carry).named("write_product")


def _carry_of(written: Value, before: int, factor: int) -> int:
    """What a column carries on; a column beyond the number, or none, is a 0."""
    if digit(written) < 0:
        return 0
    product = max(before, 0) * max(factor, 0)
    return (product + (digit(written) - product) % 10) // 10


def _product_written(upper: int, factor: int, carry: int) -> str:
    if upper < 0:
        return str(carry) if carry else STOP
    return str((upper * max(factor, 0) + carry) % 10)


def _reference_sum(prompt: str) -> str:
    """The sum, as wide as the wider number at least."""
    first, second = prompt[:-1].split("+")
    return str(int(first) + int(second)).rjust(max(len(first), len(second)), "0")


def _backwards(prompt: str) -> str:
    return _reference_sum(prompt)[::-1]


def _thought(prompt: str) -> str:
    return f"{_backwards(prompt)}>{_reference_sum(prompt)}"


def _sum_in_order(prompt: str) -> str:
    first, second = prompt[:-1].split("+")
    return str(int(first) + int(second)).rjust(len(first) + 1, "0")


def _product(prompt: str) -> str:
    number, factor = prompt[:-1].split("*")
    return str(int(number) * int(factor)).rjust(len(number), "0")[::-1]


NUMBERS = "[0-9]{1,2}\\+[0-9]{1,2}="
AS_LONG = "[0-9]\\+[0-9]=|[0-9]{2}\\+[0-9]{2}="

WRITERS: tuple[Writer, ...] = (
    entry(write_addition, "0123456789+=.", 9, NUMBERS, _backwards),
    entry(write_sum, "0123456789+=.", 10, AS_LONG, _sum_in_order),
    entry(write_thought_sum, "0123456789+=>.", 13, NUMBERS, _thought),
    entry(write_product, "0123456789*=.", 10, "[0-9]{1,3}\\*[0-9]=", _product),
)
