"""Comparisons as products: a steep score of rank one for every block of values, instead of one direction a value.

With exact ties `k < q` over m values takes m score directions (docs/optimiser.md, theorem 2). Readers that bear a
tolerance, such as a count that is decoded from a share of attention, need fewer: −b^(k − q) = −b^k · b^(−q) is one
product. It is at most −1 where k ≥ q, and within 1/b of 0 where k < q. As b is a power of two, the features b^k and
b^(−q) are exact in every format with the exponents of float32, and so are their products; these exponents are what
limits a block of values. Between blocks the features saturate or vanish, so that m values take ⌈m/L⌉ directions.

The features of a variable with the places 0 … m − 1 on its scale, for a block of the places s … e with middle c:

    rising(x)  = 0 where x < s, else b^(min(x, e) − c)
    falling(x) = 0 where x > e, else b^(c − max(x, s − 1))

They serve all comparisons, of keys as of queries, and `==` as the conjunction of `<=` and `>=`.

Requires: a table that compares places on one scale; readers that bear `shortfall`. Ensures: a penalty in
[−shortfall, 0] where selected and at most −1 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from raspc.blocks.scores.penalty import Factors
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Bits, Floats, Listed
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "steep", "scores",
    "a comparison is one product of powers for each block of values, not a direction a value",
    "level 2; a count that is decoded, or a pick, so that selected keys may weigh a little less than others",
    "a penalty within N⁻¹·2⁻¹⁴ of 0 where selected, at most −1 elsewhere",
)  # fmt: skip

EXPONENTS = 116
"""The bits of exponent that the products of features may span: float32 has 252, and the head's scale takes some."""
TIES = 1 << 14
"""The base is at least TIES·N: three comparisons in a head that multiplies by up to 96 then move the weights of N
selected keys by less than 1/50 of one key in all."""

APART = 16
"""How many times its error two neighbouring values must lie apart: then features are right to an eighth."""

RELATIONS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal}
"""How the place of a selected key may stand to that of the query."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A table that selects the keys whose places stand in a relation to that of the query; `size`: all places."""

    relation: str
    keys: Floats
    queries: Floats
    size: int

    @property
    def sides(self) -> int:
        """How many bounds it sets: two for an equality."""
        return 2 if self.relation == "==" else 1


def compared(cells: Bits, keys: Listed, queries: Listed) -> Comparison | None:
    """The table as a comparison, if it is one; undefined entries are free."""
    places = _places(keys, queries)
    if places is None:
        return None
    k, q = places
    for name, relation in RELATIONS.items():
        if np.all((relation(k[:, None], q[None, :]) == (cells == 1)) | (cells < 0)):
            return Comparison(name, k, q, int(max(k.max(), q.max())) + 1)
    return None


def _places(keys: Listed, queries: Listed) -> tuple[Floats, Floats] | None:
    """Where the values stand on one scale: all numbers in order, or the places in one value set."""
    if keys.all_numbers and queries.all_numbers:
        scale = np.unique(np.concatenate([keys.numbers, queries.numbers]))
        return tuple(np.searchsorted(scale, side.numbers).astype(float) for side in (keys, queries))  # type: ignore[return-value]
    if keys.values == queries.values:
        places = np.arange(len(keys), dtype=float)
        return places, places
    return None


def base_bits(n: int) -> int:
    """log2 of the base b for inputs of up to n tokens."""
    return ceil(log2(TIES * n))


def shortfall(n: int, sides: int) -> float:
    """How far below 0 the penalty of a selected key can lie."""
    return sides * 2.0 ** -base_bits(n)


def block_size(n: int) -> int:
    """L, how many places share a direction."""
    return max(1, EXPONENTS // base_bits(n))


def rank(found: Comparison, n: int) -> int:
    """The number of score directions."""
    return found.sides * -(-found.size // block_size(n))


def factors(found: Comparison, n: int) -> Factors:
    """The penalty; columns of both sides are features of `rising` and `falling`, times a power of two."""
    down = 2.0 ** -base_bits(n)
    rising, falling = (_features(n, found.size, up) for up in (True, False))
    parts = {
        "<": [(rising, falling, 1.0)],
        "<=": [(rising, falling, down)],
        ">": [(falling, rising, 1.0)],
        ">=": [(falling, rising, down)],
        "==": [(rising, falling, down), (falling, rising, down)],
    }[found.relation]
    k, q = found.keys.astype(int), found.queries.astype(int)
    return Factors(
        np.hstack([of_key[k] for of_key, _, _ in parts]),
        np.hstack([-weight * of_query[q] for _, of_query, weight in parts]),
    )


def _features(n: int, size: int, rising: bool) -> Matrix:
    """[places, blocks]."""
    length, x = block_size(n), np.arange(size)
    columns = []
    for start in range(0, size, length):
        end, middle = start + length - 1, start + length // 2
        power = np.minimum(x, end) - middle if rising else middle - np.maximum(x, start - 1)
        there = x >= start if rising else x <= end
        columns.append(np.where(there, 2.0 ** (base_bits(n) * power), 0.0))
    return np.stack(columns, axis=1)


def form(column: Floats) -> bytes:
    """The same for columns of powers of two that are multiples of each other, by which they are looked up."""
    largest = column[np.abs(column).argmax()]
    return (column / largest + 0.0).tobytes() if largest else b""


def multiple(column: Floats, of: Floats) -> float | None:
    """The power of two, or its negative, by which one column is the other; None if there is none."""
    place = int(np.abs(of).argmax())
    ratio = float(column[place] / of[place]) if of[place] else 0.0
    return ratio if ratio and np.array_equal(column, ratio * of) else None
