"""What a variable exactly holds, where several of its values count as one.

0.1 + 0.2 and 0.3 are one value of a graph, and so are True and 1, as long as all readers agree on them. `Exact` keeps
what the interpreter would see: which value the variable has for each combination of what it is made from. A reader that
tells two of them apart (`x > 0.3`, `str(x)`) is computed from that, and not from the value that stands for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.graph.nodes import UNDEFINED, Ids, Listed
from raspc.numbers.arithmetic import NEAR, ROUNDED

Slack = Callable[[Any, Any], Any]
"""How far two numbers may lie apart that count as one."""


@dataclass(frozen=True, eq=False)
class Exact:
    """The exact values of a variable, none of which is another's stand-in.

    `roots`: the variables whose exact values are the axes of `cells`, which hold places in `values`, UNDEFINED where
    there is none. A variable of which no more is known than its values is its own root; before it has a place, it has
    no roots. `ids`: the value of the graph that stands for each.
    """

    roots: tuple[int, ...]
    cells: Ids
    values: tuple[Any, ...]
    ids: Ids

    def over(self, roots: Sequence[int]) -> Ids:
        """The cells as a view with one axis (perhaps of size 1) for each of `roots`, a sorted superset."""
        sizes = dict(zip(self.roots, self.cells.shape, strict=True))
        return self.cells.reshape([sizes.get(root, 1) for root in roots])

    @property
    def is_its_own_root(self) -> bool:
        """Whether no more is known of the variable than its values, and it has no place yet."""
        return not self.roots and bool(self.cells.ndim)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What two of them have in common that are one."""
        exact = tuple(map(V.typed, self.values))
        return (self.roots, self.cells.shape, self.cells.tobytes(), exact, self.ids.tobytes())


def unrooted(values: Sequence[Any], ids: Ids) -> Exact:
    """A variable of which no more is known than what it can be."""
    return Exact((), np.arange(len(values), dtype=np.int32), tuple(values), ids)


def distinct(values: Sequence[Any]) -> tuple[tuple[Any, ...], Ids]:
    """(the values that can be told apart, as functions are given them; for each value its place among them)."""
    kinds = set(map(type, values))
    if kinds <= _PLAIN or kinds <= _BOOLEANS:
        chosen = V.canonical(values)
        return chosen, np.fromiter(Listed(chosen).ids(values), np.int32, len(values))
    places: dict[Any, int] = {}
    found = [places.setdefault(V.typed(value), len(places)) for value in values]
    first: dict[int, Any] = {}
    for place, value in zip(found, values, strict=True):
        if type(first.setdefault(place, value)) is float and type(value) is not float:
            first[place] = value
    return tuple(first[place] for place in range(len(places))), np.array(found, np.int32)


_PLAIN, _BOOLEANS = {int, str, type(None)}, {bool, str, type(None)}


def rounding(scale: float) -> Slack:
    """Numbers that were computed from numbers up to `scale` are one where they differ by rounding alone."""
    least = min(scale, 1000.0)
    return lambda x, y: ROUNDED * np.maximum(least, np.maximum(np.abs(x), np.abs(y)))


def nearness(x: Any, y: Any) -> Any:
    """Sums of numbers that are not listed are one where they are nearer than this."""
    return NEAR * np.maximum(1.0, np.abs(y))


def merged(values: Sequence[Any], slack: Slack, tidy: bool = False) -> tuple[Listed, Ids]:
    """The value set that stands for these exact values, and which of its values stands for each.

    Equal values are one, and so are numbers within the slack, but for two whole ones. `tidy`: a number that is whole
    but for rounding is written as a whole one.
    """
    chosen = V.canonical(values)
    if tidy or _has_near(chosen, slack):
        leaders = _leaders(chosen, slack, tidy)
        domain = Listed(V.canonical(leaders))
        own = dict(zip(map(V.key, chosen), domain.ids(leaders), strict=True))
        return domain, np.array([own[V.key(value)] for value in values], np.int32)
    domain = Listed(chosen)
    return domain, np.fromiter(domain.ids(values), np.int32, len(values))


def stands_for_all(domain: Listed, values: Sequence[Any]) -> bool:
    """Whether the value set is the exact values themselves."""
    return len(domain) == len(values) and set(map(V.typed, domain.values)) == set(map(V.typed, values))


def _has_near(chosen: Sequence[Any], slack: Slack) -> bool:
    if float not in set(map(type, chosen)):
        return False
    numbers = np.array([float(x) for x in chosen if V.is_number(x)])
    with np.errstate(invalid="ignore"):
        return bool((np.diff(numbers) <= slack(numbers[:-1], numbers[1:])).any())


def _leaders(chosen: Sequence[Any], slack: Slack, tidy: bool) -> list[Any]:
    """For each of the ascending values the one that stands for it."""
    groups: list[list[Any]] = []
    for value in chosen:
        first = groups[-1][0] if groups else None
        if groups and _is_near(first, value, slack):
            groups[-1].append(value)
        else:
            groups.append([value])
    return [leader for group in groups for leader in [_leader(group, tidy)] * len(group)]


def _is_near(x: Any, y: Any, slack: Slack) -> bool:
    if not (V.is_number(x) and V.is_number(y)) or float not in (type(x), type(y)):
        return False
    return math.isfinite(x) and bool(y - x <= slack(x, y))


def _leader(group: Sequence[Any], tidy: bool) -> Any:
    first = next((value for value in group if isinstance(value, int)), group[0])
    if type(first) is not float or not math.isfinite(first) or not (tidy or len(group) > 1):
        return first
    return round(first) if abs(first - round(first)) <= TIDY * max(1.0, abs(first)) else first


TIDY = 1e-12
"""A number that is as near to a whole one, relatively, is written as that."""


def drift(exact: Exact | None, domain: Listed) -> float:
    """How far an exact number can lie from the one that stands for it."""
    if exact is None:
        return 0.0
    pairs = zip(exact.values, exact.ids.tolist(), strict=True)
    return max(
        (abs(float(x) - float(domain.values[i])) for x, i in pairs if V.is_number(x) and math.isfinite(x)), default=0.0
    )


def as_function(keys: NDArray[Any], results: NDArray[Any], size: int) -> Ids | None:
    """The table from keys to results, UNDEFINED where there is no key; None if one key has two results."""
    table = np.full(size, UNDEFINED, np.int32)
    table[keys] = results
    return table if np.array_equal(table[keys], results) else None


@dataclass(frozen=True, eq=False)
class Listing:
    """A function as a table: over which variables, its cells, its value set, and what it exactly is if that is more.

    `promise`: of the author, if that is why it has no value somewhere.
    """

    args: tuple[int, ...]
    cells: Ids
    domain: Listed
    raises: bool
    exact: Exact | None = None
    promise: str = ""


def scale_of(pools: Sequence[Sequence[Any]]) -> float:
    """The size of the largest number that a function is given."""
    return max((abs(float(x)) for pool in pools for x in pool if V.is_number(x) and math.isfinite(x)), default=0.0)
