"""Programs that look at no later position: the mask as a selector, and the mark by which a program says so.

The mask is a part of the program, so that it means the same whether or not it is compiled for a causal model; the mark
lets `raspc.compile` choose one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from raspc import rasp
from raspc.library.parts import so_far
from raspc.rasp import Expr, Selector
from raspc.rasp.words import MEANT

MARK = "causal"

Marked = TypeVar("Marked", bound=Expr)


def masked(selector: Selector) -> Selector:
    """The selector without the keys after the query, marked."""
    return selector if _marked(selector) else marked(selector & so_far())


def marked(expr: Marked) -> Marked:
    """The expression, with the mark that its author means a causal program."""
    return expr.annotated(**{MARK: True})


def says_so(program: Expr) -> bool:
    """Whether a program says that it is causal: by `rasp.causal`, or something in it is marked, and nothing in it sees
    a later position."""
    if MEANT in program.annotations:
        return True
    exprs = rasp.topological(program)
    hidden: set[int] = set()
    for expr in exprs:
        if isinstance(expr, Selector) and _hides(expr, hidden):
            hidden.add(id(expr))
    sees = any(isinstance(expr, rasp.LengthType) or (_reads(expr) - hidden) for expr in exprs)
    return any(map(_marked, exprs)) and not sees and (not isinstance(program, Selector) or id(program) in hidden)


def _marked(expr: Expr) -> bool:
    return bool(expr.annotations.get(MARK))


def _hides(selector: Selector, hidden: Collection[int]) -> bool:
    """Whether a selector selects no later key, given which of those inside it do not."""
    inner = [id(child) in hidden for child in selector.children if isinstance(child, Selector)]
    if _marked(selector):
        return True
    if isinstance(selector, rasp.SelectorAnd | rasp.Best):
        return any(inner)
    return isinstance(selector, rasp.SelectorOr) and all(inner)


def _reads(expr: Expr) -> set[int]:
    """The selectors that an s-op reads."""
    if isinstance(expr, Selector):
        return set()
    return {id(child) for child in expr.children if isinstance(child, Selector)}
