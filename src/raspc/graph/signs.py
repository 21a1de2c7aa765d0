"""Comparisons of a mean with whole numbers, by the sign of their difference, where the mean has many values.

The mean of up to n whole numbers is a fraction whose denominator is at most n. So its difference from a whole number is
0 or at least 1/n, and one staircase along the difference tells which.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from raspc import rasp
from raspc import values as V
from raspc.graph import nodes as N
from raspc.graph.means import possible_means
from raspc.graph.nodes import Affine, Aggregate, Interval, Listed, Node
from raspc.graph.selectors import most_keys
from raspc.graph.store import Store

FEW = 1 << 12
"""Up to so many combinations of values are listed: that takes less."""
CALLS = 1 << 21
"""The most calls of a function by which it is shown to be a comparison."""
LISTED = 1 << 18
"""The most values of a mean that are gone through for that."""
COMPARISONS = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
"""What the sign of a difference is compared with 0 by, by the name of the comparison of its sides."""


class Builder(Protocol):
    """What is needed of the builder of a graph."""

    store: Store
    max_len: int

    def elementwise_of(self, f: Callable[..., Any], args: Sequence[int], name: str) -> int:
        """A function as a table."""


@dataclass(frozen=True)
class Terms:
    """bias + Σ coef·variable, by the place of each."""

    coefs: dict[int, float]
    bias: float

    def minus(self, other: Terms) -> Terms:
        """The difference."""
        places = dict.fromkeys((*self.coefs, *other.coefs))
        found = {place: self.coefs.get(place, 0.0) - other.coefs.get(place, 0.0) for place in places}
        return Terms({place: coef for place, coef in found.items() if coef}, self.bias - other.bias)


def least_gap(nodes: Sequence[Node], args: Sequence[int], coefs: Sequence[float], bias: float, n: int) -> float:
    """How far from 0 a sum is at least that is not 0; 0 where nothing is known.

    One of the variables may be a mean of whole numbers that is not listed, all else is whole.
    """
    means = [node for arg in args if _is_mean(node := nodes[arg])]
    rest = [nodes[arg].domain for arg in args if not _is_mean(nodes[arg])]  # type: ignore[attr-defined]
    if len(means) != 1 or any(x % 1 for x in (*coefs, bias)) or not all(map(_is_whole, rest)):
        return 0.0
    mean = means[0]
    source = nodes[mean.source].domain if isinstance(mean, Aggregate) else None  # type: ignore[attr-defined]
    whole = isinstance(source, Listed) and not (source.numbers % 1).any() and np.isfinite(source.numbers).all()
    return 1.0 / most_keys(nodes, mean.selector, n) if whole and isinstance(mean, Aggregate) else 0.0


def _is_mean(node: Node) -> bool:
    return isinstance(node, Aggregate) and not node.pick and isinstance(node.domain, Interval)


def _is_whole(domain: N.Domain) -> bool:
    if not isinstance(domain, Listed) or not domain.all_numbers:
        return False
    return bool(np.isfinite(domain.numbers).all() and not (domain.numbers % 1).any())


def by_sign(builder: Builder, expr: rasp.Elementwise, args: Sequence[int]) -> int | None:
    """A function of a mean and of whole numbers as one of the sign of their difference; None where it is none."""
    found = compared(builder, expr, args)
    return recognised(builder, expr, args) if found is None else found


def compared(builder: Builder, expr: rasp.Elementwise, args: Sequence[int]) -> int | None:
    """A comparison of a mean with whole numbers, as a function of a sign; None where it is no such thing."""
    name, left, right = expr.operation or ("", None, None)
    store, constants = builder.store, [left, right]
    if name not in COMPARISONS or len(args) + sum(c is not None for c in constants) != 2:
        return None
    if not all(c is None or (V.is_number(c) and c == c) for c in constants):
        return None
    places = iter(args)
    left_side, right_side = (_terms(store, next(places)) if c is None else Terms({}, float(c)) for c in constants)
    total = left_side.minus(right_side)
    if not _is_worth(store, total, builder.max_len) or (sign := _signed(builder, total)) is None:
        return None
    compare = COMPARISONS[name]
    return builder.elementwise_of(lambda s: None if s is None else compare(s, 0), (sign,), expr.told)


def _terms(store: Store, place: int) -> Terms:
    """A variable as a sum of others; those that are not listed are means, or sums of them."""
    pending, coefs, bias = {place: 1.0}, dict[int, float](), 0.0
    while pending:
        last = max(pending)  # what it is made of stands before it
        coef, node = pending.pop(last), store.nodes[last]
        if not isinstance(node, Affine):
            coefs[last] = coef
            continue
        bias += coef * node.bias
        for arg, part in zip(node.args, node.coefs, strict=True):
            pending[arg] = pending.get(arg, 0.0) + coef * part
    return Terms({arg: coef for arg, coef in coefs.items() if coef}, bias)


def _signed(builder: Builder, total: Terms) -> int | None:
    """The sign of a sum; None where no gap is known, or other values than None stand beside its numbers."""
    store, args = builder.store, tuple(total.coefs)
    coefs = tuple(total.coefs.values())
    gap = least_gap(store.nodes, args, coefs, total.bias, builder.max_len)
    specials = {special for arg in args for special in store.domain(arg).specials}
    if gap <= 0 or specials - {None}:
        return None
    domain = Listed(V.canonical((-1, 0, 1, *specials)))
    return store.put(N.Sign(domain=domain, args=args, coefs=coefs, bias=total.bias, gap=gap))


def _is_worth(store: Store, total: Terms, n: int) -> bool:
    """Whether listing the values would take more: few means, compared with few numbers, are listed."""
    listed = 1.0
    for place in total.coefs:
        domain = store.domain(place)
        if isinstance(domain, Interval):
            listed *= n * (1 + (domain.hi - domain.lo) * n / 2)
        else:
            listed *= len(domain)
    return listed > FEW


def recognised(builder: Builder, expr: rasp.Elementwise, args: Sequence[int]) -> int | None:
    """A function of a mean and of one whole number that turns out to compare them, by calling it for all that occur."""
    store = builder.store
    if len(args) != 2 or not expr.none_in_none_out:
        return None
    axes = [i for i, arg in enumerate(args) if _is_mean(store.nodes[arg])]
    if len(axes) != 1 or not _is_whole(store.domain(args[1 - axes[0]])):
        return None
    axis = axes[0]
    mean, other = args[axis], store.listed(args[1 - axis])
    node = store.nodes[mean]
    assert isinstance(node, Aggregate)
    source = store.domain(node.source)
    if not isinstance(source, Listed) or not _is_worth(
        store, Terms({mean: 1.0, args[1 - axis]: 1.0}, 0.0), builder.max_len
    ):
        return None
    means = possible_means([x for x in source.values if V.is_number(x)], builder.max_len, LISTED)
    if means is None or len(means) * len(other) > CALLS:
        return None
    own = V.canonical((*means, *([node.default] if node.may_be_empty and V.is_number(node.default) else [])))

    def calls(one: Any, others: Sequence[Any], is_mean: bool) -> list[Any]:
        return V.apply_beside(expr.f, one, others, is_mean == (axis == 0))

    try:
        found = _by_sign(calls, own, other.values)
    except Exception:  # whatever a person's function raises: then it is no comparison
        return None
    if found is None:
        return None
    (slope, more), outcomes = found
    sign = _signed(builder, Terms({mean: 1.0, args[1 - axis]: -float(slope)}, -float(more)))
    return None if sign is None else builder.elementwise_of(lambda s: outcomes.get(s), (sign,), expr.told)


Calls = Callable[[Any, Sequence[Any], bool], list[Any]]
"""What a function gives for a mean beside each of some whole numbers; or for a whole number beside each of some means.

