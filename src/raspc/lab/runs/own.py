"""A method of one's own: `file.py:function` names a function of a task."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, SupportsFloat

from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.lab.tasks import Task

MOST_SOURCE = 1 << 24


def is_own(name: str) -> bool:
    """Whether a name is that of a function in a file."""
    return name.rpartition(":")[0].endswith(".py")


def source(name: str) -> bytes | None:
    """The text of the file that `file.py:function` names; None of a name that names none.

    It travels to whoever does the work, and is hashed: answers by an earlier text are not taken for those of this one.
    Raises InputError where it cannot be read.
    """
    place = name.rpartition(":")[0]
    if not is_own(name):
        return None
    try:
        with open(place, "rb") as file:
            return file.read(MOST_SOURCE)
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: cannot be read; needed a Python file with the function of a method") from error


def source_hash(name: str) -> str | None:
    """The hash of the file that a name names, if it names one."""
    text = source(name)
    return None if text is None else hashlib.sha256(text).hexdigest()


def scorer(name: str, text: bytes) -> Callable[[Any], Any]:
    """The function that a name names, in a file of this text, which is run.

    Raises InputError where there is none, or where running the file fails.
    """
    place, _, called = name.rpartition(":")
    module = ModuleType(f"_raspc_method_{Path(place).stem}")
    module.__file__ = place
    sys.modules[module.__name__] = module
    try:
        exec(compile(text, place, "exec"), vars(module))
    except Exception as error:  # whatever somebody's file raises
        raise InputError(f"{place}: {type(error).__name__}: {error}") from error
    found = getattr(module, called, None)
    if not callable(found):
        raise InputError(f"{place} has no function {called!r}; needed one that takes a task and gives scores")
    return guarded(name, found)


def guarded(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function, whose faults are told as those of somebody's file."""

    def guard(task: Any) -> Any:
        try:
            return function(task)
        except Exception as error:
            raise InputError(f"{name}: {type(error).__name__}: {error}") from error

    return guard


def checked(name: str, said: Any, task: Task) -> dict[str, float]:
    """What a function has said, if it is a number for each edge, or for each node, of a task. Raises InputError."""
    kinds = {"edges": task.edges, "nodes": task.nodes}
    if not isinstance(said, Mapping) or not any(set(said) == set(names) for names in kinds.values()):
        raise InputError(f"{name}: gave {_told(said)}; needed a score for each of task.edges, or of task.nodes")
    if odd := [edge for edge, score in said.items() if not isinstance(score, SupportsFloat) or isinstance(score, str)]:
        raise InputError(f"{name}: the score of {odd[0]} is {said[odd[0]]!r}; needed a number")
    return {edge: float(said[edge]) for names in kinds.values() if set(said) == set(names) for edge in names}


def _told(said: Any) -> str:
    return f"scores of {len(said)} things" if isinstance(said, Mapping) else f"something of type {type(said).__name__}"
