"""Widths of disjunctions become sums of widths.

A head can add penalties, so it can take conjunctions of selectors over any variables, but no disjunctions.
The width of A or B is that of A, plus that of B, less that of both (inclusion and exclusion); terms that no
pair can satisfy are dropped, so a lexicographic order costs two heads.

Where the disjunctive form has more than `TERMS` terms, or the sum more than `PARTS`, the width is left to
`join_clauses`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from raspc.errors import InternalError
from raspc.graph.nodes import UNDEFINED, Gate, Graph, Listed, Select, Width
from raspc.graph.selectors import FALSE
from raspc.graph.selectors import negated as complement
from raspc.graph.tables import JOINT_LIMIT
from raspc.numbers.options import DEFAULT, Options
from raspc.passes.conditions import WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter

TERMS = 4
"""The most terms of a disjunctive form that is split."""
PARTS = 5
"""The most widths that are added up."""

Term = tuple[Select, ...]


def split_widths(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with no width of a disjunction."""
    if not any(isinstance(node, Gate) and node.op == "or" for node in graph.nodes):
        return graph
    new = Rewriter(graph, options.without)
    for place, node in enumerate(graph.nodes):
        terms = terms_of(graph, node.selector) if isinstance(node, Width) else None
        if terms is None or len(terms) < 2 or not isinstance(node, Width):
            new.keep(place)
            continue
        parts = inclusion_exclusion(new, graph, terms)
        if not can_be_added(parts, graph.max_seq_len):
            new.keep(place)
            continue
        new.stand_in(place, signed_sum(new, parts, node.listed))
    return new.graph()


def can_be_added(parts: Sequence[tuple[int, int]], n: int) -> bool:
    """Whether a sum of so many widths can be listed."""
    return len(parts) <= PARTS and (len(parts) < 2 or (n + 1) ** len(parts) <= JOINT_LIMIT)


def terms_of(graph: Graph, place: int, negated: bool = False) -> list[Term] | None:
    """The selector, or its complement, as a disjunction of conjunctions of tables; None if it has too many terms."""
    node = graph[place]
    if isinstance(node, Select):
        return [(replace(node, cells=complement(node.cells)) if negated else node,)]
    if not isinstance(node, Gate):
        raise InternalError(f"%{place} is no selector")
    parts = [terms_of(graph, arg, negated) for arg in node.args]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if (node.op == "or") != negated:
        terms = [term for part in known for term in part]
    elif np.prod([len(part) for part in known]) > TERMS:
        return None
    else:
        terms = [tuple(s for term in choice for s in term) for choice in product(*known)]
    return terms if len(terms) <= TERMS else None


def inclusion_exclusion(new: Rewriter, graph: Graph, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """(sign, width in the new graph) of each conjunction of terms that some pair can satisfy."""
    return widths_of(new, [tuple(moved(new, select) for select in term) for term in terms])


def widths_of(new: Rewriter, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """The same of terms of the new graph."""
    false = new.store.put(FALSE)
    parts = []
    for count in range(1, len(terms) + 1):
        for chosen in combinations(terms, count):
            selector = new.conjunction([select for term in chosen for select in term])
            if selector == false:
                continue
            domain = Listed(tuple(range(new.old.max_seq_len + 1)))
            width = new.store.put(Width(domain=domain, selector=selector))
            parts.append((1 if count % 2 else -1, new.store.call(width, "{}_width", selector)))
    return parts


def moved(new: Rewriter, select: Select) -> Select:
    """A table of the old graph in the new one."""
    return Select(key=new.place[select.key], query=new.place[select.query], cells=select.cells)


def signed_sum(new: Rewriter, parts: Sequence[tuple[int, int]], domain: Listed) -> int:
    """The node Σ sign·width over the given value set, undefined where it would leave it."""
    if not parts:
        return new.table((), np.array(domain.id(0), np.int32), domain)
    if len(parts) == 1 and parts[0][0] == 1 and new.store.listed(parts[0][1]).values == domain.values:
        return parts[0][1]
    low, high = int(domain.values[0]), int(domain.values[-1])
    totals: dict[int, int] = {}
    for sign, place in parts:
        totals[place] = totals.get(place, 0) + sign
    numbers = [new.store.listed(place).numbers.astype(np.int64) for place in totals]
    grid = sum(
        sign * values.reshape([-1 if a == axis else 1 for a in range(len(numbers))])
        for axis, (sign, values) in enumerate(zip(totals.values(), numbers, strict=True))
    )
    cells = np.where((grid >= low) & (grid <= high), grid - low, UNDEFINED).astype(np.int32)
    return new.table(tuple(totals), cells, domain)


def _unsplit(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Widths of disjunctions that could still be sums of widths."""
    for place, node in enumerate(after.nodes):
        terms = terms_of(after, node.selector) if isinstance(node, Width) else None
        if terms is None or len(terms) < 2:
            continue
        scratch = Rewriter(after, options.without)
        for known in range(len(after)):
            scratch.keep(known)
        if can_be_added(inclusion_exclusion(scratch, after, terms), after.max_seq_len):
            yield f"%{place} is the width of {len(terms)} terms"


SPLIT_WIDTHS = Pass(
    "split_widths",
    "the width of a disjunction is a sum of widths, by inclusion and exclusion",
    split_widths,
    requires=(WELL_FORMED,),
    ensures=(
        Guarantee(f"a width is of a conjunction, unless it has more than {TERMS} terms or {PARTS} parts", _unsplit),
    ),
)
