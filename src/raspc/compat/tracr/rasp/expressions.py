"""The expressions of `raspc.rasp` with the attributes that Tracr's users know.

Each class is a thin subclass of the one that it is named after, so that `raspc` takes it as its own.
What is added: `unique_id`, `label`, `copy`, `children` as a list, annotations with defaults, operands that
can be reassigned, and maps of maps that are fused when they are built.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from raspc import rasp as own
from raspc.compat.tracr.rasp.annotations import ENCODING, NAME, Annotations
from raspc.graph.tabulate import affine_form
from raspc.rasp import Predicate, Value
from raspc.values import whole

OPERATORS = (
    "lt", "le", "gt", "ge", "eq", "ne", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv",
    "floordiv", "rfloordiv", "mod", "rmod", "pow", "rpow", "and", "rand", "or", "ror", "invert", "neg", "pos",
    "abs", "round",
)  # fmt: skip


class RASPExpr(own.Expr):
    """An expression with an identity that can be printed."""

    unique_id: int
    _ids = itertools.count(1)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        expr = super().__new__(cls)
        expr.unique_id = next(RASPExpr._ids)
        return expr

    @property  # type: ignore[override]
    def children(self) -> list[Any]:
        """The expressions that this one reads."""
        return list(self.__dict__.get("_children", ()))

    @children.setter
    def children(self, children: Sequence[own.Expr]) -> None:
        self.__dict__["_children"] = tuple(children)

    @property
    def annotations(self) -> Annotations:
        """What was noted on this expression; see `Annotations` for the defaults."""
        return Annotations(self, self.__dict__.get("_annotations", {}))

    @annotations.setter
    def annotations(self, annotations: Mapping[str, Any]) -> None:
        self.__dict__["_annotations"] = dict(annotations)

    @property
    def given_name(self) -> str | None:
        """The name that the user gave, if any."""
        name = self.annotations.given.get(NAME)
        return None if name is None else str(name)

    @property
    def given_encoding(self) -> own.Encoding | None:
        """The advice on how to store the value that the user gave, if any."""
        return self.annotations.given.get(ENCODING)

    @property
    def name(self) -> str:
        """The name that the user gave, or the default for this kind of expression."""
        return str(self.annotations[NAME])

    @property
    def label(self) -> str:
        """The name and the number of this expression: no other expression has it."""
        return f"{self.name}_{self.unique_id}"

    def copy(self) -> Self:
        """The same expression under a new `unique_id`."""
        return copy.copy(self)

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update({**self.__dict__, "unique_id": twin.unique_id})
        return twin


class SOp(RASPExpr, own.SOp):
    """A sequence operation."""

    __hash__ = own.SOp.__hash__
    __iter__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return True


class Selector(RASPExpr, own.Selector):
    """A boolean matrix for each input."""

    def __and__(self, other: own.Selector) -> Selector:
        return selector_and(self, other)

    def __rand__(self, other: own.Selector) -> Selector:
        return selector_and(other, self)

    def __or__(self, other: own.Selector) -> Selector:
        return selector_or(self, other)

    def __ror__(self, other: own.Selector) -> Selector:
        return selector_or(other, self)

    def __invert__(self) -> Selector:
        return selector_not(self)


class Operand:
    """One of the children under its own name; assigning to it rewires the expression."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __get__(self, expr: Any, owner: type) -> Any:
        return self if expr is None else expr.children[self.place]

    def __set__(self, expr: Any, child: own.Expr) -> None:
        children = expr.children
        children[self.place] = child
        expr.children = children


class Primitive(SOp):
    """An s-op of the input itself, whose label is what it is: there is one of each."""

    @property
    def label(self) -> str:
        """`tokens`, `indices` or `length`; with a number where the user gave another name."""
        return self.default_name if self.given_name is None else super().label


class TokensType(Primitive, own.TokensType):
    """The input tokens."""


class IndicesType(Primitive, own.IndicesType):
    """The positions 0 … n−1."""


class LengthType(Primitive, own.LengthType):
    """The length of the input."""


