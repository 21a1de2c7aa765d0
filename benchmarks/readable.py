"""What a named difference of means takes at the readable levels: two kinds of brackets, five tokens."""

from __future__ import annotations

import raspc
from benchmarks.measure import Table
from raspc import rasp
from raspc.rasp import Comparison

LENGTHS = (5, 7, 9)
TOKENS = ("(", ")", "[", "]", "x")
SO_FAR = rasp.Select(rasp.indices, rasp.indices, Comparison.LEQ)
EVERYWHERE = rasp.Select(rasp.indices, rasp.indices, Comparison.TRUE)


def table() -> Table:
    """Parameters by the longest input, all of them proved unless a cell says otherwise."""
    return Table(
        "Balanced brackets by named differences of means, parameters",
        ("level", *(f"N = {n}" for n in LENGTHS)),
        [(f"-O{level}", *(cell(level, n) for n in LENGTHS)) for level in (0, 1, 2)],
    )


def cell(level: int, n: int) -> str:
    """One model."""
    try:
        model = raspc.compile(balanced(), TOKENS, n, optimize=level)
    except raspc.RaspcError as error:
        return f"refused: {error}"[:40]
    verdict = "" if model.certificate is not None and model.certificate.proved else " (measured)"
    return f"{sum(array.size for array in model.params.values()):,}{verdict}"


def balanced() -> rasp.SOp:
    """True where each kind of bracket is balanced, as Tracr's library writes it, with names for the differences."""
    one, two = (balance(*pair) for pair in ("()", "[]"))
    below = rasp.SequenceMap(lambda x, y: x or y, one < 0, two < 0)
    ever = rasp.numerical(rasp.Aggregate(EVERYWHERE, rasp.numerical(below), default=0)) > 0
    level = rasp.SequenceMap(lambda x, y: x and y, one == 0, two == 0)
    last = rasp.Aggregate(rasp.Select(rasp.indices, rasp.length - 1, Comparison.EQ), level)
    return rasp.map(lambda fine, bad: fine and not bad, last, ever).named("balanced")


def balance(opening: str, closing: str) -> rasp.SOp:
    """The share of opening brackets so far less that of closing ones."""
    shares = [
        rasp.numerical(rasp.Aggregate(SO_FAR, rasp.numerical(rasp.tokens == t), default=0)) for t in (opening, closing)
    ]
    return rasp.numerical(rasp.LinearSequenceMap(*shares, 1, -1)).named(f"balance{opening}")
