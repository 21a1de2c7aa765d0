"""Comparisons that no value can meet, but one that looks like a value would: `tokens == 1` over the words "0" and "1".

What is the same for every value that can occur is asked again of values that look alike: "1" for 1, 1 for "1", "a" for
"A". If one of these is met, and a stranger to all values is not, it is what the program asks for, and the value that it
looks like was probably meant. (A stranger is met by `a and b`, to which every word is true.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

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


def never_met(subject: str, what: str, of: str, values: Sequence[Any], other: Any, value: Any) -> str:
    """The warning: what is never met, what the variable holds, and what was probably meant."""
    held = ", ".join(map(repr, values[:MOST_SHOWN])) + (", …" if len(values) > MOST_SHOWN else "")
    return f"{subject} {what}: {of} holds {held}, never {other!r}; {value!r} was probably meant"
