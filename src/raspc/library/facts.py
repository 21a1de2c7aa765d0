"""What can be said of an expression without running it: the values it can take, and which selectors pick.

An over-approximation, by one rule for each kind of expression. It rejects what may be undefined on some
input, and what has more values than a random program should.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from raspc import rasp, values
from raspc.rasp import Expr, Value

MOST_VALUES = 40
MOST_CELLS = 3000
LARGEST = 100
CLOSEST = 1e-4
LONGEST = 6
COMPARED = ("lt", "le", "gt", "ge", "eq", "ne")
"""The operators that compare."""


class Rejected(Exception):
    """Possibly undefined, or too large: not a part of a random program."""


@dataclass(frozen=True)
class SOpFacts:
    """Of an s-op.

    `values`: all that it can be, or None for numbers too many to list. `distinct`: it differs between any
    two positions. `sources`: ids of the s-ops of which it is a function, position by position. `mean_of_whole`:
    numbers that are not listed are whole, or a fraction of a few positions away from whole numbers.
    """

    values: tuple[Value, ...] | None
    distinct: bool = False
    sources: frozenset[int] = frozenset()
    mean_of_whole: bool = False

    @property
    def trivial(self) -> bool:
        """One value everywhere."""
        return self.values is not None and len(self.values) == 1

    @property
    def total(self) -> bool:
        """Never None."""
        return self.values is None or all(value is not None for value in self.values)

    @property
    def numeric(self) -> bool:
        """A number wherever it is not None."""
        return self.values is None or all(v is None or values.is_number(v) for v in self.values)

    @property
    def worded(self) -> bool:
        """A string wherever it is not None."""
        return self.values is not None and all(v is None or isinstance(v, str) for v in self.values)

    @property
    def whole(self) -> bool:
        """A whole number everywhere."""
        return self.values is not None and all(values.is_number(v) and v % 1 == 0 for v in self.values)


@dataclass(frozen=True)
class SelectorFacts:
    """Of a selector.

    `single`: it never selects two keys. `agree`: ids of the s-ops on which selected keys agree. `trivial`:
    it selects nothing.
    """

    single: bool = False
    agree: frozenset[int] = frozenset()
    trivial: bool = False


Facts = SOpFacts | SelectorFacts


@dataclass
class Analysis:
    """The facts of every expression met so far, for one vocabulary, length and mask.

    `once`: a token that no input holds twice, if there is one.
    """

    vocab: tuple[Value, ...]
    max_seq_len: int
    causal: bool
    once: Value = None
    known: dict[int, Facts] = field(default_factory=dict)
    _alive: list[Expr] = field(default_factory=list)

    def of(self, expr: Expr) -> Facts:
        """The facts of an expression.

        Raises Rejected where it may be undefined or is too large.
        """
        for node in rasp.topological(expr):
            if id(node) not in self.known:
                rule = next(RULES[kind] for kind in type(node).__mro__ if kind in RULES)
                facts = rule(self, node, *(self.known[id(child)] for child in node.children))
                self._alive.append(node)
                self.known[id(node)] = facts
        return self.known[id(expr)]


def _tokens(run: Analysis, expr: Expr) -> SOpFacts:
    return SOpFacts(_few(run.vocab), sources=frozenset({id(expr)}))


def _indices(run: Analysis, expr: Expr) -> SOpFacts:
    return SOpFacts(tuple(range(run.max_seq_len)), distinct=True, sources=frozenset({id(expr)}))


def _length(run: Analysis, expr: Expr) -> SOpFacts:
    return SOpFacts(tuple(range(1, run.max_seq_len + 1)), distinct=run.causal, sources=frozenset({id(expr)}))


def _full(run: Analysis, expr: rasp.Full) -> SOpFacts:
    return SOpFacts((expr.fill,), sources=frozenset({id(expr)}))


def _constant(run: Analysis, expr: rasp.ConstantSOp) -> SOpFacts:
    if expr.check_length or len(expr.value) < run.max_seq_len:
        raise Rejected
    found = expr.value[: run.max_seq_len]
    return SOpFacts(_few(found), distinct=_all_differ(found), sources=frozenset({id(expr)}))


def _elementwise(run: Analysis, expr: rasp.Elementwise, *args: SOpFacts) -> SOpFacts:
    varying = [arg for arg in args if arg.values is None or len(arg.values) > 1]
    shared = frozenset[int].intersection(*(arg.sources for arg in varying)) if varying else frozenset[int]()
    sources = shared | {id(expr)}
    if any(arg.values is None for arg in args):
        return _linear(expr, args, sources)
    results = _results(expr, [arg.values or () for arg in args])
    injective = len(varying) == 1 and varying[0].distinct and _all_differ(results)
    return SOpFacts(_few(results), injective, sources)


def _linear(expr: rasp.Elementwise, args: Sequence[SOpFacts], sources: frozenset[int]) -> SOpFacts:
    """Of numbers that are not listed, only sums and multiples are sure to be defined."""
    operator = expr.operation[0] if expr.operation else ""
    if operator in COMPARED and _are_apart(expr, args):
        return SOpFacts((False, True), sources=sources)
    scaled = operator == "mul" and len(args) == 1
    if not all(arg.numeric and arg.total for arg in args):
        raise Rejected
    if not (isinstance(expr, rasp.LinearSequenceMap) or operator in ("add", "sub") or scaled):
        raise Rejected
    if expr.operation and not all(c is None or values.is_number(c) for c in expr.operation[1:]):
        raise Rejected
    return SOpFacts(None, sources=sources)


def _are_apart(expr: rasp.Elementwise, args: Sequence[SOpFacts]) -> bool:
    """Whether a mean of whole numbers is compared with a whole number: they are equal, or clearly are not."""
    _, *constants = expr.operation or ("",)
    means = [arg for arg in args if arg.mean_of_whole]
    rest = [arg for arg in args if not arg.mean_of_whole]
    return len(means) == 1 and all(arg.whole for arg in rest) and all(c is None or _is_whole(c) for c in constants)


def _is_whole(value: Value) -> bool:
    return values.is_number(value) and value % 1 == 0


def _results(expr: rasp.Elementwise, sets: Sequence[Sequence[Value]]) -> list[Value]:
    if math.prod(map(len, sets)) > MOST_CELLS:
        raise Rejected
    try:
        return [values.apply(expr.f, cell, expr.none_in_none_out) for cell in itertools.product(*sets)]
    except Exception as error:
        raise Rejected from error


def _assume(run: Analysis, expr: rasp.Assume, inner: SOpFacts) -> SOpFacts:
    """The same s-op, if the promise is kept whatever it is."""
    if inner.values is None or not all(expr.permits(value) for value in inner.values):
        raise Rejected
    return replace(inner, sources=inner.sources | {id(expr)})


def _select(run: Analysis, expr: rasp.Select, keys: SOpFacts, queries: SOpFacts) -> SelectorFacts:
    if keys.values is None or queries.values is None or not (keys.total and queries.total):
        raise Rejected
    try:
        rows = [[bool(expr.predicate(key, query)) for key in keys.values] for query in queries.values]
    except Exception as error:
        raise Rejected from error
    trivial = not any(any(row) for row in rows)
    if run.once is not None and expr.keys is rasp.tokens and _is_only(keys.values, rows, run.once):
        return SelectorFacts(True, frozenset({id(expr.keys)}), trivial)
    if any(sum(row) > 1 for row in rows):
        return SelectorFacts(trivial=trivial)
    return SelectorFacts(keys.distinct, frozenset({id(expr.keys)}), trivial)


def _is_only(tokens: Sequence[Value], rows: Sequence[Sequence[bool]], once: Value) -> bool:
    """Whether no query selects another token than the one that occurs once."""
    others = [i for i, token in enumerate(tokens) if not values.same(token, once)]
    return not any(row[i] for row in rows for i in others)


def _constant_selector(run: Analysis, expr: rasp.ConstantSelector) -> SelectorFacts:
    if expr.check_length or len(expr.value) < run.max_seq_len:
        raise Rejected
    return SelectorFacts(single=all(sum(row) <= 1 for row in expr.value))


def _and(run: Analysis, expr: Expr, fst: SelectorFacts, snd: SelectorFacts) -> SelectorFacts:
    return SelectorFacts(fst.single or snd.single, fst.agree | snd.agree)


def _unknown(run: Analysis, expr: Expr, *args: SelectorFacts) -> SelectorFacts:
    return SelectorFacts()


def _best(run: Analysis, expr: rasp.Best, selector: SelectorFacts, score: SOpFacts) -> SelectorFacts:
    if score.values is None or len({values.kind_of(x) for x in score.values}) > 1 or not score.total:
        raise Rejected
    if not (score.numeric or score.worded) or any(x != x for x in score.values):
        raise Rejected
    return SelectorFacts(selector.single or score.distinct, selector.agree | {id(expr.score)}, selector.trivial)


def _width(run: Analysis, expr: rasp.SelectorWidth, selector: SelectorFacts) -> SOpFacts:
    most = 1 if selector.single else run.max_seq_len
    distinct = not run.causal and _is_rank(expr.selector)
    return SOpFacts(tuple(range(most + 1)), distinct, frozenset({id(expr)}))


def _is_rank(selector: Expr) -> bool:
    """Smaller, or equal and earlier: `raspc.library.parts.rank`. Its width is a permutation."""
    if not isinstance(selector, rasp.SelectorOr) or not isinstance(selector.snd, rasp.SelectorAnd):
        return False
    smaller, same, earlier = selector.fst, selector.snd.fst, selector.snd.snd
    return [_shape(part) for part in (smaller, same, earlier)] == [
        (_shape(smaller)[0], rasp.Comparison.LT),
        (_shape(smaller)[0], rasp.Comparison.EQ),
        (id(rasp.indices), rasp.Comparison.LT),
    ]


def _shape(selector: Expr) -> tuple[int, Any]:
    """The s-op that a selector compares with itself, and how; (0, None) otherwise."""
    if isinstance(selector, rasp.Select) and selector.keys is selector.queries:
        return id(selector.keys), selector.predicate
    return 0, None


def _aggregate(run: Analysis, expr: rasp.Aggregate, selector: SelectorFacts, sop: SOpFacts) -> SOpFacts:
    sources = frozenset({id(expr)})
    if expr.single and not selector.single:
        raise Rejected
    picks = selector.single or bool(selector.agree & sop.sources) or len(sop.values or (0, 1)) == 1
    if sop.values is not None and picks:
        return SOpFacts(_few([*sop.values, expr.default]), sources=sources)
    if not (sop.numeric and sop.total):
        raise Rejected
    means = None if sop.values is None else _means(sop.values, run.max_seq_len)
    if means is not None:
        return SOpFacts(_few([*means, expr.default]), sources=sources)
    if not values.is_number(expr.default):
        raise Rejected
    return SOpFacts(None, sources=sources, mean_of_whole=sop.whole and _is_whole(expr.default))


def _means(numbers: Sequence[float], most: int) -> list[float] | None:
    """Every mean of 1 to `most` of the numbers; None if there are too many."""
    exact = [Fraction(number) for number in numbers]
    sums, found = {Fraction(0)}, set[float]()
    for count in range(1, most + 1):
        sums = {total + number for total in sums for number in exact}
        if len(sums) > 10 * MOST_VALUES:
            return None
        found |= {float(total) / count for total in sums}
    return sorted(found) if len(found) <= MOST_VALUES - 1 else None


def _sum(run: Analysis, expr: rasp.Sum, selector: SelectorFacts, sop: SOpFacts) -> SOpFacts:
    """All sums of up to as many numbers as an input has; of numbers that are not known none is made."""
    if not (sop.numeric and sop.total) or sop.values is None:
        raise Rejected
    exact = [Fraction(number) for number in sop.values]
    sums = {Fraction(0)}
    for _ in range(run.max_seq_len):
        sums |= {total + number for total in sums for number in exact}
        if len(sums) > 10 * MOST_VALUES:
            raise Rejected
    found = [int(total) if total.denominator == 1 else float(total) for total in sorted(sums)]
    return SOpFacts(_few([*found, expr.default]), sources=frozenset({id(expr)}))


def _all_differ(found: Sequence[Value]) -> bool:
    return len({values.key(value) for value in found}) == len(found)


def _few(found: Iterable[Value]) -> tuple[Value, ...]:
    """The distinct values.

    Raises Rejected if they are many, large, long, or numbers that almost coincide.
    """
    distinct = values.canonical(found)
    numbers = [value for value in distinct if values.is_number(value)]
    close = any(0 < y - x < CLOSEST for x, y in itertools.pairwise(numbers))
    large = any(not abs(number) <= LARGEST for number in numbers)
    long = any(isinstance(value, str | tuple) and len(value) > LONGEST for value in distinct)
    if len(distinct) > MOST_VALUES or close or large or long:
        raise Rejected
    return distinct


RULES: dict[type[Expr], Callable[..., Facts]] = {
    rasp.TokensType: _tokens,
    rasp.IndicesType: _indices,
    rasp.LengthType: _length,
    rasp.Full: _full,
    rasp.ConstantSOp: _constant,
    rasp.Elementwise: _elementwise,
    rasp.Assume: _assume,
    rasp.Select: _select,
    rasp.ConstantSelector: _constant_selector,
    rasp.SelectorAnd: _and,
    rasp.SelectorOr: _unknown,
    rasp.SelectorNot: _unknown,
    rasp.Best: _best,
    rasp.SelectorWidth: _width,
    rasp.Aggregate: _aggregate,
    rasp.Sum: _sum,
}
