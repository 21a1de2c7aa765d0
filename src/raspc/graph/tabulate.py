"""Listing callables: a function over value sets becomes an array. The only place that calls a user's function."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc import rasp
from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph.apart import sides, told_apart
from raspc.graph.exact import Exact, Listing, Slack, distinct, merged, rounding, scale_of, stands_for_all, unrooted
from raspc.graph.means import too_many
from raspc.graph.nodes import UNDEFINED, Bits, Floats, Ids, Listed, Table
from raspc.graph.store import Store
from raspc.graph.tables import JOINT_LIMIT, joined, listing, possible, stands, union
from raspc.numbers import arithmetic

PREDICATE_LIMIT = 1 << 22
Operation: TypeAlias = tuple[str, Any, Any]
"""An operator's name, and its left and right constant (None where an s-op stands)."""

COMPARISON_LIMIT = 1 << 26
"""The most pairs of numbers that are compared, all at once."""
CELL_LIMIT = 1 << 22
"""The most cells of one table."""


def tabulate(
    store: Store, f: Callable[..., Any], args: Sequence[int], name: str, operation: Operation | None = None,
    promise: str = "",
) -> int:  # fmt: skip
    """The place of the node f(args…); f is called once for each combination that can occur.

    `operation`: the operator that f is known to be; of numbers it is taken of all combinations at once. `promise`: of
    the author, that f has a value wherever it is asked for one.

    Raises UnsupportedProgram if there are too many, or if f is undefined for all.
    """
    return simplest(store, replace(tabulated(store, f, args, name, operation), promise=promise))


def tabulated(
    store: Store, f: Callable[..., Any], args: Sequence[int], name: str, operation: Operation | None = None,
    slack: Slack | None = None,
) -> Listing:  # fmt: skip
    """The function as a table. `slack`: how near the numbers of a sum may be that count as one; they are tidied too."""
    if any(arg in store.exact for arg in args):
        return told_apart(store, partial(_values, f, name=name, operation=operation), args, name, slack)
    unique = tuple(dict.fromkeys(args))
    pools = [store.listed(arg).values for arg in args]
    axes = [unique.index(arg) for arg in args]
    sizes = [len(store.listed(arg)) for arg in unique]
    reach = _reachable(store, unique, sizes, name)
    rows = np.unravel_index(reach, sizes) if sizes else ()
    values, numbers = _values(f, pools, [rows[axis] for axis in axes], name, operation)
    domain, ids = merged(values, slack or rounding(scale_of(pools)), tidy=slack is not None)
    cells = np.full(int(np.prod(sizes)), UNDEFINED, np.int32)
    cells[reach] = numbers
    cells = cells.reshape(sizes)
    exact = None if stands_for_all(domain, values) else _exact(store, unique, cells, values, ids)
    coarse = np.where(cells >= 0, ids[np.maximum(cells, 0)], UNDEFINED).astype(np.int32)
    return Listing(unique, coarse, domain, bool((numbers < 0).any()), exact)


def _exact(store: Store, args: tuple[int, ...], cells: Ids, values: Sequence[Any], ids: Ids) -> Exact:
    """What a table of exact values is over the exact values of its roots; its own root where these are too many."""
    joint = listing(store.nodes, store.joints, args, cells)
    if joint is None:
        return unrooted(values, ids)
    return Exact(joint.roots, store.over_exact(joint.roots, joint.cells), tuple(values), ids)


_NAMES = ("fold", "compose")
"""The pass that simplifies a table of no root, and of one."""


def simplest(store: Store, found: Listing) -> int:
    """The node over its root if there is one root; an argument itself if the function changes nothing."""
    args, cells, domain, raises = found.args, found.cells, found.domain, found.raises
    promise = _promise(store, found)
    joint = listing(store.nodes, store.joints, args, cells)
    doubtful = any(map(store.may_raise, args))
    if joint is not None and doubtful and len(joint.roots) < _breadth(store, args):
        joint = listing(store.nodes, store.joints, args, cells, trimmed=False)
    elif joint is not None and len(joint.roots) <= 1 and _may_simplify(store, args, joint.roots):
        raises = bool(joint.roots) and (raises or doubtful)  # where an argument has no value, nor has this
        args, cells = joint.roots, joint.cells
    plain = found.exact is None and not any(arg in store.exact for arg in args)
    plain = plain and not store.total  # what is forced to be another is not the same variable
    if store.does("fold", plain and len(args) == 1 and _is_identity(cells, domain, store.listed(args[0]))):
        return args[0]
    table = Table(domain=domain, args=args, cells=cells, raises=raises, promise=promise if raises else "")
    return store.put(table, joint, found.exact)


