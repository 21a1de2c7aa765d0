"""Processes that die at a chosen step of what they do with files: before each operation, and amid each write."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from raspc.weights import files, replacing

WATCHED = (
    "open", "ctypes.dlopen", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree",
)  # fmt: skip
"""Audit events that stand for an operation on files."""

WRITES = {"write", "written", "fsync", "os.rename"}
"""What every file that is replaced whole goes through."""


class Steps:
    """Counts what a process does with files, and kills it at a step."""

    def __init__(self, last: int) -> None:
        self.last, self.count, self.kinds = last, 0, set[str]()

    def tick(self, kind: str) -> None:
        """One more step."""
        self.count += 1
        self.kinds.add(kind)
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Halting:
    """A file that may die before a write, in the middle of one, and after it."""

    def __init__(self, file: Any, steps: Steps) -> None:
        self.file, self.steps = file, steps

    def __enter__(self) -> Halting:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: bytes) -> None:
        """In two halves."""
        for part in (data[: len(data) // 2], data[len(data) // 2 :]):
            self.steps.tick("write")
            self.file.write(part)
            self.file.flush()
        self.steps.tick("written")


def killed(step: int, work: Callable[[], None], needed: set[str]) -> bool:
    """Does the work in a process that dies at the step; whether it came so far. It fails where steps go unseen.

    Temporary siblings are swept at once after it, however young they are.
    """
    replacing.FRESH = 0
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _work(step, work, needed)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, "the work that nobody killed failed"
    return os.WIFSIGNALED(status)


def _work(step: int, work: Callable[[], None], needed: set[str]) -> int:
    steps, fsync, fdopen = Steps(step), os.fsync, os.fdopen

    def synchronised(descriptor: int) -> None:
        steps.tick("fsync")
        fsync(descriptor)

    def opened(*args: Any, **how: Any) -> Halting:
        return Halting(builtins.open(*args, **how), steps)

    files.open = opened  # type: ignore[attr-defined]
    os.fdopen = lambda *args: Halting(fdopen(*args), steps)  # type: ignore[assignment, arg-type]
    os.fsync = synchronised
    sys.addaudithook(lambda event, args: steps.tick(event) if event in WATCHED else None)
    work()
    assert needed <= steps.kinds, (needed, steps.kinds)
    return 0