class Map(SOp, own.Map):
    """`f(x)` at each position. With `simplify`, a map of a map is one map of the innermost s-op."""

    inner = Operand(0)

    def __init__(self, f: Callable[[Value], Value], inner: own.SOp, simplify: bool = True) -> None:
        super().__init__(f, inner)
        if simplify:
            _fuse(self)


class SequenceMap(SOp, own.SequenceMap):
    """`f(x, y)` at each position."""

    fst, snd = Operand(0), Operand(1)


class LinearSequenceMap(SequenceMap, own.LinearSequenceMap):
    """`fst_fac·x + snd_fac·y` at each position."""

    fst, snd = Operand(0), Operand(1)


class Full(SOp, own.Full):
    """The same value at each position."""


class ConstantSOp(SOp, own.ConstantSOp):
    """The given values at positions 0, 1, …"""


class Select(Selector, own.Select):
    """Entry [query][key] is `predicate(key, query)`."""

    keys, queries = Operand(0), Operand(1)


class ConstantSelector(Selector, own.ConstantSelector):
    """The given matrix."""


class SelectorAnd(Selector, own.SelectorAnd):
    """Selected by both."""

    fst, snd = Operand(0), Operand(1)


class SelectorOr(Selector, own.SelectorOr):
    """Selected by either."""

    fst, snd = Operand(0), Operand(1)


class SelectorNot(Selector, own.SelectorNot):
    """Not selected by the inner selector."""

    inner = Operand(0)


class SelectorWidth(SOp, own.SelectorWidth):
    """The number of selected keys."""

    selector = Operand(0)


class Aggregate(SOp, own.Aggregate):
    """The selected value, or the mean of the selected numbers, or the default."""

    selector, sop = Operand(0), Operand(1)


class Best(Selector, own.Best):
    """The best of the selected keys: not in Tracr, but what `raspc.rasp.best`, `latest` and `earliest` build."""

    selector, score = Operand(0), Operand(1)


class Sum(SOp, own.Sum):
    """The sum of the selected numbers: not in Tracr, but what `raspc.rasp.Sum` builds."""

    selector, sop = Operand(0), Operand(1)


class Assume(SOp, own.Assume):
    """An s-op with a promise of its values: not in Tracr, but what `raspc.rasp.assume` builds."""


class NaryMap(SOp, own.NaryMap):
    """`f(x, y, …)` at each position: not in Tracr, but what `raspc.rasp.map` and `where` build."""


KINDS: dict[type[own.Expr], type[RASPExpr]] = {
    getattr(own, kind.__name__): kind
    for kind in (
        TokensType, IndicesType, LengthType, Map, SequenceMap, LinearSequenceMap, Full, ConstantSOp, Select,
        ConstantSelector, SelectorAnd, SelectorOr, SelectorNot, SelectorWidth, Aggregate, NaryMap,
        Best, Sum, Assume,
    )
}  # fmt: skip


def adopt(expr: own.Expr) -> Any:
    """An expression of `raspc.rasp` in the class that Tracr's users know; its children stay as they are."""
    kind = KINDS.get(type(expr))
    if kind is None:
        return expr
    twin = kind.__new__(kind)
    for name, value in vars(expr).items():
        setattr(twin, name, value)
    if isinstance(twin, Map):
        _fuse(twin)
    return twin


class Composed:
    """Functions applied one after another: any number, where nested lambdas would exhaust the stack."""

    def __init__(self, *functions: Callable[[Value], Value]) -> None:
        self.functions = functions

    def __call__(self, x: Value) -> Value:
        for f in self.functions:
            if x is None:
                return None
            x = f(whole(x))
        return x


def _fuse(outer: Map) -> None:
    """Turn a map of a map into one map; a None in between stays None, as it would in two steps.

    Two affine operators in a row stay two: of these the compiler makes one itself, without listing values.
    """
    inner = outer.inner
    if isinstance(inner, Map) and not (affine_form(outer) and affine_form(inner)):
        outer.f = Composed(*_functions(inner.f), *_functions(outer.f))
        outer.inner, outer.operation = inner.inner, None


def _functions(f: Callable[[Value], Value]) -> tuple[Callable[[Value], Value], ...]:
    return f.functions if isinstance(f, Composed) else (f,)


