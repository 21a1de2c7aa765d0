"""The node of a sum over selected keys, with its value set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph.evidence import Evidence
from raspc.graph.nodes import Interval, Listed, Sum
from raspc.graph.selectors import most_keys
from raspc.graph.totals import totals


def total_of(known: Evidence, selector: int, source: int, name: str) -> int:
    """The sum of the numbers at the selected keys. Raises UnsupportedProgram where there are no finite ones."""
    store = known.store
    domain = store.domain(source)
    if isinstance(domain, Interval):
        numbers: Sequence[Any] = (domain.lo, domain.hi)
    else:
        exact = [V.whole(x) for x in store.exactly(source).values if V.is_number(x)]
        rounded = {V.key(x) for x in domain.values if V.is_number(x)} != set(map(V.key, exact))
        numbers = [*exact, math.pi] if rounded else exact  # sums of what counts as one are no list of numbers
    if not numbers or not all(map(math.isfinite, numbers)):
        raise UnsupportedProgram.at(
            name, "a sum of values of which none is a finite number", "numbers below 1.8e308",
            "map the values to numbers first",
        )  # fmt: skip
    most = most_keys(store.nodes, selector, known.frame.max_len)
    values = totals(numbers, most, int(known.never_empty(selector)))
    if isinstance(domain, Interval) and isinstance(values, Listed):
        values = Interval(float(values.values[0]), float(values.values[-1]))
    node = Sum(domain=values, selector=selector, source=source)
    if known.observed is not None and isinstance(values, Listed):
        node = replace(node, domain=known.observed.kept(node))
    return store.put(node)
