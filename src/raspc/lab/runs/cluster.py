"""The work on a Ray cluster. Models travel as bytes, so that its machines need no file of this one."""

from __future__ import annotations

import importlib.util
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from raspc.errors import InputError, RaspcError
from raspc.lab.runs.pools import ONE_THREAD, Each

PATIENCE = 10.0
"""Seconds in which the head of a cluster must take a connection."""
AHEAD = 2
"""How many jobs are with the cluster at a time, for each of its processors."""


@contextmanager
def cluster(address: str) -> Iterator[Each]:
    """Jobs on the processors of a cluster whose head listens at an address, as "10.0.0.1:6379", or "auto".

    Raises InputError where Ray is not installed, or no cluster answers.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError("a cluster needs ray, not installed here; pip install 'raspc[ray]'")
    import ray

    if not ray.is_initialized():
        _knock(address)
        try:
            ray.init(
                address=address, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": ONE_THREAD}
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"no Ray cluster answers at {address!r}: {first}") from error
    try:
        yield _each
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises InputError where nobody listens, for which Ray would wait minutes. What is no HOST:PORT is left to it."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"no Ray cluster answers at {address!r}: {error}") from error


def _each(work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    import ray

    remote = ray.remote(num_cpus=1)(work)
    waiting, places = iter(enumerate(jobs)), dict[Any, int]()
    most = max(4, int(AHEAD * _processors(ray)))

    def send() -> None:
        for place, job in waiting:
            places[remote.remote(job)] = place
            if len(places) >= most:
                return

    send()
    while places:
        (done,), _ = ray.wait(list(places), num_returns=1)
        place = places.pop(done)
        send()
        yield place, _result(done)


def _processors(ray: Any) -> float:
    return float(ray.cluster_resources().get("CPU", 1))


def _result(done: Any) -> Any:
    """What came of a job. Raises what it raised itself, and a RaspcError where the cluster failed."""
    import ray

    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        first = str(error).strip().splitlines()[0]
        raise RaspcError(f"the cluster lost a job ({first}); run the same again to go on") from error
