"""What heads ask of the variables that they read: keys, queries, and what they move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.moving import moved
from raspc.blocks.reading.plain import OFF, OFF_RANK
from raspc.blocks.reading.readiness import NUMBER_ERROR
from raspc.blocks.scores.selection import Conjunct, shares_alike
from raspc.blocks.storage.known import Known
from raspc.blocks.storage.requests import Compare, Powers, Read, Request, Wanted
from raspc.blocks.storage.stored import KEYS, QUERIES, VALUES, Reader
from raspc.graph import nodes as N
from raspc.numbers.shares import Share, stretches_of


def scored(known: Known, place: int, finely: bool = False) -> Iterator[Request]:
    """What the scores of a head take. `finely`: what it leaves is read as the number that it is.

    A count, or a mean that is decoded, has more room for error than such a number.
    """
    selection = known.selections[place]
    if shares_alike(known.graph[place]):
        yield from (Compare(side, finely) for side in selection.read)
    parts = (len(selection.conjuncts) + (selection.ranking is not None)) * selection.weight
    for conjunct in selection.conjuncts:
        yield from _sides(place, conjunct, parts, not shares_alike(known.graph[place]) and selection.ranking is None)
    if (ranking := selection.ranking) is not None:
        for column in ranking.keys.T:
            yield Read(ranking.score, column, (Reader(place, KEYS, ranking.score),), OFF_RANK)


def _sides(place: int, conjunct: Conjunct, conjuncts: float, picks: bool) -> Iterator[Request]:
    """The keys and the queries of one of several conjuncts, each off by little beside what it is multiplied with.

    `conjuncts`: how many there are, times what a step of a penalty takes from a score. `picks`: nothing but a key is
    picked, so that the numbers of one that loses the square of its distance may be off by part of a step.
    """
    factors = conjunct.factors
    keys, queries = (conjunct.key, KEYS, factors.keys), (conjunct.query, QUERIES, factors.queries)
    for (side, purpose, columns), (_, _, others) in ((keys, queries), (queries, keys)):
        readers = (Reader(place, purpose, side),)
        if conjunct.shortfall:
            yield Powers(side, columns, readers)
            continue
        reach = columns.shape[1] * np.abs(others).max(axis=0, initial=1.0)
        for column, most in zip(columns.T, reach.tolist(), strict=True):
            loose = picks and factors.near and purpose == QUERIES
            along = OFF / 2 if picks and factors.squares and (purpose == KEYS or not factors.near) else 0.0
            yield Read(side, column, readers, 2 * OFF if loose else 1.0 / (16 * most * conjuncts), along)


def moved_numbers(known: Known, place: int, node: N.Aggregate | N.Sum) -> Iterator[Read]:
    """What a mean averages: the number, and an indicator for each special value."""
    source = known.graph.variable(node.source).domain
    scale = max(1.0, float(np.abs(F.number(source)).max(initial=0.0)))
    readers = (Reader(place, VALUES, node.source),)
    columns = F.number(source)[None] if isinstance(node, N.Sum) else F.numeric_code(source).T
    for column in columns:
        yield Read(node.source, column, readers, NUMBER_ERROR * scale)


def stretched(known: Known, place: int, share: Share | None) -> Iterator[Read]:
    """What the head of a count takes of positions, where it counts the keys of each stretch of them apart."""
    node = known.graph[place]
    if share is None or share.stretches is None or not isinstance(node, N.Width) or node.by is None:
        return
    readers = (Reader(place, VALUES, node.by),)
    for column in stretches_of(known.graph.max_seq_len, share.stretches).T:
        yield Read(node.by, np.ascontiguousarray(column), readers)


def moved_groups(
    known: Known, place: int, node: N.Aggregate, wanted: Wanted, groups: Sequence[Group]
) -> Iterator[Request]:
    """A pick passes what is asked of it on to the variable that it copies."""
    readers = (Reader(place, VALUES, node.source),)
    for group in groups:
        columns = moved(known.graph, node, group.code)
        if group.steep:
            yield Powers(node.source, columns, readers)
            continue
        for column, own in zip(columns.T, group.code.T, strict=True):
            asked = np.ascontiguousarray(own)
            yield Read(node.source, column, readers, wanted.bears(asked), wanted.moves(asked))
