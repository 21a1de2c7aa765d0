"""The batch interpreter: a graph on many inputs at once, as arrays of value numbers.

The second, fast oracle; it must agree with `raspc.interpret` wherever that does not raise, and flags the
inputs on which that raises. Shapes: B inputs of at most T tokens, padded on the right. Matrices have the key
first, [key, B, query], so that what runs over keys runs over contiguous numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.graph import nodes as N
from raspc.graph.nodes import UNDEFINED, Floats, Graph, Ids, Listed, Node
from raspc.graph.packing import cells_at
from raspc.graph.scores import all_ranked, kinds, ranks
from raspc.graph.tables import lookup
from raspc.numbers import arithmetic

Bools: TypeAlias = NDArray[np.bool_]

SAME = arithmetic.NEAR
"""Numbers nearer than this, relatively, count as one value."""


@dataclass(frozen=True, eq=False)
class Batch:
    """B inputs: token ids [B, T], UNDEFINED where padded, and lengths [B]."""

    ids: Ids
    lengths: NDArray[np.int64]
    causal: bool

    @property
    def places(self) -> NDArray[np.intp]:
        """[T]: the indices of the positions."""
        return np.arange(self.ids.shape[1])

    @cached_property
    def real(self) -> Bools:
        """[B, T]: which positions hold a token."""
        return np.asarray(self.places < self.lengths[:, None])

    @cached_property
    def allowed(self) -> Bools:
        """[key, B, query]: real pairs that the mask does not hide."""
        pairs = np.ascontiguousarray(self.real.T)[:, :, None] & self.real
        return pairs & np.tri(self.ids.shape[1], dtype=bool).T[:, None, :] if self.causal else pairs


@dataclass(frozen=True, eq=False)
class Column:
    """A variable on a batch: value numbers of a listed set; of an interval, numbers beside the ids of specials.

    ids [B, T] is UNDEFINED where there is no value; for an interval an id of −2 says: see `numbers`.
    """

    ids: Ids
    numbers: Floats | None = None


NUMBER = -2

Cell: TypeAlias = "Column | Bools"


@dataclass(frozen=True, eq=False)
class Gathered:
    """What an aggregate finds at each query: how many keys, the least and greatest value, the mean."""

    count: NDArray[np.int64]
    least: Ids
    greatest: Ids
    low: Floats
    high: Floats
    mean: Floats
    numeric: Bools

    @cached_property
    def several(self) -> Bools:
        """[B, T]: more than one distinct value is selected."""
        differ = (self.least != self.greatest) & (self.count > 1)
        if np.array_equal(self.low, self.high):
            return np.asarray(differ)
        spread = np.abs(self.high - self.low) > SAME * np.maximum(1.0, np.abs(self.high))
        return np.asarray((self.count > 1) & (differ | spread))


@dataclass
class Run:
    """Columns computed so far on one batch, and the inputs found to be undefined, with the first culprit.

    `undefined` [B]: which inputs; `raising` [B, T]: the positions at which some node has no value. Under a causal mask
    the first of these tells of all inputs that this one begins with.
    `lean`: matrices, which take most room, are not kept but made again for each that reads them.
    """

    nodes: Sequence[Node]
    batch: Batch
    cells: list[Cell | None]
    undefined: Bools
    raising: Bools
    culprits: dict[int, int]
    lean: bool = False

    def upto(self, place: int) -> Cell | None:
        """The column or matrix of the node at a place; None for a matrix that is not kept."""
        while len(self.cells) <= place:
            node = self.nodes[len(self.cells)]
            self.cells.append(None if self.lean and isinstance(node, N.Pattern) else RULES[type(node)](self, node))
        return self.cells[place]

    def column(self, place: int) -> Column:
        """The column of the variable at a place."""
        cell = self.upto(place)
        assert isinstance(cell, Column)
        return cell

    def keys(self, place: int) -> Column:
        """The same at all positions that a query may select; of a run of all positions there are no others."""
        return self.column(place)

    def matrix(self, place: int) -> Bools:
        """The matrix [key, B, query] of the selector at a place."""
        cell = self.upto(place)
        if cell is None:
            cell = RULES[type(self.nodes[place])](self, self.nodes[place])
        assert not isinstance(cell, Column)
        return cell

    @property
    def valued(self) -> Bools:
        """[B, T]: the positions of inputs on which the nodes have values so far: under a causal mask, up to there."""
        if not self.batch.causal:
            return np.asarray(self.batch.real & ~self.undefined[:, None])
        return np.asarray(self.batch.real & ~np.logical_or.accumulate(self.raising, axis=1))

    def flag(self, raising: Bools) -> None:
        """Note the positions [B, T] at which the node under way is undefined."""
        if not raising.any():
            return
        self.raising |= raising
        fresh = raising.any(axis=1) & ~self.undefined
        for row in np.flatnonzero(fresh):
            self.culprits[int(row)] = len(self.cells)
        self.undefined |= fresh


def start(nodes: Sequence[Node], batch: Batch, lean: bool = False) -> Run:
    """A run over nodes; nothing is computed before it is asked for."""
    return Run(nodes, batch, [], np.zeros(len(batch.lengths), bool), np.zeros(batch.ids.shape, bool), {}, lean)


def gather(run: Run, selector: Bools, source: Column, domain: N.Domain) -> Gathered:
    """What lies under the selected keys of each query."""
    count = _count(selector)
    if source.numbers is None and count.max(initial=0) <= 1:
        return _of_one(count, selector, source.ids, domain)
    least, greatest = _ends(selector, source.ids)
    numbers, numeric = as_numbers(source, domain)
    if source.numbers is None:
        low, high = (_numbers(domain, found) for found in (least, greatest))
    else:
        row = numbers.T[:, :, None]
        low = np.where(selector, row, np.inf).min(axis=0, initial=np.inf)
        high = np.where(selector, row, -np.inf).max(axis=0, initial=-np.inf)
    empty = count == 0
    low, high = np.where(empty, 0.0, low), np.where(empty, 0.0, high)
    mean = low
    if not np.array_equal(low, high):  # else each selects one number, if any
        mean = np.where(low == high, low, arithmetic.sums(selector, numbers) / np.maximum(count, 1))
    words = np.zeros(count.shape) if numeric.all() else _weighted(selector.astype(np.float32), ~numeric)
    return Gathered(count, least, greatest, low, high, mean, words == 0)


def _of_one(count: NDArray[np.int64], selector: Bools, ids: Ids, domain: N.Domain) -> Gathered:
    """The same where no query selects more than one key, so that nothing is to be averaged."""
    one, empty = _greatest(selector, _raised(ids)) - RAISED, count == 0
    number = np.where(empty, 0.0, _numbers(domain, one))
    numeric = empty | (one < 0)
    if isinstance(domain, Listed):
        numeric |= domain.is_number.take(one, mode="clip")
    return Gathered(count, one, one, number, number, number, numeric)


def _ends(selector: Bools, ids: Ids) -> tuple[Ids, Ids]:
    """[B, query]: the least and the greatest number that is selected; any where none is."""
    raised = _raised(ids)
    top = raised.max(initial=0)
    down, up = (_greatest(selector, numbers) for numbers in (top - raised, raised))
    return int(top) - RAISED - down, up - RAISED


RAISED = 2
"""By so much the numbers of values are raised, so that NUMBER is 0, and so is what is not selected."""


def _raised(ids: Ids) -> NDArray[Any]:
    """Value numbers, raised, in as few bytes as hold them: less has to be moved."""
    most = int(ids.max(initial=0)) + RAISED
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32) if most <= np.iinfo(kind).max)
    return (ids + RAISED).astype(kind)


def _greatest(selector: Bools, raised: NDArray[Any]) -> Ids:
    """[B, query]: the greatest of the numbers [B, key], none of which is below 0, that is selected; 0 where none is."""
    found = selector.view(np.uint8) * np.ascontiguousarray(raised.T)[:, :, None]
    return np.asarray(found.max(axis=0, initial=0), np.int32)


def _count(selector: Bools) -> NDArray[np.int64]:
    """[B, query]: how many keys are selected."""
    if len(selector) < 1 << 7:
        return np.asarray(selector.view(np.int8).sum(axis=0, dtype=np.int8), np.int64)
    narrow = np.int16 if len(selector) < 1 << 15 else np.int64
    return np.asarray(selector.sum(axis=0, dtype=narrow), np.int64)


def _weighted(selector: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]:
    """[B, query]: the sum of the selected numbers [B, key]."""
    summed: NDArray[Any] = np.matmul(numbers[:, None, :].astype(selector.dtype), selector.transpose(1, 0, 2))
    return summed[:, 0]


def _numbers(domain: N.Domain, ids: Ids) -> Floats:
    """The values with these ids, as numbers; any number for an id that there is not."""
    assert isinstance(domain, Listed)
    return domain.numbers.take(ids, mode="clip")


def as_numbers(column: Column, domain: N.Domain) -> tuple[Floats, Bools]:
    """[B, T] the values as numbers, and which are numbers."""
    if column.numbers is not None:
        return column.numbers, column.ids == NUMBER
    assert isinstance(domain, Listed)
    known = np.maximum(column.ids, 0)
    return domain.numbers[known], domain.is_number[known] | (column.ids < 0)


def nearest(domain: Listed, numbers: Floats) -> Ids:
    """The ids of the values nearest to the numbers; UNDEFINED where none is near."""
    places = np.flatnonzero(domain.is_number)
    if not len(places):
        return np.full(numbers.shape, UNDEFINED, np.int32)
    known = domain.numbers[places]
    right = np.clip(np.searchsorted(known, numbers), 1, max(len(known) - 1, 1)) if len(known) > 1 else None
    if right is None:
        best = np.zeros(numbers.shape, np.int64)
    else:
        best = right - (numbers - known[right - 1] < known[right] - numbers)
    off = np.abs(known[best] - numbers) > SAME * np.maximum(1.0, np.abs(numbers))
    return np.where(off, UNDEFINED, places[best]).astype(np.int32)


def _token(run: Run, node: N.Token) -> Column:
    return Column(run.batch.ids)


def _index(run: Run, node: N.Index) -> Column:
    return Column(np.where(run.batch.real, run.batch.places, UNDEFINED).astype(np.int32))


def _length(run: Run, node: N.Length) -> Column:
    return Column(np.where(run.batch.real, run.batch.lengths[:, None] - 1, UNDEFINED).astype(np.int32))


def _table(run: Run, node: N.Table) -> Column:
    args = [run.column(arg).ids for arg in node.args]
    shape = run.batch.ids.shape
    found = lookup(node.cells, args) if args else np.full(shape, int(node.cells), np.int32)
    found = np.where(run.batch.real, found, UNDEFINED).astype(np.int32)
    run.flag(np.asarray((found < 0) & run.batch.real))
    return Column(found)


def _affine(run: Run, node: N.Affine) -> Column:
    total = np.full(run.batch.ids.shape, node.bias)
    for arg, coef in zip(node.args, node.coefs, strict=True):
        domain = run.nodes[arg].domain  # type: ignore[attr-defined]
        total = total + coef * as_numbers(run.column(arg), domain)[0]
    return Column(np.where(run.batch.real, NUMBER, UNDEFINED).astype(np.int32), total)


def _sign(run: Run, node: N.Sign) -> Column:
    total, ids = np.full(run.batch.ids.shape, node.bias), np.full(run.batch.ids.shape, NUMBER)
    for arg, coef in zip(node.args, node.coefs, strict=True):
        column, domain = run.column(arg), run.nodes[arg].domain  # type: ignore[attr-defined]
        numbers, numeric = as_numbers(column, domain)
        total = total + coef * np.where(numeric, numbers, 0.0)
        pool = domain.values if isinstance(domain, Listed) else domain.specials
        own = np.array([node.listed.index.get(V.key(value), UNDEFINED) for value in pool] or [UNDEFINED])
        ids = np.where(numeric, ids, own[np.clip(column.ids, 0, len(own) - 1)])
    signs = np.array([node.listed.id(sign) for sign in (0, 1, -1)])
    found = signs[np.where(np.abs(total) < node.gap / 2, 0, np.sign(total)).astype(int)]
    return Column(np.where(run.batch.real, np.where(ids == NUMBER, found, ids), UNDEFINED).astype(np.int32))


def _select(run: Run, node: N.Select) -> Bools:
    keys, queries = np.maximum(run.keys(node.key).ids, 0), np.maximum(run.column(node.query).ids, 0)
    selected, undefined = cells_at(node, keys, queries)
    if undefined is not None:
        run.flag(np.asarray((undefined & run.batch.allowed).any(axis=0)))
    return np.asarray(selected & run.batch.allowed)


def _gate(run: Run, node: N.Gate) -> Bools:
    combine = np.logical_and if node.op == "and" else np.logical_or
    neutral = run.batch.allowed if node.op == "and" else np.zeros_like(run.batch.allowed)
    return reduce(combine, (run.matrix(arg) for arg in node.args), neutral)


def _best(run: Run, node: N.Best) -> Bools:
    inner, domain = run.matrix(node.selector), run.nodes[node.score].domain  # type: ignore[attr-defined]
    assert isinstance(domain, Listed)
    rank = _raised(np.append(ranks(domain, node.end), UNDEFINED))  # where UNDEFINED stands is the last entry
    scores = run.keys(node.score).ids
    found = np.ascontiguousarray(rank[scores].T)[:, :, None]
    if not all_ranked(domain):
        run.flag(_incomparable(run, inner, np.append(kinds(domain), UNDEFINED)[scores]))
    held = inner.view(np.uint8) * found
    return np.asarray(inner & (held == held.max(axis=0, initial=0)))


def _incomparable(run: Run, selector: Bools, kind: Ids) -> Bools:
    """[B, query]: where a query selects keys with scores of two kinds, or without any; `kind`: of each position."""
    found = kind.T[:, :, None]
    least = np.where(selector, found, len(V.KINDS)).min(axis=0, initial=len(V.KINDS))
    most = np.where(selector, found, UNDEFINED).max(axis=0, initial=UNDEFINED)
    return np.asarray(((least < 0) | (least < most)) & run.batch.real)


def _width(run: Run, node: N.Width) -> Column:
    found = _count(run.matrix(node.selector)) - int(node.listed.values[0])
    known = run.batch.real & (found >= 0) & (found < len(node.listed))
    run.flag(np.asarray(run.batch.real & ~known))
    return Column(np.where(known, found, UNDEFINED).astype(np.int32))


def _aggregate(run: Run, node: N.Aggregate) -> Column:
    source = run.keys(node.source)
    domain: N.Domain = run.nodes[node.source].domain  # type: ignore[attr-defined]
    found = gather(run, run.matrix(node.selector), source, domain)
    run.flag(np.asarray(found.several & ~found.numeric & run.batch.real))
    if node.single:
        run.flag(np.asarray((found.count > 1) & run.batch.real))
    column = settle(run.batch, node, found, domain)
    lacks = (column.ids == UNDEFINED) | ((found.count == 0) & (not node.may_be_empty))
    run.flag(np.asarray(lacks & run.batch.real))
    return column


def _sum(run: Run, node: N.Sum) -> Column:
    domain: N.Domain = run.nodes[node.source].domain  # type: ignore[attr-defined]
    selector, real = run.matrix(node.selector), run.batch.real
    numbers, numeric = as_numbers(run.keys(node.source), domain)
    if not numeric.all():
        run.flag(np.asarray((_weighted(selector.astype(np.float32), ~numeric) > 0) & real))
    total = arithmetic.sums(selector, np.where(numeric, numbers, 0.0))
    if not isinstance(node.domain, Listed):
        return Column(np.where(real, NUMBER, UNDEFINED).astype(np.int32), total)
    found = nearest(node.domain, total)
    run.flag(np.asarray((found == UNDEFINED) & real))
    return Column(np.where(real, found, UNDEFINED).astype(np.int32))


def settle(batch: Batch, node: N.Aggregate, found: Gathered, source: N.Domain) -> Column:
    """The aggregate's own value numbers, from what it found."""
    listed = isinstance(node.domain, Listed)
    own, other = _numbered(node.domain), UNDEFINED if listed else NUMBER
    codes = _codes(source, node.domain)
    several, averaged = found.several, np.array(UNDEFINED, np.int32)
    if several.any() or ((found.least < 0) & (found.count > 0)).any():  # else all are moved as they are
        near = nearest(node.domain, found.mean) if isinstance(node.domain, Listed) else NUMBER
        averaged = np.where(found.numeric, near, UNDEFINED)
    moved = np.where(found.least >= 0, codes[np.clip(found.least, 0, len(codes) - 1)], averaged)
    ids = np.where(several, averaged, moved)
    ids = np.where(found.count == 0, own.get(V.key(node.default), other), ids)
    ids = np.where(batch.real, ids, UNDEFINED).astype(np.int32)
    if listed:
        return Column(ids)
    default = float(node.default) if V.is_number(node.default) else 0.0
    return Column(ids, np.where(found.count == 0, default, found.mean))


