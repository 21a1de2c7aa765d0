"""Products of two numbers: one gated neuron each, where neurons without a gate go through all values.

A neuron of SwiGLU or GeGLU multiplies: act(K·a)·b/K is relu(a)·b, but for what its activation is off. So f(x, y) = x·y
takes one such neuron; (x, y) → p(x)·q(y) + u(x) + v(y) takes two, for any functions of one variable, which are features
of x and y. Where neither p nor q is without a sign it takes two for the product, relu(p)·q and relu(−p)·(−q). A number
and its square along one sum, which a pick compares, are such products too.

The plain model, which has no gates, computes the same by quarters of squares,

    a·b = ((a + b)² − (a − b)²)/4,

each square a chain of its own tangents from 0 upwards and downwards, which is right at every value that occurs. A
family has the products instead, and its certificate is about these.

Requires: a target whose neurons are gated, float32; features that are multiples of ¼, so that nothing is rounded.
Ensures: an error of a factor moves the product by the other factor times as much, which the readers bear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.neurons.design import NEURON_LIMIT, Design, Multiplied, Worth, always
from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.reading.readiness import NUMBER_ERROR, Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats, Table
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options
from raspc.target.families import FAMILIES

CHOICE = Choice(
    "products", "neurons",
    "a product of two numbers is computed by one gated neuron (SwiGLU, GeGLU)",
    "a target that has gates, float32; factors of one variable each, multiples of ¼",
    "a neuron or two a product; less parameters than without, and a proof where there is one without",
)  # fmt: skip

Cells: TypeAlias = NDArray[np.bool_]
"""Which cells of a grid can occur."""
SHARE = 4
"""What factors are off by may come to this part of what the readers bear."""
MOST = 2.0**20
"""The largest product: above, products and their quarters of squares were rounded."""
SAMPLE = 32
"""About so many cells tell of most tables that they are no polynomial."""
CASES = 6
"""The most cases of one variable between which neurons choose."""
CELLS = 1 << 12
"""Of tables of more cells, not all of which can occur, no sum beside the product is looked for."""


def multiplies(options: Options) -> bool:
    """Whether the target has gated neurons, in a format in which products are exact."""
    family = FAMILIES.get(options.target)
    gated = family is not None and family.gate is not None and options.has(CHOICE.name)
    return gated and not options.precision.narrow


@dataclass(frozen=True, eq=False)
class Factor:
    """A sum of features of several variables, by axis, and a constant."""

    parts: dict[int, Floats] = field(default_factory=dict)
    constant: float = 0.0

    def over(self, shape: Sequence[int]) -> Matrix:
        """The factor at every cell of a grid."""
        found = np.full([1] * len(shape), self.constant)
        for axis, part in self.parts.items():
            found = found + part.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        return np.broadcast_to(found, shape)

    def __neg__(self) -> Factor:
        return Factor({axis: -part for axis, part in self.parts.items()}, -self.constant)


ONE = Factor(constant=1.0)


@dataclass(frozen=True, eq=False)
class Term:
    """gate·times, written with the weights `out` [c]."""

    gate: Factor
    times: Factor
    out: Floats


def products(
    ready: Readiness, grid: Grid, exact: bool, bears: float, worth: Worth = always
) -> Design | None:  # fmt: skip
    """A function of two variables as products of functions of one; None where it is no such sum of few, or errs."""
    if len(grid.axes) != 2 or not worth(1, (), ()):
        return None
    known = grid.classes >= 0
    terms, base = list[Term](), np.zeros(grid.outputs.shape[1])
    for column in range(len(base)):
        table = np.where(known, grid.outputs[grid.classes, column], np.nan)
        found = _product(table, [_numbers(ready, place) for place in grid.axes])
        if found is None:
            return None
        own = np.eye(len(base))[column]
        terms += [Term(gate, times, own) for gate, times in found.factors]
        base[column] = found.constant
    return _designed(ready, grid.axes, known, terms, base, exact, bears, worth)


def is_product(ready: Readiness, place: int, column: Floats) -> bool:
    """Whether a feature of a table is such products over its two arguments, or over its two roots."""
    node, joint = ready.graph[place], ready.derived(place)
    if not isinstance(node, Table) or (joint is not None and ready.additive(joint, column) is not None):
        return False
    over = {tuple(node.args): node.cells} | ({} if joint is None else {tuple(joint.roots): joint.cells})
    return any(
        _product(np.where(cells >= 0, column[cells], np.nan), [_numbers(ready, axis) for axis in axes]) is not None
        for axes, cells in over.items()
        if len(axes) == 2
    )


def _numbers(ready: Readiness, place: int) -> Floats | None:
    listed = ready.graph.variable(place).listed
    return listed.numbers if listed.all_numbers else None


@dataclass(frozen=True, eq=False)
class _Found:
    """A table as Σ gate·times + constant."""

    factors: tuple[tuple[Factor, Factor], ...]
    constant: float = 0.0


def _product(table: Matrix, numbers: Sequence[Floats | None]) -> _Found | None:
    """A table [x, y], NaN where nothing is known, as products."""
    if np.isnan(table).any():
        return _of_numbers(table, numbers)
    for row, column in ((None, None), _flattest(table)):
        beside = np.zeros_like(table)
        if row is not None and column is not None:
            beside = table[row][None, :] + table[:, column][:, None] - table[row, column]
        one = _rank_one(table - beside)
        if one is not None:
            own = [] if row is None else [(ONE, _sum(beside[:, 0], beside[0] - beside[0, 0]))]
            return _tidy([(Factor({0: one[0]}), Factor({1: one[1]})), *own])
    return None


def _sum(x: Floats, y: Floats) -> Factor:
    """x + y, with the constant apart."""
    return Factor({0: x - x[0], 1: y - y[0]}, float(x[0] + y[0]))


def _tidy(factors: Sequence[tuple[Factor, Factor]]) -> _Found:
    """The constants of sums beside products are no neuron's; of sums that are constant nothing else is left."""
    found, constant = list[tuple[Factor, Factor]](), 0.0
    for gate, times in factors:
        if gate is ONE:
            constant += times.constant
            times = Factor({axis: part for axis, part in times.parts.items() if part.any()})
            if not times.parts:
                continue
        found.append((gate, times))
    return _Found(tuple(found), constant)


