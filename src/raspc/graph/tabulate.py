"""Listing callables: a function over value sets becomes an array. The only place that calls a user's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from raspc import rasp
from raspc import values as V
from raspc.errors import UnsupportedProgram
from raspc.graph.nodes import UNDEFINED, Bits, Floats, Ids, Listed, Table
from raspc.graph.store import Store
from raspc.graph.tables import JOINT_LIMIT, joined, listing, possible, stands, union

PREDICATE_LIMIT = 1 << 22
Operation: TypeAlias = tuple[str, Any, Any]
"""An operator's name, and its left and right constant (None where an s-op stands)."""

COMPARISON_LIMIT = 1 << 26
"""The most pairs of numbers that are compared, all at once."""
CELL_LIMIT = 1 << 22
"""The most cells of one table."""


def tabulate(
    store: Store, f: Callable[..., Any], args: Sequence[int], name: str, operation: Operation | None = None
) -> int:
    """The place of the node f(args…); f is called once for each combination that can occur.

    `operation`: the operator that f is known to be; of numbers it is taken of all combinations at once.

    Raises UnsupportedProgram if there are too many, or if f is undefined for all.
    """
    unique = tuple(dict.fromkeys(args))
    pools = [store.listed(arg).values for arg in args]
    axes = [unique.index(arg) for arg in args]
    sizes = [len(store.listed(arg)) for arg in unique]
    reach = _reachable(store, unique, sizes, name)
    rows = np.unravel_index(reach, sizes) if sizes else ()
    found = _of_numbers(operation, pools, [rows[axis] for axis in axes]) if operation else None
    domain, ids = found or _listed(f, [[pools[i][v] for v in rows[a].tolist()] for i, a in enumerate(axes)], name)
    cells = np.full(int(np.prod(sizes)), UNDEFINED, np.int32)
    cells[reach] = ids
    return _simplest(store, unique, cells.reshape(sizes), domain, raises=bool((ids < 0).any()))


_NAMES = ("fold", "compose")
"""The pass that simplifies a table of no root, and of one."""


def _simplest(store: Store, args: tuple[int, ...], cells: Ids, domain: Listed, raises: bool) -> int:
    """The node over its root if there is one root; an argument itself if the function changes nothing."""
    joint = listing(store.nodes, store.joints, args, cells)
    doubtful = any(map(store.may_raise, args))
    if joint is not None and doubtful and len(joint.roots) < _breadth(store, args):
        joint = listing(store.nodes, store.joints, args, cells, trimmed=False)
    elif joint is not None and len(joint.roots) <= 1 and _may_simplify(store, args, joint.roots):
        raises = bool(joint.roots) and (raises or doubtful)  # where an argument has no value, nor has this
        args, cells = joint.roots, joint.cells
    if store.does("fold", len(args) == 1 and _is_identity(cells, domain, store.listed(args[0]))):
        return args[0]
    return store.put(Table(domain=domain, args=args, cells=cells, raises=raises), joint)


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
        raise UnsupportedProgram.at(
            name, f"a function of {len(sizes)} variables with {int(total):,} combinations of values",
            f"at most {CELL_LIMIT:,}", "combine fewer variables at once, or shorten the maximum length",
        )  # fmt: skip
    joints = [store.joints[arg] for arg in args]
    roots = union([j for j in joints if j is not None])
    extent = [len(store.listed(root)) for root in roots]
    if not roots or np.prod(extent, dtype=float) > JOINT_LIMIT:
        if total > JOINT_LIMIT:
            raise UnsupportedProgram.at(
                name, f"a function with {int(total):,} combinations of values to list", f"at most {JOINT_LIMIT:,}",
                "combine fewer variables at once, or shorten the maximum length",
            )  # fmt: skip
        return np.arange(int(total))
    can_be = possible(roots, store.nodes, extent)
    if stands(args, joints, roots):
        return np.flatnonzero(np.broadcast_to(can_be, extent))
    columns = joined(joints, roots)
    ok = np.logical_and.reduce([column >= 0 for column in columns]) & can_be
    flat = np.ravel_multi_index([column[ok] for column in columns], sizes)
    seen = np.zeros(int(total), bool)
    seen[flat] = True
    return np.flatnonzero(seen)


