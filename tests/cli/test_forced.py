"""A total model on the command line."""

from __future__ import annotations

from .conftest import Raspc


def test_command_line(raspc: Raspc) -> None:
    """`--total` reaches the compiler; `check` forces variables too; `inspect` says so."""
    assert raspc("compile", "sort", "--vocab", "1,2,3", "--max-seq-len", "3", "--total", "-o", "m").code == 0
    told = raspc("check", "m", "--program", "sort")
    assert told.code == 0 and "equal under 200 random forcings" in told.out
    assert raspc("check", "m", "--json").json["forced"]["failures"] == 0
    assert "total: any variable may be forced" in raspc("inspect", "m").out
    assert raspc("inspect", "m", "--json").json["total"] is True
