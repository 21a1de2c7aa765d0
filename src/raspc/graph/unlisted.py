"""Sums and means get their value sets when somebody needs them: until then they are intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph.exact import Exact, distinct, nearness, stands_for_all, unrooted
from raspc.graph.means import REMEDY, averages, means_of, too_near
from raspc.graph.nodes import Affine, Aggregate, Interval, Listed, Node, Sum, Table, Variable
from raspc.graph.selectors import Facts, one_key
from raspc.graph.store import Store
from raspc.graph.tables import Joint, listing
from raspc.graph.tabulate import tabulated

LIST_LIMIT = 1 << 18
"""The most values that a value set may have when it is listed."""


@dataclass(frozen=True, eq=False)
class Found:
    """A variable with its value set, how it is listed over its roots, and what it exactly is if that is more."""

    node: Variable
    joint: Joint | None = None
    exact: Exact | None = None


def list_values(store: Store, place: int, reader: str) -> int:
    """The place of the variable with its value set listed, because `reader` depends on its single values.

    Raises UnsupportedProgram where it has too many.
    """
    for unlisted in _unlisted(store, place):
        _list(store, unlisted, reader)
    return store.listed_as.get(place, place)


def _unlisted(store: Store, place: int) -> list[int]:
    """The variables without a listed value set that this one rests on, itself included, in their order."""
    found: set[int] = set()
    stack = [place]
    while stack:
        here = stack.pop()
        if here not in found and here not in store.listed_as and isinstance(store.domain(here), Interval):
            found.add(here)
            stack.extend(_sources(store, here))
    return sorted(found)


def _sources(store: Store, place: int) -> tuple[int, ...]:
    node = store.nodes[place]
    if isinstance(node, Aggregate):
        return (node.source,)
    if isinstance(node, Sum):
        return ()
    assert isinstance(node, Affine), "sums and means alone have values that are not listed"
    return node.args


def _list(store: Store, place: int, reader: str) -> None:
    """List one variable whose sources are listed: where it stands, or beside it if it has other sources then."""
    node, before = store.nodes[place], _sources(store, place)
    if isinstance(node, Sum):
        raise UnsupportedProgram.at(
            _known_as(node, place),
            "a sum of fractions that rounding parts, or a sum with too many possible values",
            f"whole numbers, and at most {LIST_LIMIT} sums of them, because {reader} depends on the exact value",
            "add whole numbers (cents for euros), or shorten the maximum length", place,
        )  # fmt: skip
    sources = tuple(store.listed_as.get(source, source) for source in before)
    found = _average(store, node, sources[0]) if isinstance(node, Aggregate) else _sum(store, place, sources)
    if found is None:
        raise UnsupportedProgram.at(
            _known_as(node, place),
            "a mean or sum of numbers with too many possible values, or values within 1e-9 of each other",
            f"at most {LIST_LIMIT} of them, clearly apart, because {reader} depends on the exact value",
            "shorten the maximum length, average fewer distinct numbers, or take sums or counts; where a mean stands "
            f"for one of its numbers, {REMEDY}", place,
        )  # fmt: skip
    refs = found.node.args if isinstance(found.node, Table) else sources
    if sources == before and refs == tuple(dict.fromkeys(before)):
        named = replace(found.node, names=node.names, called=node.called, numerical=node.numerical)
        store.replace(place, named, found.joint, found.exact)
    else:
        store.listed_as[place] = store.put(replace(found.node, names=(), called=None), found.joint, found.exact)


def _known_as(node: Node, place: int) -> str:
    """Its name, or a number for which the expression is put."""
    return next(iter(node.names), f"%{place}")


def _sum(store: Store, place: int, args: Sequence[int]) -> Found | None:
    """A sum of listed numbers: the table of the function that made it."""
    if np.prod([len(store.listed(arg)) for arg in args], dtype=float) > 16 * LIST_LIMIT:
        return None
    maker = store.makers[place]
    found = tabulated(store, maker.f, args, maker.name, maker.operation, slack=nearness)
    if len(found.domain) > LIST_LIMIT:
        return None
    joint = listing(store.nodes, store.joints, found.args, found.cells)
    node = Table(domain=found.domain, args=found.args, cells=found.cells, raises=found.raises)
    return Found(node, joint, found.exact)


def _average(store: Store, node: Aggregate, source: int) -> Found | None:
    """A mean or a pick of listed values."""
    if node.pick:
        alone = node.single or one_key(Facts(store.nodes, store.joints, False), node.selector)
        domain, exact = picked(store, source, node.default, node.may_be_empty, alone)
        return Found(replace(node, source=source, domain=domain), None, exact)
    if store.means is not None and (seen := store.means(node, source)) is not None:
        return Found(replace(node, source=source, domain=seen))
    numbers = [v for v in store.listed(source).values if V.is_number(v)]
    if too_near(numbers):
        return None
    exact_numbers = [v for v in store.exactly(source).values if V.is_number(v)]
    extra = [node.default] if node.may_be_empty and V.is_number(node.default) else []
    found = means_of(numbers, exact_numbers, store.max_len, LIST_LIMIT, (*extra, *node.domain.specials))
    if found is None:
        return None
    domain, values, ids = found
    exact = None if stands_for_all(domain, values) else unrooted(values, ids)
    return Found(replace(node, source=source, domain=domain), None, exact)


def picked(
    store: Store, source: int, default: Any, may_be_empty: bool, alone: bool = True
) -> tuple[Listed, Exact | None]:
    """The values of a pick of a listed variable, and what they exactly are if that is more.

    `alone`: no query selects more than one key; of several with values that count as one, it is their mean.
    """
    known, listed = store.exactly(source), store.listed(source).values
    extra = (default,) if may_be_empty else ()
    domain = Listed(V.canonical((*listed, *extra)))
    held = list(zip(known.values, known.ids.tolist(), strict=True))
    if not alone and source in store.exact:
        held += [(x, number) for number in range(len(listed)) for x in _averages(store, known, number)]
    values, places = distinct([*(x for x, _ in held), *extra])
    if stands_for_all(domain, values):
        return domain, None
    ids = np.zeros(len(values), np.int32)
    ids[places] = [*domain.ids(listed[number] for _, number in held), *domain.ids(extra)]
    return domain, unrooted(values, ids)


def _averages(store: Store, known: Exact, number: int) -> list[Any]:
    """The means of numbers that one value stands for."""
    held = [known.values[place] for place in np.flatnonzero(known.ids == number).tolist()]
    several = len(held) > 1 and all(map(V.is_number, held))
    return averages(held[:1], held, store.max_len) if several else []