def _listed(f: Callable[..., Any], columns: Sequence[Sequence[Any]], name: str) -> tuple[Listed, Ids]:
    """The value set of f over rows of arguments, and the id of each row's value."""
    results, error = _results(f, list(zip(*columns, strict=True)))
    known = [r for r in results if r is not _RAISED]
    if not known:
        raise UnsupportedProgram.at(
            name, f"a function that is undefined on all its arguments (it raised {error})",
            "a value for some argument", "correct the function or the vocabulary",
        )  # fmt: skip
    domain = Listed(V.canonical(known))
    ids = np.full(len(results), UNDEFINED, np.int32)
    ids[[r is not _RAISED for r in results]] = list(domain.ids(known))
    return domain, ids


_ARITHMETIC: dict[str, Callable[..., Any]] = {"add": np.add, "sub": np.subtract, "mul": np.multiply}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip


def _of_numbers(operation: Operation, pools: Sequence[Sequence[Any]], rows: Sequence[Any]) -> tuple[Listed, Ids] | None:
    """The same, vectorised, for arithmetic of small integers and comparisons of numbers; None for anything else.

    `rows`: for each argument the place in its pool of each value. Booleans count as 0 and 1, as Python has it.
    """
    name, left, right = operation
    constants = [[c] for c in (left, right) if c is not None]
    kinds = {type(x) for pool in (*pools, *constants) for x in pool}
    ufunc = _ARITHMETIC.get(name) if kinds <= {int, bool} else None
    ufunc = ufunc or (_COMPARISONS.get(name) if kinds <= {int, bool, float} else None)
    if ufunc is None or len(pools) + len(constants) != 2:
        return None
    if any(abs(x) >= 1 << 30 for pool in (*pools, *constants) for x in pool if type(x) is int):
        return None
    exact = np.float64 if float in kinds else np.int64
    arrays = [np.array(pool, exact).take(places) for pool, places in zip(pools, rows, strict=True)]
    if constants:
        arrays.insert(0 if left is not None else 1, np.array(constants[0], exact))
    values, ids = np.unique(ufunc(*arrays), return_inverse=True)
    return Listed(tuple(values.tolist())), ids.ravel().astype(np.int32)


class _Raised:
    """Stands for the result of a call that raised."""


_RAISED = _Raised()


def _results(f: Callable[..., Any], rows: Sequence[Sequence[Any]]) -> tuple[list[Any], str]:
    results: list[Any] = []
    last = ""
    for row in rows:
        try:
            results.append(f(*row))
        except Exception as error:
            results.append(_RAISED)
            last = f"{type(error).__name__}: {error}"
    return results, last


def predicate_table(predicate: Callable[[Any, Any], bool], keys: Listed, queries: Listed, name: str) -> Bits:
    """cells[key id, query id] of a predicate; −1 where it raised, or a side is None."""
    shape = (len(keys), len(queries))
    sides = _as_numbers(predicate, keys, queries) if isinstance(predicate, rasp.Comparison) else None
    if isinstance(predicate, rasp.Comparison) and sides is not None and shape[0] * shape[1] <= COMPARISON_LIMIT:
        return np.asarray(_UFUNCS[predicate](sides[0][:, None], sides[1][None, :]), np.int8)
    if shape[0] * shape[1] > PREDICATE_LIMIT:
        raise UnsupportedProgram.at(
            name, f"a predicate over {shape[0]:,} keys and {shape[1]:,} queries", f"at most {PREDICATE_LIMIT:,} pairs",
            "compare numbers with a Comparison, or shorten the maximum length",
        )  # fmt: skip
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
        return keys.numbers, queries.numbers
    if comparison not in (rasp.Comparison.EQ, rasp.Comparison.NEQ):
        return None
    if {type(value) for value in (*keys.values, *queries.values)} - _WORDS:
        return None
    places: dict[Any, int] = {}
    k, q = (np.array([places.setdefault(x, len(places)) for x in side.values], float) for side in (keys, queries))
    return k, q


def _truth(predicate: Callable[[Any, Any], bool], key: Any, query: Any) -> int:
    if key is None or query is None:
        return -1
    try:
        return int(bool(predicate(key, query)))
    except Exception:
        return -1


def affine_form(expr: rasp.Elementwise) -> tuple[tuple[float, ...], float] | None:
    """(coefficients, bias) of an expression whose operator is known to be affine, else None."""
    if isinstance(expr, rasp.LinearSequenceMap):
        return (expr.fst_fac, expr.snd_fac), 0.0
    if expr.operation is None:
        return None
    name, left, right = expr.operation
    if any(x is not None and not V.is_number(x) for x in (left, right)):
        return None
    form = _FORMS.get((name, left is not None, right is not None))
    return form(left, right) if form else None


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