def _promise(store: Store, found: Listing) -> str:
    """Why the function has no value somewhere, where the author's promises alone say that it never happens."""
    told = [store.promises(arg) for arg in found.args]
    if (found.raises and not found.promise) or None in told:
        return ""
    return "; ".join(dict.fromkeys([*(text for texts in told for text in texts or ()), *filter(None, [found.promise])]))


def _may_simplify(store: Store, args: tuple[int, ...], roots: tuple[int, ...]) -> bool:
    """Of no root it is a constant, of one root a function of that, where these passes are not left out."""
    return args == roots or store.does(_NAMES[len(roots)])


def _breadth(store: Store, args: Sequence[int]) -> int:
    """How many roots the arguments have together: one that makes no difference can still be undefined."""
    return len(union([joint for arg in args if (joint := store.joints[arg]) is not None]))


def _is_identity(cells: Ids, domain: Listed, source: Listed) -> bool:
    if len(domain) != len(source) or not np.array_equal(cells, np.arange(len(cells))):
        return False
    return all(type(x) is type(y) and V.same(x, y) for x, y in zip(domain.values, source.values, strict=True))


def _reachable(store: Store, args: tuple[int, ...], sizes: Sequence[int], name: str) -> np.ndarray[Any, Any]:
    """Flat indices of the argument combinations that some position can hold."""
    total = np.prod(sizes, dtype=float)
    if total > CELL_LIMIT:
        found = f"a function of {len(sizes)} variables with {int(total):,} combinations of values"
        raise too_many(store.nodes, args, name, found, CELL_LIMIT)
    if store.observed is not None and len(seen_there := store.observed(args, sizes)):
        return seen_there
    joints = [store.joints[arg] for arg in args]
    roots = union([j for j in joints if j is not None])
    extent = [len(store.listed(root)) for root in roots]
    if not roots or np.prod(extent, dtype=float) > JOINT_LIMIT:
        if total > JOINT_LIMIT:
            found = f"a function with {int(total):,} combinations of values to list"
            raise too_many(store.nodes, args, name, found, JOINT_LIMIT)
        return np.arange(int(total))
    can_be = possible(roots, store.nodes, extent)
    if store.standing is not None:
        can_be = can_be & store.standing.mask([type(store.nodes[root]) for root in roots])
    if stands(args, joints, roots):
        return np.flatnonzero(np.broadcast_to(can_be, extent))
    columns = joined(joints, roots)
    ok = np.logical_and.reduce([column >= 0 for column in columns]) & can_be
    flat = np.ravel_multi_index([column[ok] for column in columns], sizes)
    seen = np.zeros(int(total), bool)
    seen[flat] = True
    return np.flatnonzero(seen)


def _values(
    f: Callable[..., Any], pools: Sequence[Sequence[Any]], rows: Sequence[Any], name: str, operation: Operation | None
) -> tuple[tuple[Any, ...], Ids]:
    """The exact values of f, and which of them it takes; `rows` says for each argument where in its pool it stands.

    Raises UnsupportedProgram if f is undefined for all, and for numbers that no float can hold.
    """
    found = _of_numbers(operation, pools, rows) if operation else None
    if found is not None:
        return found
    columns = [[pool[place] for place in row.tolist()] for pool, row in zip(pools, rows, strict=True)]
    results, error = _results(f, list(zip(*columns, strict=True)), name)
    known = [r for r in results if r is not _RAISED]
    if not known:
        raise UnsupportedProgram.at(
            name, f"a function that is undefined on all its arguments (it raised {error})",
            "a value for some argument", "correct the function or the vocabulary",
        )  # fmt: skip
    within_floats(known, name)
    values, numbers = distinct(known)
    ids = np.full(len(results), UNDEFINED, np.int32)
    ids[[r is not _RAISED for r in results]] = numbers
    return values, ids


def within_floats(values: Iterable[Any], name: str) -> None:
    """Refuse whole numbers that no float can hold: a model computes with floats."""
    for value in values:
        if type(value) is int and abs(value) > FLOAT_MAX:
            raise UnsupportedProgram.at(
                name, f"a whole number of {len(str(abs(value) >> 900)) + 271} digits or more", "numbers up to 1.8e308",
                "take a remainder or a logarithm, or map the numbers to words",
            )  # fmt: skip


FLOAT_MAX = int(sys.float_info.max)


