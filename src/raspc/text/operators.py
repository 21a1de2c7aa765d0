"""The operators: one table of precedence and meaning, on atoms, on s-ops, and on selectors.

An operator between atoms is computed at once; with an s-op on a side it builds the elementwise expression
that the same operator builds in Python, so that a text program and a Python program give equal graphs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from raspc import rasp
from raspc.rasp import Comparison, Elementwise, Map, NaryMap, Selector, SequenceMap, SOp
from raspc.rasp.expressions import right_of
from raspc.text.booleans import ANNOTATION
from raspc.text.kinds import MAX_SIZE, Value, constant, is_atom, is_elementwise, kind
from raspc.values import as_given

MAX_BITS = 4096
"""An integer beyond this many bits is an overflow: `9^9^9^9` gets an answer, not a hang."""

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


def plus(x: Value, y: Value) -> Value:
    """`x + y`. Raises Refused for strings that are too long together."""
    if isinstance(x, str) and isinstance(y, str):
        _check_size(len(x) + len(y))
    return x + y


def times(x: Value, y: Value) -> Value:
    """`x * y`; of a string or a list and a number so many times the string or list.

    Raises OverflowError for integers, Refused for strings that are too long.
    """
    if isinstance(x, int) and isinstance(y, int) and x.bit_length() + y.bit_length() > MAX_BITS:
        raise OverflowError("the product is too large")
    for several, count in ((x, y), (y, x)):
        if isinstance(several, (str, list)) and isinstance(count, int):
            _check_size(len(several) * count)
    return x * y


def remainder(x: Value, y: Value) -> Value:
    """`x % y`. Raises TypeError for a string, of which Python would fill in a form."""
    if isinstance(x, str):
        raise TypeError("% takes numbers")
    return x % y


def _check_size(size: int) -> None:
    if size > MAX_SIZE:
        raise Refused(f"the result has more than {MAX_SIZE} items")


def both(x: Value, y: Value) -> bool:
    """`x and y`, a boolean whatever they are."""
    return bool(x and y)


def either(x: Value, y: Value) -> bool:
    """`x or y`, a boolean whatever they are."""
    return bool(x or y)


def _lifted(f: Callable[[Value, Value], Value], name: str) -> Callable[[Value, Value], Value]:
    """The function between atoms as one between s-ops and atoms too, which know it under this name."""

    def lifted(x: Value, y: Value) -> Value:
        if not isinstance(x, SOp) and not isinstance(y, SOp):
            return f(x, y)
        result: Elementwise
        if isinstance(x, SOp) and isinstance(y, SOp):
            result = SequenceMap(as_given(partial(f)), x, y)
        elif isinstance(x, SOp):
            result = Map(as_given(partial(right_of, f, y)), x)
        else:
            result = Map(as_given(partial(f, x)), y)
        result.operation = (name, None if isinstance(x, SOp) else x, None if isinstance(y, SOp) else y)
        return result

    return lifted


NUMBERS = (int, float)

BINARY: dict[str, Binary] = {
    "^": Binary(7, _lifted(power, "power"), needs=NUMBERS),
    "*": Binary(6, _lifted(times, "mul"), needs=(*NUMBERS, str)),
    "/": Binary(6, _lifted(operator.truediv, "truediv"), needs=NUMBERS),
    "%": Binary(5, _lifted(remainder, "mod"), needs=NUMBERS),
    "+": Binary(4, _lifted(plus, "add")),
    "-": Binary(4, _lifted(operator.sub, "sub"), needs=NUMBERS),
    "==": Binary(3, _lifted(operator.eq, "eq")),
    "!=": Binary(3, _lifted(operator.ne, "ne")),
    "<": Binary(3, _lifted(operator.lt, "lt")),
    "<=": Binary(3, _lifted(operator.le, "le")),
    ">": Binary(3, _lifted(operator.gt, "gt")),
    ">=": Binary(3, _lifted(operator.ge, "ge")),
    "and": Binary(2, _lifted(both, "and"), operator.and_),
    "or": Binary(2, _lifted(either, "or"), operator.or_),
    "in": Binary(0),
}
"""All associate to the left; `and` and `or` bind alike, and `in` below `if else`, as in RASP's own interpreter."""

OF_CONTAINERS: dict[str, tuple[type, ...]] = {
    "+": (list,),
    "*": (list, int),
    **dict.fromkeys(("==", "!="), (list, dict)),
}
"""What an operator takes on both sides beside s-ops and atoms, if one of them is a list or a dictionary."""


def binary(symbol: str, x: Value, y: Value) -> Value:
    """`x symbol y`.

    Raises Refused for kinds that the operator does not take, and for arithmetic that has no result.
    """
    if symbol == "in":
        return contained(x, y)
    rule = BINARY[symbol]
    if isinstance(x, Selector) and isinstance(y, Selector) and rule.on_selectors:
        return rule.on_selectors(x, y)
    if _between_containers(symbol, x, y):
        return _of_containers(rule, x, y)
    _check_operands(symbol, rule, x, y)
    assert rule.on_values is not None
    return computed(rule.on_values, x, y)


