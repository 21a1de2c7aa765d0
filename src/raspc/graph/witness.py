"""Inputs on which a variable takes a value, asked of the interpreter, for messages about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from raspc import rasp
from raspc import values as V
from raspc.errors import InputError, UnsupportedProgram
from raspc.graph.apart import ToldApart
from raspc.graph.permitted import Frame, searched, tokens_of
from raspc.interpret import interpret

TRIES = 2000
"""So many inputs are tried."""


def in_words(error: ToldApart, program: rasp.SOp, places: Mapping[int, int], frame: Frame) -> UnsupportedProgram:
    """The refusal of a reader that tells apart what counts as one: the variable, an input for each value, a remedy."""
    known = [expr for expr in rasp.topological(program) if places.get(id(expr)) == error.place]
    source = known[0] if known and isinstance(known[0], rasp.SOp) else None
    name = "a variable" if source is None else source.name
    shown = [_shown(source, value, frame) for value in error.values]
    return UnsupportedProgram.at(
        error.reader,
        f"a function that tells {shown[0]} from {shown[1]}, two values of {name} that a model cannot tell apart",
        "the same result for both",
        "round it first, for example with round(x, 6), compare it with a number between its values, or count with "
        "SelectorWidth",
    )


def _shown(source: rasp.SOp | None, value: Any, frame: Frame) -> str:
    found = None if source is None else next(_with_value(source, value, frame), None)
    return repr(value) if found is None else f"{value!r} (on {found!r})"


def _with_value(source: rasp.SOp, value: Any, frame: Frame) -> Iterator[list[Any]]:
    for xs in islice(inputs(frame), TRIES):
        try:
            held = interpret(source, xs, frame.causal)
        except InputError:
            continue
        if any(V.typed(V.whole(x)) == V.typed(V.whole(value)) for x in held):
            yield xs


def inputs(frame: Frame) -> Iterator[list[Any]]:
    """The inputs on which counter-examples are sought, shortest first."""
    for batch in searched(frame).batches:
        yield from map(list, tokens_of(batch, frame.vocab))
