"""B-RASP: Boolean formulas, and attention to the leftmost or rightmost position that a mask and a score allow.

Yang, Chiang and Angluin (2024), "Masked Hard-Attention Transformers Recognize Exactly the Star-Free Languages".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from raspc import rasp
from raspc.library.causal import masked
from raspc.library.parts import everything
from raspc.rasp import Comparison, Selector, SOp
from raspc.text.dialects.meaning import CONNECTIVES, POSITION, Defined, Scope, at, negated, token_test
from raspc.text.dialects.terms import Term, fold
from raspc.text.faults import Fault

ORDERS = {
    "<": Comparison.LT, "<=": Comparison.LEQ, "≤": Comparison.LEQ,
    ">": Comparison.GT, ">=": Comparison.GEQ, "≥": Comparison.GEQ,
}  # fmt: skip
MIRRORED = {
    Comparison.LT: Comparison.GT, Comparison.LEQ: Comparison.GEQ,
    Comparison.GT: Comparison.LT, Comparison.GEQ: Comparison.LEQ,
}  # fmt: skip
PAST = {Comparison.LT, Comparison.LEQ}


@dataclass(frozen=True)
class Part:
    """What a part of a formula means: an s-op at one position, or a selector of two.

    `position`: the position that it names; None where it names none, or two.
    """

    meaning: SOp | Selector
    position: str | None = None


def define(body: Term, scope: Scope) -> Defined:
    """What a definition means. Raises Fault."""
    return Defined(_attention(body, scope) if body.op == "attention" else _at_one(body, scope, scope.position))


def _attention(term: Term, scope: Scope) -> SOp:
    mask, score, value, default = term.parts
    query, key = scope.position or POSITION, term.word("NAME") or ""
    if key == query:
        raise Fault(f'"{key}" is the position that attends and the one attended to; needed two', term.start, term.end)
    allowed = _mask(mask, key, query) & _score(score, scope, key, query)
    if _is_past(mask, key):
        allowed = masked(allowed)
    found = (rasp.latest if (term.word("ARROW") or "")[0] in "▶▷r" else rasp.earliest)(allowed)
    gathered = partial(rasp.Aggregate, found)
    at_query = _at_one(default, scope, query)
    part = fold(value, partial(_part, scope, (key, query), lambda sop: gathered(sop, default=False)))
    if part.position == key:
        return rasp.NaryMap(_or_else, gathered(_sop(part)), at_query, none_in_none_out=False)
    return rasp.where(gathered(rasp.Full(True), default=False), _sop(part), at_query)


def _or_else(value: Any, default: Any) -> Any:
    return default if value is None else value


def _mask(term: Term, key: str, query: str) -> Selector:
    """The keys that the mask allows. Raises Fault where it does not compare the two positions."""
    if term.op != "mask" or term.word("TRUE"):
        return everything()
    names = (term.word("NAME", 0), term.word("NAME", 1))
    order = ORDERS[term.word("ORDER") or ""]
    if set(names) != {key, query}:
        found = f"{names[0]} and {names[1]}"
        raise Fault(f"the mask compares {found}; needed {key} and {query}", term.start, term.end)
    return rasp.Select(rasp.indices, rasp.indices, order if names[0] == key else MIRRORED[order])


def _is_past(term: Term, key: str) -> bool:
    order = ORDERS.get(term.word("ORDER") or "")
    return order is not None and (order if term.word("NAME") == key else MIRRORED[order]) in PAST


def _score(term: Term, scope: Scope, key: str, query: str) -> Selector:
    part = fold(term, partial(_part, scope, (key, query), None))
    return _selector(part, key)


def _at_one(term: Term, scope: Scope, position: str | None) -> SOp:
    """A formula of one position. Raises Fault where it names another."""
    return _sop(fold(term, partial(_part, scope, (position,), None)))


Gather = Callable[[SOp], SOp] | None
"""How what a key holds is brought to the query; None where a formula of both is a selector."""


def _part(scope: Scope, positions: tuple[str | None, ...], gather: Gather, term: Term, parts: list[Part]) -> Part:
    """A part of a formula about these positions: (key, query), or one."""
    if term.op in LEAVES:
        return LEAVES[term.op](scope, positions, term)
    if term.op == "brackets":
        return parts[0]
    named = list(dict.fromkeys(part.position for part in parts if part.position))
    if len(named) == 2 and len(positions) == 1:
        raise Fault(f'positions "{named[0]}" and "{named[1]}" in one formula; needed one', term.start, term.end)
    if len(named) == 2 and gather:  # what the key holds is brought here
        parts = [Part(gather(_sop(part))) if part.position == positions[0] else part for part in parts]
        named = [str(positions[1])]
    elif len(named) == 2 or any(isinstance(part.meaning, Selector) for part in parts):
        parts = [Part(_selector(part, str(positions[0]))) for part in parts]
        named = named[:0]
    return Part(_joined(term, [part.meaning for part in parts]), named[0] if named else None)


def _joined(term: Term, meanings: list[Any]) -> Any:
    if term.op == "not_":
        (inner,) = meanings
        return negated(inner) if isinstance(inner, SOp) else ~inner
    return CONNECTIVES[term.op](*meanings)


def _sop(part: Part) -> SOp:
    assert isinstance(part.meaning, SOp)
    return part.meaning


def _selector(part: Part, key: str) -> Selector:
    """A part of a score as a selector: a condition on keys, or on queries."""
    if isinstance(part.meaning, Selector):
        return part.meaning
    holds = rasp.Full(True)
    keys, queries = (part.meaning, holds) if part.position == key else (holds, part.meaning)
    return rasp.Select(keys, queries, Comparison.EQ)


def _leaf(scope: Scope, positions: tuple[str | None, ...], term: Term) -> Part:
    meaning = token_test(term) if term.op == "token" else scope.find(term).sop
    named = at(term)
    if len(positions) == 2 and named is None:
        raise Fault(f"of which position? write {term.word('TOKEN') or term.word('NAME')}({positions[0]}) or "
                    f"({positions[1]})", term.start, term.end)  # fmt: skip
    if named is not None and positions != (None,) and named not in positions:
        needed = " or ".join(f'"{position}"' for position in positions)
        raise Fault(f'this is about position "{named}"; needed {needed}', term.start, term.end)
    return Part(meaning, named)


def _truth(scope: Scope, positions: tuple[str | None, ...], term: Term) -> Part:
    return Part(rasp.Full(term.word("TRUE") is not None))


LEAVES = {"reference": _leaf, "token": _leaf, "truth": _truth}
