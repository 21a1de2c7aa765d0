"""Comparisons that no value can meet: `tokens == 1` over the words "0" and "1", or `tokens == "z"` over "a" and "b".

The first asks for what looks like a value. What is the same for every value that can occur is asked again of values
that look alike: "1" for 1, 1 for "1", "a" for "A". If one of these is met, and a stranger to all values is not, it is
what the program asks for, and the value that it looks like was probably meant. (A stranger is met by `a and b`, to
which every word is true.)

The second asks by `==`, `!=` or `is_in` for what is no token at all. That is told of the tokens alone: which words
there are the caller has said, while a count or an index of 50 is a matter of length.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

from raspc import rasp
from raspc.values import is_number

MOST_CALLS = 4096
"""No more combinations of values are asked about."""
MOST_SHOWN = 6
STRANGERS = ("\0 no value", 2.0**-40)
"""A word and a number that nobody asks for."""


def look_alikes(value: Any) -> Iterator[Any]:
    """What a person may have written for a value: the number for the word, the word for the number, the other case."""
    if isinstance(value, str):
        try:
            number = json.loads(value)
        except ValueError:
            number = None
        if is_number(number):
            yield number
        if value.swapcase() != value:
            yield value.swapcase()
    elif is_number(value):
        yield str(value)


def meant(f: Callable[..., Any], domains: Sequence[Sequence[Any]], usual: Any) -> tuple[int, Any, Any] | None:
    """The argument, the look-alike that a function asks for, and the value that was probably meant; None if none is.

    `usual`: what the function gives for every combination of values: False, None, or True where it asks for "not".
    """
    size = 1
    for values in domains:
        size *= len(values)
    if size > MOST_CALLS:
        return None

    def is_met(place: int, other: Any) -> bool:
        return any(_differs(f, args, usual) for args in product(*domains[:place], [other], *domains[place + 1 :]))

    for place, values in enumerate(domains):
        if any(is_met(place, stranger) for stranger in STRANGERS):
            continue
        for value in values:
            for other in look_alikes(value):
                if is_met(place, other):
                    return place, other, value
    return None


def _differs(f: Callable[..., Any], args: Sequence[Any], usual: Any) -> bool:
    try:
        found = f(*args)
    except Exception:  # a function of a person's, on values that it never meets
        return False
    return found is not None and bool(found) != bool(usual)


def sought(expr: rasp.Expr) -> tuple[Any, ...]:
    """The values that a comparison asks for by `==`, `!=` or `is_in`; none where it is another function or selector."""
    if isinstance(expr, rasp.Select):
        is_equality = expr.predicate is rasp.Comparison.EQ
        return tuple(child.fill for child in expr.children if is_equality and isinstance(child, rasp.Full))
    if not isinstance(expr, rasp.Map):
        return ()
    name, left, right = expr.operation or ("", None, None)
    return (right if left is None else left,) if name in ("eq", "ne") else expr.sought


def never_there(subject: str, what: str, of: str, values: Sequence[Any], asked: Sequence[Any]) -> str:
    """The warning: what is never met, what the variable holds, and what is no value of it."""
    return f"{subject} {what}: {of} holds {_held(values)}, never {' or '.join(map(repr, asked))}"


def never_met(subject: str, what: str, of: str, values: Sequence[Any], other: Any, value: Any) -> str:
    """The warning: what is never met, what the variable holds, and what was probably meant."""
    return f"{subject} {what}: {of} holds {_held(values)}, never {other!r}; {value!r} was probably meant"


def _held(values: Sequence[Any]) -> str:
    return ", ".join(map(repr, values[:MOST_SHOWN])) + (", …" if len(values) > MOST_SHOWN else "")
