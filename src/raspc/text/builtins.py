"""The names of the language itself: base s-ops, and the functions that are no RASP but build it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from raspc import rasp
from raspc.rasp import Aggregate, Map, Select, Selector, SelectorWidth, SOp, Sum
from raspc.rasp.expressions import ENDS
from raspc.text.booleans import ANNOTATION, holds_booleans
from raspc.text.flow import FULL
from raspc.text.kinds import MAX_SIZE, Builtin, Comparator, Value, is_atom, is_elementwise, kind
from raspc.text.operators import COMPARISONS, Refused, broadcast
from raspc.values import as_given

NOTHING_SELECTED = 0
"""What an aggregate without a default gives where nothing is selected, as in RASP's own interpreter."""


def _select(keys: Value, queries: Value, comparison: Value) -> Selector:
    if not isinstance(comparison, Comparator):
        raise Refused(f"select ends with one of {' '.join(COMPARISONS)}; found {kind(comparison)}", 2)
    return Select(_sop(keys, "keys", 0), _sop(queries, "queries", 1), COMPARISONS[comparison.symbol])


def _sop(value: Value, role: str, argument: int) -> SOp:
    if is_elementwise(value):
        return broadcast(value)
    remedy = "; aggregate it, or take its selector_width" if isinstance(value, Selector) else ""
    raise Refused(f"the {role} are an s-op or an atom; found {kind(value)}{remedy}", argument)


def _aggregate(selector: Value, values: Value, default: Value, single: Value) -> SOp:
    if single is not None and not isinstance(single, bool):
        raise Refused(f"single is True or False; found {kind(single)}", 3)
    if default is not None and not is_atom(default):
        raise Refused(f"the default of an aggregate is an atom; found {kind(default)}", 2)
    chosen = NOTHING_SELECTED if default is None else default
    return Aggregate(_selector(selector, 0), _sop(values, "values", 1), chosen, single=bool(single))


def _aggregate_sum(selector: Value, values: Value, default: Value) -> SOp:
    if default is not None and not is_atom(default):
        raise Refused(f"the default of a sum is an atom; found {kind(default)}", 2)
    return Sum(_selector(selector, 0), _sop(values, "values", 1), NOTHING_SELECTED if default is None else default)


def _selector(value: Value, argument: int) -> Selector:
    if isinstance(value, Selector):
        return value
    raise Refused(f"a selector is needed; found {kind(value)}", argument)


def _latest(selector: Value) -> Selector:
    return rasp.latest(_selector(selector, 0))


def _earliest(selector: Value) -> Selector:
    return rasp.earliest(_selector(selector, 0))


def _best(selector: Value, score: Value, end: Value) -> Selector:
    wanted = "max" if end is None else end
    if not isinstance(wanted, str) or wanted not in ENDS:
        shown = repr(wanted) if is_atom(wanted) else kind(wanted)
        raise Refused(f'the end of the score is "max" or "min"; found {shown}', 2)
    return rasp.best(_selector(selector, 0), _sop(score, "scores", 1), wanted)


def _selector_width(selector: Value, assume_bos: Value) -> SOp:
    """`assume_bos` is taken for the sake of old programs: a compiled model has its own BOS."""
    return SelectorWidth(_selector(selector, 0))


def _assume(values: Value, promised: Value) -> SOp:
    """The values themselves, with the promise that each of them is in a list."""
    if not isinstance(promised, list) or not promised or not all(map(is_atom, promised)):
        raise Refused(f"what is promised is a list of atoms; found {kind(promised)}", 1)
    return rasp.assume(_sop(values, "values", 0), promised)


def _range(*bounds: Value) -> list[int]:
    if len(bounds) > 3 or not all(isinstance(bound, int) for bound in bounds):
        raise Refused("range takes one to three integers")
    if len(bounds) == 3 and bounds[2] == 0:
        raise Refused("the step of a range is not 0")
    numbers = range(*bounds)
    if len(numbers) > MAX_SIZE:
        raise Refused(f"a range of {len(numbers)} numbers; at most {MAX_SIZE} are allowed")
    return list(numbers)


def _zip(*lists: Value) -> list[list[Value]]:
    for value in lists:
        if not isinstance(value, (list, str)):
            raise Refused(f"zip takes lists; found {kind(value)}")
    if len({len(value) for value in lists}) > 1:
        raise Refused(f"zip takes lists of one length; found {', '.join(str(len(v)) for v in lists)}")
    if sum(map(len, lists)) > MAX_SIZE:
        raise Refused(f"a zip of {sum(map(len, lists))} items; at most {MAX_SIZE} are allowed")
    return [list(row) for row in zip(*lists, strict=True)]


def _len(value: Value) -> int:
    if isinstance(value, (list, dict, str)):
        return len(value)
    remedy = "; the s-op length holds the length of the input" if isinstance(value, SOp) else ""
    raise Refused(f"len takes a list, a dictionary or a string; found {kind(value)}{remedy}")


def _average(seq: Value) -> SOp:
    """The mean of all values; as in RASP's own interpreter not of booleans."""
    values = _sop(seq, "values", 0)
    if holds_booleans(values):
        raise Refused("the average of booleans; take it of indicator(…), which is 1 and 0", 0)
    return Aggregate(FULL, values, NOTHING_SELECTED)


def _as_int(token: Value) -> int:
    with suppress(ValueError, TypeError):
        return int(token)
    raise ValueError(f"{token!r} is no whole number")


def _as_float(token: Value) -> float:
    with suppress(ValueError, TypeError):
        if math.isfinite(number := float(token)):
            return number
    raise ValueError(f"{token!r} is no number")


def _tokens_as(name: str, convert: Callable[[Value], Value]) -> SOp:
    return Map(as_given(partial(convert)), rasp.tokens).annotated(shown=name)


TEXT = _tokens_as("tokens_str", str)

FUNCTIONS = (
    Builtin("select", ("keys", "queries", "comparison"), _select),
    Builtin("aggregate", ("selector", "values", "default?", "single?"), _aggregate),
    Builtin("aggregate_sum", ("selector", "values", "default?"), _aggregate_sum),
    Builtin("latest", ("selector",), _latest),
    Builtin("earliest", ("selector",), _earliest),
    Builtin("best", ("selector", "score", "end?"), _best),
    Builtin("selector_width", ("selector", "assume_bos?"), _selector_width),
    Builtin("average", ("seq",), _average),
    Builtin("assume", ("values", "promised"), _assume),
    Builtin("range", ("stop",), _range, repeats=True),
    Builtin("zip", ("list",), _zip, repeats=True),
    Builtin("len", ("list",), _len),
)

NAMES: dict[str, Value] = {
    "tokens": TEXT.annotated(shown="tokens"),
    "tokens_asis": rasp.tokens.annotated(shown="tokens_asis"),
    "indices": rasp.indices,
    "length": rasp.length,
    "tokens_str": TEXT,
    "tokens_int": _tokens_as("tokens_int", _as_int),
    "tokens_float": _tokens_as("tokens_float", _as_float),
    "tokens_bool": _tokens_as("tokens_bool", bool).annotated(**{ANNOTATION: True}),
    "full_s": FULL,
    **{function.name: function for function in FUNCTIONS},
}
"""What every text can name. The words of the language keep their meaning; a text may give the others a new one."""