def _operator(name: str) -> Callable[..., Any]:
    inherited = getattr(own.SOp, name)

    def operate(self: SOp, *args: Any) -> Any:
        return adopt(inherited(self, *args))

    operate.__name__, operate.__doc__ = name, inherited.__doc__
    return operate


for _name in OPERATORS:
    setattr(SOp, f"__{_name}__", _operator(f"__{_name}__"))


def sop_not(sop: own.SOp) -> SOp:
    """True where the s-op is false."""
    return Map(lambda x: not x, sop)


def selector_not(inner: own.Selector, simplify: bool = True) -> Selector:
    """The complement. With `simplify`, two negations cancel and a constant or a select is negated itself."""
    if simplify and isinstance(inner, SelectorNot):
        return inner.inner  # type: ignore[no-any-return]
    if simplify and isinstance(inner, Select):
        predicate = inner.predicate
        return Select(inner.keys, inner.queries, lambda key, query: not predicate(key, query))
    if simplify and isinstance(inner, ConstantSelector):
        return ConstantSelector([[not x for x in row] for row in inner.value], inner.check_length)
    return SelectorNot(inner)


def selector_and(fst: own.Selector, snd: own.Selector, simplify: bool = True) -> Selector:
    """Selected by both. With `simplify`, two selects over the same s-ops, or two constants, are one.

    A `Full` on either side goes with any s-op on that side.
    """
    merged = _merged(fst, snd, lambda x, y: x and y) if simplify else None
    return merged or SelectorAnd(fst, snd)


def selector_or(fst: own.Selector, snd: own.Selector, simplify: bool = True) -> Selector:
    """Selected by either. With `simplify`, two selects over the same s-ops, or two constants, are one.

    A `Full` on either side goes with any s-op on that side.
    """
    merged = _merged(fst, snd, lambda x, y: x or y) if simplify else None
    return merged or SelectorOr(fst, snd)


def _merged(fst: own.Selector, snd: own.Selector, op: Predicate) -> Selector | None:
    if isinstance(fst, Select) and isinstance(snd, Select):
        return _merged_selects(fst, snd, op)
    if isinstance(fst, ConstantSelector) and isinstance(snd, ConstantSelector):
        return _merged_constants(fst, snd, op)
    return None


def _merged_selects(fst: Select, snd: Select, op: Predicate) -> Selector | None:
    keys, queries = _common(fst.keys, snd.keys), _common(fst.queries, snd.queries)
    if keys is None or queries is None:
        return None
    first, second = _seen_from(fst, keys, queries), _seen_from(snd, keys, queries)
    return Select(keys, queries, lambda key, query: op(first(key, query), second(key, query)))


def _common(fst: own.SOp, snd: own.SOp) -> own.SOp | None:
    """The s-op that both can be a function of: the same one, or whichever is not the same everywhere."""
    if fst is snd or _is_full(snd):
        return fst
    return snd if _is_full(fst) else None


def _is_full(sop: own.SOp) -> bool:
    """Whether the s-op is one value everywhere. A None stays where it is, as it meets no predicate."""
    return isinstance(sop, own.Full) and sop.fill is not None


def _seen_from(select: Select, keys: own.SOp, queries: own.SOp) -> Predicate:
    """The predicate of a select as one of other keys and queries, where its own are `Full`."""
    predicate = select.predicate
    if select.keys is not keys:
        predicate = _with_key(predicate, select.keys.fill)
    return predicate if select.queries is queries else _with_query(predicate, select.queries.fill)


def _with_key(predicate: Predicate, fixed: Value) -> Predicate:
    return lambda key, query: predicate(fixed, query)


def _with_query(predicate: Predicate, fixed: Value) -> Predicate:
    return lambda key, query: predicate(key, fixed)


def _merged_constants(fst: ConstantSelector, snd: ConstantSelector, op: Predicate) -> Selector | None:
    if len(fst.value) != len(snd.value) or fst.check_length != snd.check_length:
        return None
    rows = zip(fst.value, snd.value, strict=True)
    return ConstantSelector([[op(x, y) for x, y in zip(*pair, strict=True)] for pair in rows], fst.check_length)
