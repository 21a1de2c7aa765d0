"""Faults that are planted in the compiler: what each one is, what shows it, and how it is planted and taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

import raspc
from raspc.compiler import compile_graph
from raspc.graph.build import build
from raspc.numbers.options import Level, Options
from raspc.numbers.precision import precision_of
from raspc.rasp import SOp

Patch = Callable[[pytest.MonkeyPatch], None]


def nothing(patch: pytest.MonkeyPatch) -> None:
    """No change."""


class Way(NamedTuple):
    """How a program is compiled."""

    level: int
    dtype: str = "float32"


LEVELS, DTYPES = (0, 1, 2), ("float32", "bfloat16", "float16")
WAYS = {**{str(level): Way(level) for level in LEVELS}, **{dtype: Way(1, dtype) for dtype in DTYPES[1:]}}
"""By the names that the catalogue uses."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A program, and the inputs that it is compiled for.

    `given`: what is changed beside a fault, so that a small program is enough; without the fault it does no harm.
    """

    program: SOp
    vocab: tuple[Any, ...] = (0, 1, 2)
    longest: int = 4
    causal: bool = False
    given: Patch = nothing

    def compiled(self, way: Way, certify: bool = False) -> raspc.Model:
        """The model by way of its graph alone, so that no expression is asked what it means."""
        graph = build(self.program, self.vocab, self.longest, self.causal)
        return compile_graph(graph, options=Options(Level(way.level), precision_of(way.dtype)), certify=certify)

    def compiled_with_expressions(self, way: Way) -> raspc.Model:
        """The model as a user gets it."""
        return raspc.compile(
            self.program, self.vocab, self.longest, causal=self.causal, optimize=way.level, dtype=way.dtype
        )


@dataclass(frozen=True, eq=False)
class Fault:
    """Something that a compiler gets wrong: in which room, by which change of its code.

    `shows`: the programs whose models it makes wrong, and for each the ways to compile that show it.
    """

    name: str
    room: str
    patch: Patch
    shows: Mapping[str, tuple[str, ...]]


@contextmanager
def planted(*patches: Patch) -> Iterator[None]:
    """The compiler with faults. What it remembers from one compile to the next is of no fault."""
    with pytest.MonkeyPatch.context() as patch:
        for one in patches:
            one(patch)
        yield


def wrapped(owner: Any, name: str, change: Callable[..., Any]) -> Patch:
    """Replace a function by `change(original, *args)`."""
    original = getattr(owner, name)
    return lambda patch: patch.setattr(owner, name, lambda *args, **options: change(original, *args, **options))


def entry(table: Any, key: Any, value: Any) -> Patch:
    """Replace an entry of a table."""
    return lambda patch: patch.setitem(table, key, value)


def both(*patches: Patch) -> Patch:
    """Several changes at once."""

    def patched(patch: pytest.MonkeyPatch) -> None:
        for one in patches:
            one(patch)

    return patched
