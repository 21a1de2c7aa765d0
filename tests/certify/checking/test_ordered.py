"""Work in threads, its results in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from raspc.certify.checking import ordered
from raspc.certify.checking.ordered import in_order


def task(i: int) -> Callable[[], tuple[int, int]]:
    """Its number, and which thread did it; the first ones take longest."""

    def work() -> tuple[int, int]:
        time.sleep(0.002 * (5 - min(i, 5)))
        return i, threading.get_ident()

    return work


@pytest.mark.parametrize("alone", [0.0, 0.004, 60.0])
@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order(threads: int, alone: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """However soon threads are started, each task is done once; little work is done here."""
    monkeypatch.setattr(ordered, "ALONE", alone)
    found = list(in_order(map(task, range(20)), threads))
    assert [i for i, _ in found] == [*range(20)]
    others = {thread for _, thread in found} - {threading.get_ident()}
    assert bool(others) == (threads > 1 and alone < 1)


@pytest.mark.parametrize("many", [0, 1])
def test_few_tasks(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, and one, after which threads have nothing to do."""
    monkeypatch.setattr(ordered, "ALONE", 0.0)
    assert [i for i, _ in in_order(map(task, range(many)), 3)] == [*range(many)]


def test_what_a_thread_raises_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its turn."""
    monkeypatch.setattr(ordered, "ALONE", 0.0)
    found = in_order([*map(task, range(3)), lambda: 1 // 0, task(4)], 2)
    assert [next(found)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(found)
