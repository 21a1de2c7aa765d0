"""What a program that writes is, and the words that many of them are made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from raspc import rasp
from raspc.library.parts import equal
from raspc.rasp import SOp, Value

T, I = rasp.tokens, rasp.indices  # noqa: E741
STOP = "."
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Writer:
    """A program that writes, ready to compile.

    `build()` makes the expression. For every prompt it writes what `reference(prompt)` gives, then `stop`, within
    `max_seq_len` tokens in all. `prompts`: a regular expression over `vocab`, or the prompts themselves. `source` says
    where the task comes from.
    """

    name: str
    build: Callable[[], SOp]
    vocab: tuple[Value, ...]
    max_seq_len: int
    prompts: str | tuple[Any, ...]
    reference: Callable[[Any], Any]
    description: str
    source: str
    stop: Value = STOP

    @property
    def program(self) -> SOp:
        """The expression, built anew."""
        return self.build()

    def options(self) -> dict[str, Any]:
        """What `raspc.compile` is to be told beside program, vocabulary and length."""
        return {"generate": True, "stop": self.stop, "prompts": self.prompts}


def entry(
    build: Callable[..., SOp], vocab: Iterable[Value], length: int, prompts: str | Iterable[Any],
    reference: Callable[[Any], Any], source: str = "raspc",
) -> Writer:  # fmt: skip
    """A writer under the name of its function; the first line of the function's documentation says what it writes."""
    description = (inspect.getdoc(build) or "").split("\n", 1)[0]
    asked = prompts if isinstance(prompts, str) else tuple(prompts)
    return Writer(build.__name__, build, tuple(vocab), length, asked, reference, description, source)


@rasp.program
def place_of(mark: Value) -> SOp:
    """Where the mark stands, of several the last; −1 before it comes."""
    marks = equal(T, mark)
    last_mark = rasp.latest(marks)
    return rasp.Aggregate(last_mark, I, default=-1)


@rasp.program
def token_at(place: SOp, source: SOp = T, default: Value = STOP) -> SOp:
    """What a variable is at another place; `default` where there is none."""
    there = equal(I, place)
    return rasp.Aggregate(there, source, default)


def digit(token: Value) -> int:
    """The digit that a token is, −1 for another token."""
    return int(token) if token in DIGITS else -1
