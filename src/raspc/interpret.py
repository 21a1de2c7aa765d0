"""What a program means: the plain interpreter, oracle 1 of the house.

One function for each kind of expression, over Python lists, in the order of the DAG.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from raspc import arguments, rasp, values
from raspc.errors import InputError, InvalidProgram, wrong_kind
from raspc.numbers import arithmetic
from raspc.rasp import Expr, Value
from raspc.rasp.words import MEANT
from raspc.regular.expression import automaton_of

Rows = list[list[bool]]
Results = dict[int, Any]

GIVE_A_DEFAULT = "give the aggregate a default"
"""What to do where a selector meets a None."""


def interpret(
    program: Expr, xs: Sequence[Value], causal: bool | None = None, where: Any = None, strict: bool = True,
    force: Mapping[str, Any] | None = None, positions: Sequence[int] | None = None,
) -> list[Any]:  # fmt: skip
    """The values of an s-op (n values) or the matrix of a selector (n×n, row = query) on one input.

    `xs` holds the tokens without BOS and PAD. With `causal`, a query sees only keys at or before it, and `length` is
    index + 1; if it is not given, that is so for a program marked with `rasp.causal`. `where`: the inputs that the
    program is for, as `raspc.compile` takes it; with `strict=False` others are interpreted all the same.

    `force`: expressions by their names, and what takes their place: for an s-op a value, or a list with one for each
    position; for a selector a matrix, or a function of the positions of query and key. `positions`: at which s-ops are
    replaced; all, if not given. That is what `model.intervene` does in a model. Any value may be forced: without a
    vocabulary and a maximum length nobody knows which values a variable has. What the program makes of one that it
    never has may be None, as of a position beyond the input, which no selector selects; a model refuses it by name.

    Raises InputError where the program is undefined on this input, for an input outside `where`, and for a name that no
    expression has.
    """
    arguments.an((bool, type(None)), "causal", causal, "True or False")
    causal = (isinstance(program, Expr) and MEANT in program.annotations) if causal is None else causal
    if where is not None and strict:
        _check_inside(where, _tokens_of(xs), causal)
    return trace(program, xs, causal, force, positions)[id(program)]  # type: ignore[no-any-return]


def trace(
    program: Expr, xs: Sequence[Value], causal: bool = False, force: Mapping[str, Any] | None = None,
    positions: Sequence[int] | None = None,
) -> Results:  # fmt: skip
    """The meaning of every expression of the program on one input, keyed by `id(expression)`."""
    if not isinstance(program, Expr):
        raise InvalidProgram(f"found {program!r}, needed an s-op or a selector of raspc.rasp")
    run = _Run(_tokens_of(xs), causal)
    results: Results = {}
    replaced = _replaced(program, {} if force is None else force)
    positions = _some_of(run, positions)
    for expr in rasp.topological(program):
        rule = _rule(expr)
        try:
            if id(expr) in replaced and positions is None:
                results[id(expr)] = _forced(run, expr, replaced[id(expr)], None, positions)
                continue
            results[id(expr)] = rule(run, expr, *(results[id(child)] for child in expr.children))
            if id(expr) in replaced:
                results[id(expr)] = _forced(run, expr, replaced[id(expr)], results[id(expr)], positions)
        except InputError as error:
            error.expression = expr
            raise
    return results


def _some_of(run: _Run, positions: Sequence[int] | None) -> Sequence[int] | None:
    """Positions, as whole numbers; None where they are all. Raises TypeError, or InputError, for what are none."""
    if positions is None:
        return None
    given = arguments.items("positions", positions, "a list of positions of tokens, counted from 0 without BOS")
    found = [arguments.whole("positions", position, 0) for position in given]
    return None if set(found) >= set(range(run.n)) else found


def _matrix(run: _Run, expr: Expr, value: Any) -> list[list[bool]]:
    """What a selector is forced to. Raises TypeError, or InputError, for what is no matrix of its size."""
    rows = [list(row) for row in arguments.rows("force", value, "a row of True or False for each query")]
    if len(rows) != run.n or any(len(row) != run.n for row in rows):
        raise InputError(f"{expr.told}: found {len(rows)} rows, needed {run.n} of {run.n}: one for each query")
    return [[bool(one) for one in row] for row in rows]


def _replaced(program: Expr, force: Mapping[str, Any]) -> Results:
    """What takes the place of expressions, keyed by `id(expression)`. Raises InputError for a name that none has."""
    arguments.an(Mapping, "force", force, "a value for each name to force, as {'opposite': 1}")
    named: dict[str, list[Expr]] = {}
    for expr in rasp.topological(program) if force else ():
        named.setdefault(expr.name, []).append(expr)
    for name in force:
        if name not in named:
            raise InputError(f"no expression of the program is called {name!r}; it has {', '.join(sorted(named))}")
    return {id(expr): value for name, value in force.items() for expr in named[name]}


def _forced(run: _Run, expr: Expr, value: Any, own: Any, positions: Sequence[int] | None) -> Any:
    """What takes the place of an expression on one input. `own`: what it is, where it is replaced at some positions."""
    if isinstance(expr, rasp.Selector):
        rows = None if callable(value) else _matrix(run, expr, value)
        return run.matrix(lambda q, k: bool(value(q, k)) if rows is None else rows[q][k])
    many = isinstance(value, list)
    if many and len(value) != run.n:
        raise InputError(f"{expr.told}: found {len(value)} values, needed one for each of {run.n} tokens")
    column = [values.plain(one) for one in value] if many else [values.plain(value)] * run.n
    return [column[i] if positions is None or i in positions else own[i] for i in range(run.n)]


def _check_inside(where: Any, tokens: list[Value], causal: bool) -> None:
    """Raises InputError for an input that is not one of those that a program is for."""
    if not _is_inside(where, tokens, causal):
        said = repr(where) if isinstance(where, str) else getattr(where, "told", "given")
        raise InputError(f"the input {tokens!r} is outside the domain: where is {said}")


def _is_inside(where: Any, tokens: list[Value], causal: bool) -> bool:
    if isinstance(where, str):
        known = sorted(set(tokens), key=str)
        ids = np.array([[known.index(token) for token in tokens]], np.int32).reshape(1, len(tokens))
        return bool(automaton_of(where, known).accepts(ids, np.array([len(tokens)]))[0])
    if isinstance(where, rasp.SOp):
        return _holds(where, tokens, causal)
    if callable(where):
        return arguments.says("where", where, tokens)
    return any(list(map(values.plain, xs)) == tokens for xs in arguments.rows("where", where, "a sequence of tokens"))


def _holds(condition: rasp.SOp, tokens: list[Value], causal: bool) -> bool:
    """Whether a condition is True at every position; one that has no value on the input does not hold."""
    try:
        return all(values.same(held, True) for held in interpret(condition, tokens, causal))
    except InputError:
        return False


def _tokens_of(xs: Sequence[Value]) -> list[Value]:
    """The tokens of an input. Raises InputError for one that cannot be a token."""
    if isinstance(xs, Expr):
        raise wrong_kind("the input", xs, "a sequence of tokens")
    tokens = [values.plain(x) for x in arguments.ordered("the input", xs, "a sequence of tokens")]
    for position, token in enumerate(tokens):
        try:
            hash(token)
        except TypeError as error:
            raise InputError(f"token {token!r} at position {position} is not a value of RASP: {error}") from error
    return tokens


def step(expr: Expr, xs: Sequence[Value], children: Sequence[list[Any]], causal: bool = False) -> list[Any]:
    """The meaning of one expression on one input, given the meanings of its children."""
    return _rule(expr)(_Run([values.plain(x) for x in xs], causal), expr, *children)  # type: ignore[no-any-return]


class _Run:
    """One input, and the mask that holds for it."""

    def __init__(self, xs: list[Value], causal: bool) -> None:
        self.xs, self.n, self.causal = xs, len(xs), causal

    def matrix(self, entry: Callable[[int, int], bool]) -> Rows:
        """entry(query, key) for each pair that the mask allows, False elsewhere."""
        return [[entry(q, k) if k <= q or not self.causal else False for k in range(self.n)] for q in range(self.n)]


def _tokens(run: _Run, expr: Expr) -> list[Value]:
    return list(run.xs)


def _indices(run: _Run, expr: Expr) -> list[Value]:
    return list(range(run.n))


def _length(run: _Run, expr: Expr) -> list[Value]:
    return [i + 1 for i in range(run.n)] if run.causal else [run.n] * run.n


def _full(run: _Run, expr: rasp.Full) -> list[Value]:
    return [expr.fill] * run.n


def _constant(run: _Run, expr: rasp.ConstantSOp) -> list[Value]:
    _check_constant_length(run, expr, len(expr.value), expr.check_length)
    return list(expr.value[: run.n])


def _elementwise(run: _Run, expr: rasp.Elementwise, *args: list[Value]) -> list[Value]:
    return [_call(expr, i, row) for i, row in enumerate(zip(*args, strict=True))]


def _call(expr: rasp.Elementwise, position: int, args: Sequence[Value]) -> Value:
    try:
        return values.apply(expr.f, args, expr.none_in_none_out)
    except Exception as error:
        shown = ", ".join(map(repr, args))
        raise InputError(
            f"{expr.told} is undefined at position {position}: its function raised "
            f"{type(error).__name__}: {error} for ({shown})"
        ) from error


def _assume(run: _Run, expr: rasp.Assume, held: list[Value]) -> list[Value]:
    for position, value in enumerate(held):
        if not _promised(expr, value):
            error = InputError(
                f"{expr.told}: the promise is broken at position {position}: {expr.inner.told} is {value!r} there, "
                f"which is not {expr.promised}"
            )
            error.position = position
            raise error
    return held


def _promised(expr: rasp.Assume, value: Value) -> bool:
    try:
        return bool(expr.permits(value))
    except Exception as error:
        raise InputError(
            f"{expr.told}: the function that says which values are promised raised {type(error).__name__}: {error} "
            f"for {value!r}"
        ) from error


def _select(run: _Run, expr: rasp.Select, keys: list[Value], queries: list[Value]) -> Rows:
    return run.matrix(lambda q, k: _predicate(expr, keys, queries, q, k))


def _predicate(expr: rasp.Select, keys: list[Value], queries: list[Value], q: int, k: int) -> bool:
    key, query = keys[k], queries[q]
    if key is None or query is None:
        side, position = ("key", k) if key is None else ("query", q)
        error = InputError(f"{expr.told} is undefined: a {side} is None! At position {position}; {GIVE_A_DEFAULT}")
        error.position, error.expression = position, expr
        error.none = expr.keys if key is None else expr.queries
        raise error
    try:
        return bool(expr.predicate(values.whole(key), values.whole(query)))
    except Exception as error:
        raise InputError(
            f"{expr.told} is undefined: its predicate raised {type(error).__name__}: {error} "
            f"for key {key!r} and query {query!r}"
        ) from error


def _constant_selector(run: _Run, expr: rasp.ConstantSelector) -> Rows:
    _check_constant_length(run, expr, len(expr.value), expr.check_length)
    return run.matrix(lambda q, k: expr.value[q][k])


def _check_constant_length(run: _Run, expr: Expr, size: int, exact: bool) -> None:
    if run.n > size or (exact and run.n != size):
        raise InputError(f"{expr.told} is a constant of length {size}; the input has length {run.n}")


def _and(run: _Run, expr: Expr, fst: Rows, snd: Rows) -> Rows:
    return run.matrix(lambda q, k: fst[q][k] and snd[q][k])


def _or(run: _Run, expr: Expr, fst: Rows, snd: Rows) -> Rows:
    return run.matrix(lambda q, k: fst[q][k] or snd[q][k])


def _not(run: _Run, expr: Expr, inner: Rows) -> Rows:
    return run.matrix(lambda q, k: not inner[q][k])


def _best(run: _Run, expr: rasp.Best, inner: Rows, scores: list[Value]) -> Rows:
    return [_extreme(expr, row, scores) for row in inner]


def _extreme(expr: rasp.Best, row: list[bool], scores: list[Value]) -> list[bool]:
    """Of the keys that one query selects those that hold the extreme score."""
    chosen = [k for k, selected in enumerate(row) if selected]
    if not chosen:
        return row
    kinds = [values.kind_of(scores[k]) for k in chosen]
    for k, kind in zip(chosen, kinds, strict=True):
        if kind is None or kind != kinds[0]:
            beside = f" cannot be compared with {scores[chosen[0]]!r}" if kind and kinds[0] else " has no order"
            error = InputError(
                f"{expr.told} is undefined: the score {scores[k]!r} of the selected key at position {k}{beside}"
            )
            error.position, error.expression = k, expr
            error.none = expr.score if scores[k] is None else None
            raise error
    try:
        wanted = (max if expr.end == "max" else min)(values.whole(scores[k]) for k in chosen)
    except TypeError as reason:
        raise InputError(f"{expr.told} is undefined: {reason}") from reason
    return [selected and values.whole(score) == wanted for selected, score in zip(row, scores, strict=True)]


def _width(run: _Run, expr: Expr, selector: Rows) -> list[Value]:
    return [sum(row) for row in selector]


def _aggregate(run: _Run, expr: rasp.Aggregate, selector: Rows, xs: list[Value]) -> list[Value]:
    if expr.single:
        _check_promise(expr, selector)
    return [_mean(expr, [x for x, chosen in zip(xs, row, strict=True) if chosen]) for row in selector]


def _check_promise(expr: rasp.Aggregate, selector: Rows) -> None:
    """Raises InputError where a query selects several keys, though the author promised that none does."""
    for query, row in enumerate(selector):
        if sum(row) > 1:
            error = InputError(
                f"{expr.told} is undefined: single=True promises at most one selected key, and the query at position "
                f"{query} selects those at positions {', '.join(str(k) for k, chosen in enumerate(row) if chosen)}"
            )
            error.position, error.expression = query, expr
            raise error


def _mean(expr: rasp.Aggregate, chosen: list[Value]) -> Value:
    try:
        return arithmetic.mean(chosen, expr.default)
    except ValueError as error:
        raise InputError(f"{expr.told} is undefined: {error}") from error


def _sum(run: _Run, expr: rasp.Sum, selector: Rows, xs: list[Value]) -> list[Value]:
    return [_total(expr, [x for x, chosen in zip(xs, row, strict=True) if chosen]) for row in selector]


def _total(expr: rasp.Sum, chosen: list[Value]) -> Value:
    try:
        return arithmetic.total(chosen, expr.default)
    except ValueError as error:
        raise InputError(f"{expr.told} is undefined: {error}") from error


RULES: dict[type[Expr], Callable[..., Any]] = {
    rasp.TokensType: _tokens,
    rasp.IndicesType: _indices,
    rasp.LengthType: _length,
    rasp.Full: _full,
    rasp.ConstantSOp: _constant,
    rasp.Assume: _assume,
    rasp.Elementwise: _elementwise,
    rasp.Select: _select,
    rasp.ConstantSelector: _constant_selector,
    rasp.SelectorAnd: _and,
    rasp.SelectorOr: _or,
    rasp.SelectorNot: _not,
    rasp.Best: _best,
    rasp.SelectorWidth: _width,
    rasp.Aggregate: _aggregate,
    rasp.Sum: _sum,
}


def _rule(expr: Expr) -> Callable[..., Any]:
    rule = next((RULES[kind] for kind in type(expr).__mro__ if kind in RULES), None)
    if rule is None:
        raise InvalidProgram(f"{type(expr).__name__} is not an expression that raspc knows")
    return rule
