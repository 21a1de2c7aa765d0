"""Penalties of exact low rank: distinct rows that are sums of others need no score direction of their own.

A test of one of two attributes for one of three values has six distinct rows and nine distinct columns, but rank five.

Requires: a table, undefined entries counted as selected. Ensures: factors whose product is the penalty, number for
number, of the least rank there is over the real numbers where its coefficients are multiples of 1/4; else nothing.
"""

from __future__ import annotations

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats
from raspc.graph.rows import distinct_rows
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "low_rank", "scores",
    "rows that are sums of other rows of a table need no score direction of their own",
    "fewer independent rows than distinct ones, coefficients that are multiples of 1/4",
    "the same penalty, number for number",
)  # fmt: skip

ROWS = 256
"""The most distinct rows that are looked at."""
QUARTERS = 4.0
"""Coefficients are multiples of one over this, so that scores stay exact."""


def factored(selected: Matrix) -> tuple[Matrix, Matrix] | None:
    """(U [keys, r], V [queries, r]) with U·Vᵀ = −1 where not selected and 0 elsewhere; None if no rows are saved."""
    rows, inverse = distinct_rows(selected)
    penalties = -(1.0 - rows.astype(float))
    if len(rows) > ROWS:
        return None
    chosen = _independent(penalties)
    if len(chosen) >= int(penalties.any(axis=1).sum()):
        return None
    base = penalties[chosen]
    weights = np.linalg.lstsq(base.T, penalties.T, rcond=None)[0].T
    weights = np.round(weights * QUARTERS) / QUARTERS
    if not np.array_equal(weights @ base, penalties):
        return None
    return weights[inverse.ravel()], base.T


def _independent(rows: Floats) -> list[int]:
    """The places of rows that span all, by elimination: each the first that those before do not span."""
    rest, chosen = rows.copy(), []
    for place in range(len(rows)):
        column = int(np.abs(rest[place]).argmax()) if rest.shape[1] else 0
        if not rest.shape[1] or abs(rest[place, column]) < 1e-9:
            continue
        chosen.append(place)
        rest = rest - np.outer(rest[:, column] / rest[place, column], rest[place])
    return chosen
