"""Programs that write, each with its prompts, its stop, and the answer in plain Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raspc import rasp
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741


@dataclass(frozen=True)
class Writer:
    """A program that writes; `answer`: from a prompt as a text to what is written, without the stop."""

    program: SOp
    vocab: tuple[Any, ...]
    longest: int
    prompts: str
    answer: Callable[[str], str]
    stop: str = "."


def _after(mark: str) -> tuple[SOp, SOp]:
    """Where the mark stands, 0 if nowhere; and whether it was met."""
    marks = rasp.Select(T, rasp.Full(mark), Comparison.EQ)
    at = rasp.Aggregate(rasp.latest(marks), I, default=0).named("at")
    met = rasp.Map(lambda width: width > 0, rasp.SelectorWidth(marks)).named("met")
    return at, met


def copy() -> Writer:
    """abc= → abc"""
    at, met = _after("=")
    source = rasp.Aggregate(rasp.Select(I, I - at, Comparison.EQ), T, default=".").named("source")
    more = rasp.SequenceMap(lambda i, a: i - a < a, I, at).named("more")
    program = rasp.where(met, rasp.where(more, source, "."), "a")
    return Writer(program, ("a", "b", "c", "=", "."), 9, "[abc]{1,4}=", lambda prompt: prompt[:-1])


def count() -> Writer:
    """37: → 34567"""
    last = rasp.Aggregate(rasp.Select(I, rasp.Full(1), Comparison.EQ), T, default="0").named("last")
    _at, met = _after(":")

    def follow(token: str, end: str) -> str:
        if token == ":" or not end.isdigit() or not token.isdigit():
            return "."
        return "." if token >= end else str(int(token) + 1)

    first = rasp.Aggregate(rasp.Select(I, rasp.Full(0), Comparison.EQ), T, default="0").named("first")
    program = rasp.where(
        rasp.Map(lambda t: t == ":", T), first, rasp.where(met, rasp.SequenceMap(follow, T, last), "0")
    )

    def answer(prompt: str) -> str:
        start, end = int(prompt[0]), int(prompt[1])
        return "".join(map(str, range(start, max(start, end) + 1)))

    return Writer(program, tuple("0123456789:."), 14, "[0-9][0-9]:", answer)


def parity() -> Writer:
    """0110= → 0010, the running parity."""
    at, met = _after("=")
    ones = rasp.Aggregate(rasp.Select(I, I - at, Comparison.EQ), T, default="0").named("bit")
    step = rasp.SequenceMap(lambda bit, so_far: str(int(bit == "1") ^ int(so_far == "1")), ones, T).named("step")
    more = rasp.SequenceMap(lambda i, a: i - a < a, I, at).named("more")
    program = rasp.where(met, rasp.where(more, step, "."), "0")

    def answer(prompt: str) -> str:
        found, so_far = "", 0
        for bit in prompt[:-1]:
            so_far ^= int(bit)
            found += str(so_far)
        return found

    return Writer(program, ("0", "1", "=", "."), 11, "[01]{1,5}=", answer)


WRITERS: dict[str, Writer] = {"copy": copy(), "count": count(), "parity": parity()}
