"""Names that expressions take from the variables that they are assigned to, while a function builds a program.

`opposite = rasp.length - 1 - rasp.indices` is called `opposite`. Python does not tell an object what it is assigned to,
so each time that an expression is built, the variables of the functions that are at work are looked at: what was built
since the watch began, and stands in a variable, has that variable's name. Parameters name nothing: what they hold has
its name from the caller. Of two names the one nearer to the caller stays, of two in one function the first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Protocol

SILENT = frozenset({__file__, *(str(Path(__file__).parent / "rasp" / name) for name in ("expressions.py", "words.py"))})
"""Files whose variables are no names of a person's."""

_NOWHERE = sys.maxsize


class Called(Protocol):
    """What can be called something: an expression."""

    def call(self, name: str) -> None:
        """Take the name, in place of another that was taken before."""
        ...


class Watch:
    """What was built since a function began to build a program, and how far from the caller each found its name."""

    def __init__(self, base: FrameType) -> None:
        self._base = base
        self._born: dict[int, Called] = {}
        self._distance: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._born)

    def bear(self, expr: Called) -> None:
        """Look at the variables, then remember an expression that has just been built."""
        self.look()
        self._born[id(expr)] = expr

    def look(self) -> None:
        """Name what stands in variables of the functions at work, those nearest to the caller first."""
        for distance, frame in enumerate(reversed(list(self._frames()))):
            if frame.f_code.co_filename not in SILENT:
                for name, value in _assigned(frame):
                    self._call(value, name, distance)

    def hold(self, variables: Mapping[str, Any]) -> None:
        """Name what stands in the variables of a module that has run."""
        for name, value in [*(pair for one in variables.items() for pair in _inside(*one)), *variables.items()]:
            self._call(value, name, 0)

    def result(self, value: Any, name: str, since: int) -> None:
        """What a function gives back is called as the function, if it was built there: after the first `since`."""
        self.look()
        if id(value) in list(self._born)[since:]:
            self._call(value, name, sum(1 for _ in self._frames()) - 1)

    def _frames(self) -> Iterator[FrameType]:
        """The frames from the one that builds to the base."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self._base:
            yield frame
            frame = frame.f_back

    def _call(self, value: Any, name: str, distance: int) -> None:
        plain = name.lstrip("_")
        if plain and id(value) in self._born and distance < self._distance.get(id(value), _NOWHERE):
            self._born[id(value)].call(plain)
            self._distance[id(value)] = distance


def _assigned(frame: FrameType) -> list[tuple[str, Any]]:
    """What the variables of a function hold, and what stands in its lists, tuples and dictionaries, those first."""
    given = _given(frame.f_code)
    held = [(name, value) for name, value in list(frame.f_locals.items()) if name not in given]
    return [inner for name, value in held for inner in _inside(name, value)] + held


def _given(code: CodeType) -> frozenset[str]:
    """The names of a function's parameters, and of variables of the functions around it."""
    many = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return frozenset((*code.co_varnames[:many], *code.co_freevars))


def _inside(name: str, value: Any) -> list[tuple[str, Any]]:
    if type(value) in (list, tuple):
        return [(f"{name}_{i}", item) for i, item in enumerate(value, 1)]
    if type(value) is dict:
        return [(f"{name}_{key}", item) for key, item in value.items() if isinstance(key, str | int)]
    return []


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


def built(expr: Called) -> None:
    """An expression has been built: tell the watch, if there is one."""
    if (watch := _WATCH.get()) is not None:
        watch.bear(expr)


@contextmanager
def watching() -> Iterator[Watch]:
    """Names are taken while the block runs; inside another such block that one goes on."""
    if (outer := _WATCH.get()) is not None:
        yield outer
        return
    frame = sys._getframe(2)  # past contextlib, to the function with the block
    watch = Watch(frame)
    token = _WATCH.set(watch)
    try:
        yield watch
    finally:
        _WATCH.reset(token)