def _numbered(domain: N.Domain) -> Mapping[V.Value, int]:
    """The numbers of the values that are told apart by numbers, by their keys."""
    return domain.index if isinstance(domain, Listed) else {V.key(x): i for i, x in enumerate(domain.specials)}


@lru_cache(maxsize=64)
def _codes(source: N.Domain, domain: N.Domain) -> Ids:
    """The number that each value of a source has in another domain. Remembered, as each token of a writer asks."""
    pool = source.values if isinstance(source, Listed) else source.specials
    own, other = _numbered(domain), UNDEFINED if isinstance(domain, Listed) else NUMBER
    codes = np.array([own.get(V.key(value), other) for value in pool] or [other], np.int32)
    codes.setflags(write=False)
    return codes


RULES: dict[type[Node], Callable[[Run, Any], Cell]] = {
    N.Token: _token,
    N.Index: _index,
    N.Length: _length,
    N.Table: _table,
    N.Affine: _affine,
    N.Sign: _sign,
    N.Select: _select,
    N.Gate: _gate,
    N.Best: _best,
    N.Width: _width,
    N.Aggregate: _aggregate,
    N.Sum: _sum,
}


def batch_of(graph: Graph, inputs: Sequence[Sequence[Any]]) -> Batch:
    """Inputs as a padded batch. KeyError for a token outside the vocabulary."""
    vocab = Listed(graph.vocab)
    width = max((len(xs) for xs in inputs), default=0)
    ids = np.full((len(inputs), width), UNDEFINED, np.int32)
    for row, xs in enumerate(inputs):
        ids[row, : len(xs)] = [vocab.id(x) for x in xs]
    return Batch(ids, np.array([len(xs) for xs in inputs], np.int64), graph.causal)


def run_graph(graph: Graph, batch: Batch) -> Run:
    """Every node of the graph on a batch."""
    run = start(graph.nodes, batch)
    run.upto(len(graph) - 1)
    if graph.exact_length is not None:
        run.flag(batch.real & (batch.lengths != graph.exact_length)[:, None])
        run.undefined |= batch.lengths != graph.exact_length  # an input of no token has no position that could raise
    return run


def decoded(column: Column, domain: N.Domain, row: int, length: int) -> list[Any]:
    """The Python values of one input; an undefined value is shown as `...`."""

    def one(position: int) -> Any:
        number = int(column.ids[row, position])
        if number == UNDEFINED:
            return ...
        if isinstance(domain, Listed):
            return domain.values[number]
        return float(column.numbers[row, position]) if number == NUMBER else domain.specials[number]  # type: ignore[index]

    return [one(position) for position in range(length)]


def interpret_graph(graph: Graph, inputs: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    """The graph's answers on inputs, one list each."""
    run = run_graph(graph, batch_of(graph, inputs))
    domain = graph.variable(graph.output).domain
    for row, xs in enumerate(inputs):
        yield decoded(run.column(graph.output), domain, row, len(xs))
