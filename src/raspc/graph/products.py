"""A mean times the number of keys that it is taken over is their sum, whatever else it is multiplied by.

Of whole numbers there are far fewer sums than means: of up to 20 numbers from 1 to 3 there are 60 sums, and 257 means.
So a function of a mean and of the width of its selector is listed over the sum and the width. Where the width then
makes no difference, the function is one of the sum; else it is listed over the mean as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol

from raspc.graph import nodes as N
from raspc.graph.nodes import Affine, Aggregate, Interval, Listed, Sum, Table
from raspc.graph.selectors import TRUE
from raspc.graph.store import Store
from raspc.graph.tables import JOINT_LIMIT, Joint, listing
from raspc.graph.tabulate import CELL_LIMIT, Operation, simplest, tabulate, tabulated
from raspc.numbers.arithmetic import sums_are_exact
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "sums", "graph",
    "a mean times the width of its selector is a sum",
    "sums of the numbers are not rounded; the product is a function of the sum",
    "the product is listed by sums, not by means",
)  # fmt: skip

FEW = 1 << 14
"""Functions that are not known to be products are looked at over at most so many sums and widths."""
PAIRS = 1 << 23
"""The most sums and widths of a plain product of a mean and a width."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a table was made from: a function and its arguments."""

    f: Callable[..., Any]
    args: tuple[int, ...]
    name: str
    operation: Operation | None


class Builder(Protocol):
    """What is used of the builder of a graph."""

    store: Store
    causal: bool
    max_len: int
    recipes: dict[int, Recipe]

    def width_of(self, selector: int) -> int: ...
    def total_of(self, selector: int, source: int, name: str) -> int: ...
    def never_empty(self, selector: int) -> bool: ...


def as_sum(
    builder: Builder, f: Callable[..., Any], args: Sequence[int], name: str, operation: Operation | None
) -> int | None:
    """The function of some means and widths as one of sums; None where it is no such function."""
    if len(args) < 2:
        return None
    counted = _counted(builder, args)
    if not any(_is_summed(builder, place, counted) for arg in args for place in _leaves(builder.store, arg)):
        return None
    is_product = operation is not None and operation[0] == "mul"
    plain = _plain_product(builder, args, counted) if is_product else None
    return plain or _by_sums(builder, f, args, counted, name, operation, JOINT_LIMIT if is_product else FEW)


def _counted(builder: Builder, args: Sequence[int]) -> set[int]:
    """The selectors whose width some argument rests on."""
    store, found = builder.store, set[int]()
    for place in (leaf for arg in args for leaf in _leaves(store, arg)):
        node = store.nodes[place]
        if isinstance(node, N.Width):
            found.add(node.selector)
        elif isinstance(node, N.Length) or (builder.causal and isinstance(node, N.Index)):
            found.add(store.put(TRUE))
    return found


def _leaves(store: Store, place: int) -> set[int]:
    """What a variable rests on at its own position, but for tables and sums of numbers."""
    found, todo, seen = set[int](), [place], {place}
    while todo:
        here = todo.pop()
        node, joint = store.nodes[here], store.joints[here]
        refs = node.args if isinstance(node, Affine) else ()
        if isinstance(node, Table):
            refs = joint.roots if joint is not None and joint.roots != (here,) else node.args
        if not isinstance(node, Affine | Table):
            found.add(here)
        todo.extend(ref for ref in refs if ref not in seen)
        seen.update(refs)
    return found


def _is_summed(builder: Builder, place: int, counted: set[int]) -> bool:
    """Whether a variable is a mean of numbers whose sums are not rounded, over keys that are counted."""
    node, store = builder.store.nodes[place], builder.store
    if not isinstance(node, Aggregate) or node.pick or node.selector not in counted:
        return False
    source = store.domain(node.source)
    if not isinstance(source, Listed) or not source.all_numbers or node.source in store.exact:
        return False
    return not any(isinstance(x, bool) for x in source.values) and sums_are_exact(source.values, builder.max_len)


def _total(builder: Builder, node: Aggregate) -> int | None:
    """The sum beside a mean; None where its values are not listed."""
    place = builder.total_of(node.selector, node.source, "a sum")
    return place if isinstance(builder.store.domain(place), Listed) else None


