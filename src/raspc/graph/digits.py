"""Equality of many values as equality of two digits: 50,000 words have 2.5 billion pairs, and 224 digits twice.

Each value has a number, and the number two digits: values are equal where both digits are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isqrt
from typing import Any, Protocol

from raspc import rasp
from raspc import values as V
from raspc.graph.nodes import Bits, Index, Length, Listed
from raspc.graph.store import LARGE, Store
from raspc.graph.tabulate import COMPARISON_LIMIT, predicate, tabulate

COMPARED = (str, int, bool, float, type(None))
"""Types of values that are equal where their keys are."""


class Comparing(Protocol):
    """What makes the nodes of a graph, as far as a comparison needs it."""

    store: Store
    causal: bool
    index: int

    def gate(self, op: str, args: Sequence[int]) -> int: ...
    def negation(self, place: int) -> int: ...
    def put_select(self, key: int, query: int, cells: Bits) -> int: ...


PAIRS = 1 << 20
"""Up to so many pairs of values are listed whatever is asked of them."""
_CONSTANT = {rasp.Comparison.TRUE: "and", rasp.Comparison.FALSE: "or"}
"""Predicates that look at no value: everything, and nothing, as the conjunction and the disjunction of no selector."""


def put_compared(builder: Comparing, f: Callable[[Any, Any], bool], key: int, query: int, name: str) -> int:
    """A predicate as one table; an equality of many values, or its opposite, by the equality of their digits."""
    store, tables = builder.store, list[int]()
    if isinstance(f, rasp.Comparison) and f in _CONSTANT and _is_plain(store, key, query):
        return builder.gate(_CONSTANT[f], ())
    if f is rasp.Comparison.LEQ and builder.causal and key == query == builder.index and _is_plain(store, key, query):
        return builder.gate("and", ())  # the mask hides all that is later
    for digit in digits_of(store, f, key, query):
        k, q = (tabulate(store, digit, [place], name) for place in (key, query))
        tables.append(builder.put_select(*predicate(store, rasp.Comparison.EQ, k, q, name)))
    if not tables:
        return builder.put_select(*predicate(store, f, key, query, name))
    found = builder.gate("and", tables)
    return found if f is rasp.Comparison.EQ else builder.negation(found)


def _is_plain(store: Store, key: int, query: int) -> bool:
    """Whether there are many pairs, none of which holds None or a value that may be undefined."""
    keys, queries = store.listed(key), store.listed(query)
    defined = not (store.may_raise(key) or store.may_raise(query))
    return len(keys) * len(queries) > PAIRS and defined and None not in (*keys.values, *queries.values)


def digits_of(store: Store, predicate: object, key: int, query: int) -> tuple[Callable[[Any], Any], ...]:
    """Two functions of a value, its digits, where an equality or its opposite is of so many values; else none."""
    keys, queries = store.listed(key), store.listed(query)
    if predicate not in (rasp.Comparison.EQ, rasp.Comparison.NEQ) or max(len(keys), len(queries)) <= LARGE:
        return ()
    if len(keys) * len(queries) <= COMPARISON_LIMIT and any(_is_of_positions(store, side) for side in (key, query)):
        return ()  # what is selected of positions is told best by tables over indices
    if key in store.exact or query in store.exact or not (_are_compared(keys) and _are_compared(queries)):
        return ()
    values = [value for value in (*keys.values, *queries.values) if value is not None]
    numbers = _in_order(values) or {found: i for i, found in enumerate(dict.fromkeys(map(V.key, values)))}
    base = isqrt(len(numbers) - 1) + 1
    base = 1 << (base - 1).bit_length() if keys.all_numbers else base  # so that a digit is a part of a number exactly
    return partial(_high, numbers, base), partial(_low, numbers, base)


def _in_order(values: Sequence[Any]) -> dict[Any, int]:
    """Whole numbers from the least one on, each by its distance; of others nothing."""
    numbers = sorted({value for value in values if isinstance(value, int)})
    near = len(numbers) == len(set(map(V.key, values))) and numbers[-1] - numbers[0] < 2 * len(numbers)
    return {V.key(value): value - numbers[0] for value in numbers} if near else {}


def _is_of_positions(store: Store, place: int) -> bool:
    """Whether a variable is a function of the position, or of the length."""
    joint = store.joints[place]
    return joint is None or any(isinstance(store.nodes[root], Index | Length) for root in joint.roots)


def _are_compared(side: Listed) -> bool:
    return all(map(_is_compared, side.values))


def _is_compared(value: Any) -> bool:
    """Whether a value is one of these types, itself or in all its parts; and no NaN, which equals nothing."""
    if isinstance(value, tuple):
        return all(map(_is_compared, value))
    return isinstance(value, COMPARED) and value == value


def _high(numbers: Mapping[Any, int], base: int, value: Any) -> int | None:
    return None if value is None else numbers[V.key(value)] // base


def _low(numbers: Mapping[Any, int], base: int, value: Any) -> int | None:
    return None if value is None else numbers[V.key(value)] % base
