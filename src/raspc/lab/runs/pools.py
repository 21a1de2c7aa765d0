"""Who does the work: this process, or several.

Each pool gives a function `each(work, jobs)`, which yields (place of the job, what came of it) in the order in which
jobs end. All that writes files stays in the process that asks.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from raspc.errors import InputError, RaspcError

Job = TypeVar("Job")
Done = TypeVar("Done")
Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[tuple[int, Any]]]

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Sums are then taken in the same order wherever a job runs."""
MOST_WORKERS = 512


@contextmanager
def here() -> Iterator[Each]:
    """One job after the other, in this process."""
    yield lambda work, jobs: ((place, work(job)) for place, job in enumerate(jobs))


@contextmanager
def processes(count: int) -> Iterator[Each]:
    """Several processes on this machine, which end when this one does, however it ends.

    Raises RaspcError where one of them dies; InputError for a count that is none.
    """
    if not isinstance(count, int) or not 1 <= count <= MOST_WORKERS:
        raise InputError(f"workers is {count!r}, needed a whole number from 1 to {MOST_WORKERS}")
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with _environment(ONE_THREAD):
        pool = ProcessPoolExecutor(count, context, _begin, (reader,))
        try:
            yield lambda work, jobs: _each(pool, work, jobs)
        except BaseException:
            writer.close()  # who is at work ends now
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            writer.close()
            reader.close()


def _each(
    pool: ProcessPoolExecutor, work: Callable[[Job], Done], jobs: Iterable[Job]
) -> Iterator[tuple[int, Done]]:  # fmt: skip
    try:
        places = {pool.submit(work, job): place for place, job in enumerate(jobs)}
        for future in as_completed(places):
            yield places[future], future.result()
    except BrokenProcessPool as error:
        raise RaspcError(
            "a process that answered ended before it was done, perhaps for want of memory; "
            "run the same again to go on, with fewer workers"
        ) from error


def _begin(life: Connection) -> None:
    """A worker leaves interrupts to the process that asked, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()


def _end_with(life: Connection) -> None:
    try:
        life.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables that processes which start meanwhile inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
