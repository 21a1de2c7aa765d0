"""Whole programs of `raspc.rasp` in the classes that Tracr's users know."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from raspc import rasp as own
from raspc.compat.tracr.rasp.expressions import RASPExpr, SOp, adopt
from raspc.compat.tracr.rasp.rasp import indices, length, tokens

P = ParamSpec("P")
PRIMITIVES: dict[type[own.Expr], RASPExpr] = {
    own.TokensType: tokens,
    own.IndicesType: indices,
    own.LengthType: length,
}


def adopted(program: own.Expr) -> Any:
    """The same program, every expression of it adopted; those already in these classes stay as they are."""
    twins: dict[int, own.Expr] = {}
    for expr in own.topological(program):
        twins[id(expr)] = expr if isinstance(expr, RASPExpr) else _twin(expr, twins)
    return twins[id(program)]


def adopting(build: Callable[P, own.SOp]) -> Callable[P, SOp]:
    """A builder of programs whose results are adopted."""

    @wraps(build)
    def built(*args: P.args, **kwargs: P.kwargs) -> SOp:
        return adopted(build(*args, **kwargs))  # type: ignore[no-any-return]

    return built


def _twin(expr: own.Expr, twins: dict[int, own.Expr]) -> own.Expr:
    if type(expr) in PRIMITIVES and not expr.annotations:
        return PRIMITIVES[type(expr)]
    twin = adopt(expr)
    twin.children = tuple(twins[id(child)] for child in expr.children)
    return twin  # type: ignore[no-any-return]
