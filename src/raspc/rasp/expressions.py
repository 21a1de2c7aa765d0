"""The classes of RASP's expressions: s-ops, selectors, and the operators between them.

The language of Weiss, Goldberg and Yahav (2021), "Thinking Like Transformers", under the names
that Lindner et al. (2023), "Tracr", gave to its constructors. Expressions are immutable and are
identified by identity alone: `==` between s-ops builds an s-op.
"""

from __future__ import annotations

import copy
import enum
import operator
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import FrameType, MappingProxyType
from typing import Any, ClassVar, Self

from raspc import arguments, doors, naming
from raspc.errors import InputError, InvalidProgram, wrong_kind
from raspc.values import as_given, key

Value = Any
"""What an s-op holds at one position: a number, a boolean, a string, a tuple of these, or None."""

Predicate = Callable[[Value, Value], bool]


class Comparison(enum.Enum):
    """The named predicates of a selector; each is called as `predicate(key, query)`."""

    EQ = "=="
    LT = "<"
    LEQ = "<="
    GT = ">"
    GEQ = ">="
    NEQ = "!="
    TRUE = "True"
    FALSE = "False"

    def __call__(self, key: Value, query: Value) -> bool:
        """Raises InputError for None, which compares with nothing."""
        if key is None or query is None:
            raise InputError(f"{'key' if key is None else 'query'} is None! Comparison.{self.name} needs two values")
        return bool(_COMPARISONS[self](key, query))


_COMPARISONS: dict[Comparison, Predicate] = {
    Comparison.EQ: operator.eq,
    Comparison.LT: operator.lt,
    Comparison.LEQ: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GEQ: operator.ge,
    Comparison.NEQ: operator.ne,
    Comparison.TRUE: lambda key, query: True,
    Comparison.FALSE: lambda key, query: False,
}


_BUILDERS = ("raspc.rasp.", "raspc.compat", "raspc.raspl", "raspc.library.causal")
"""Modules that build expressions for others: what is built there is the work of whoever called."""


