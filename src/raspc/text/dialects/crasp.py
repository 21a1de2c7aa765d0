"""C-RASP: counts of positions so far, and comparisons of counts.

Yang and Chiang (2024), "Counting Like Transformers: Compiling Temporal Counting Logic Into Softmax Transformers".
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from raspc import rasp
from raspc.library.causal import marked, masked
from raspc.library.parts import before
from raspc.rasp import Comparison, SOp
from raspc.text.dialects.meaning import CONNECTIVES, Defined, Scope, at, negated, token_test
from raspc.text.dialects.terms import Term, fold
from raspc.text.faults import Fault

MOST_DIGITS = 15
"""Of a constant: no count is as large, and whole numbers of so many digits are floats."""


@dataclass(frozen=True)
class Part:
    """What a part of a formula means: an s-op of Booleans or of counts, and the position that it names, if it does.

    `constant`: the count that it is everywhere.
    """

    sop: SOp
    is_count: bool
    position: str | None = None
    constant: int | None = None


def define(body: Term, scope: Scope) -> Defined:
    """What a definition means. Raises Fault."""
    part = fold(body, partial(_part, scope))
    if scope.position and part.position not in (None, scope.position):
        raise Fault(f'this is about position "{part.position}"; needed "{scope.position}"', body.start, body.end)
    return Defined(marked(part.sop), part.is_count)


def _part(scope: Scope, term: Term, parts: list[Part]) -> Part:
    return RULES[term.op](scope, term, parts)


def _reference(scope: Scope, term: Term, parts: list[Part]) -> Part:
    found = scope.find(term)
    return Part(found.sop, found.is_count, at(term))


def _token(scope: Scope, term: Term, parts: list[Part]) -> Part:
    return Part(token_test(term), False, at(term))


def _truth(scope: Scope, term: Term, parts: list[Part]) -> Part:
    return Part(rasp.Full(term.word("TRUE") is not None), False)


def _integer(scope: Scope, term: Term, parts: list[Part]) -> Part:
    digits = term.word("INT") or ""
    if len(digits.lstrip("0")) > MOST_DIGITS:
        raise Fault(f"a number of {len(digits)} digits; needed at most {MOST_DIGITS}", term.start, term.end)
    return _constant(int(digits))


def _constant(value: int, position: str | None = None) -> Part:
    return Part(rasp.Full(value), True, position, value)


def _brackets(scope: Scope, term: Term, parts: list[Part]) -> Part:
    return parts[0]


def _not(scope: Scope, term: Term, parts: list[Part]) -> Part:
    _need(False, term, parts)
    return Part(negated(parts[0].sop), False, parts[0].position)


def _connective(scope: Scope, term: Term, parts: list[Part]) -> Part:
    _need(False, term, parts)
    return Part(CONNECTIVES[term.op](parts[0].sop, parts[1].sop), False, _position(term, parts))


COMPARISONS: dict[str, Callable[[SOp, SOp], SOp]] = {
    "<=": operator.le, "≤": operator.le, ">=": operator.ge, "≥": operator.ge, "<": operator.lt, ">": operator.gt,
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "≠": operator.ne,
}  # fmt: skip


def _comparison(scope: Scope, term: Term, parts: list[Part]) -> Part:
    _need(True, term, parts)
    compare = COMPARISONS[term.word("COMPARE") or ""]
    return Part(compare(parts[0].sop, parts[1].sop), False, _position(term, parts))


def _sum(scope: Scope, term: Term, parts: list[Part]) -> Part:
    _need(True, term, parts)
    return _computed(operator.add if term.word("SIGN") == "+" else operator.sub, term, parts)


def _product(scope: Scope, term: Term, parts: list[Part]) -> Part:
    """A whole number times a count: the count added to itself."""
    _need(True, term, parts)
    if all(part.constant is None for part in parts):
        raise Fault("a count times a count; C-RASP adds counts: one side must be a number", term.start, term.end)
    return _computed(operator.mul, term, parts)


def _signed(scope: Scope, term: Term, parts: list[Part]) -> Part:
    _need(True, term, parts)
    return parts[0] if term.word("SIGN") == "+" else _computed(operator.sub, term, [_constant(0), *parts])


def _extreme(scope: Scope, term: Term, parts: list[Part]) -> Part:
    _need(True, term, parts)
    return _computed(min if term.word("EXTREME") == "min" else max, term, parts)


def _computed(f: Callable[[int, int], int], term: Term, parts: list[Part]) -> Part:
    """A count of two counts; of two constants a constant."""
    fst, snd = parts
    position = _position(term, parts)
    if fst.constant is not None and snd.constant is not None:
        value = f(fst.constant, snd.constant)
        if abs(value) >= 10**MOST_DIGITS:
            raise Fault(f"this number has more than {MOST_DIGITS} digits", term.start, term.end)
        return _constant(value, position)
    made = f(fst.sop, snd.sop) if f not in (min, max) else rasp.SequenceMap(f, fst.sop, snd.sop)  # type: ignore[arg-type]
    return Part(made, True, position)  # type: ignore[arg-type]


def _conditional(scope: Scope, term: Term, parts: list[Part]) -> Part:
    _need(False, term, parts[:1])
    _need(True, term, parts[1:], first=1)
    return Part(rasp.where(*(part.sop for part in parts)), True, _position(term, parts))


def _count(scope: Scope, term: Term, parts: list[Part]) -> Part:
    """`#[φ]`: of the positions up to this one, how many hold φ."""
    _need(False, term, parts)
    if parts[0].position is not None:
        raise Fault(
            f'what is counted names the position "{parts[0].position}"; write #[j <= i] before it, or no position',
            term.parts[0].start, term.parts[0].end,
        )  # fmt: skip
    return Part(_width(parts[0].sop), True)


def _count_at(scope: Scope, term: Term, parts: list[Part]) -> Part:
    """`#[j <= i] φ(j)`: the same; with `<` of the positions before this one."""
    _need(False, term, parts)
    key, order, query = _mask(term.word("MASK") or "")
    if key == query:
        raise Fault(
            f'the mask compares "{key}" with itself; needed two positions, as in [j <= i]', term.start, term.end
        )
    if parts[0].position not in (None, key):
        raise Fault(f'what is counted is about "{parts[0].position}"; needed "{key}"', term.parts[0].start, term.end)
    return Part(_width(parts[0].sop, strictly=order == "<"), True, query)


def _mask(text: str) -> tuple[str, str, str]:
    inner = text.lstrip("#").strip().strip("[]")
    order = next(order for order in ("<=", "≤", "<") if order in inner)
    key, _, query = (part.strip() for part in inner.partition(order))
    return key, order, query


def _width(sop: SOp, strictly: bool = False) -> SOp:
    holds = masked(rasp.Select(sop, rasp.Full(True), Comparison.EQ))
    return rasp.SelectorWidth(holds & before() if strictly else holds)


RULES: dict[str, Callable[[Scope, Term, list[Part]], Part]] = {
    "reference": _reference, "token": _token, "truth": _truth, "integer": _integer, "brackets": _brackets,
    "not_": _not, "and_": _connective, "or_": _connective, "comparison": _comparison, "sum_": _sum,
    "product_": _product, "signed_": _signed, "extreme": _extreme, "conditional": _conditional, "count": _count,
    "count_at": _count_at,
}  # fmt: skip


def _need(count: bool, term: Term, parts: list[Part], first: int = 0) -> None:
    """Each part is a count, or a Boolean. Raises Fault."""
    for part, where in zip(parts, term.parts[first:], strict=False):
        if part.is_count != count:
            told = (
                "this is a Boolean; needed a count, such as #[…] of it" if count
                else "this is a count; needed a Boolean, such as a comparison of it: C > 0"
            )  # fmt: skip
            raise Fault(told, where.start, where.end)


def _position(term: Term, parts: list[Part]) -> str | None:
    """The one position that the parts name. Raises Fault where they name two."""
    named = list(dict.fromkeys(part.position for part in parts if part.position))
    if len(named) > 1:
        raise Fault(f'positions "{named[0]}" and "{named[1]}" in one formula; needed one', term.start, term.end)
    return named[0] if named else None
