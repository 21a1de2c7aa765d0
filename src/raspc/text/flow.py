"""RASP's own analysis of a program: which layer computes what, and how many heads a layer needs.

Weiss, Goldberg and Yahav (2021), section 3: an aggregate stands one layer above all that its selector and
its values need; elementwise operations belong to the layer that computes the last of their arguments; the
aggregates of one layer that share a selector share a head. `length` and the width of a selector are
aggregates (of one head, given BOS).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from raspc import rasp
from raspc.rasp import Aggregate, Expr, Selector, SelectorWidth, SOp, Sum

FULL = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE).annotated(shown="full_s")


@dataclass(frozen=True)
class Head:
    """A selector, and the s-ops of its layer that it serves."""

    selector: Selector
    serves: tuple[SOp, ...]


@dataclass(frozen=True)
class Layer:
    """What one layer computes: by attention, then elementwise. Layer 0 has no heads."""

    heads: tuple[Head, ...]
    elementwise: tuple[SOp, ...]


def layers(program: SOp) -> list[Layer]:
    """The layers of a program, from the inputs up, each thing as early as it can be."""
    exprs = _distinct(program)
    level = _levels(exprs)
    deepest = max((level[e] for e in exprs if isinstance(e, SOp)), default=0)
    return [_layer([e for e in exprs if isinstance(e, SOp) and level[e] == i], exprs) for i in range(deepest + 1)]


def needs(program: SOp) -> tuple[int, int]:
    """The number of layers, and of heads in the layer that has most."""
    found = layers(program)
    return len(found) - 1, max(len(layer.heads) for layer in found)


class _Exprs(dict[Expr, Hashable]):
    """One expression for each meaning, children first, with the key that tells meanings apart."""

    def __init__(self) -> None:
        super().__init__()
        self.representative: dict[int, Expr] = {}

    def of(self, expr: Expr) -> Expr:
        """The expression that stands for this one."""
        return self.representative[id(expr)]


def _distinct(program: SOp) -> _Exprs:
    exprs = _Exprs()
    by_key: dict[Hashable, Expr] = {}
    for expr in rasp.topological(program, FULL):
        key = (_key(expr), *(id(exprs.of(child)) for child in expr.children))
        first = by_key.setdefault(key, expr)
        exprs.representative[id(expr)] = first
        exprs[first] = key
    return exprs


def _key(expr: Expr) -> Hashable:
    """What an expression does with its children. Two functions are the same if they are one object."""
    if isinstance(expr, rasp.Elementwise):
        operation = getattr(expr, "operation", None)
        return (type(expr), repr(operation) if operation else id(expr.f))
    if isinstance(expr, rasp.Select):
        named = isinstance(expr.predicate, rasp.Comparison)
        return (type(expr), expr.predicate.value if named else id(expr.predicate))  # type: ignore[attr-defined]
    if isinstance(expr, (rasp.Full, Aggregate, Sum)):
        return (type(expr), repr(vars(expr).get("fill")), repr(vars(expr).get("default")))
    return (type(expr), id(expr) if isinstance(expr, (rasp.ConstantSOp, rasp.ConstantSelector)) else 0)


def _levels(exprs: _Exprs) -> Mapping[Expr, int]:
    level: dict[Expr, int] = {}
    for expr in exprs:
        below = max((level[exprs.of(child)] for child in expr.children), default=0)
        level[expr] = below + isinstance(expr, (Aggregate, Sum, SelectorWidth, rasp.LengthType))
    return level


def _layer(sops: list[SOp], exprs: _Exprs) -> Layer:
    served: dict[Selector, list[SOp]] = {}
    for sop in sops:
        if (selector := selector_of(sop)) is not None:
            served.setdefault(exprs.of(selector), []).append(sop)  # type: ignore[arg-type]
    heads = tuple(Head(selector, tuple(serves)) for selector, serves in served.items())
    return Layer(heads, tuple(sop for sop in sops if isinstance(sop, rasp.Elementwise)))


def selector_of(sop: SOp) -> Selector | None:
    """The selector through which an s-op looks at other positions, if it does."""
    if isinstance(sop, rasp.LengthType):
        return FULL
    return sop.selector if isinstance(sop, (Aggregate, Sum, SelectorWidth)) else None
