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
    """The value with an input that has it; a bound may count a value that none of the inputs has."""
    if source is None:
        return repr(value)
    tried = list(islice(inputs(frame), TRIES))
    found = next((xs for xs in tried if _takes(source, value, xs, frame.causal)), None)
    return f"{value!r} (on {f'none of the {len(tried):,} inputs that were tried' if found is None else found})"


def _takes(source: rasp.SOp, value: Any, xs: list[Any], causal: bool) -> bool:
    try:
        held = interpret(source, xs, causal)
    except InputError:
        return False
    return any(V.typed(V.whole(x)) == V.typed(V.whole(value)) for x in held)


def inputs(frame: Frame) -> Iterator[list[Any]]:
    """The inputs on which counter-examples are sought, shortest first."""
    for batch in searched(frame).batches:
        yield from map(list, tokens_of(batch, frame.vocab))
