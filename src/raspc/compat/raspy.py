"""RASPy's notation: Rush (2022), "Thinking Like Transformers", RASP as an embedded language of Python.

    from raspc.compat.raspy import indices, key, length, query, tokens, where
    flip = (key(indices) == query(length - indices - 1)).value(tokens).name("flip")
    raspc.compile(flip.program, vocab="abc", max_seq_len=8)

`value` aggregates by sum. A word has no sum: one may be selected, and where several are the program is undefined.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from raspc import arguments, rasp, values
from raspc.errors import InvalidProgram
from raspc.rasp import Comparison, Selector, SOp

__all__ = ["Sel", "Seq", "indices", "key", "length", "query", "tokens", "where"]


class Seq:
    """A sequence: a value at each position of the input. `program` is the s-op that raspc compiles."""

    __hash__ = None  # type: ignore[assignment]  # an s-op takes none for a constant

    def __init__(self, program: SOp) -> None:
        self.program = program

    def __call__(self, xs: Sequence[Any]) -> list[Any]:
        """The values on one input. Raises InputError where the program is undefined."""
        return self.program(xs)

    def __bool__(self) -> bool:
        raise InvalidProgram("a sequence or a selector has no truth value of its own; use where, &, | and ~")

    def map(self, f: Callable[[Any], Any]) -> Seq:
        """The function of each value."""
        return Seq(rasp.Map(f, self.program))

    def has(self, value: Any) -> Seq:
        """Whether the value (of a sequence: the one at each position) stands anywhere in this sequence."""
        found: Any = key(self) == query(value)
        return Seq(found.value(1).program > 0)

    def round(self) -> Seq:
        """The nearest whole number, the even one of two."""
        return self.map(round)

    def name(self, text: str) -> Seq:
        """The same sequence under a name that every printed form and label will use."""
        return Seq(self.program.named(arguments.an(str, "name: the name", text, "text")))


def _operator(name: str, step: int) -> Callable[..., Seq]:
    f = getattr(operator, f"__{name}__")
    return lambda *sides: Seq(f(*(_sop(x) if isinstance(x, Seq | Sel | _Side) else x for x in sides[::step])))


_REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or")
for _name in (*_REFLECTED, "neg", "invert", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Seq, f"__{_name}__", _operator(_name, 1))
for _name in _REFLECTED:
    setattr(Seq, f"__r{_name}__", _operator(_name, -1))


class _Side:
    """One side of a comparison that selects: the keys, or the queries."""

    def __init__(self, sop: SOp, is_key: bool) -> None:
        self.sop, self.is_key = sop, is_key


def _comparison(of_key: Comparison, of_query: Comparison) -> Callable[[_Side, Any], Sel]:
    def compared(self: _Side, other: Any) -> Sel:
        if not isinstance(other, _Side) or other.is_key == self.is_key:
            raise InvalidProgram("key(…) is compared with query(…), and nothing else with either")
        return Sel(rasp.Select(*((self.sop, other.sop, of_key) if self.is_key else (other.sop, self.sop, of_query))))

    return compared


_COMPARISONS = "eq EQ EQ", "ne NEQ NEQ", "lt LT GT", "gt GT LT", "le LEQ GEQ", "ge GEQ LEQ"
for _name, _key, _query in map(str.split, _COMPARISONS):
    setattr(_Side, f"__{_name}__", _comparison(Comparison[_key], Comparison[_query]))


class Sel:
    """A selector: which keys each query selects. They are joined by `&`, `|` and `~`."""

    __bool__ = Seq.__bool__

    def __init__(self, selector: Selector) -> None:
        self.selector = selector

    def __call__(self, xs: Sequence[Any]) -> list[Any]:
        """The matrix on one input; row = query, column = key."""
        return self.selector(xs)

    def __and__(self, other: Any) -> Sel:
        return Sel(rasp.SelectorAnd(self.selector, getattr(other, "selector", other)))

    def __or__(self, other: Any) -> Sel:
        return Sel(rasp.SelectorOr(self.selector, getattr(other, "selector", other)))

    def __invert__(self) -> Sel:
        return Sel(~self.selector)

    def value(self, seq: Any, default: Any = 0) -> Seq:
        """The sum of the values at the selected keys; `default` where none is selected."""
        held, other = _sop(seq), rasp.Full(default)
        if isinstance(held, rasp.Full) and values.is_number(held.fill):
            return Seq(rasp.Sum(self.selector, held, default))
        is_one, sides = rasp.Map(values.is_number, held), map(rasp.Full, (True, False))
        numbers, words = (self.selector & rasp.Select(is_one, side, Comparison.EQ) for side in sides)
        total = rasp.Sum(numbers, rasp.Map(lambda x: x if values.is_number(x) else 0, held), None)
        parts = (total, rasp.Aggregate(words, held, None), rasp.SelectorWidth(words))
        return Seq(rasp.NaryMap(partial(_value, other.fill), *parts, none_in_none_out=False))


def _value(default: Any, total: Any, word: Any, n_words: int) -> Any:
    if n_words > 1 or (total is not None and word is not None):
        raise ValueError(f"the word {word!r} and what is selected beside it have no sum")
    return next((held for held in (total, word) if held is not None), default)


def key(seq: Any) -> _Side:
    """The values that are attended to."""
    return _Side(_sop(seq), True)


def query(seq: Any) -> _Side:
    """The values that attend."""
    return _Side(_sop(seq), False)


def where(condition: Any, true: Any, false: Any) -> Seq:
    """The one where the condition holds, elsewhere the other."""
    return Seq(rasp.where(*map(_sop, (condition, true, false))))


def _sop(given: Any) -> SOp:
    if isinstance(given, Sel | _Side):
        raise InvalidProgram("found a selector where a sequence is needed; (key(x) == query(y)).value(z) makes one")
    return given.program if isinstance(given, Seq) else given if isinstance(given, SOp) else rasp.Full(given)


tokens, indices, length = Seq(rasp.tokens), Seq(rasp.indices), Seq(rasp.length)
