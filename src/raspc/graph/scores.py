"""Scores by which keys compete: what counts of a value is its place among the others of its kind."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from raspc import values as V
from raspc.graph.nodes import UNDEFINED, Ids, Listed

REMEMBERED = 64
"""Of so many value sets ranks are remembered: a program that writes asks for them at each token."""


@lru_cache(maxsize=REMEMBERED)
def ranks(domain: Listed, end: str) -> Ids:
    """The place of each value in the order of its kind, the one that never wins first; UNDEFINED for None and NaN.

    `end`: "max" where the greatest wins, "min" where the least does. Numbers have the first places, then words, then
    tuples: values of different kinds are never compared.
    """
    found = np.full(len(domain), UNDEFINED, np.int32)
    taken = 0
    for kind in V.KINDS:
        held = [(value, i) for i, value in enumerate(domain.values) if V.kind_of(value) == kind]
        try:
            order = [i for _, i in sorted(held, reverse=end == "min")]
        except TypeError:  # tuples of numbers and of words
            continue
        # True and 1 are one value: of a domain one of them is left, of exact values both are there
        place = {key: taken + rank for rank, key in enumerate(dict.fromkeys(V.key(domain.values[i]) for i in order))}
        found[order] = [place[V.key(domain.values[i])] for i in order]
        taken += len(place)
    found.setflags(write=False)
    return found


def kinds(domain: Listed) -> Ids:
    """For each value the number of its kind; UNDEFINED where it has no rank."""
    found = np.array([V.KINDS.index(kind) if (kind := V.kind_of(value)) else UNDEFINED for value in domain.values])
    return np.where(ranks(domain, "max") >= 0, found, UNDEFINED).astype(np.int32)


@lru_cache(maxsize=REMEMBERED)
def all_ranked(domain: Listed) -> bool:
    """Whether the values are of one kind, so that every key can compete with every other."""
    found = kinds(domain)
    return bool(found.min() >= 0 and found.min() == found.max())
