"""The best of several alternatives, with refusals as results."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from raspc.errors import CertificateError, InternalError, UnsupportedProgram
from raspc.plan.alternatives import Refused, attempt, best

NO = Refused(UnsupportedProgram("no"))


def finished(one: str) -> str:
    """Words with an x cannot be finished."""
    if "x" in one:
        raise CertificateError(f"not {one}")
    return one.upper()


def test_the_smallest_that_can_be_finished_is_taken() -> None:
    """In the order of size; of equally small ones the first; refusals are passed over."""
    assert best([["three", NO, "xx", "abc", "def"]], len, finished) == "ABC"


def test_a_later_round_is_made_only_if_all_are_refused() -> None:
    """Smaller ones of a later round are not even asked for."""
    asked = []

    def rounds() -> Iterator[list[str | Refused]]:
        for found in ([NO, "x"], ["long enough"], ["a"]):
            asked.append(found)
            yield found

    assert best(rounds(), len, finished) == "LONG ENOUGH"
    assert asked == [[NO, "x"], ["long enough"]]


def test_where_all_are_refused_the_first_round_says_why() -> None:
    """Its last refusal: what comes later is not what was asked for."""
    with pytest.raises(CertificateError, match="not x"):
        best([["x", NO], ["yx"]], len, finished)
    with pytest.raises(UnsupportedProgram, match="no"):
        best([[NO], ["yx"]], len, finished)


def test_faults_of_the_compiler_are_no_refusals() -> None:
    """They are not passed over; a lack of memory is."""

    def fail(error: Exception) -> None:
        raise error

    assert isinstance(attempt(lambda: fail(MemoryError())), Refused)
    with pytest.raises(InternalError):
        attempt(lambda: fail(InternalError("ours")))