_UNROUNDED: dict[str, Callable[..., Any]] = {"add": np.add, "sub": np.subtract, "mul": np.multiply}
_ROUNDED: dict[str, Callable[..., Any]] = {"truediv": np.divide, "linear": np.add}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
_EXACT_PRODUCT = 1 << 26
"""Sums and products of whole numbers up to this are floats, so that floats and ints give the same."""


def _of_numbers(
    operation: Operation, pools: Sequence[Sequence[Any]], rows: Sequence[Any]
) -> tuple[tuple[Any, ...], Ids] | None:
    """The same, vectorised, for arithmetic and comparisons of numbers of moderate size; None for anything else.

    Floats are added and multiplied as Python does it. Booleans count as 0 and 1, as Python has it.
    """
    name, left, right = operation
    constants = [[c] for c in (left, right) if c is not None]
    kinds = {type(x) for pool in (*pools, *constants) for x in pool}
    if name not in _UNROUNDED | _ROUNDED | _COMPARISONS or not kinds <= {int, bool, float}:
        return None
    is_whole = float not in kinds and name in _UNROUNDED
    most = 1 << 30 if is_whole or name in _COMPARISONS else _EXACT_PRODUCT
    if any(not _is_moderate(x, most) for pool in (*pools, *constants) for x in pool):
        return None
    exact = np.int64 if is_whole else np.float64
    arrays = [np.array(pool, exact).take(places) for pool, places in zip(pools, rows, strict=True)]
    results = _operated(name, left, right, arrays)
    if results is None:
        return None
    values, ids = np.unique(results, return_inverse=True)
    return tuple(map(V.whole, values.tolist())), ids.ravel().astype(np.int32)


def _operated(name: str, left: Any, right: Any, arrays: list[NDArray[Any]]) -> NDArray[Any] | None:
    """An operator of arrays, a constant on one side perhaps; None where it would divide by 0."""
    if name == "linear":
        return np.asarray(left * arrays[0] + right * arrays[1]) if len(arrays) == 2 else None
    sides = [arrays.pop(0) if side is None and arrays else side for side in (left, right)]
    if arrays or any(side is None for side in sides) or (name == "truediv" and not np.all(sides[1])):
        return None
    with np.errstate(over="ignore"):
        found = np.asarray((_UNROUNDED | _ROUNDED | _COMPARISONS)[name](*sides))
    return found if np.isfinite(found).all() else None


def _is_moderate(x: Any, most: int) -> bool:
    """Whether a number is one with which floats and ints give the same results."""
    if type(x) is float and not x.is_integer():
        return math.isfinite(x)
    return bool(-most < x < most)


class _Raised:
    """Stands for the result of a call that raised."""


_RAISED = _Raised()


def _results(f: Callable[..., Any], rows: Sequence[Sequence[Any]], name: str) -> tuple[list[Any], str]:
    results: list[Any] = []
    last = ""
    for row in rows:
        try:
            results.append(f(*row))
        except NameError as error:
            raise UnsupportedProgram.at(
                name, f"a function that raised {type(error).__name__}: {error}", "known names", "correct the function",
            ) from error  # fmt: skip
        except Exception as error:
            results.append(_RAISED)
            last = f"{type(error).__name__}: {error}"
    return results, last


def predicate(store: Store, f: Callable[[Any, Any], bool], key: int, query: int, name: str) -> tuple[int, int, Bits]:
    """A predicate as a table, and the variables that it is over: other ones where it tells equal values apart."""
    if key not in store.exact and query not in store.exact:
        return key, query, predicate_table(f, store.listed(key), store.listed(query), name)
    keys, queries = (Listed(store.exactly(place).values) for place in (key, query))
    return sides(store, key, query, predicate_table(f, keys, queries, name), name)


def predicate_table(predicate: Callable[[Any, Any], bool], keys: Listed, queries: Listed, name: str) -> Bits:
    """cells[key id, query id] of a predicate; −1 where it raised, or a side is None."""
    shape = (len(keys), len(queries))
    sides = _as_numbers(predicate, keys, queries) if isinstance(predicate, rasp.Comparison) else None
    limit = PREDICATE_LIMIT if sides is None else COMPARISON_LIMIT
    if shape[0] * shape[1] > limit:
        asked = "a predicate" if sides is None else "a comparison"
        raise UnsupportedProgram.at(
            name, f"{asked} over {shape[0]:,} keys and {shape[1]:,} queries", f"at most {limit:,} pairs",
            "compare numbers with a Comparison, or shorten the maximum length" if sides is None
            else "compare fewer different numbers, such as a rounded mean, or shorten the maximum length",
        )  # fmt: skip
    if isinstance(predicate, rasp.Comparison) and sides is not None:
        return np.asarray(_UFUNCS[predicate](sides[0][:, None], sides[1][None, :]), np.int8)
    cells = [_truth(predicate, k, q) for k in keys.values for q in queries.values]
    return np.array(cells, np.int8).reshape(shape)


