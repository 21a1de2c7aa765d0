"""One entry of the library: a program, its default vocabulary and length, and what it must give."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from raspc.rasp import SOp, Value

Reference = Callable[[Sequence[Value]], list[Value]]


@dataclass(frozen=True)
class Program:
    """A program that is ready to compile.

    `build()` makes the expression, new at each call. It is defined on every input over `vocab` up to
    `max_seq_len`, and gives there what `reference(tokens)`, plain Python, gives (under the causal mask
    if `causal`). `source` says where the program comes from.
    """

    name: str
    build: Callable[[], SOp]
    vocab: tuple[Value, ...]
    max_seq_len: int
    causal: bool
    description: str
    reference: Reference
    source: str

    @property
    def program(self) -> SOp:
        """The expression, built anew."""
        return self.build()


def entry(
    build: Callable[..., SOp],
    vocab: Iterable[Value],
    max_seq_len: int,
    reference: Reference,
    source: str,
    *,
    causal: bool = False,
) -> Program:
    """The entry of a builder, under its name and the first line of its docstring."""
    description = (inspect.getdoc(build) or "").split("\n", 1)[0]
    return Program(build.__name__, build, tuple(vocab), max_seq_len, causal, description, reference, source)
