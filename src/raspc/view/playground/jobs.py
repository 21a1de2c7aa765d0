"""Jobs: child processes, one at a time, which end when they are done, too slow, or told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raspc.view.playground.requests import DEFAULT_LIMITS, Limits

MOST_OUTPUT = 4 * 2**20


class Busy(Exception):
    """A job is under way already."""


@dataclass
class Jobs:
    """At most one child at a time. Used from one event loop."""

    limits: Limits = DEFAULT_LIMITS
    child: asyncio.subprocess.Process | None = None
    under_way: bool = False
    """From the request until the answer."""
    stopped: str = ""
    """Why the job under way was told to stop."""

    async def run(self, request: dict[str, Any], directory: Path) -> dict[str, Any]:
        """The worker's answer, or faults that say how it ended. Raises Busy."""
        if self.under_way or self.child is not None:
            raise Busy
        self.under_way, self.stopped = True, ""
        try:
            self.child = await self._start(directory)
            if self.stopped:
                self._kill()
            return await self._talk(self.child, request | {"directory": str(directory)})
        finally:
            if self._kill() and self.child is not None:
                await self.child.communicate()  # until its pipes are closed
            self.child, self.under_way = None, False

    async def _start(self, directory: Path) -> asyncio.subprocess.Process:
        # Isolated, in a folder of its own and a session of its own: ending the session ends all of it.
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "raspc.view.playground.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            cwd=directory, env={"PATH": os.environ.get("PATH", ""), **threads}, start_new_session=True,
            limit=MOST_OUTPUT,
        )  # fmt: skip

    async def _talk(self, child: asyncio.subprocess.Process, request: dict[str, Any]) -> dict[str, Any]:
        try:
            output, _ = await asyncio.wait_for(child.communicate(json.dumps(request).encode()), self.limits.seconds)
        except TimeoutError:
            return failure(self._too_slow)
        if self.stopped:
            return failure(f"stopped: {self.stopped}")
        if child.returncode == -getattr(signal, "SIGXCPU", 0):
            return failure(self._too_slow)
        if child.returncode != 0 or not output:
            return failure("stopped by the operating system, mostly for want of memory; try a shorter length")
        found: dict[str, Any] = json.loads(output)
        return found

    @property
    def _too_slow(self) -> str:
        return f"stopped after {self.limits.seconds:g} seconds; try a shorter length or fewer tokens"

    def stop(self, why: str = "it was told to stop") -> bool:
        """End the job under way, for a reason that its answer gives; False if there is none.

        A job whose process is only being started ends as soon as that is there.
        """
        if not self.under_way or (self.child is not None and self.child.returncode is not None):
            return False
        self.stopped = why
        self._kill()
        return True

    def _kill(self) -> bool:
        """End the child and whatever it started; False if there is none that runs."""
        if self.child is None or self.child.returncode is not None:
            return False
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        return True


def failure(message: str) -> dict[str, Any]:
    """An answer that holds one fault without a place."""
    return {"faults": [{"message": message, "line": None, "column": None, "width": 0}]}