def _calling_line() -> tuple[str, int] | None:
    """The nearest line outside the modules that build expressions for others; none where it is RASP's own text."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("raspc.text", "importlib.")):
            return None
        if not module.startswith(_BUILDERS):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


class Encoding(enum.Enum):
    """Advice on how to store a value: one direction per value, or one direction for the number."""

    CATEGORICAL = "categorical"
    NUMERICAL = "numerical"


class Expr:
    """A node of a program. Immutable; two expressions are the same only if they are one object."""

    children: tuple[Expr, ...] = ()
    annotations: Mapping[str, Any] = MappingProxyType({})
    default_name: ClassVar[str] = "expr"
    built_at: tuple[str, int] | None = None
    """File and line of the Python code that built this expression."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        expr = super().__new__(cls)
        object.__setattr__(expr, "built_at", _calling_line())
        naming.built(expr)
        return expr

    @property
    def name(self) -> str:
        """The name that the user gave, the variable that it was assigned to, or the kind of the expression."""
        return self.given_name or self.assigned_name or self.default_name

    @property
    def given_name(self) -> str | None:
        """The name that the user gave, if any."""
        name = self.annotations.get("name")
        return None if name is None else str(name)

    @property
    def assigned_name(self) -> str | None:
        """The name of the variable that it was assigned to, where a function with `rasp.program` did that."""
        return self.annotations.get("assigned")

    @property
    def given_encoding(self) -> Encoding | None:
        """The advice on how to store the value that the user gave, if any."""
        return self.annotations.get("encoding")

    @property
    def told(self) -> str:
        """What messages call this expression: its name, or its kind with the file and line where it was built."""
        if self.given_name is not None or self.built_at is None or "location" in self.annotations:
            return self.name
        if self.built_at[0].startswith("<"):
            return self.name  # no file: a prompt, a text that was run
        return f"{self.name} ({os.path.basename(self.built_at[0])}:{self.built_at[1]})"

    def named(self, name: str) -> Self:
        """A copy of this expression under a name that every printed form and label will use.

        Raises TypeError for what is no text, InvalidProgram for an empty one.
        """
        if not arguments.an(str, "name", name, "text, as 'rank'").strip():
            raise InvalidProgram("named: found an empty name; needed at least one letter")
        return self.annotated(name=name)

    def annotated(self, **annotations: Any) -> Self:
        """A copy of this expression with these annotations added. Raises TypeError for an unknown encoding."""
        advice = annotations.get("encoding")
        if not isinstance(advice, Encoding | None):
            raise wrong_kind("encoding", advice, "rasp.Encoding.CATEGORICAL or rasp.Encoding.NUMERICAL")
        twin = copy.copy(self)
        twin.annotations = MappingProxyType({**self.annotations, **annotations})
        return twin

    def call(self, name: str) -> None:
        """Take the name of a variable: only `raspc.naming` says so, to what is being built."""
        self.annotations = MappingProxyType({**self.annotations, "assigned": name})

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        naming.built(twin)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Another program that means the same; what is shared in one is shared in the other."""
        for expr in topological(self):
            if id(expr) not in memo:
                memo[id(expr)] = twin = copy.copy(expr)
                twin.children = tuple(memo[id(child)] for child in expr.children)
        found: Self = memo[id(self)]
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """The expressions of the program as a flat list: long programs pickle too, and what they share stays one."""
        order = topological(self)
        place = {id(expr): i for i, expr in enumerate(order)}
        rows = [(type(expr), [place[id(child)] for child in expr.children], expr._state()) for expr in order]
        return _restored, (rows,)

    def _state(self) -> dict[str, Any]:
        return {**vars(self), "annotations": dict(self.annotations), "children": ()}

    def __call__(self, xs: Sequence[Value], *, causal: bool | None = None) -> list[Any]:
        """The meaning of this expression on one input sequence (see `raspc.interpret`)."""
        found: list[Any] = doors.through("interpret")(self, xs, causal=causal)
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __str__(self) -> str:
        return str(doors.through("expression_text")(self))

    def _repr_html_(self) -> str:
        return str(doors.through("expression_html")(self))


def _restored(rows: Sequence[tuple[type[Expr], list[int], dict[str, Any]]]) -> Expr:
    made: list[Expr] = []
    for kind, children, state in rows:
        expr = object.__new__(kind)
        vars(expr).update(state, annotations=MappingProxyType(state["annotations"]))
        expr.children = tuple(made[place] for place in children)
        made.append(expr)
    return made[-1]


class SOp(Expr):
    """A sequence operation: maps an input sequence of length n to n values."""

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise InvalidProgram(
            f"{self.name}: an s-op has no truth value of its own; use rasp.where, &, |, ~ or is_in "
            "instead of if, and, or, not, in"
        )

    def __iter__(self) -> Iterator[Value]:
        raise InvalidProgram(f"{self.name}: an s-op cannot be iterated; call it on an input first")

    def is_in(self, values: Iterable[Value]) -> SOp:
        """True where the value of this s-op is one of `values`."""
        listed = arguments.items("is_in: values", values, "a list or a set of values")
        known = frozenset(as_value(value, "is_in") for value in listed)
        found = Map(partial(_is_one_of, known), self)
        found.sought = tuple(sorted(known, key=repr))
        return found

    def __add__(self, other: SOp | Value) -> SOp:
        return _binary(operator.add, self, other)

    def __radd__(self, other: Value) -> SOp:
        return _binary(operator.add, other, self)

    def __sub__(self, other: SOp | Value) -> SOp:
        return _binary(operator.sub, self, other)

    def __rsub__(self, other: Value) -> SOp:
        return _binary(operator.sub, other, self)

    def __mul__(self, other: SOp | Value) -> SOp:
        return _binary(operator.mul, self, other)

    def __rmul__(self, other: Value) -> SOp:
        return _binary(operator.mul, other, self)

    def __truediv__(self, other: SOp | Value) -> SOp:
        return _binary(operator.truediv, self, other)

    def __rtruediv__(self, other: Value) -> SOp:
        return _binary(operator.truediv, other, self)

    def __floordiv__(self, other: SOp | Value) -> SOp:
        return _binary(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Value) -> SOp:
        return _binary(operator.floordiv, other, self)

    def __mod__(self, other: SOp | Value) -> SOp:
        return _binary(operator.mod, self, other)

    def __rmod__(self, other: Value) -> SOp:
        return _binary(operator.mod, other, self)

    def __pow__(self, other: SOp | Value) -> SOp:
        return _binary(operator.pow, self, other)

    def __rpow__(self, other: Value) -> SOp:
        return _binary(operator.pow, other, self)

    def __lt__(self, other: SOp | Value) -> SOp:
        return _binary(operator.lt, self, other)

    def __le__(self, other: SOp | Value) -> SOp:
        return _binary(operator.le, self, other)

    def __gt__(self, other: SOp | Value) -> SOp:
        return _binary(operator.gt, self, other)

    def __ge__(self, other: SOp | Value) -> SOp:
        return _binary(operator.ge, self, other)

    def __eq__(self, other: SOp | Value) -> SOp:  # type: ignore[override]
        return _binary(operator.eq, self, other)

    def __ne__(self, other: SOp | Value) -> SOp:  # type: ignore[override]
        return _binary(operator.ne, self, other)

    def __and__(self, other: SOp | Value) -> SOp:
        return _binary(_and, self, other)

    def __rand__(self, other: Value) -> SOp:
        return _binary(_and, other, self)

    def __or__(self, other: SOp | Value) -> SOp:
        return _binary(_or, self, other)

    def __ror__(self, other: Value) -> SOp:
        return _binary(_or, other, self)

    def __invert__(self) -> SOp:
        return Map(operator.not_, self)

    def __neg__(self) -> SOp:
        return _binary(operator.mul, -1, self)

    def __pos__(self) -> SOp:
        return Map(operator.pos, self)

    def __abs__(self) -> SOp:
        return Map(abs, self)

    def __round__(self, ndigits: int | None = None) -> SOp:
        return Map(partial(_rounded, ndigits), self)


# The functions that our own expressions hold are named, and what they are bound to is data: lambdas cannot be pickled.


def _is_one_of(known: Collection[Value], x: Value) -> bool:
    return x in known


def _rounded(ndigits: int | None, x: Value) -> Value:
    return round(x, ndigits)


def _weighted(fst_fac: float, snd_fac: float, x: Value, y: Value) -> Value:
    return fst_fac * x + snd_fac * y


def _and(x: Value, y: Value) -> Value:
    return x and y


def _or(x: Value, y: Value) -> Value:
    return x or y


class TokensType(SOp):
    """The input tokens."""

    default_name = "tokens"


class IndicesType(SOp):
    """The positions 0 … n−1; BOS is not counted."""

    default_name = "indices"


class LengthType(SOp):
    """The length of the input, BOS and PAD not counted; under a causal mask, index + 1."""

    default_name = "length"


class Elementwise(SOp):
    """A function applied at each position to the values of its arguments.

    `none_in_none_out`: a None among the arguments gives None without a call of `f`.
    """

    f: Callable[..., Value]
    none_in_none_out: bool = True
    operation: tuple[str, Value, Value] | None = None
    """The operator that built this, with its left and right constants (None where an s-op stands)."""
    sought: tuple[Value, ...] = ()
    """The values that a test by `is_in`, or of a token, is true of."""
    default_name = "map"

    def _set(self, f: Callable[..., Value], args: Sequence[SOp]) -> None:
        if not callable(f):
            raise InvalidProgram(f"{type(self).__name__}: the function is {f!r}, which cannot be called")
        if not args:
            raise InvalidProgram(f"{type(self).__name__}: needs at least one s-op; use Full for a constant")
        self.children = tuple(as_sop(arg, type(self).__name__) for arg in args)
        self.f = f

    @property
    def args(self) -> tuple[SOp, ...]:
        """The s-ops that the function is applied to, in order."""
        return self.children  # type: ignore[return-value]


class Map(Elementwise):
    """`f(x)` at each position; None in, None out; an arithmetic error gives None."""

    def __init__(self, f: Callable[[Value], Value], inner: SOp) -> None:
        self._set(f, [inner])

    @property
    def inner(self) -> SOp:
        """The s-op that is mapped."""
        return self.args[0]


class SequenceMap(Elementwise):
    """`f(x, y)` at each position; None in, None out; an arithmetic error gives None."""

    default_name = "sequence_map"

    def __init__(self, f: Callable[[Value, Value], Value], fst: SOp, snd: SOp) -> None:
        self._set(f, [fst, snd])

    @property
    def fst(self) -> SOp:
        """The first argument."""
        return self.args[0]

    @property
    def snd(self) -> SOp:
        """The second argument."""
        return self.args[1]


class LinearSequenceMap(SequenceMap):
    """`fst_fac·x + snd_fac·y` at each position."""

    default_name = "linear_sequence_map"

    def __init__(self, fst: SOp, snd: SOp, fst_fac: float, snd_fac: float) -> None:
        super().__init__(partial(_weighted, fst_fac, snd_fac), fst, snd)
        self.fst_fac, self.snd_fac = fst_fac, snd_fac


class NaryMap(Elementwise):
    """`f(x, y, …)` at each position, for any number of s-ops."""

    def __init__(self, f: Callable[..., Value], *args: SOp, none_in_none_out: bool = True) -> None:
        self._set(f, args)
        self.none_in_none_out = none_in_none_out


class Assume(Elementwise):
    """The s-op itself, with the author's promise that each of its values is one of `values`.

    `values`: a set, a list, a range, or a function that says True of those that occur. The interpreter raises
    InputError where the promise is broken; the compiler builds on it, and the certificate says so.
    """

    none_in_none_out = False
    default_name = "assume"

    def __init__(self, inner: SOp, values: Iterable[Value] | Callable[[Value], Any]) -> None:
        self.permits, self.promised = _promise(values)
        self._set(as_given(partial(_kept, self.permits, self.promised)), [inner])

    @property
    def inner(self) -> SOp:
        """The s-op that the promise is about."""
        return self.args[0]


def _kept(permits: Callable[[Value], Any], promised: str, value: Value) -> Value:
    if not permits(value):
        raise InputError(f"{value!r} is not {promised}")
    return value


def _is_promised(known: Collection[Value], value: Value) -> bool:
    return key(value) in known


MOST_SHOWN = 8
"""So many promised values are shown in full."""


def _promise(values: Any) -> tuple[Callable[[Value], Any], str]:
    """Whether a value is promised, and the promise in words."""
    if callable(values) and not isinstance(values, Expr | Iterable):
        return values, f"one of which {getattr(values, '__name__', 'a function')} says True"
    needed = "a set, a list or a range of values, or a function of one"
    if isinstance(values, Expr | str):
        raise wrong_kind("assume: values", values, needed)
    listed = [as_value(value, "assume") for value in arguments.items("assume: values", values, needed)]
    if not listed:
        raise InvalidProgram("assume: no value at all is promised; give at least one")
    known = {key(value) for value in listed}
    shown = [*(repr(value) for value in listed[:MOST_SHOWN]), *(["…"] if len(listed) > MOST_SHOWN + 1 else [])]
    shown += [repr(listed[-1])] if len(listed) > MOST_SHOWN else []
    return partial(_is_promised, known), f"one of {', '.join(shown)}"


class Full(SOp):
    """The same value at each position."""

    default_name = "full"

    def __init__(self, fill: Value) -> None:
        self.fill = as_value(fill, "Full")


class ConstantSOp(SOp):
    """The given values at positions 0, 1, …; undefined beyond them.

    `check_length`: the s-op is defined only on inputs that are exactly as long as `value`.
    """

    default_name = "constant_sop"

    def __init__(self, value: Sequence[Value], check_length: bool = True) -> None:
        items = arguments.items("ConstantSOp: value", value, "one value for each position, as a list")
        self.value = tuple(as_value(item, "ConstantSOp") for item in items)
        self.check_length = check_length


class Selector(Expr):
    """Maps an input to an n×n boolean matrix: row = query position, column = key position."""

    default_name = "selector"

    def __and__(self, other: Selector) -> Selector:
        return SelectorAnd(self, other)

    def __or__(self, other: Selector) -> Selector:
        return SelectorOr(self, other)

    def __invert__(self) -> Selector:
        return SelectorNot(self)


class Select(Selector):
    """Entry [query][key] is `predicate(key, query)`. Undefined where a key or a query is None.

    An atom on either side stands for an s-op that holds it at each position: `Select(indices, 0, Comparison.EQ)`.
    """

    default_name = "select"

    def __init__(self, keys: SOp | Value, queries: SOp | Value, predicate: Predicate) -> None:
        if not callable(predicate):
            raise InvalidProgram(f"Select: the predicate is {predicate!r}, which cannot be called")
        self.children = (_sop_or_atom(keys, "Select"), _sop_or_atom(queries, "Select"))
        self.predicate = predicate

    @property
    def keys(self) -> SOp:
        """The s-op read at key positions."""
        return self.children[0]  # type: ignore[return-value]

    @property
    def queries(self) -> SOp:
        """The s-op read at query positions."""
        return self.children[1]  # type: ignore[return-value]


class ConstantSelector(Selector):
    """The given matrix, `value[query][key]`; undefined beyond it (and on other lengths if checked)."""

    default_name = "constant_selector"

    def __init__(self, value: Sequence[Sequence[bool]], check_length: bool = True) -> None:
        rows = arguments.rows("ConstantSelector: value", value, "a matrix, as a list of rows")
        self.value = tuple(tuple(bool(x) for x in row) for row in rows)
        self.check_length = check_length
        if any(len(row) != len(self.value) for row in self.value):
            raise InvalidProgram("ConstantSelector: the matrix is not square; give as many columns as rows")


class _Binary(Selector):
    def __init__(self, fst: Selector, snd: Selector) -> None:
        self.children = (_selector(fst, type(self).__name__), _selector(snd, type(self).__name__))

    @property
    def fst(self) -> Selector:
        """The first selector."""
        return self.children[0]  # type: ignore[return-value]

    @property
    def snd(self) -> Selector:
        """The second selector."""
        return self.children[1]  # type: ignore[return-value]


class SelectorAnd(_Binary):
    """Selected by both."""

    default_name = "selector_and"


class SelectorOr(_Binary):
    """Selected by either."""

    default_name = "selector_or"


class SelectorNot(Selector):
    """Not selected by the inner selector (but never a key that the causal mask hides)."""

    default_name = "selector_not"

    def __init__(self, inner: Selector) -> None:
        self.children = (_selector(inner, "SelectorNot"),)

    @property
    def inner(self) -> Selector:
        """The selector that is negated."""
        return self.children[0]  # type: ignore[return-value]


class Best(Selector):
    """Of the keys that a selector selects, those that hold the extreme value of a score; of none, none.

    `end`: "max" or "min". Scores are numbers; or words, or tuples, which compare as Python compares them. Undefined
    where a selected key holds None, or keys of two kinds are selected.
    """

    default_name = "best"

    def __init__(self, selector: Selector, score: SOp, end: str = "max") -> None:
        told = "best" if score is not indices else "latest" if end == "max" else "earliest"
        self.children = (_selector(selector, told), as_sop(score, "best"))
        if end not in ENDS:
            raise InvalidProgram(f'best: found {end!r} as the end of the score that is wanted; needed "max" or "min"')
        self.end = end

    @property
    def selector(self) -> Selector:
        """The selector of the keys that compete."""
        return self.children[0]  # type: ignore[return-value]

    @property
    def score(self) -> SOp:
        """The s-op by whose value they compete."""
        return self.children[1]  # type: ignore[return-value]


ENDS = ("max", "min")
"""The ends of a score that the best keys may hold."""


class SelectorWidth(SOp):
    """The number of keys that the selector selects, at each query."""

    default_name = "selector_width"

    def __init__(self, selector: Selector) -> None:
        self.children = (_selector(selector, "SelectorWidth"),)

    @property
    def selector(self) -> Selector:
        """The selector whose width is taken."""
        return self.children[0]  # type: ignore[return-value]


class _Gathered(SOp):
    """What is made of the values of `sop` at the selected keys; `default` where none is selected."""

    def __init__(self, selector: Selector, sop: SOp, default: Value) -> None:
        kind = type(self).__name__
        self.children = (_selector(selector, kind), _sop_or_atom(sop, kind))
        self.default = as_value(default, f"{kind}: the default")

    @property
    def selector(self) -> Selector:
        """The selector that chooses keys."""
        return self.children[0]  # type: ignore[return-value]

    @property
    def sop(self) -> SOp:
        """The s-op whose values are gathered."""
        return self.children[1]  # type: ignore[return-value]


class Aggregate(_Gathered):
    """The values of `sop` at the selected keys: none selected, the default; equal values, that value;
    several unequal numbers, their mean; several unequal other values, undefined.

    `single`: the author promises that at most one key is selected; where several are, the program is undefined.
    """

    default_name = "aggregate"

    def __init__(self, selector: Selector, sop: SOp, default: Value = None, single: bool = False) -> None:
        super().__init__(selector, sop, default)
        if not isinstance(single, bool):
            raise wrong_kind("Aggregate: single", single, "True or False")
        self.single = single


class Sum(_Gathered):
    """The sum of the numbers that `sop` holds at the selected keys; `default` where none is selected.

    Whole numbers are added exactly, as ints; True counts as 1. Undefined where a selected key holds no number.
    """

    default_name = "sum"

    def __init__(self, selector: Selector, sop: SOp, default: Value = 0) -> None:
        super().__init__(selector, sop, default)


tokens = TokensType()
indices = IndicesType()
length = LengthType()


def topological(*outputs: Expr) -> list[Expr]:
    """Every expression that the outputs depend on, each once, children first. Linear in the DAG."""
    order: list[Expr] = []
    seen: set[int] = set()
    stack: list[tuple[Expr, bool]] = [(expr, False) for expr in reversed(outputs)]
    while stack:
        expr, expanded = stack.pop()
        if expanded:
            order.append(expr)
        elif id(expr) not in seen:
            seen.add(id(expr))
            stack.append((expr, True))
            stack.extend((child, False) for child in reversed(expr.children) if id(child) not in seen)
    return order


def _binary(f: Callable[[Value, Value], Value], x: SOp | Value, y: SOp | Value) -> SOp:
    if isinstance(x, Selector) or isinstance(y, Selector):
        raise InvalidProgram("an operator between an s-op and a selector; aggregate the selector first")
    result: Elementwise
    if isinstance(x, SOp) and isinstance(y, SOp):
        result = SequenceMap(f, x, y)
        result.operation = (f.__name__, None, None)
    elif isinstance(x, SOp):
        result = Map(partial(right_of, f, y), x)
        result.operation = (f.__name__, None, y)
    else:
        result = Map(partial(f, x), y)
        result.operation = (f.__name__, x, None)
    return result


def right_of(f: Callable[[Value, Value], Value], y: Value, x: Value) -> Value:
    """`f(x, y)`: the function of two as one of its first argument, with the second one bound."""
    return f(x, y)


def as_value(value: Value, where: str) -> Value:
    """A value that an s-op can hold. Raises InvalidProgram for a list, a dictionary, a set; for an expression."""
    if isinstance(value, Expr):
        raise InvalidProgram(f"{where}: found {_kind(value)} where a plain value is needed")
    try:
        hash(value)
    except TypeError:
        if getattr(value, "ndim", None) == 0:
            return value
        raise InvalidProgram(f"{where}: {value!r} is not a value of RASP; use a tuple in place of a list") from None
    return value


def as_sop(expr: Any, where: str) -> SOp:
    """The expression, which must be an s-op. Raises InvalidProgram where it is none."""
    if isinstance(expr, SOp):
        return expr
    raise InvalidProgram(f"{where}: found {_kind(expr)} where an s-op is needed")


def _sop_or_atom(expr: Any, where: str) -> SOp:
    """An s-op; a number, a word or a tuple stands for the s-op that holds it at each position."""
    return Full(expr) if isinstance(expr, int | float | str | tuple) else as_sop(expr, where)


def _selector(expr: Any, where: str) -> Selector:
    if isinstance(expr, Selector):
        return expr
    raise InvalidProgram(f"{where}: found {_kind(expr)} where a selector is needed")


def _kind(expr: Any) -> str:
    kinds = {SOp: "an s-op", Selector: "a selector"}
    return next((text for kind, text in kinds.items() if isinstance(expr, kind)), repr(expr))
