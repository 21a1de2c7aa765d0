"""Comparisons of keys such as token + 3·index, in widths, become comparisons of two digits.

token + 3·index is 3·(index + token // 3) + token % 3. One key is below another if its high digit is, or if the high
digits are equal and its low digit is lower: two selectors that no pair can both satisfy, so that their widths add. The
low digit is a function of the token alone, and the high one has a third of the values; of token + 100·index the high
digit is the index alone.

It is done where the widths of what comes of it can be added up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isqrt

import numpy as np

from raspc.graph.nodes import Floats, Graph, Ids, Index, Listed, Select, Table, Token, Width
from raspc.graph.ranks import affine
from raspc.graph.tables import listings
from raspc.numbers.options import DEFAULT, Level, Options
from raspc.passes.conditions import WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter
from raspc.passes.split_widths import Term, can_be_added, moved, signed_sum, terms_of, widths_of

MANY = 256
"""Tokens or indices of so many values are compared by two digits too."""
RELATIONS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal}
"""How a selected key may stand to the query."""


@dataclass(frozen=True, eq=False)
class Digits:
    """A key as factor·high + low, of one or two variables: `high` and `low` [values of each], from 0 on."""

    roots: tuple[int, ...]
    high: Ids
    low: Ids

    @property
    def size(self) -> int:
        """How many values both have."""
        return int(self.high.max() + self.low.max()) + 2


def factor_keys(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with digits compared; the graph itself where there are no such keys."""
    digits = digits_of(graph)
    if not digits:
        return graph
    new, changed = Rewriter(graph, options.without), False
    for place, node in enumerate(graph.nodes):
        parts = _parts(new, digits, node) if isinstance(node, Width) else None
        if parts is None or not isinstance(node, Width):
            new.keep(place)
        else:
            new.stand_in(place, signed_sum(new, parts, node.listed))
            changed = True
    return new.graph() if changed else graph


def digits_of(graph: Graph) -> Mapping[int, Digits]:
    """The keys that are compared in widths and are sums of multiples of the token and the index, with fewer digits."""
    if not any(isinstance(node, Width) for node in graph.nodes):
        return {}
    found: dict[int, Digits] = {}
    joints = listings(graph.nodes)
    for place in sorted({node.key for node in graph.nodes if isinstance(node, Select)}):
        node, joint = graph[place], joints[place]
        if isinstance(node, Token | Index) and len(node.listed) >= MANY:
            found[place] = _of_places(place, len(node.listed))
        if not isinstance(node, Table) or joint is None or len(joint.roots) != 2 or not node.listed.all_numbers:
            continue
        if not all(isinstance(graph[root], Token | Index) for root in joint.roots):
            continue
        numbers = [graph.variable(root).listed.numbers for root in joint.roots]
        sums = affine(joint.cells, node.listed, numbers) if all(map(_is_whole, numbers)) else None
        by = [one for axis in (0, 1) if sums and (one := _digits(joint.roots, sums[0], numbers, axis)) is not None]
        best = min(by, key=lambda one: one.size, default=None)
        if best is not None and best.size < len(node.listed):
            found[place] = best
    return found


def _of_places(place: int, count: int) -> Digits:
    """The digits of the places of the values of one variable, in their order."""
    high, low = np.divmod(np.arange(count, dtype=np.int32), isqrt(count - 1) + 1)
    return Digits((place,), high, low)


def _is_whole(numbers: Floats) -> bool:
    return len(numbers) > 1 and bool((numbers % 1 == 0).all())


def _digits(roots: tuple[int, ...], factors: Sequence[int], numbers: Sequence[Floats], axis: int) -> Digits | None:
    """The digits by the factor of one of two variables; None where that is no factor."""
    base = abs(factors[axis])
    if base < 2:
        return None
    multiples, rest = (factors[i] * numbers[i].astype(np.int64) for i in (axis, 1 - axis))
    carried, low = np.divmod(rest - rest.min(), base)
    high = np.add.outer(multiples // base, carried)
    both = (high - high.min(), np.broadcast_to(low, high.shape))
    first, second = (one.astype(np.int32) if axis == 0 else one.T.astype(np.int32) for one in both)
    return Digits(roots, np.ascontiguousarray(first), np.ascontiguousarray(second))


def _parts(new: Rewriter, digits: Mapping[int, Digits], node: Width) -> list[tuple[int, int]] | None:
    """The widths that a width is the sum of; None where it compares no such keys, or they cannot be added up."""
    terms = terms_of(new.old, node.selector)
    if terms is None or not any(_relation(new.old, digits, select) for term in terms for select in term):
        return None
    cases = [case for term in terms for case in product(*(_cases(new, digits, select) for select in term))]
    parts = widths_of(new, [tuple(select for one in case for select in one) for case in cases])
    return parts if can_be_added(parts, new.old.max_seq_len) else None


def _relation(graph: Graph, digits: Mapping[int, Digits], select: Select) -> str:
    """How the keys that a table selects stand to the query, if both are one variable with digits; else nothing."""
    if select.key != select.query or select.key not in digits:
        return ""
    domain = graph.variable(select.key).listed
    whole = len(digits[select.key].roots) == 1  # of one variable the places are compared; equality of it is as narrow
    numbers = np.arange(len(domain), dtype=np.float64) if whole else domain.numbers
    held = (
        name
        for name, holds in RELATIONS.items()
        if not (whole and name == "==") and np.array_equal(holds.outer(numbers, numbers), select.cells)
    )
    return next(held, "")


def _cases(new: Rewriter, digits: Mapping[int, Digits], select: Select) -> list[Term]:
    """The cases of a table, no two of which hold for one pair: of one that compares digits, one or two."""
    relation = _relation(new.old, digits, select)
    if not relation:
        return [(moved(new, select),)]
    found = digits[select.key]
    high, low = (_variable(new, found, cells) for cells in (found.high, found.low))
    equal = (_comparison(new, high, "=="), _comparison(new, low, relation))
    return [equal] if relation == "==" else [(_comparison(new, high, relation[0]),), equal]


def _variable(new: Rewriter, digits: Digits, cells: Ids) -> int:
    """A digit, of the variables that make a difference to it."""
    needed = [axis for axis in range(cells.ndim) if (cells != cells.take([0], axis)).any()]
    at = tuple(slice(None) if axis in needed else 0 for axis in range(cells.ndim))
    used, ids = np.unique(cells[at], return_inverse=True)
    shape = cells[at].shape
    domain = Listed(tuple(map(int, used)))
    return new.table([new.place[digits.roots[axis]] for axis in needed], ids.reshape(shape).astype(np.int32), domain)


def _comparison(new: Rewriter, place: int, relation: str) -> Select:
    numbers = new.store.listed(place).numbers
    return Select(key=place, query=place, cells=RELATIONS[relation].outer(numbers, numbers).astype(np.int8))


def _left(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Widths that still compare keys with fewer digits, though these could be added up."""
    if factor_keys(after, options) is not after:
        yield "a width compares keys that have two digits"


FACTOR_KEYS = Pass(
    "factor_keys",
    "a comparison of sums of multiples of token and index is one of two digits",
    factor_keys,
    requires=(WELL_FORMED,),
    ensures=(Guarantee("no width compares such sums, where the widths of digits can be added up", _left),),
    level=Level.COMPACT,
)
