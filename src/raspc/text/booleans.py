"""Which s-ops surely hold booleans, by how they are built."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from raspc import rasp
from raspc.rasp import SOp

OPERATIONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "and", "or"})

ANNOTATION = "boolean"
"""Set on an s-op of booleans whose function does not tell."""


def holds_booleans(sop: SOp) -> bool:
    """True where every value of the s-op is a boolean, as comparisons, `not`, and picks of them give."""
    waiting: list[Any] = [sop]
    seen: set[int] = set()
    while waiting:
        expr = waiting.pop()
        if id(expr) in seen:
            continue
        seen.add(id(expr))
        rule = next((rule for kind, rule in RULES.items() if isinstance(expr, kind)), _no)
        below = [] if expr.annotations.get(ANNOTATION) else rule(expr)
        if below is None:
            return False
        waiting += below
    return True


def _no(expr: Any) -> list[SOp] | None:
    return None


def _elementwise(expr: Any) -> list[SOp] | None:
    operation = expr.operation[0] if expr.operation else None
    return [] if operation in OPERATIONS or expr.f is operator.not_ else None


def _choice(expr: Any) -> list[SOp] | None:
    return _elementwise(expr) if expr.none_in_none_out else list(expr.children[1:])


def _aggregate(expr: Any) -> list[SOp] | None:
    return [expr.sop] if isinstance(expr.default, bool) or expr.default == 0 else None


RULES: dict[type[SOp], Callable[[Any], list[SOp] | None]] = {
    rasp.NaryMap: _choice,
    rasp.Elementwise: _elementwise,
    rasp.Aggregate: _aggregate,
    rasp.Full: lambda expr: [] if isinstance(expr.fill, bool) else None,
}
"""The s-ops that have to hold booleans for this one to do so; None where it does not."""