The last argument says whether the first is the mean.
"""


def _by_sign(
    calls: Calls, means: Sequence[Any], others: Sequence[Any]
) -> tuple[tuple[int, int], dict[int, Any]] | None:
    """((slope, more), the value for each sign of mean − slope·other − more), if a function looks at nothing else."""
    numbers, whole = np.array(means, np.float64), np.array(others, np.float64)
    middle = len(others) // 2
    column = [*map(V.typed, calls(others[middle], means, False))]
    changes = [i for i in range(1, len(column)) if column[i] != column[i - 1]]
    if not 1 <= len(changes) <= 2:
        return None
    ends = {float(np.round(numbers[place])) for i in changes for place in (i - 1, i) if numbers[place] % 1 == 0}
    for slope in (1, -1, 0):
        for end in sorted(ends):
            more = int(end - slope * whole[middle])
            away = numbers[:, None] - slope * whole[None, :] - more
            signs = np.where(np.abs(away) < 1e-9, 0, np.sign(away)).astype(np.int64)
            outcomes = _outcomes(calls, means, others, signs)
            if outcomes is not None:
                return (slope, more), outcomes
    return None


def _outcomes(
    calls: Calls, means: Sequence[Any], others: Sequence[Any], signs: NDArray[np.int64]
) -> dict[int, Any] | None:
    """What a function gives for each sign; None where it gives two values for one."""
    found: dict[int, Any] = {}
    order = [i for i, x in enumerate(means) if x % 1 == 0]  # whole numbers first: there most other functions show
    seen = set(order)
    for i in (*order, *(i for i in range(len(means)) if i not in seen)):
        for sign, value in _distinct(signs[i].tolist(), calls(means[i], others, True)):
            if V.typed(found.setdefault(sign, value)) != V.typed(value):
                return None
    return found


SCALARS = {int, bool, float, str, type(None)}
"""Types of which two values are one to a function where they are of one type and equal."""


def _distinct(signs: Sequence[int], values: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    """The pairs of a sign and a value, in their order; of those that are alike, hardly more than the first."""
    if SCALARS.issuperset(map(type, values)):
        return ((sign, value) for sign, _, value in dict.fromkeys(zip(signs, map(type, values), values, strict=True)))
    return zip(signs, values, strict=True)
