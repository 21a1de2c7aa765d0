"""Selectors as penalties: a bilinear score that is 0 where selected and at most −1 elsewhere.

A penalty of one key and one query variable is Σ_r U[key, r]·V[query, r]; the penalty of a conjunction is the
sum of its conjuncts' penalties. Scores are integers, so that selected scores are exactly equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raspc.blocks.scores.low_rank import ROWS, factored
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Bits, Floats, Listed
from raspc.graph.rows import distinct_rows
from raspc.numbers.choice import Choice

CHOICES = (
    Choice(
        "squares", "scores",
        "equality of numbers is −(k − q)²: two or three score directions",
        "integers, at most 2,048 in size",
        "0 where equal, at most −1 elsewhere",
    ),
    Choice(
        "neighbours", "scores",
        "queries that are no key are taken for neighbours of the least and the greatest key",
        "equality of numbers by squares, where BOS competes; a query that is a function of several variables",
        "small squares, and few values of them; it is tried without too",
    ),
    Choice(
        "renumber", "scores",
        "classes of keys and queries that are partners get one number each, for the squares",
        "each class of keys is selected by at most one class of queries, and conversely",
        "equality of numbers",
    ),
    Choice(
        "distinct_rows", "scores",
        "keys (or queries) that are selected alike share one score direction",
        "equal rows, or columns, of the table",
        "rank at most the number of distinct rows",
    ),
    Choice(
        "digits", "scores",
        "equality of numbers is by their two digits where scores are rounded",
        "integers that spread over 8 or more; a head that scores steeply too",
        "terms of about 4B, not 4B²",
    ),
    Choice(
        "bits", "scores",
        "equality is by the bits of a number for each value where other scores are added",
        "classes of keys and queries that are partners; a head that ranks keys, or scores steeply too",
        "as many terms as bits, each of them 0 or −1 where need be",
    ),
    Choice(
        "digit_flags", "scores",
        "equality is by the two digits of a number for each value, with a direction for each digit at each place",
        "classes of keys and queries that are partners, more than 64; attention that equal keys are to share alike",
        "2·√n directions for n values, flat as indicators of the values are, where those would be n",
    ),
)  # fmt: skip

LARGE = 1 << 20
"""Where a table has more cells than this and is an equality of numbers, no other way to write it is looked for."""
FLAGS_FROM = 64
"""More values than this are told by flags of their digits rather than by a direction each. A flag is the sum of more
steps, which round more: so of fewer values more models are proved with a direction each."""
WHOLE_FLAGS_FROM = 512
"""The same of whole numbers, such as counts, which lie further apart than means: up to so many are proved without."""
DIGITS_FROM = 8
"""Numbers that spread so far may be written in two digits."""
FAR_FROM = 64
"""From so many keys on those queries that are none are taken for numbers further away than the next one."""
SQUARE_LIMIT = 1 << 11
"""Numbers up to this size have sums of squares below 2²⁴, exact in float32."""


@dataclass(frozen=True, eq=False)
class Factors:
    """U [key values, r] and V [query values, r].

    `squares`: whether a key loses the square of its distance from the query, so that an error e of the one number, or
    the other, takes no more than 2e times the distance from that. `near`: whether that holds of a query whose square is
    common to all keys, as BOS does not compete.
    """

    keys: Matrix
    queries: Matrix
    squares: bool = False
    near: bool = False

    @property
    def rank(self) -> int:
        """The number of score directions."""
        return int(self.keys.shape[1])

    @property
    def size(self) -> float:
        """The most that the terms of a score add up to, whatever their signs."""
        return float((np.abs(self.keys) @ np.abs(self.queries).T).max(initial=0.0))

    def exceeds(self, limit: float) -> bool:
        """Whether `size` is above a limit: bounds of it mostly tell, and take no product of all pairs."""
        keys, queries = np.abs(self.keys), np.abs(self.queries)
        terms = keys.max(axis=0, initial=0.0) * queries.max(axis=0, initial=0.0)
        if terms.max(initial=0.0) > limit:
            return True
        beside = keys.sum(axis=1).max(initial=0.0) * queries.max(initial=0.0)
        across = queries.sum(axis=1).max(initial=0.0) * keys.max(initial=0.0)
        return bool(min(terms.sum(), beside, across) > limit) and self.size > limit

    @property
    def is_definite(self) -> bool:
        """Whether no term of a score is above 0: of a selected pair all are 0 then."""
        keys, queries = (np.sign([side.min(axis=0), side.max(axis=0)]) for side in (self.keys, self.queries))
        falling = (keys[0] >= 0) & (queries[1] <= 0)
        return bool((falling | ((keys[1] <= 0) & (queries[0] >= 0))).all())


def candidates(
    cells: Bits, keys: Listed, queries: Listed, competing: bool, without: Collection[str] = (), small: bool = False
) -> Iterator[Factors]:
    """Ways to write one table, any of which is exact; undefined entries are free.

    `competing`: BOS can win, so that a score of 0 must mean selected; otherwise only the differences
    between keys of one query count. `without`: which of "squares", "renumber", "digits", "bits", "distinct_rows" and
    "low_rank" are left out. `small`: terms are to be small, as ranks of keys, or steep scores, are added.
    """
    many = cells.size > LARGE and "squares" not in without
    if many and (numbers := natural_numbers(cells, keys, queries)) is not None:
        yield from _equalities(*numbers, competing, without, small)
        return
    if many and "digit_flags" not in without and (numbers := _classes(cells, without)) is not None:
        yield from _equalities(*numbers, competing, without, small)
        yield _flags(*numbers)
        return
    indicators = _indicators((cells == 1) | (cells < 0), "distinct_rows" not in without)
    if indicators.rank <= 1:
        yield indicators
        return
    flags_from = FLAGS_FROM if natural_numbers(cells, keys, queries) is None else WHOLE_FLAGS_FROM
    for numbers in _numberings(cells, keys, queries, without):
        yield from _equalities(*numbers, competing, without, small)
        if indicators.rank > flags_from and "digit_flags" not in without:
            yield _flags(*numbers)
    yield indicators
    if "low_rank" not in without:
        yield from _low_rank((cells == 1) | (cells < 0), indicators.rank)


def _equalities(
    keys: Floats, queries: Floats, competing: bool, without: Collection[str], small: bool
) -> Iterator[Factors]:
    """Ways to say that two numbers are equal."""
    if max(np.abs(keys).max(), np.abs(queries).max()) <= SQUARE_LIMIT:
        beside = competing and "neighbours" not in without
        yield _squares([keys], [_beside(keys, queries) if beside else queries], competing)
    if "digits" not in without and max(np.ptp(keys), np.ptp(queries)) >= DIGITS_FROM:
        yield _squares(*_digits(keys, queries), competing)
    if "bits" not in without and small and max(np.ptp(keys), np.ptp(queries)) > 1:
        yield from _by_bits(keys, queries, competing)


def _beside(keys: Floats, queries: Floats) -> Floats:
    """Queries that are no key, put beside the least and the greatest: they find nothing there either.

    Beside many keys they are two away, and lose 4, so that their squares may round by more than those of keys.
    """
    away = 1 if np.ptp(keys) < FAR_FROM else 2
    return np.clip(queries, keys.min() - away, keys.max() + away)


def _low_rank(selected: Matrix, rank: int) -> Iterator[Factors]:
    """Fewer directions than indicators, where rows or columns are sums of others."""
    rows = distinct_rows(distinct_rows(selected)[0].T)[0]
    if min(rows.shape) > ROWS or np.linalg.matrix_rank(1.0 - rows) >= rank:
        return
    by_key, by_query = factored(selected), factored(selected.T)
    if by_key is not None and by_key[0].shape[1] < rank:
        yield Factors(*by_key)
    if by_query is not None and by_query[0].shape[1] < rank:
        yield Factors(by_query[1], by_query[0])


def _numberings(
    cells: Bits, keys: Listed, queries: Listed, without: Collection[str]
) -> Iterator[tuple[Floats, Floats]]:
    """Numbers for keys and queries that are equal exactly where selected."""
    natural = natural_numbers(cells, keys, queries) if "squares" not in without else None
    if natural is not None:
        yield natural
    classes = _classes(cells, without)
    if classes is not None:
        yield classes


def _classes(cells: Bits, without: Collection[str]) -> tuple[Floats, Floats] | None:
    """The same, as numbers of classes."""
    return _matching(cells) if not {"squares", "renumber"} & set(without) else None


def natural_numbers(cells: Bits, keys: Listed, queries: Listed) -> tuple[Floats, Floats] | None:
    """The values themselves, shifted, if they are integers and equality of them is the table."""
    if not (keys.all_numbers and queries.all_numbers):
        return None
    k, q = keys.numbers, queries.numbers
    if np.abs(np.concatenate([k, q]) % 1).any():
        return None
    hits = np.argwhere(cells == 1)
    if not len(hits):
        return None
    shift = k[hits[0][0]] - q[hits[0][1]]
    same = k[:, None] == q[None, :] + shift
    if not np.all((same == (cells == 1)) | (cells < 0)):
        return None
    middle = np.floor((k.min() + k.max()) / 2)
    k, q = k - middle, q + shift - middle
    return (k, q) if max(np.abs(k).max(), np.abs(q).max()) <= SQUARE_LIMIT else None


def _matching(cells: Bits) -> tuple[Floats, Floats] | None:
    """Class numbers, if each class of keys is selected by at most one class of queries and conversely."""
    selected = cells == 1
    if (cells < 0).any() and not _undefined_lines(cells):
        return None
    rows, key_class = distinct_rows(selected)
    columns, query_class = distinct_rows(selected.T)
    table = rows[:, np.unique(query_class, return_index=True)[1]]
    if (table.sum(axis=0) > 1).any() or (table.sum(axis=1) > 1).any():
        return None
    partner = np.where(table.any(axis=1), table.argmax(axis=1), len(columns))
    k, q = partner[key_class.ravel()].astype(float), query_class.ravel().astype(float)
    middle = np.floor(len(columns) / 2)
    return k - middle, q - middle


def _undefined_lines(cells: Bits) -> bool:
    """Whether whole rows and columns are undefined, and nothing else."""
    bad = cells < 0
    return bool(np.array_equal(bad, np.asarray(bad.all(axis=1))[:, None] | np.asarray(bad.all(axis=0))[None, :]))


def _flags(k: Floats, q: Floats) -> Factors:
    """Minus the number of digits, of two, in which two numbers differ: a direction for each digit at each place."""
    low = min(k.min(), q.min())
    base = int(np.ceil(np.sqrt(max(k.max(), q.max()) - low + 1)))
    digits = (np.divmod((x - low).astype(np.int64), base) for x in (k, q))
    keys, queries = (np.hstack([d[:, None] == np.arange(base) for d in both]).astype(np.float64) for both in digits)
    return Factors(keys, queries - 1.0)


def _digits(k: Floats, q: Floats) -> tuple[list[Floats], list[Floats]]:
    """Two digits in place of a number, each about 0: equal where the numbers are, and far smaller when squared."""
    low = min(k.min(), q.min())
    base = np.ceil(np.sqrt(max(k.max(), q.max()) - low + 1))
    middle = np.floor(base / 2)
    return tuple([np.floor((x - low) / base) - middle, (x - low) % base - middle] for x in (k, q))  # type: ignore[return-value]


def _by_bits(k: Floats, q: Floats, competing: bool) -> Iterator[Factors]:
    """Minus the number of bits in which two numbers differ; then with terms that are 0 for each bit that is equal."""
    low = min(k.min(), q.min())
    count = max(1, int(max(k.max(), q.max()) - low).bit_length())
    key, query = (((x - low).astype(np.int64)[:, None] >> np.arange(count) & 1).astype(np.float64) for x in (k, q))
    rest = ([np.ones((len(k), 1))], [-query.sum(axis=1, keepdims=True)]) if competing else ([], [])
    yield Factors(np.hstack([key, *rest[0]]), np.hstack([2 * query - 1, *rest[1]]))
    yield Factors(np.hstack([key, 1 - key]), np.hstack([query - 1, -query]))


def _squares(k: Sequence[Floats], q: Sequence[Floats], competing: bool) -> Factors:
    """−Σ_i (k_i − q_i)²; without the −q_i² that all keys of a query share, where BOS does not compete."""
    k_square, q_square = sum(x**2 for x in k), sum(x**2 for x in q)
    ones_k, ones_q = np.ones_like(k[0]), np.ones_like(q[0])
    keys = [*k, -k_square, ones_k] if competing else [*k, -k_square]
    queries = [*(2 * x for x in q), ones_q, -q_square] if competing else [*(2 * x for x in q), ones_q]
    return Factors(np.stack(keys, axis=1), np.stack(queries, axis=1), True, not competing)


def _indicators(selected: Matrix, merging: bool = True) -> Factors:
    """−1 where not selected, one direction for each class of the side that has fewer; of each value, if not merging.

    A predicate of the key alone, or of the query alone, has two classes, one of which needs no direction.
    """
    by_key, by_query = _by_key(selected, merging), _by_key(selected.T, merging)
    return by_key if by_key.rank <= by_query.rank else Factors(by_query.queries, by_query.keys)


def _by_key(selected: Matrix, merging: bool) -> Factors:
    rows, inverse = distinct_rows(selected) if merging else (selected, np.arange(len(selected)))
    kept = [r for r in range(len(rows)) if not rows[r].all()]
    indicators = (inverse.ravel()[:, None] == np.array(kept)[None, :]).astype(float)
    return Factors(indicators, -(1.0 - rows[kept].T.astype(float)))