def _flattest(table: Matrix) -> tuple[int, int]:
    """The row and the column whose entries differ least: what is added beside a product is along these."""
    return int(np.ptp(table, axis=1).argmin()), int(np.ptp(table, axis=0).argmin())


def _rank_one(table: Matrix) -> tuple[Floats, Floats] | None:
    """p and q of whole numbers, where possible, with table = p ⊗ q."""
    pivot = np.unravel_index(int(np.abs(table).argmax()), table.shape)
    if not table[pivot]:
        return None
    p = table[:, pivot[1]]
    whole = np.round(4 * p).astype(np.int64)
    p = p / (gcd(*whole.tolist()) / 4) * np.sign(p[pivot[0]])
    q = table[pivot[0]] / p[pivot[0]]
    return (p, q) if np.array_equal(np.outer(p, q), table) else None


def _of_numbers(table: Matrix, numbers: Sequence[Floats | None]) -> _Found | None:
    """A table not all of which can occur, as a multiple of the product of two numbers, and a sum where it is small."""
    x, y = numbers
    if x is None or y is None:
        return None
    there, plain = ~np.isnan(table), np.outer(x, y)
    if not plain[there].any():
        return None
    at = np.unravel_index(int(np.where(there, np.abs(plain), -1).argmax()), table.shape)
    factor = float(table[at] / plain[at])
    if np.array_equal((factor * plain)[there], table[there]) and factor:
        return _tidy([(Factor({0: x}), Factor({1: factor * y}))])
    return _with_sum(table, there, x, y) if table.size <= CELLS else None


