"""What an expression of a text gives on one input, with every failure traced to its place in the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from raspc import rasp
from raspc.errors import InputError
from raspc.interpret import Results, interpret, trace
from raspc.rasp import Expr, SOp
from raspc.text.kinds import Value, constant, kind
from raspc.text.operators import Refused
from raspc.text.source import Location, TextInputError
from raspc.values import apply

MAX_INPUT = 1_000
"""The longest input at the prompt: a selector is a matrix of the input's length squared."""


class Answer(list[Any]):
    """The values of an s-op on an input."""


class SelectorAnswer(list[Any]):
    """The rows of a selector on an input, with the tokens that name its rows and columns."""

    def __init__(self, rows: Sequence[Sequence[bool]], tokens: Sequence[Value]) -> None:
        super().__init__(rows)
        self.tokens = tokens


def apply_to(expr: Expr, given: Sequence[Value], named: dict[str, Value], where: Location) -> Answer | SelectorAnswer:
    """`expr(input)` as the text calls it.

    Raises Refused unless it is given one input, TextInputError where the expression is undefined on it.
    """
    if len(given) != 1 or named:
        raise Refused(f"an s-op or selector is applied to one input; found {len(given) + len(named)} arguments")
    return on_input(expr, as_input(given[0]), where)


def as_input(value: Value) -> list[Value]:
    """A string as its characters, a list as its items.

    Raises Refused for what is no input.
    """
    if not isinstance(value, (str, list)):
        raise Refused(f"an input is a string or a list of atoms; found {kind(value)}")
    if len(value) > MAX_INPUT:
        raise Refused(f"an input of {len(value)} tokens; at most {MAX_INPUT} are shown")
    try:
        return [constant(item) for item in value]
    except TypeError as error:
        raise Refused(f"an input is a string or a list of atoms: {error}") from error


def on_input(expr: Expr, xs: Sequence[Value], where: Location) -> Answer | SelectorAnswer:
    """The values or the matrix of an expression; `where` is cited for parts that have no place of their own.

    Raises TextInputError where the expression is undefined, a division by zero included.
    """
    try:
        results = trace(expr, xs)
    except InputError as error:
        raise _undefined(expr, xs, where, error) from error
    if not isinstance(expr, SOp):
        return SelectorAnswer(results[id(expr)], xs)
    values = results[id(expr)]
    if None in values:
        raise _arithmetic_fault(expr, values.index(None), results, xs, where)
    return Answer(values)


def _undefined(expr: Expr, xs: Sequence[Value], where: Location, error: InputError) -> TextInputError:
    culprit = error.expression
    if isinstance(culprit, rasp.Select):
        for child in culprit.children:
            values = interpret(child, xs)
            if None in values:
                return _arithmetic_fault(child, values.index(None), trace(child, xs), xs, where)
    reason = _elementwise_reason(culprit, xs) if isinstance(culprit, rasp.Elementwise) else f"{error}, on"
    return TextInputError(f"{reason} {shown(xs)}", _place(culprit, expr, where))


def _elementwise_reason(expr: rasp.Elementwise, xs: Sequence[Value]) -> str:
    """What the function of an expression says where it fails first."""
    for position, args in enumerate(zip(*(interpret(arg, xs) for arg in expr.args), strict=True)):
        try:
            apply(expr.f, args, expr.none_in_none_out)
        except Exception as error:
            return f"{str(error.args[0]) if error.args else error}, at position {position} of"
    raise AssertionError("an expression that failed has a position at which it fails")


def _place(culprit: object, expr: Expr, where: Location) -> Location:
    """The place of an expression, or else of the first that reads it, or else `where`."""
    order = rasp.topological(expr)
    readers = [e for e in order if e is culprit or any(child is culprit for child in e.children)]
    places = (e.annotations.get("location") for e in readers)
    return next((place for place in places if place is not None), where)


def _arithmetic_fault(
    expr: Expr, position: int, results: Results, xs: Sequence[Value], where: Location
) -> TextInputError:
    origin, at = _origin(expr, position, results)
    args = [results[id(child)][at] for child in origin.children]
    reason = _reason(origin, args)
    message = f"{reason} at position {at} of {shown(xs)}"
    return TextInputError(message, _place(origin, expr, where))


def _reason(origin: Expr, args: Sequence[Value]) -> str:
    try:
        origin.f(*args)  # type: ignore[attr-defined]
    except ZeroDivisionError:
        return "division by zero"
    except OverflowError:
        return "the result is too large"
    except Exception as error:
        return f"no result ({error})"
    return "no result"


def _origin(expr: Expr, position: int, results: Results) -> tuple[Expr, int]:
    """The expression and position at which a None that reached this position arose."""
    while True:
        source = _source(expr, position, results)
        if source is None:
            return expr, position
        expr, position = source


def _source(expr: Expr, position: int, results: Results) -> tuple[Expr, int] | None:
    """Where a None came from, one step back; None where it arose here."""
    if isinstance(expr, rasp.Aggregate):
        row = results[id(expr.selector)][position]
        values = results[id(expr.sop)]
        keys = (key for key, selected in enumerate(row) if selected and values[key] is None)
        return expr.sop, next(keys)
    children = [child for child in expr.children if results[id(child)][position] is None]
    if isinstance(expr, rasp.NaryMap) and not expr.none_in_none_out:
        condition = results[id(expr.children[0])][position]
        children = [expr.children[0 if condition is None else 1 if condition else 2]]
    return (children[0], position) if children else None


def written(xs: Sequence[Value]) -> str:
    """An input as a person would write it."""
    flat = all(isinstance(x, str) and len(x) == 1 for x in xs)
    return '"' + "".join(xs) + '"' if flat else str(list(xs))


def shown(xs: Sequence[Value]) -> str:
    """The same, cut where it is long."""
    text = written(xs)
    return text if len(text) <= 60 else text[:57] + "…"
