"""Writers that look up what came before."""

from __future__ import annotations

from itertools import pairwise

from raspc import rasp
from raspc.library.writers.writer import DIGITS, STOP, I, T, Writer, entry, token_at
from raspc.rasp import SOp


@rasp.program
def write_recall() -> SOp:
    """a1b2a3?a is followed by 3, what was last written to a."""
    left = I - 1
    previous = token_at(left, default="?").named("previous")
    address = rasp.map(_address, previous, T).named("address")
    asked = rasp.memory(address, T, T, default=STOP).named("asked")
    return rasp.map(_recalled, previous, asked).named("write_recall")


def _address(previous: str, token: str) -> str:
    return previous if token in DIGITS else "none"


def _recalled(previous: str, asked: str) -> str:
    return asked if previous == "?" else STOP


@rasp.program
def write_induction() -> SOp:
    """abcb.a is followed by b: each token by what came after it the last time, up to the dot."""
    left = I - 1
    previous = token_at(left, default=STOP).named("previous")
    return rasp.memory(previous, T, T, default=STOP).named("write_induction")


def _recalled_in(prompt: str) -> str:
    return next((value for name, value in reversed(list(pairwise(prompt[:-2]))) if name == prompt[-1]), "")


def _went_on(prompt: str) -> str:
    after, token, found = dict(pairwise(prompt[:-1])), prompt[-1], ""
    while (token := after.get(token, STOP)) != STOP:
        found += token
    return found


WRITERS: tuple[Writer, ...] = (
    entry(write_recall, "ab01?.", 11, "([ab][01]){1,3}\\?[ab]", _recalled_in, "Elhage et al. (2021)"),
    entry(write_induction, "abcd.", 11, "[abcd]{1,5}\\.[abcd]", _went_on, "Elhage et al. (2021)"),
)
