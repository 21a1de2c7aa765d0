"""Work in threads, its results in order: NumPy leaves Python to others while it computes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")
ALONE = 0.1
"""So many seconds of work one thread does alone: several, which wait for one another, take longer to do little."""


def cores() -> int:
    """How many cores this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def in_order(tasks: Iterable[Callable[[], T]], threads: int) -> Iterator[T]:
    """The results of the tasks in their order, a few of them ahead of the one that is waited for."""
    tasks, start = iter(tasks), perf_counter()
    for task in tasks:
        yield task()
        if threads > 1 and perf_counter() - start > ALONE:
            break
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[T]] = deque(pool.submit(task) for task in islice(tasks, 2 * threads))
        try:
            while ahead:
                yield ahead.popleft().result()
                ahead.extend(pool.submit(task) for task in islice(tasks, 1))
        finally:
            pool.shutdown(cancel_futures=True)
