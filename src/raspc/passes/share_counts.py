"""Counts that are too large for one head of a narrow format become sums of counts over stretches of positions.

bfloat16 has no integer 257, so that a head counts up to 256 keys. One that counts the selected keys among the positions
of a stretch that is so short has no more. The counts of all stretches are added digit by digit, with a carry, so that
no number on the way is large either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial, reduce
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc.graph.nodes import UNDEFINED, Graph, Index, Length, Listed, Node, Select, Width
from raspc.numbers.options import DEFAULT, Options
from raspc.numbers.shares import counted_by_one_head
from raspc.passes.conditions import CONJUNCTIONS, ONLY_CONJUNCTIONS, WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter


def share_counts(graph: Graph, options: Options = DEFAULT, most: int | None = None) -> Graph:
    """The same program with the counting shared out; the graph itself where no count is too large.

    `most`: how many keys one head counts; without it, as many as the format that is compiled for allows.
    """
    most = counted_by_one_head(options.precision) if most is None else most
    if most < 1 or not any(_counts_beyond(most, node) for node in graph.nodes):
        return graph
    new = Rewriter(graph, options.without)
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Width | Length) and _counts_beyond(most, node):
            new.stand_in(place, _sum(new, _parts(new, graph, node, most), node.listed))
        else:
            new.keep(place)
    return new.graph()


def _counts_beyond(most: int, node: Node) -> bool:
    return isinstance(node, Width | Length) and bool(node.listed.values[-1] > most)


def _parts(new: Rewriter, graph: Graph, node: Width | Length, most: int) -> list[int]:
    """A width for each stretch of positions."""
    size = graph.max_seq_len
    count = -(-size // most)
    ends = [size * i // count for i in range(count + 1)]
    index = new.store.put(Index(domain=Listed(tuple(range(size)))))
    selects = [] if isinstance(node, Length) else new.tables(node.selector)
    parts = []
    for start, stop in pairwise(ends):
        inside = (np.arange(size) >= start) & (np.arange(size) < stop)
        cells = np.repeat(inside[:, None], size, axis=1).astype(np.int8)
        selector = new.conjunction([*selects, Select(key=index, query=index, cells=cells)])
        parts.append(new.store.put(Width(domain=Listed(tuple(range(stop - start + 1))), selector=selector)))
    return parts


Digits: TypeAlias = tuple[int, int]
"""Two variables: the high and the low digit of a number."""


def _sum(new: Rewriter, parts: Sequence[int], domain: Listed) -> int:
    """The sum of all parts, a variable with the values of `domain`."""
    most = sum(len(new.store.listed(part)) - 1 for part in parts)
    base = 1 << -(-most.bit_length() // 2)
    high, low = reduce(partial(_added, new, base), [_digits(new, part, base) for part in parts])
    number = {value: i for i, value in enumerate(domain.values)}
    sums = np.add.outer(base * np.arange(len(new.store.listed(high))), np.arange(len(new.store.listed(low))))
    ids = np.array([number.get(count, UNDEFINED) for count in range(int(sums.max()) + 1)], np.int32)
    return new.table([high, low], ids[sums], domain)


def _digits(new: Rewriter, part: int, base: int) -> Digits:
    counts = np.arange(len(new.store.listed(part)))
    return _numbers(new, [part], counts // base), _numbers(new, [part], counts % base)


def _added(new: Rewriter, base: int, one: Digits, other: Digits) -> Digits:
    """The digits of a sum: those of low digits may carry one over."""
    (high, low), (more, least) = one, other
    lows = np.add.outer(np.arange(len(new.store.listed(low))), np.arange(len(new.store.listed(least))))
    carry = _numbers(new, [low, least], lows // base)
    sizes = [np.arange(len(new.store.listed(place))) for place in (high, more, carry)]
    return _numbers(new, [high, more, carry], np.add.outer(np.add.outer(*sizes[:2]), sizes[2])), _numbers(
        new, [low, least], lows % base
    )


def _numbers(new: Rewriter, args: Sequence[int], numbers: NDArray[np.intp]) -> int:
    """A table of numbers from 0 on."""
    domain = Listed(tuple(range(int(numbers.max()) + 1)))
    return new.table(args, numbers.astype(np.int32), domain)


def _too_many(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Widths that count more keys than the format allows, where it allows any."""
    most = counted_by_one_head(options.precision)
    for place, node in enumerate(after.nodes):
        if most >= 1 and isinstance(node, Width | Length) and _counts_beyond(most, node):
            yield f"%{place} counts up to {node.listed.values[-1]} of {most}"


SHARE_COUNTS = Pass(
    "share_counts",
    "a count that is too large for one head of a narrow format is a sum of counts over stretches of positions",
    share_counts,
    requires=(WELL_FORMED, CONJUNCTIONS),
    ensures=(ONLY_CONJUNCTIONS, Guarantee("no head counts more keys than the format allows", _too_many)),
    narrow=True,
)