def _between_containers(symbol: str, x: Value, y: Value) -> bool:
    taken = OF_CONTAINERS.get(symbol, ())
    return isinstance(x, taken) and isinstance(y, taken) and isinstance(x, list | dict) | isinstance(y, list | dict)


def _of_containers(rule: Binary, x: Value, y: Value) -> Value:
    assert rule.on_values is not None
    if rule.precedence == BINARY["=="].precedence:
        return computed(rule.on_values, fixed(x), fixed(y))
    return computed(rule.on_values, x, y)


def fixed(container: Value) -> Value:
    """A list as a tuple, a dictionary as one of such: what can be compared. Raises Refused for lists of s-ops."""
    try:
        if isinstance(container, dict):
            return {key: constant(value) for key, value in container.items()}
        return constant(container)
    except TypeError as error:
        raise Refused(f"lists are compared where they hold atoms: {error}") from error


def _check_operands(symbol: str, rule: Binary, x: Value, y: Value) -> None:
    for value, other in ((x, y), (y, x)):
        if not is_elementwise(value):
            raise Refused(_wrong_kind(symbol, value, other, rule))
        if rule.needs and is_atom(value) and not isinstance(value, rule.needs):
            raise Refused(f'"{symbol}" takes {_taken(rule)}; found {kind(value)}')


def _taken(rule: Binary) -> str:
    return "numbers" if rule.needs == NUMBERS else "numbers, or a string and a number"


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
        raise Refused(f"not defined for {shown}: {error}" if args else str(error)) from error


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
        return rasp.is_in(x, members).annotated(**{ANNOTATION: True})
    return computed(lambda: constant(x) in members)


def broadcast(value: Value) -> SOp:
    """An atom as the s-op that holds it at each position; an s-op as itself."""
    return value if isinstance(value, SOp) else rasp.Full(value)


def _mapped(f: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """The function of an atom as one of an s-op too."""
    mapped = as_given(partial(f))
    return lambda x: Map(mapped, x) if isinstance(x, SOp) else f(x)


def _negated(x: Value) -> Value:
    return Map(operator.not_, x) if isinstance(x, SOp) else not x


def _minus(x: Value) -> Value:
    return _TIMES(-1, x) if isinstance(x, SOp) else -x


def _indicator(x: Value) -> int:
    return 1 if x else 0


_TIMES = _lifted(times, "mul")

PREFIX: dict[str, Callable[[Value], Value]] = {
    "not": _negated,
    "-": _minus,
    "+": _mapped(operator.pos),
    "round": _mapped(round),
    "indicator": _mapped(_indicator),
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
    return NaryMap(_chosen, condition, broadcast(chosen), broadcast(otherwise), none_in_none_out=False)


@as_given
def _chosen(condition: Value, chosen: Value, otherwise: Value) -> Value:
    if condition is None:
        return None
    return chosen if condition else otherwise


def index(container: Value, at: Value) -> Value:
    """`container[at]`; elementwise where a fixed list or dictionary is indexed by an s-op; of an s-op its value at
    a position, everywhere.

    Raises Refused where there is no such item.
    """
    if isinstance(container, SOp):
        return _value_at(container, at)
    if not isinstance(container, (list, dict, str)):
        raise Refused(f"only s-ops, lists, dictionaries and strings are indexed; found {kind(container)}")
    if isinstance(at, SOp):
        return _index_elementwise(container, at)
    try:
        return item(container, at)
    except (LookupError, TypeError, ValueError) as error:
        raise Refused(str(error.args[0]) if error.args else "no such item") from error


BEYOND = 0
"""What an s-op is at a position beyond the input."""


def _value_at(sop: SOp, at: Value) -> SOp:
    """The value at one position, at every position. A negative one counts from the end."""
    if isinstance(at, float) and at.is_integer():
        at = int(at)
    if not isinstance(at, int):
        remedy = "; load_from_location takes an s-op" if isinstance(at, SOp) else ""
        raise Refused(f"an s-op is indexed by an integer; found {kind(at)}{remedy}")
    place = rasp.Full(int(at)) if at >= 0 else rasp.length + int(at)
    return rasp.Aggregate(rasp.Select(rasp.indices, place, Comparison.EQ), sop, default=BEYOND)


def _index_elementwise(container: Value, at: SOp) -> SOp:
    items = list(container.values()) if isinstance(container, dict) else list(container)
    fixed = computed(lambda: [constant(value) for value in items])
    table = dict(zip(container, fixed, strict=True)) if isinstance(container, dict) else fixed
    return Map(partial(item, table), at)


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