def _plain_product(builder: Builder, args: Sequence[int], counted: set[int]) -> int | None:
    """The sum itself, for a mean times its width, where the product of no two of them is rounded to another number."""
    store = builder.store
    means = [arg for arg in args if _is_summed(builder, arg, counted)]
    if len(args) != 2 or len(means) != 1:
        return None
    node = store.nodes[means[0]]
    assert isinstance(node, Aggregate)
    total, other = _total(builder, node), next(arg for arg in args if arg not in means)
    if total is None or other != builder.width_of(node.selector) or (node.may_be_empty and node.default != 0):
        return None
    sums, widths = store.listed(total).numbers, store.listed(other).numbers
    if len(sums) * len(widths) > PAIRS:
        return None
    numbers = store.listed(node.source).numbers
    n, s = widths[widths > 0][:, None], sums[None, :]
    can_be = (s >= n * numbers.min()) & (s <= n * numbers.max())
    return total if bool(((s / n * n == s) | ~can_be).all()) else None


def _by_sums(
    builder: Builder, f: Callable[..., Any], args: Sequence[int], counted: set[int], name: str,
    operation: Operation | None, most: int,
) -> int | None:  # fmt: skip
    """The function over sums and widths, if the widths make no difference."""
    store = builder.store
    told = [_told(builder, arg, counted, most) for arg in args]
    places = [place for place in told if place is not None]
    if len(places) < len(args) or places == list(args):
        return None
    if prod(len(store.listed(place)) for place in places) > CELL_LIMIT:
        return None
    found = tabulated(store, f, places, name, operation)
    joint = listing(store.nodes, store.joints, found.args, found.cells, trimmed=False)
    if joint is None or found.raises:
        return None
    trimmed = _without_counts(store, joint)
    if trimmed is None:
        return None
    return store.put(Table(domain=found.domain, args=trimmed.roots, cells=trimmed.cells), trimmed, found.exact)


def _without_counts(store: Store, joint: Joint) -> Joint | None:
    """Without the widths, the length and the index, each of which must make no difference beside a sum."""
    roots, cells = joint.roots, joint.cells
    for axis in range(len(roots) - 1, -1, -1):
        if isinstance(store.nodes[roots[axis]], Sum):
            continue
        merged = cells.max(axis=axis, keepdims=True)
        if ((cells == merged) | (cells < 0)).all():
            roots, cells = roots[:axis] + roots[axis + 1 :], merged.squeeze(axis)
        elif isinstance(store.nodes[roots[axis]], N.Width | N.Length | N.Index):
            return None
    return Joint(roots, cells.copy(order="C"))


def _told(builder: Builder, place: int, counted: set[int], most: int) -> int | None:
    """A variable as a function of sums and widths where it rests on such means; None where that has no list."""
    store, node = builder.store, builder.store.nodes[place]
    if _is_summed(builder, place, counted):
        assert isinstance(node, Aggregate)
        return _quotient(builder, node, most)
    if isinstance(node, Affine):
        args = [_told(builder, arg, counted, most) for arg in node.args]
        known = [arg for arg in args if arg is not None]
        if len(known) < len(args) or place not in store.makers:
            return None
        maker = store.makers[place]
        return tabulate(store, maker.f, known, maker.name, maker.operation)
    if isinstance(store.domain(place), Interval):
        return None
    return _over_sums(builder, place, counted, most) if isinstance(node, Table) else place


def _quotient(builder: Builder, node: Aggregate, most: int) -> int | None:
    """A mean as the table that divides a sum by a width; sums that no so many numbers have cannot occur there."""
    store, total, count = builder.store, _total(builder, node), builder.width_of(node.selector)
    if total is None or len(store.listed(total)) * len(store.listed(count)) > most:
        return None
    numbers = store.listed(node.source).values
    low, high = min(numbers), max(numbers)

    def mean(s: Any, n: int) -> Any:
        if not n * low <= s <= n * high or (n == 0 and not node.may_be_empty):
            raise LookupError("no numbers have this sum")
        return s / n if n else node.default

    return simplest(store, replace(tabulated(store, mean, (total, count), "a mean"), raises=False))


def _over_sums(builder: Builder, place: int, counted: set[int], most: int) -> int | None:
    """A table of means as one of sums and widths, made again; the table itself where it is over none."""
    leaves = _leaves(builder.store, place)
    if not any(_is_summed(builder, leaf, counted) for leaf in leaves):
        return place
    recipe = builder.recipes.get(place)
    if recipe is None:
        return None
    args = [_told(builder, arg, counted, most) for arg in recipe.args]
    known = [arg for arg in args if arg is not None]
    sizes = prod(len(builder.store.listed(arg)) for arg in known)
    if len(known) < len(args) or sizes > CELL_LIMIT:
        return None
    return tabulate(builder.store, recipe.f, known, recipe.name, recipe.operation)
