"""The core of RASP-L: elementwise functions, causal selectors, and what is made of the values that they select.

Zhou et al. (2023), "What Algorithms can Transformers Learn? A Study in Length Generalization", appendix on RASP-L.
Each function takes s-ops, or constants in their place, and gives an s-op or a selector; each raises InvalidProgram for
an argument that is neither.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from raspc import rasp, values
from raspc.errors import InvalidProgram, wrong_kind
from raspc.library.causal import marked, masked
from raspc.rasp import Comparison, Predicate, Selector, SOp, Value

equals, leq, lt, geq, gt = Comparison.EQ, Comparison.LEQ, Comparison.LT, Comparison.GEQ, Comparison.GT

Operand = SOp | Value
"""An s-op, or a constant that stands for the s-op that holds it at each position."""


def full(x: Operand, const: Value) -> SOp:
    """The constant at each position of `x`.

    >>> full(rasp.tokens, 7)("ab")
    [7, 7]
    """
    sop(x, "full")
    return marked(rasp.Full(constant(const, "full: const")))


def indices(x: Operand) -> SOp:
    """The positions 0 … n−1 of `x`.

    >>> indices(rasp.tokens)("ab")
    [0, 1]
    """
    sop(x, "indices")
    return marked(rasp.indices)


def tok_map(x: Operand, func: Callable[[Value], Value]) -> SOp:
    """`func` of the value at each position, cut to a whole number.

    >>> tok_map(rasp.tokens, lambda t: t / 2)([4, 5, -5])
    [2, 2, -2]
    """
    return marked(rasp.Map(partial(_cut_of, _function(func, "tok_map")), sop(x, "tok_map")))


def seq_map(x: Operand, y: Operand, func: Callable[[Value, Value], Value]) -> SOp:
    """`func` of the two values at each position, cut to a whole number.

    >>> seq_map(rasp.tokens, rasp.indices, max)([0, 5, 1])
    [0, 5, 2]
    """
    cutting = partial(_cut_of, _function(func, "seq_map"))
    return marked(rasp.SequenceMap(cutting, sop(x, "seq_map"), sop(y, "seq_map")))


def select(k: Operand, q: Operand, pred: Predicate, causal: bool = True) -> Selector:
    """The keys so far for which `pred(key, query)` holds: row = query position, column = key position.

    Raises InvalidProgram for `causal=False`, with which RASP-L has no program of its own.

    >>> select(rasp.tokens, rasp.tokens, equals)("aba")
    [[True, False, False], [False, True, False], [True, False, True]]
    """
    if not isinstance(causal, bool):
        raise wrong_kind("select: causal", causal, "True")
    if not causal:
        raise InvalidProgram(
            "select: found causal=False; programs of RASP-L look at no later position; rasp.Select makes a selector "
            "that does, for rasp.Aggregate and its kin"
        )
    return masked(rasp.Select(sop(k, "select"), sop(q, "select"), _function(pred, "select")))


def sel_width(a: Selector) -> SOp:
    """How many keys so far are selected.

    >>> sel_width(select(rasp.tokens, rasp.tokens, equals))("aba")
    [1, 1, 2]
    """
    return rasp.SelectorWidth(_selector(a, "sel_width"))


def aggr_mean(a: Selector, v: Operand, default: Value = 0) -> SOp:
    """The mean of the selected values, cut towards zero; `default` where none is selected.

    One value that is no number, or several equal ones, is given as it is; of unequal ones there is no mean.

    >>> aggr_mean(select(rasp.tokens, 9, lt), rasp.tokens)([2, -5, -4])
    [2, -1, -2]
    """
    mean = rasp.Aggregate(_selector(a, "aggr_mean"), sop(v, "aggr_mean"), constant(default, "aggr_mean: default"))
    return rasp.Map(cut, mean)


def aggr_max(a: Selector, v: Operand, default: Value = 0) -> SOp:
    """The greatest of the selected values; `default` where none is selected.

    >>> aggr_max(select(rasp.tokens, 5, lt), rasp.tokens, default=-1)([7, 2, 4])
    [-1, 2, 4]
    """
    return _extreme(a, v, default, "max")


def aggr_min(a: Selector, v: Operand, default: Value = 0) -> SOp:
    """The least of the selected values; `default` where none is selected.

    >>> aggr_min(select(rasp.tokens, 5, lt), rasp.tokens, default=-1)([7, 4, 2])
    [-1, 4, 2]
    """
    return _extreme(a, v, default, "min")


def _extreme(a: Selector, v: Operand, default: Value, end: str) -> SOp:
    name = f"aggr_{end}"
    held = sop(v, name)
    return rasp.Aggregate(rasp.best(_selector(a, name), held, end), held, constant(default, f"{name}: default"))


REDUCTIONS: dict[str, Callable[[Selector, Operand, Value], SOp]] = {
    "mean": aggr_mean, "max": aggr_max, "min": aggr_min,
}  # fmt: skip


def aggr(a: Selector, v: Operand, default: Value = 0, reduction: str = "mean") -> SOp:
    """The mean, the greatest or the least of the selected values: `reduction` is "mean", "max" or "min".

    Raises InvalidProgram for another one.
    """
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise InvalidProgram(f'aggr: found {reduction!r} as the reduction; needed "mean", "max" or "min"')
    return REDUCTIONS[reduction](a, v, default)


def kqv(k: Operand, q: Operand, v: Operand, pred: Predicate, default: Value = 0, reduction: str = "mean") -> SOp:
    """What `aggr` makes of the values `v` at the keys so far for which `pred(key, query)` holds.

    >>> kqv(rasp.tokens, rasp.tokens, rasp.indices, equals, reduction="min")("aba")
    [0, 1, 0]
    """
    return aggr(select(k, q, pred), v, default, reduction)


def cut(value: Value) -> Value:
    """A number as a whole number, cut towards zero; what is no number as it is."""
    return int(value) if values.is_number(value := values.plain(value)) else value


def constant(value: Value, argument: str) -> Value:
    """A constant, cut as values are. Raises InvalidProgram for a number that is not finite."""
    try:
        return cut(value)
    except (ValueError, OverflowError):
        raise InvalidProgram(f"{argument} is {value!r}; values of RASP-L are whole numbers") from None


def sop(given: Any, where: str) -> SOp:
    """An s-op as it is; a constant as the s-op that holds it at each position. Raises InvalidProgram for a selector."""
    if isinstance(given, SOp):
        return given
    if isinstance(given, Selector) or callable(given):
        raise InvalidProgram(f"{where}: found {_told(given)} where an s-op is needed")
    return rasp.Full(given)


def _cut_of(func: Callable[..., Value], *args: Value) -> Value:
    return cut(func(*args))


def _selector(given: Any, where: str) -> Selector:
    """A selector, without later keys. Raises InvalidProgram for anything else."""
    if not isinstance(given, Selector):
        raise InvalidProgram(f"{where}: found {_told(given)} where a selector is needed; `select` makes one")
    return masked(given)


def _function(given: Any, where: str) -> Any:
    if not callable(given) or isinstance(given, rasp.Expr):
        raise InvalidProgram(f"{where}: found {_told(given)} where a function is needed")
    return given


def _told(given: Any) -> str:
    kinds = {SOp: "an s-op", Selector: "a selector"}
    return next((text for kind, text in kinds.items() if isinstance(given, kind)), repr(given)[:60])
