"""The operators: one table of precedence and meaning, on atoms, on s-ops, and on selectors.

An operator between atoms is computed at once; with an s-op on a side it builds the elementwise expression
that the same operator builds in Python, so that a text program and a Python program give equal graphs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from raspc import rasp
from raspc.rasp import Comparison, Map, Selector, SequenceMap, SOp
from raspc.text.kinds import Value, constant, is_atom, is_elementwise, kind

MAX_BITS = 4096
"""An integer beyond this many bits is an overflow: `9^9^9^9` gets an answer, not a hang."""

MAX_SIZE = 1_000_000
"""The most items in a list and characters in a string."""

COMPARISONS = {c.value: c for c in Comparison if c not in (Comparison.TRUE, Comparison.FALSE)}
"""The comparisons that select takes, by how they are written."""


class Refused(Exception):
    """An operation that these values do not allow; the caller knows the place.

    `argument`: the argument of a call that is at fault, where it is one.
    """

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.argument = argument


@dataclass(frozen=True)
class Binary:
    """A binary operator: how tightly it binds, and what it does where it has a meaning."""

    precedence: int
    on_values: Callable[[Value, Value], Value] | None = None
    on_selectors: Callable[[Selector, Selector], Selector] | None = None
    needs: tuple[type, ...] = ()
    """The atoms that it takes; any where empty."""


def power(x: Value, y: Value) -> Value:
    """`x^y`. Raises OverflowError beyond MAX_BITS, as floats do beyond their range."""
    if isinstance(x, int) and isinstance(y, int) and x.bit_length() * y > MAX_BITS:
        raise OverflowError("the power is too large")
    return x**y


def _times(x: Value, y: Value) -> Value:
    return x * y


def _power(x: Value, y: Value) -> Value:
    if isinstance(x, SOp):
        return SequenceMap(power, x, y) if isinstance(y, SOp) else Map(lambda v: power(v, y), x)
    return Map(lambda v: power(x, v), y) if isinstance(y, SOp) else power(x, y)


def _both(x: Value, y: Value) -> Value:
    return x & y if isinstance(x, SOp) or isinstance(y, SOp) else x and y


def _either(x: Value, y: Value) -> Value:
    return x | y if isinstance(x, SOp) or isinstance(y, SOp) else x or y


NUMBERS = (int, float)

BINARY: dict[str, Binary] = {
    "^": Binary(7, _power, needs=NUMBERS),
    "*": Binary(6, _times, needs=NUMBERS),
    "/": Binary(6, operator.truediv, needs=NUMBERS),
    "%": Binary(5, operator.mod, needs=NUMBERS),
    "+": Binary(4, operator.add),
    "-": Binary(4, operator.sub, needs=NUMBERS),
    "==": Binary(3, operator.eq),
    "!=": Binary(3, operator.ne),
    "<": Binary(3, operator.lt),
    "<=": Binary(3, operator.le),
    ">": Binary(3, operator.gt),
    ">=": Binary(3, operator.ge),
    "in": Binary(3),
    "and": Binary(2, _both, operator.and_),
    "or": Binary(2, _either, operator.or_),
}
"""All associate to the left; `and` and `or` bind alike, as in RASP's own interpreter."""


def binary(symbol: str, x: Value, y: Value) -> Value:
    """`x symbol y`.

    Raises Refused for kinds that the operator does not take, and for arithmetic that has no result.
    """
    if symbol == "in":
        return contained(x, y)
    rule = BINARY[symbol]
    if isinstance(x, Selector) and isinstance(y, Selector) and rule.on_selectors:
        return rule.on_selectors(x, y)
    if symbol == "+" and isinstance(x, list) and isinstance(y, list):
        return _bounded(x + y)
    _check_operands(symbol, rule, x, y)
    assert rule.on_values is not None
    return computed(rule.on_values, x, y)


def _check_operands(symbol: str, rule: Binary, x: Value, y: Value) -> None:
    for value, other in ((x, y), (y, x)):
        if not is_elementwise(value):
            raise Refused(_wrong_kind(symbol, value, other, rule))
        if rule.needs and is_atom(value) and not isinstance(value, rule.needs):
            raise Refused(f'"{symbol}" takes numbers; found {kind(value)}')


def _wrong_kind(symbol: str, value: Value, other: Value, rule: Binary) -> str:
    if isinstance(value, Selector) and rule.on_selectors:
        return f'"{symbol}" joins two selectors or two s-ops; found {kind(value)} and {kind(other)}'
    remedy = "; aggregate it, or take its selector_width" if isinstance(value, Selector) else ""
    return f'"{symbol}" needs s-ops or atoms; found {kind(value)}{remedy}'


