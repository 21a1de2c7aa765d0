"""Faults in graphs: tables that are listed wrongly, and passes that change what a program means."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from tests.faults.records import Patch, both, entry, wrapped
from tests.passes import test_mutations as M
from tests.passes import test_switches as W

from raspc import rasp
from raspc.graph import build as building
from raspc.graph import evidence, gates, nodes, store, tabulate
from raspc.graph.build import _Builder
from raspc.passes.rewriting import Rewriter
from raspc.rasp import Comparison

complement, split, joining, counting, adding, sharing = (
    importlib.import_module(f"raspc.passes.{name}")
    for name in ("complement_widths", "split_widths", "join_clauses", "count_means", "count_sums", "share_counts")
)


# -- listing ---------------------------------------------------------------------------------------------------------


def sides_exchanged(original: Any, self: Any, key: int, query: int, cells: Any) -> Any:
    """Keys are taken for queries."""
    return original(self, query, key, cells.T)


def first_for_last(original: Any, *args: Any) -> Any:
    """The last cell of a table holds what the first one does."""
    values, ids = original(*args)
    return values, np.concatenate([ids[:-1], ids[:1]]) if len(ids) else ids


def another_default(original: Any, self: Any, expr: Any, *args: int) -> Any:
    """An empty selection gives 1, whatever was asked for."""
    changed = copy.copy(expr)
    changed.default = 1
    return original(self, changed, *args)


def from_zero(original: Any, self: Any, expr: Any) -> Any:
    """Under a mask the length is the index."""
    return self.index if self.causal else original(self, expr)


def reversed_arguments(original: Any, self: Any, f: Any, args: Any, *rest: Any) -> Any:
    """A function of several arguments is listed with these in the other order."""
    return original(self, f, args[::-1], *rest)


def without_the_last_part(original: Any, self: Any, op: str, args: Any) -> Any:
    """An "and" or "or" of selectors that forgets the last one."""
    return original(self, op, args[:-1] if len(args) > 1 else args)


def backwards(original: Any, self: Any, expr: Any) -> Any:
    """A sequence of constants from its end."""
    turned = copy.copy(expr)
    turned.value = list(expr.value)[::-1]
    return original(self, turned)


def one_more(original: Any, self: Any, value: Any) -> Any:
    """A constant that is a number is one larger."""
    return original(self, value + 1 if type(value) is int else value)


def rule(kind: type[rasp.Expr], change: Callable[..., Any]) -> Patch:
    """Another way to list expressions of one kind."""
    original = building.RULES[kind]
    return entry(building.RULES, kind, lambda *args: change(original, *args))


LISTING: dict[str, Patch] = {
    "< is listed as ≤": entry(tabulate._UFUNCS, Comparison.LT, np.less_equal),
    "keys are taken for queries": wrapped(_Builder, "put_select", sides_exchanged),
    "a cell of a table": wrapped(tabulate, "_values", first_for_last),
    "a complement is not taken": wrapped(gates, "negated", lambda original, cells: cells),
    "or is listed as and": entry(gates.COMBINE, "or", gates.COMBINE["and"]),
    "another default": rule(rasp.Aggregate, another_default),
    "a difference is listed as a sum": entry(tabulate._UNROUNDED, "sub", np.add),
    "the length under a mask": rule(rasp.LengthType, from_zero),
    "arguments in the other order": wrapped(_Builder, "elementwise_of", reversed_arguments),
    "a part of a selector": wrapped(_Builder, "gate", without_the_last_part),
    "constants from their end": rule(rasp.ConstantSOp, backwards),
    "a constant": wrapped(_Builder, "constant", one_more),
    "tables that differ are one": wrapped(store, "identity_of", W.same_kind),
    "selectors are constant": wrapped(store.Store, "select", W.by_the_first),
    "a table over its root": wrapped(store.Store, "rooted", W.turned),
    "the mask hides the other half": wrapped(building, "without_hidden", W.other_triangle),
    "never empty without proof": wrapped(evidence, "never_empty", W.always),
    "a pick without proof": wrapped(evidence, "picks_one", W.always),
}


# -- passes ----------------------------------------------------------------------------------------------------------


def signs_turned(original: Any, *args: Any) -> Any:
    """Every width of a sum with the other sign."""
    return [(-sign, place) for sign, place in original(*args)]


def one_too_many(original: Any, new: Any, parts: Any, domain: Any) -> Any:
    """A sum of widths that comes out one larger."""
    place = original(new, parts, domain)
    held = new.store.listed(place)
    return new.table([place], np.minimum(np.arange(len(held)) + 1, len(held) - 1).astype(np.int32), held)


def without_a_carry(original: Any, new: Any, base: int, one: Any, other: Any) -> Any:
    """The digits of a sum, each added alone."""
    highs, lows = (
        np.add.outer(*(np.arange(len(new.store.listed(place))) for place in pair))
        for pair in zip(one, other, strict=True)
    )
    return sharing._numbers(new, [one[0], other[0]], highs), sharing._numbers(new, [one[1], other[1]], lows % base)


def of_all_keys(original: Any, new: Any, graph: Any, node: Any, holds: Any) -> Any:
    """The keys that hold a value, whether they are selected or not."""
    if holds.all():
        return original(new, graph, node, holds)
    new.tables = lambda selector: []
    try:
        return original(new, graph, node, holds)
    finally:
        del new.tables


def never_empty_now(original: Any, self: Any, old: int, node: Any = None) -> Any:
    """An aggregate that loses its default as it is carried over."""
    own = self.old[old] if node is None else node
    if node is None and isinstance(own, nodes.Aggregate) and own.may_be_empty:
        node = replace(nodes.renumbered(own, self.place), may_be_empty=False, default=None)
    return original(self, old, node)


def transposed(original: Any, self: Any, key: int, query: int, cells: Any) -> Any:
    """Selectors of one variable on both sides, with keys for queries."""
    return original(self, key, query, np.ascontiguousarray(cells.T) if key == query else cells)


def shifted_rows(original: Any, new: Any, graph: Any, places: Any, table: Any) -> Any:
    """Classes of values that are joined, each with the row of the next one."""
    place, rows = original(new, graph, places, table)
    return place, np.roll(rows, 1, axis=0) if len(places) > 1 else rows


def without_names(original: Any, self: Any) -> Any:
    """The new graph, which answers with what its output is made from."""
    found = original(self)
    reads = [ref for ref in found[found.output].refs if isinstance(found[ref], nodes.Variable)]
    return replace(found, output=reads[0]) if reads else found


def without_the_highest(original: Any, *args: Any) -> Any:
    """A sum of numbers without their highest digit."""
    found = original(*args)
    return found and found[:-1]


def all_worth_one(original: Any, *args: Any) -> Any:
    """A sum of digits, whatever their place."""
    found = original(*args)
    return found and [(1.0, holds) for _, holds in found]


PASSES: dict[str, Patch] = {
    "inclusion without exclusion": wrapped(split, "inclusion_exclusion", M.first_terms),
    "a sign of a width": wrapped(split, "inclusion_exclusion", M.flipped),
    "a conjunct of a joined selector": wrapped(Rewriter, "conjunction", M.one_clause),
    "or is joined as and": M.conjunctions,
    "signs of a complement": wrapped(complement, "inclusion_exclusion", signs_turned),
    "the length of a complement": wrapped(complement, "_length", W.short_length),
    "a sum of widths": both(
        wrapped(split, "signed_sum", one_too_many), wrapped(complement, "signed_sum", one_too_many)
    ),
    "classes of joined values": wrapped(joining, "_side", shifted_rows),
    "a default is lost on the way": wrapped(Rewriter, "keep", never_empty_now),
    "selectors are turned": wrapped(Rewriter, "select", transposed),
    "another output": wrapped(Rewriter, "graph", without_names),
    "means in the opposite order": wrapped(counting, "_means", W.greatest_first),
    "what a count of a mean counts": wrapped(counting, "holders", of_all_keys),
    "a stretch of positions": wrapped(sharing, "pairwise", W.without_the_last),
    "a carry": wrapped(sharing, "_added", without_a_carry),
    "a digit of a sum": wrapped(adding, "_terms", without_the_highest),
    "what a digit of a sum is worth": wrapped(adding, "_terms", all_worth_one),
}