_UFUNCS: dict[rasp.Comparison, Callable[..., Any]] = {
    rasp.Comparison.EQ: np.equal,
    rasp.Comparison.NEQ: np.not_equal,
    rasp.Comparison.LT: np.less,
    rasp.Comparison.LEQ: np.less_equal,
    rasp.Comparison.GT: np.greater,
    rasp.Comparison.GEQ: np.greater_equal,
    rasp.Comparison.TRUE: lambda k, q: np.ones(np.broadcast_shapes(k.shape, q.shape), bool),
    rasp.Comparison.FALSE: lambda k, q: np.zeros(np.broadcast_shapes(k.shape, q.shape), bool),
}


_WORDS = {str, int, bool}
"""Types of values that are equal where their keys are."""


def _as_numbers(comparison: rasp.Comparison, keys: Listed, queries: Listed) -> tuple[Floats, Floats] | None:
    """Numbers that compare as the values do; None for an order of words, and where None has to be compared."""
    if keys.all_numbers and queries.all_numbers:
        return (
            _ranks(keys, queries)
            if _beyond_floats(keys) or _beyond_floats(queries)
            else (keys.numbers, queries.numbers)
        )
    if comparison not in (rasp.Comparison.EQ, rasp.Comparison.NEQ):
        return None
    if {type(value) for value in (*keys.values, *queries.values)} - _WORDS:
        return None
    places: dict[Any, int] = {}
    k, q = (np.array([places.setdefault(x, len(places)) for x in side.values], float) for side in (keys, queries))
    return k, q


def _beyond_floats(side: Listed) -> bool:
    """Whether whole numbers are among the values that floats do not tell apart."""
    return bool((np.abs(side.numbers) >= arithmetic.EXACT).any())


def _ranks(keys: Listed, queries: Listed) -> tuple[Floats, Floats] | None:
    """Numbers by their places in the order of all of them; None where one has no place."""
    numbers = {*keys.values, *queries.values}
    if any(x != x for x in numbers):
        return None
    rank = {x: place for place, x in enumerate(sorted(numbers))}
    k, q = (np.array([rank[x] for x in side.values], float) for side in (keys, queries))
    return k, q


def _truth(predicate: Callable[[Any, Any], bool], key: Any, query: Any) -> int:
    if key is None or query is None:
        return -1
    try:
        return int(bool(predicate(V.whole(key), V.whole(query))))
    except Exception:
        return -1


def operation_of(expr: rasp.Elementwise) -> Operation | None:
    """The operator that an expression is known to be."""
    if isinstance(expr, rasp.LinearSequenceMap):
        return ("linear", expr.fst_fac, expr.snd_fac)
    return expr.operation


def affine_form(expr: rasp.Elementwise) -> tuple[tuple[float, ...], float] | None:
    """(coefficients, bias) of an expression whose operator is known to be affine, else None."""
    if isinstance(expr, rasp.LinearSequenceMap):
        return (expr.fst_fac, expr.snd_fac), 0.0
    if expr.operation is None:
        return None
    name, left, right = expr.operation
    if [left, right].count(None) != len(expr.args):
        return None  # the constant of this operator is None itself
    if any(x is not None and not (V.is_number(x) and _is_finite(x)) for x in (left, right)):
        return None
    form = _FORMS.get((name, left is not None, right is not None))
    return form(left, right) if form else None


def _is_finite(x: float) -> bool:
    return abs(x) <= FLOAT_MAX


_FORMS: dict[tuple[str, bool, bool], Callable[[Any, Any], tuple[tuple[float, ...], float] | None]] = {
    ("add", False, False): lambda a, b: ((1.0, 1.0), 0.0),
    ("sub", False, False): lambda a, b: ((1.0, -1.0), 0.0),
    ("add", False, True): lambda a, b: ((1.0,), b),
    ("add", True, False): lambda a, b: ((1.0,), a),
    ("sub", False, True): lambda a, b: ((1.0,), -b),
    ("sub", True, False): lambda a, b: ((-1.0,), a),
    ("mul", False, True): lambda a, b: ((b,), 0.0),
    ("mul", True, False): lambda a, b: ((a,), 0.0),
    ("truediv", False, True): lambda a, b: ((1.0 / b,), 0.0) if b else None,
}