def computed(f: Callable[..., Value], *args: Value) -> Value:
    """`f(*args)`, with every failure of arithmetic or of types as Refused."""
    try:
        return _bounded(f(*args))
    except ZeroDivisionError as error:
        raise Refused("division by zero") from error
    except OverflowError as error:
        raise Refused("the result is too large") from error
    except (TypeError, ValueError) as error:
        shown = " and ".join(kind(arg) for arg in args)
        raise Refused(f"not defined for {shown}: {error}") from error


def _bounded(value: Value) -> Value:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise OverflowError(f"an integer of more than {MAX_BITS} bits")
    if isinstance(value, (str, list)) and len(value) > MAX_SIZE:
        raise Refused(f"the result has more than {MAX_SIZE} items")
    if isinstance(value, complex):
        raise Refused("a root of a negative number is no number of RASP")
    return value


def contained(x: Value, container: Value) -> Value:
    """`x in container`: membership of a list or dictionary, or occurrence anywhere in an s-op."""
    if isinstance(container, SOp):
        if not is_elementwise(x):
            raise Refused(f'"in" looks for an atom or an s-op; found {kind(x)}')
        found = rasp.Select(container, broadcast(x), Comparison.EQ)
        return rasp.Aggregate(found, rasp.Full(True), default=False)
    if not isinstance(container, (list, dict)):
        raise Refused(f'"in" needs a list, a dictionary or an s-op on its right; found {kind(container)}')
    members = computed(lambda: frozenset(constant(item) for item in container))
    if isinstance(x, SOp):
        return rasp.is_in(x, members)
    return computed(lambda: constant(x) in members)


def broadcast(value: Value) -> SOp:
    """An atom as the s-op that holds it at each position; an s-op as itself."""
    return value if isinstance(value, SOp) else rasp.Full(value)


def _negated(x: Value) -> Value:
    return ~x if isinstance(x, (SOp, Selector)) else not x


def _indicated(x: Value) -> Value:
    return Map(_indicator, x) if isinstance(x, SOp) else _indicator(x)


def _indicator(x: Value) -> int:
    return 1 if x else 0


PREFIX: dict[str, Callable[[Value], Value]] = {
    "not": _negated,
    "-": operator.neg,
    "+": operator.pos,
    "round": round,
    "indicator": _indicated,
}


def prefix(symbol: str, x: Value) -> Value:
    """`symbol x`.

    Raises Refused for a kind that the operator does not take.
    """
    if isinstance(x, Selector) and symbol == "not":
        return ~x
    if not is_elementwise(x):
        remedy = "; aggregate it, or take its selector_width" if isinstance(x, Selector) else ""
        raise Refused(f'"{symbol}" needs an s-op or an atom; found {kind(x)}{remedy}')
    if isinstance(x, str) and symbol in ("-", "+", "round"):
        raise Refused(f'"{symbol}" takes a number; found a string')
    return computed(PREFIX[symbol], x)


def choose(chosen: Value, condition: SOp, otherwise: Value) -> SOp:
    """`chosen if condition else otherwise` at each position.

    Raises Refused unless both branches are s-ops or atoms.
    """
    for branch in (chosen, otherwise):
        if not is_elementwise(branch):
            raise Refused(f"the condition is an s-op, so both choices are s-ops or atoms; found {kind(branch)}")
    return rasp.where(condition, chosen, otherwise)


def index(container: Value, at: Value) -> Value:
    """`container[at]`; elementwise where a fixed list or dictionary is indexed by an s-op.

    Raises Refused where there is no such item.
    """
    if not isinstance(container, (list, dict, str)):
        raise Refused(f"only lists, dictionaries and strings are indexed; found {kind(container)}")
    if isinstance(at, SOp):
        return _index_elementwise(container, at)
    try:
        return item(container, at)
    except (LookupError, TypeError, ValueError) as error:
        raise Refused(str(error.args[0]) if error.args else "no such item") from error


def _index_elementwise(container: Value, at: SOp) -> SOp:
    items = list(container.values()) if isinstance(container, dict) else list(container)
    fixed = computed(lambda: [constant(value) for value in items])
    table = dict(zip(container, fixed, strict=True)) if isinstance(container, dict) else fixed
    return Map(lambda i: item(table, i), at)


def item(container: Value, at: Value) -> Value:
    """The item of a fixed list, string or dictionary. A whole number counts as an integer, as 1.0 is 1.

    Raises LookupError or TypeError, with the reason, where there is none.
    """
    if isinstance(container, dict):
        key = constant(at)
        if key not in container:
            raise LookupError(f"the dictionary has no key {key!r}")
        return container[key]
    if isinstance(at, float) and at.is_integer():
        at = int(at)
    if not isinstance(at, int):
        raise TypeError(f"a list is indexed by an integer; found {kind(at)}")
    if not -len(container) <= at < len(container):
        raise LookupError(f"index {at} is beyond a list of {len(container)}")
    return container[at]
