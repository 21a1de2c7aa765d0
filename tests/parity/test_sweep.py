"""Parity over the library, as `make parity` runs it, on a few of its cases here."""

from __future__ import annotations

import pytest

from raspc import parity
from raspc.errors import InputError
from raspc.library import PROGRAMS
from raspc.parity import sweep
from raspc.parity.backends import BACKENDS


def test_the_sweep_names_twelve_programs_of_the_library() -> None:
    """At least."""
    assert len(set(sweep.PROGRAMS)) >= 12
    assert set(sweep.PROGRAMS) <= set(PROGRAMS)


def test_compiled_programs_match_on_every_backend() -> None:
    """Causal and not, at both levels, in few programs; `make parity` runs all of them."""
    absent = [name for name, backend in BACKENDS.items() if backend.missing()]
    cases = list(parity.library(["reverse"], optimize=[1]))
    cases += parity.library(["majority"], optimize=[0], causal=[True])
    assert [case.label for case in cases] == ["reverse -O1", "reverse -O1 causal", "majority -O0 causal"]
    for case in cases:
        assert case.report.faults() == []
        assert set(case.report.matched) == set(BACKENDS) - set(absent)
        assert case.to_json()["program"] == case.program


@pytest.mark.slow
def test_the_whole_sweep_matches() -> None:
    """What `make parity` shows."""
    for case in parity.library():
        assert case.report.faults() == [], case.label


def test_an_unknown_program_is_named() -> None:
    """With the nearest known ones."""
    with pytest.raises(InputError, match=r"revers'.*did you mean reverse"):
        list(parity.library(["revers"]))
