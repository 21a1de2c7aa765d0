"""An expression as a line of RASP, for labels; what has a name is written as its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raspc import rasp
from raspc.rasp import Expr
from raspc.text.kinds import label
from raspc.text.operators import BINARY, COMPARISONS, PREFIX
from raspc.text.show import whole

SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "mod": "%", "eq": "==", "ne": "!=", "lt": "<",
    "le": "<=", "gt": ">", "ge": ">=", "and": "and", "or": "or", "power": "^",
}  # fmt: skip
"""How the operators that expressions record are written."""

DEPTH = 3
"""Deeper parts are written as …."""


def render(expr: Expr, named: bool = True, depth: int = DEPTH) -> str:
    """The expression as text. `named`: its own name stands for it, if it has one."""
    if named and (name := label(expr)):
        return name
    if depth == 0 and expr.children:
        return "…"
    rule = next((rule for kind, rule in RULES.items() if isinstance(expr, kind)), _function)
    return rule(expr, [render(child, depth=depth - 1) for child in expr.children])


def _elementwise(expr: Any, parts: list[str]) -> str:
    if expr.operation is not None:
        return _operation(expr.operation, parts)
    where = expr.annotations.get("location")
    if where is None or where.text in BINARY:
        return _function(expr, parts)
    word = next((word for word in PREFIX if where.text.startswith(word)), None)
    if word and len(parts) == 1:
        return f"{word} {parts[0]}" if word == "not" else f"{word}({parts[0]})"
    return _function(expr, parts)


def _operation(operation: tuple[str, Any, Any], parts: list[str]) -> str:
    name, left, right = operation
    operands = iter(parts)
    sides = [next(operands) if side is None else whole(side) for side in (left, right)]
    return f"({sides[0]} {SYMBOLS.get(name, name)} {sides[1]})"


def _choice(expr: Any, parts: list[str]) -> str:
    if expr.none_in_none_out:
        return _elementwise(expr, parts)
    condition, chosen, otherwise = parts
    return f"({chosen} if {condition} else {otherwise})"


def _select(expr: Any, parts: list[str]) -> str:
    symbol = next((text for text, c in COMPARISONS.items() if c is expr.predicate), "True")
    return f"select({', '.join(parts)}, {symbol})"


def _aggregate(expr: Any, parts: list[str]) -> str:
    default = f", {whole(expr.default)}" if expr.default != 0 else ""
    single = ", single=True" if expr.single else ""
    return f"aggregate({', '.join(parts)}{default}{single})"


def _best(expr: Any, parts: list[str]) -> str:
    if isinstance(expr.score, rasp.IndicesType):
        return f"{'latest' if expr.end == 'max' else 'earliest'}({parts[0]})"
    return f'best({", ".join(parts)}, "{expr.end}")'


def _sum(expr: Any, parts: list[str]) -> str:
    default = f", {whole(expr.default)}" if expr.default != 0 else ""
    return f"aggregate_sum({', '.join(parts)}{default})"


def _function(expr: Expr, parts: list[str]) -> str:
    return f"{expr.default_name}({', '.join(parts)})" if parts else expr.name


RULES: dict[type[Expr], Callable[[Any, list[str]], str]] = {
    rasp.NaryMap: _choice,
    rasp.Elementwise: _elementwise,
    rasp.Full: lambda expr, parts: whole(expr.fill),
    rasp.Select: _select,
    rasp.SelectorAnd: lambda expr, parts: f"({parts[0]} and {parts[1]})",
    rasp.SelectorOr: lambda expr, parts: f"({parts[0]} or {parts[1]})",
    rasp.Best: _best,
    rasp.SelectorNot: lambda expr, parts: f"not {parts[0]}",
    rasp.SelectorWidth: lambda expr, parts: f"selector_width({parts[0]})",
    rasp.Aggregate: _aggregate,
    rasp.Sum: _sum,
}
