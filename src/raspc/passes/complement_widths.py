"""Widths of selectors whose complement scores more simply become the length less the width of the complement.

What is not selected is selected by the complement: |S| = n − |not S|. An inequality of tokens needs a score direction
for each token, the equality that is its complement three; a disjunction of two overlapping parts takes three heads,
its complement one. The length is the index plus one under a causal mask, where it costs nothing, else one head.

It is done only for a complement that is a conjunction of tables, and for at most `LONGEST` positions, up to which a sum
of two widths is decoded in the layer of its heads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from raspc.graph.nodes import Bits, Graph, Index, Length, Listed, Width
from raspc.graph.selectors import COMBINE, score_rank
from raspc.numbers.options import DEFAULT, Level, Options
from raspc.passes.conditions import WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter
from raspc.passes.split_widths import PARTS, Term, inclusion_exclusion, signed_sum, terms_of

LONGEST = 96
"""See `raspc.blocks.reading.left.SUM_OF_SHARES`."""


def complement_widths(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with the length less the width of the complement, where that is simpler."""
    if graph.max_seq_len > LONGEST or not any(isinstance(node, Width) for node in graph.nodes):
        return graph
    new, changed = Rewriter(graph, options.without), False
    for place, node in enumerate(graph.nodes):
        found = _complement(graph, node.selector) if isinstance(node, Width) else None
        if found is None or not isinstance(node, Width):
            new.keep(place)
            continue
        parts = [(-sign, width) for sign, width in inclusion_exclusion(new, graph, found)]
        new.stand_in(place, signed_sum(new, [(1, _length(new)), *parts], node.listed))
        changed = True
    return new.graph() if changed else graph


def _complement(graph: Graph, selector: int) -> list[Term] | None:
    """The terms of the complement, if they are better."""
    own, other = terms_of(graph, selector), terms_of(graph, selector, negated=True)
    if other is None or len(other) != 1:
        return None
    return other if _area(other, not graph.causal) < _area(own) else None


def _area(terms: Sequence[Term] | None, more: int = 0) -> float:
    """Heads, and `more`, times score directions and one for the sink; infinite for too many terms."""
    if terms is None:
        return math.inf
    parts = [part for count in range(1, len(terms) + 1) for part in map(_rank, combinations(terms, count)) if part >= 0]
    return (len(parts) + more) * (1 + max(parts, default=0)) if len(parts) + more <= PARTS else math.inf


def _rank(terms: Sequence[Term]) -> int:
    """The score directions of a conjunction of terms; −1 if no pair can satisfy it."""
    merged: dict[tuple[int, int], Bits] = {}
    for select in (select for term in terms for select in term):
        pair = (select.key, select.query)
        merged[pair] = COMBINE["and"](merged[pair], select.cells) if pair in merged else select.cells
    return sum(map(score_rank, merged.values())) if all(cells.any() for cells in merged.values()) else -1


def _length(new: Rewriter) -> int:
    """The length; under a causal mask the number of the positions so far."""
    size = new.old.max_seq_len
    domain = Listed(tuple(range(1, size + 1)))
    if not new.old.causal:
        return new.store.put(Length(domain=domain))
    index = new.store.put(Index(domain=Listed(tuple(range(size)))))
    return new.table([index], np.arange(size, dtype=np.int32), domain)


def _dearer(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Whether the widths and the length take more than they did."""
    was, now = _areas(before), _areas(after)
    if now > was:
        yield f"they were {was:g} and are {now:g}"


def _areas(graph: Graph) -> float:
    """Heads × score directions of all widths and of the length, as estimated from tables alone."""
    widths = sum(_area(terms_of(graph, node.selector)) for node in graph.nodes if isinstance(node, Width))
    return widths + sum(isinstance(node, Length) for node in graph.nodes)


COMPLEMENT_WIDTHS = Pass(
    "complement_widths",
    f"the width of a selector with a simple complement is length − its width, up to {LONGEST} positions",
    complement_widths,
    requires=(WELL_FORMED,),
    ensures=(Guarantee("heads × score directions of widths, as estimated, do not grow", _dearer),),
    level=Level.COMPACT,
)