def _with_sum(table: Matrix, there: Cells, x: Floats, y: Floats) -> _Found | None:
    """α·x·y + u(x) + v(y), by least squares, which must be right at every cell that can occur."""
    rows, columns = np.nonzero(there)
    terms = np.zeros((len(rows), 1 + len(x) + len(y)))
    cells = np.arange(len(rows))
    terms[:, 0] = x[rows] * y[columns]
    terms[cells, 1 + rows] = terms[cells, 1 + len(x) + columns] = 1.0
    found = np.linalg.lstsq(terms, table[there], rcond=None)[0]
    factor = np.round(4 * found[0]) / 4
    u, v = found[1 : 1 + len(x)], found[1 + len(x) :]
    u, v = np.round(4 * (u - u[0])) / 4, np.round(4 * (v + u[0])) / 4
    right = np.array_equal((factor * np.outer(x, y) + u[:, None] + v[None, :])[there], table[there])
    return _tidy([(Factor({0: x}), Factor({1: factor * y})), (ONE, _sum(u, v))]) if right and factor else None


def squares(
    ready: Readiness, grid: Grid, positions: Sequence[Floats], exact: bool, bears: float, worth: Worth = always
) -> Design | None:  # fmt: skip
    """Columns that are polynomials of degree 2 at most of one sum: it times itself, and it alone.

    `positions`: what each variable adds to the sum. None where some column is no such polynomial, or errs too far.
    """
    if not worth(1, (), ()):
        return None
    whole, known = Factor({axis: part for axis, part in enumerate(positions) if part.any()}), grid.classes >= 0
    sums, ids = whole.over(known.shape)[known], grid.classes[known]
    low = float(sums.min(initial=np.inf))
    for cells in (slice(None, None, max(1, len(sums) // SAMPLE)), slice(None)):  # soon told of most sums
        away, wanted = sums[cells] - low, grid.outputs[ids[cells]]
        terms_at = np.stack([np.ones_like(away), away, away**2], axis=1)
        found = np.round(4 * np.linalg.lstsq(terms_at, wanted, rcond=None)[0]) / 4
        if not np.array_equal(terms_at @ found, wanted) or not found[2].any():
            return None
    raised = replace(whole, constant=-low)
    terms = [Term(raised, raised, found[2]), *([Term(ONE, raised, found[1])] if found[1].any() else [])]
    return _designed(ready, grid.axes, known, terms, found[0], exact, bears, worth)


def cases(
    ready: Readiness, grid: Grid, along: int, exact: bool, bears: float, worth: Worth = always
) -> Design | None:  # fmt: skip
    """A sum of multiples of numbers, which ones a value of the axis `along` decides: one neuron for each such case.

    None where there are too many cases, where one of them is no such sum, or errs too far.
    """
    (number,), merged = merge(grid, [along])
    many, numbers = int(number.max()) + 1, [_numbers(ready, place) for place in grid.axes]
    others = [axis for axis in range(len(grid.axes)) if axis != along]
    if many > CASES or not worth(many, (), ()) or any(numbers[axis] is None for axis in others):
        return None
    terms = list[Term]()
    for case in range(many):
        slice_ = np.take(merged, [case], axis=along)
        there = slice_ >= 0
        places = np.nonzero(there)
        at = np.stack([np.ones(len(places[0])), *(numbers[axis][places[axis]] for axis in others)], axis=1)  # type: ignore[index]
        wanted = grid.outputs[slice_[there]]
        found = np.round(4 * np.linalg.lstsq(at, wanted, rcond=None)[0]) / 4
        if not np.array_equal(at @ found, wanted):
            return None
        gate = Factor({along: (number == case).astype(float)})
        for column, own in zip(found.T, np.eye(len(found.T)), strict=True):
            if column.any():
                parts = {axis: c * numbers[axis] for axis, c in zip(others, column[1:], strict=True) if c}
                terms.append(Term(gate, Factor(parts, float(column[0])), own))
    base = np.zeros(grid.outputs.shape[1])
    return _designed(ready, grid.axes, grid.classes >= 0, terms, base, exact, bears, worth)


def _designed(
    ready: Readiness, axes: Sequence[int], known: Cells, terms: Sequence[Term], base: Floats, exact: bool,
    bears: float, worth: Worth,
) -> Design | None:  # fmt: skip
    """The neurons of both kinds; None where the readers do not bear what the factors are off by."""
    if not terms:
        return None
    gated = [one for term in terms for one in _with_signs(term, known)]
    columns = _Columns.of([factor for one in gated for factor in (one.gate, one.times)])
    features = tuple(columns.matrix(axis) for axis in columns.axes)
    used = tuple(axes[axis] for axis in columns.axes)
    if not worth(len(gated), used, features):
        return None
    size = max(float(np.abs(one.gate.over(known.shape) * one.times.over(known.shape))[known].max()) for one in gated)
    if size > MOST or not all(np.array_equal(4 * matrix, np.round(4 * matrix)) for matrix in features):
        return None
    off, steepest = _errors(ready, axes, gated, known.shape)
    if off.any() and (exact or SHARE * off.max() > bears):
        return None
    chains = [chain for term in terms for chain in _chains(term, known)]
    many = sum(len(chain.kinks) for chain in chains)
    if many > NEURON_LIMIT:
        return None
    weights = columns.chained(chains)
    bias = np.concatenate([chain.signs * chain.constant - chain.kinks for chain in chains])
    out = np.vstack([np.outer(chain.slopes, chain.out) for chain in chains])
    rounds = ready.unit * size * np.abs(np.stack([one.out for one in gated])).sum(axis=0) * bool(off.any())
    multiplied = Multiplied(
        columns.weights([one.gate for one in gated]), np.array([one.gate.constant for one in gated]),
        columns.weights([one.times for one in gated]), np.array([one.times.constant for one in gated]),
        np.stack([one.out for one in gated]), rounds,
    )  # fmt: skip
    return Design(
        used, features, weights, bias, out, base, 2 * bears / max(steepest, 1.0), np.zeros(many), reach=many,
        products=multiplied,
    )  # fmt: skip


def _with_signs(term: Term, known: Cells) -> Iterator[Term]:
    """The gated neurons of a product: the factor without a sign is the gate; where both have one, one for each sign."""
    for gate, times in ((term.gate, term.times), (term.times, term.gate)):
        if (gate.over(known.shape)[known] >= 0).all():
            yield Term(gate, times, term.out)
            return
    yield Term(term.gate, term.times, term.out)
    yield Term(-term.gate, -term.times, term.out)


def _errors(
    ready: Readiness, axes: Sequence[int], gated: Sequence[Term], shape: Sequence[int]
) -> tuple[Floats, float]:  # fmt: skip
    """[c] how far off products are, and by how much an error of what is read moves them at most."""
    off, steepest = np.zeros(len(gated[0].out)), 1.0
    for one in gated:
        sizes = [float(np.abs(factor.over(shape)).max()) for factor in (one.gate, one.times)]
        errors = [
            sum(_off(ready, axes[axis], part) for axis, part in factor.parts.items())
            for factor in (one.gate, one.times)
        ]
        off = off + np.abs(one.out) * (sizes[0] * errors[1] + sizes[1] * errors[0])
        steepest = max(steepest, float(np.abs(one.out).max()) * sum(sizes))
    return off, steepest


def _off(ready: Readiness, place: int, column: Floats) -> float:
    """How far off a feature of a variable is when it is read."""
    if place not in ready.left or ready.is_late((place,), (column[:, None],)):
        return NUMBER_ERROR if ready.is_noisy(place) else 0.0
    position, error = ready.position(place)
    order = np.argsort(position, kind="stable")
    steps, moves = np.diff(position[order]), np.abs(np.diff(column[order]))
    return float(error * (moves[steps > 0] / steps[steps > 0]).max(initial=0.0))


@dataclass(frozen=True, eq=False)
class _Chain:
    """relu(signs·sum − kinks) @ slopes, a quarter of the square of a sum of two factors: gate·`whole` + times·`sign`.

    `out`: the weights that it is written with.
    """

    gate: Factor
    times: Factor
    whole: float
    sign: float
    signs: Floats
    kinks: Floats
    slopes: Floats
    out: Floats

    @property
    def constant(self) -> float:
        """That of the sum."""
        return self.whole * self.gate.constant + self.sign * self.times.constant


def _chains(term: Term, known: Cells) -> Iterator[_Chain]:
    """A product without gates: two quarters of squares, or the other factor where one is 1."""
    if term.gate is ONE:
        both = np.array([1.0, -1.0])
        yield _Chain(ONE, term.times, 0.0, 1.0, both, np.zeros(2), both, term.out)
        return
    gate, times = (factor.over(known.shape)[known] for factor in (term.gate, term.times))
    for sign in (1.0, -1.0):
        signs, kinks, slopes = _tangents(gate + sign * times)
        if len(kinks):
            yield _Chain(term.gate, term.times, 1.0, sign, signs, kinks, slopes, sign * term.out)


def _tangents(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Signs, kinks and slopes of a quarter of the square: a kink halfway between two values, on either side of 0."""
    values = np.unique(np.append(sums, 0.0))
    sides = [(1.0, values[values >= 0]), (-1.0, -values[values <= 0][::-1])]
    signs = np.concatenate([np.full(len(side) - 1, sign) for sign, side in sides])
    kinks = np.concatenate([(side[1:] + side[:-1]) / 2 for _, side in sides])
    return signs, kinks, np.concatenate([np.diff(side) / 2 for _, side in sides])


@dataclass(frozen=True, eq=False)
class _Columns:
    """The features of each axis that factors are sums of, each once, whatever its sign."""

    of_axis: dict[int, dict[bytes, Floats]]

    @classmethod
    def of(cls, factors: Sequence[Factor]) -> _Columns:
        """All of these factors."""
        found: dict[int, dict[bytes, Floats]] = {}
        for factor in factors:
            for axis, part in factor.parts.items():
                upright = _sign(part) * part + 0.0
                found.setdefault(axis, {})[upright.tobytes()] = upright
        return cls(dict(sorted(found.items())))

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that are read."""
        return tuple(self.of_axis)

    def matrix(self, axis: int) -> Matrix:
        """[values, features] of an axis."""
        return np.stack(list(self.of_axis[axis].values()), axis=1)

    def weights(self, factors: Sequence[Factor]) -> tuple[Matrix, ...]:
        """For each axis [features, factors]: how factors read its features."""
        return tuple(np.stack([self._own(axis, one) for one in factors], axis=1) for axis in self.of_axis)

    def chained(self, chains: Sequence[_Chain]) -> tuple[Matrix, ...]:
        """The same for the neurons of chains."""
        gates, times = self.weights([one.gate for one in chains]), self.weights([one.times for one in chains])
        whole, sign = (np.array([getattr(one, name) for one in chains]) for name in ("whole", "sign"))
        signs, many = np.concatenate([one.signs for one in chains]), [len(one.kinks) for one in chains]
        return tuple(
            signs * np.repeat(whole * own + sign * other, many, axis=1) for own, other in zip(gates, times, strict=True)
        )

    def _own(self, axis: int, factor: Factor) -> Floats:
        known, found = list(self.of_axis[axis]), np.zeros(len(self.of_axis[axis]))
        if axis in factor.parts:
            part = factor.parts[axis]
            found[known.index((_sign(part) * part + 0.0).tobytes())] = _sign(part)
        return found


def _sign(part: Floats) -> float:
    """The sign of the first entry that is not 0."""
    return float(np.sign(next((x for x in part.tolist() if x), 1.0)))
