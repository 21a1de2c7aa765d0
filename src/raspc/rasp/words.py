"""The words of the language that are functions: they put expressions together, or mark one.

`memory` and `machine` are made of the others, and hold nothing that a program could not say itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from raspc import naming
from raspc.errors import wrong_kind
from raspc.rasp.expressions import (
    Aggregate,
    Assume,
    Best,
    Comparison,
    Encoding,
    Expr,
    Full,
    Map,
    NaryMap,
    Select,
    Selector,
    SequenceMap,
    SOp,
    Value,
    as_sop,
    as_value,
    indices,
    tokens,
)


def map(f: Callable[..., Value], *args: SOp | Value) -> SOp:
    """`f` applied at each position to any number of s-ops; other values are constants."""
    return NaryMap(f, *_lifted(args, "map"))


def where(condition: SOp, a: SOp | Value, b: SOp | Value) -> SOp:
    """`a` where the condition holds, else `b`; None where the condition is None."""
    return NaryMap(_choose, *_lifted((condition, a, b), "where"), none_in_none_out=False)


def _choose(condition: Value, a: Value, b: Value) -> Value:
    if condition is None:
        return None
    return a if condition else b


def assume(sop: SOp, values: Iterable[Value] | Callable[[Value], Any]) -> SOp:
    """The s-op, with the promise that each of its values is one of `values`: a set, a range, or a function of a value.

    The interpreter raises InputError where the promise is broken.
    """
    return Assume(as_sop(sop, "assume"), values)


def best(selector: Selector, score: SOp, end: str = "max") -> Selector:
    """Of the keys that the selector selects, those that hold the greatest (`end="min"`: the least) score.

    >>> best(Select(tokens, tokens, Comparison.TRUE), tokens)([1, 3, 2, 3])[0]
    [False, True, False, True]
    """
    return Best(selector, score, end)


def latest(selector: Selector) -> Selector:
    """Of the keys that the selector selects, the last: one key, or none where none is selected.

    >>> Aggregate(latest(Select(tokens, tokens, Comparison.EQ)), indices)("abab")
    [2, 3, 2, 3]
    """
    return Best(selector, indices, "max")


def earliest(selector: Selector) -> Selector:
    """Of the keys that the selector selects, the first: one key, or none where none is selected.

    >>> Aggregate(earliest(Select(tokens, tokens, Comparison.EQ)), indices)("abab")
    [0, 1, 0, 1]
    """
    return Best(selector, indices, "min")


def is_in(sop: SOp, values: Iterable[Value]) -> SOp:
    """True where the value of the s-op is one of `values`."""
    return as_sop(sop, "is_in").is_in(values)


_Building = ParamSpec("_Building")
_Built = TypeVar("_Built")


def program(function: Callable[_Building, _Built]) -> Callable[_Building, _Built]:
    """A decorator of functions that build programs: each s-op and selector is called as the variable it is assigned to.

    What the function gives back is called as the function. A name that `named` gives stays; it also asks for directions
    of its own at -O1, which these names, labels alone, do not.

    >>> @program
    ... def backwards():
    ...     opposite = length - 1 - indices
    ...     return Aggregate(Select(indices, opposite, Comparison.EQ), tokens)
    >>> backwards(), backwards().selector.queries
    (<Aggregate backwards>, <SequenceMap opposite>)
    """
    if not callable(function):
        raise wrong_kind("program: function", function, "a function that builds a program, below `@rasp.program`")

    @wraps(function)
    def built(*args: _Building.args, **kwargs: _Building.kwargs) -> _Built:
        with naming.watching() as watch:
            before = len(watch)
            result = function(*args, **kwargs)
            watch.result(result, function.__name__, before)
            return result

    return built


def causal(program: SOp) -> SOp:
    """The program, with the mark that it is meant to be causal: `compile` and `interpret` then hide later keys.

    The mark is the whole program's: what is built of it says nothing.

    >>> before = Aggregate(Select(indices, indices, Comparison.TRUE), tokens)
    >>> causal(before)([0, 1]), before([0, 1])
    ([0, 0.5], [0.5, 0.5])
    """
    return as_sop(program, "causal").annotated(**{MEANT: True})


MEANT = "meant_causal"
"""The annotation of a program that is meant to be causal."""


def memory(address: SOp, value: SOp, at: SOp, default: Value = None) -> SOp:
    """The value that was last written to an address; `default` where none was.

    Each position writes its `value` to its `address`, and reads at `at`. Under a causal mask a position sees what was
    written up to it, itself included.

    >>> memory(Map(str.lower, tokens), tokens, tokens, "?")("aAb")
    ['A', '?', 'b']
    """
    writes = Select(address, at, Comparison.EQ).annotated(assigned="writes")
    last_write = latest(writes).annotated(assigned="last_write")
    return Aggregate(last_write, value, default)


def machine(delta: Mapping[tuple[Value, Value], Value], start: Value, inputs: SOp, stop: Value = ".") -> SOp:
    """The next state of a finite automaton that writes its states one after another, each as a token.

    Where the token is a state of the machine, that is the state it is in; elsewhere it is in `start`. It reads the
    letter that `inputs` is here, and goes on to `delta[state, letter]`; where `delta` says nothing it writes `stop`.
    Raises TypeError for a `delta` that is no mapping.

    >>> machine({("even", 1): "odd", ("odd", 1): "even"}, "even", Full(1))(["=", "odd", "even"])
    ['odd', 'even', 'odd']
    """
    if not isinstance(delta, Mapping) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in delta):
        raise wrong_kind("machine: delta", delta, "a mapping from (state, letter) to the next state, as {(0, 'a'): 1}")
    moves = {pair: as_value(after, "machine: delta") for pair, after in delta.items()}
    known = frozenset([start, *moves.values(), *(before for before, _ in moves)])
    state_of = partial(_state_of, known, as_value(start, "machine: start"))
    state = Map(state_of, tokens).annotated(assigned="state")
    return SequenceMap(partial(_moved, moves, stop), state, as_sop(inputs, "machine: inputs"))


def _state_of(known: Collection[Value], start: Value, token: Value) -> Value:
    return token if token in known else start


def _moved(moves: Mapping[tuple[Value, Value], Value], stop: Value, state: Value, letter: Value) -> Value:
    return moves.get((state, letter), stop)


def numerical(sop: SOp) -> SOp:
    """Advice: store this s-op as a number along one direction."""
    return as_sop(sop, "numerical").annotated(encoding=Encoding.NUMERICAL)


def categorical(sop: SOp) -> SOp:
    """Advice: store this s-op with one direction for each value."""
    return as_sop(sop, "categorical").annotated(encoding=Encoding.CATEGORICAL)


def _lifted(args: Iterable[SOp | Value], where: str) -> list[SOp]:
    return [as_sop(arg, where) if isinstance(arg, Expr) else Full(arg) for arg in args]
