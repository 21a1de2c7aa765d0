"""Means that are told by counting: how many keys are selected, and how many of them hold each value.

A mean that attention computes errs in proportion to the numbers that are averaged. Where they cancel, or where later
steps depend on the mean exactly, that may be more than is promised. Counts are whole numbers, which neurons decode
without error; a function of a mean is then a table of them, and combinations of counts that cannot occur drop out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from raspc.graph.nodes import Bits, Listed
from raspc.graph.store import Store
from raspc.graph.tabulate import simplest, tabulated
from raspc.numbers import arithmetic

CELLS = 1 << 14
"""A mean whose counts have more combinations than this is not counted: each takes a neuron where it is decoded."""


class Growing(Protocol):
    """What is used of a graph that is being built."""

    store: Store
    max_len: int
    index: int

    def width_of(self, selector: int) -> int: ...
    def gate(self, op: str, args: Sequence[int]) -> int: ...
    def put_select(self, key: int, query: int, cells: Bits) -> int: ...


def counted_mean(builder: Growing, selector: int, source: int, default: Any, maybe_empty: bool) -> int | None:
    """The place of the mean as a table of counts; None where there are too many, or the source is not all numbers."""
    domain = builder.store.domain(source)
    if not isinstance(domain, Listed) or not domain.all_numbers:
        return None
    if (builder.max_len + 1) ** len(domain) > CELLS:
        return None
    counts = [builder.width_of(selector)]
    counts += [builder.width_of(_holding(builder, selector, source, value)) for value in range(len(domain) - 1)]
    told = partial(_mean, domain.values, (default,) if maybe_empty else ())
    found = tabulated(builder.store, lambda total, *held: told(total, held), counts, "a mean of counts")
    return simplest(builder.store, replace(found, raises=False))  # counts that it has no value for cannot occur


def _holding(builder: Growing, selector: int, source: int, value: int) -> int:
    """The selector of the keys that hold one of the values."""
    sizes = len(builder.store.listed(source)), builder.max_len
    cells = np.repeat((np.arange(sizes[0]) == value)[:, None], sizes[1], axis=1).astype(np.int8)
    return builder.gate("and", [selector, builder.put_select(source, builder.index, cells)])


def _mean(numbers: Sequence[Any], empty: Sequence[Any], total: int, held: Sequence[int]) -> Any:
    """The mean of `total` numbers, of which so many are each of the first ones and the rest the last.

    Raises LookupError for counts that cannot occur.
    """
    last = total - sum(held)
    if last < 0 or (total == 0 and not empty):
        raise LookupError("no keys are so many")
    values = [x for x, many in zip(numbers, [*held, last], strict=True) for _ in range(many)]
    return arithmetic.mean(values, *empty or (None,))
