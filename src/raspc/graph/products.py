"""A mean times the number of keys that it is taken over is their sum, whatever else it is multiplied by.

Of whole numbers there are far fewer sums than means: of up to 20 numbers from 1 to 3 there are 60 sums, and 257 means.
So a function of a mean and of the width of its selector is listed over the sum and the width. Where the width then
makes no difference, the function is one of the sum; else it is listed over the mean as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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


Leaves = frozenset[int]
Asked = tuple[int, frozenset[int], int]
"""A variable, the selectors whose widths may be used, and how many sums and widths a table may have."""


@dataclass(frozen=True, eq=False)
class Products:
    """What is known of the functions of a graph that grows.

    `recipes`: what tables were made from, each from variables before it; `leaves`: what variables rest on; `told`: what
    they are as functions of sums and widths.
    """

    recipes: dict[int, Recipe] = field(default_factory=dict)
    leaves: dict[int, Leaves] = field(default_factory=dict)
    told: dict[Asked, int] = field(default_factory=dict)

    def made(self, place: int, recipe: Recipe) -> None:
        """A table was made so. One that is a variable from before its own arguments has another recipe, or none."""
        if place > max(recipe.args, default=-1):
            self.recipes.setdefault(place, recipe)


class Builder(Protocol):
    """What is used of the builder of a graph."""

    store: Store
    causal: bool
    max_len: int
    products: Products

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
    if not any(_is_summed(builder, place, counted) for arg in args for place in _leaves(builder, arg)):
        return None
    is_product = operation is not None and operation[0] == "mul"
    plain = _plain_product(builder, args, counted) if is_product else None
    return plain or _by_sums(builder, f, args, counted, name, operation, JOINT_LIMIT if is_product else FEW)


def _counted(builder: Builder, args: Sequence[int]) -> set[int]:
    """The selectors whose width some argument rests on."""
    store, found = builder.store, set[int]()
    for place in (leaf for arg in args for leaf in _leaves(builder, arg)):
        node = store.nodes[place]
        if isinstance(node, N.Width):
            found.add(node.selector)
        elif isinstance(node, N.Length) or (builder.causal and isinstance(node, N.Index)):
            found.add(store.put(TRUE))
    return found


def _leaves(builder: Builder, place: int) -> Leaves:
    """What a variable rests on at its own position, but for tables and sums of numbers."""
    store, known = builder.store, builder.products.leaves
    found, todo, seen = set[int](), [place], {place}
    while todo:
        here = todo.pop()
        if here in known:
            found |= known[here]
            continue
        node, joint = store.nodes[here], store.joints[here]
        refs = node.args if isinstance(node, Affine) else ()
        if isinstance(node, Table):
            refs = joint.roots if joint is not None and joint.roots != (here,) else node.args
        if not isinstance(node, Affine | Table):
            found.add(here)
        todo.extend(ref for ref in refs if ref not in seen)
        seen.update(refs)
    return known.setdefault(place, frozenset(found))


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
    places = _all_told(builder, args, counted, most)
    if places is None or places == list(args):
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


def _all_told(builder: Builder, places: Sequence[int], counted: set[int], most: int) -> list[int] | None:
    """Variables as functions of sums and widths where they rest on such means; None where one has no list.

    What they are made from comes first, each once, so that neither long programs nor shared parts cost more.
    """
    known, key = builder.products.told, (frozenset(counted), most)
    found: dict[int, int | None] = {}
    for place in sorted(_made_from(builder, places, counted)):
        asked = (place, *key)
        found[place] = known[asked] if asked in known else _told(builder, place, counted, most, found)
        if (told := found[place]) is not None:
            known[asked] = told
    told_all = [found[place] for place in places]
    return [told for told in told_all if told is not None] if None not in told_all else None


def _made_from(builder: Builder, places: Sequence[int], counted: set[int]) -> set[int]:
    """These variables, and all that they are made from as far as that rests on means that are counted."""
    found, todo = set(places), list(places)
    while todo:
        fresh = {*_ingredients(builder, todo.pop(), counted)} - found
        found |= fresh
        todo.extend(fresh)
    return found


def _ingredients(builder: Builder, place: int, counted: set[int]) -> tuple[int, ...]:
    """What a variable is made from, if it may have to be made again of sums and widths."""
    node, recipe = builder.store.nodes[place], builder.products.recipes.get(place)
    if isinstance(node, Affine):
        return node.args
    if recipe is None or not isinstance(node, Table) or not _rests_on_sums(builder, place, counted):
        return ()
    return recipe.args


def _rests_on_sums(builder: Builder, place: int, counted: set[int]) -> bool:
    return any(_is_summed(builder, leaf, counted) for leaf in _leaves(builder, place))


def _told(
    builder: Builder, place: int, counted: set[int], most: int, found: dict[int, int | None]
) -> int | None:  # fmt: skip
    """One variable; `found`: what it is made from, told before."""
    store, node = builder.store, builder.store.nodes[place]
    if _is_summed(builder, place, counted):
        assert isinstance(node, Aggregate)
        return _quotient(builder, node, most)
    if isinstance(node, Affine):
        maker, args = store.makers.get(place), _known(found, node.args)
        return None if maker is None or args is None else tabulate(store, maker.f, args, maker.name, maker.operation)
    if isinstance(store.domain(place), Interval):
        return None
    if not isinstance(node, Table) or not _rests_on_sums(builder, place, counted):
        return place
    return _made_again(builder, place, found)


def _known(found: dict[int, int | None], args: Sequence[int]) -> list[int] | None:
    """What arguments are told by; None where one is not."""
    told = [place for arg in args if (place := found[arg]) is not None]
    return told if len(told) == len(args) else None


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


def _made_again(builder: Builder, place: int, found: dict[int, int | None]) -> int | None:
    """A table of means as one of sums and widths; None where it is not known what it was made from."""
    recipe = builder.products.recipes.get(place)
    args = None if recipe is None else _known(found, recipe.args)
    if recipe is None or args is None or prod(len(builder.store.listed(arg)) for arg in args) > CELL_LIMIT:
        return None
    return tabulate(builder.store, recipe.f, args, recipe.name, recipe.operation)
