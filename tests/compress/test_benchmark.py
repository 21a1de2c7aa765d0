"""The command that makes the tables and pictures of docs/compression.md, with a few steps of two seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from benchmarks import compression


def named(name: str) -> compression.Experiment:
    """An experiment of the command."""
    return next(each for each in compression.EXPERIMENTS if each.name == name)


@pytest.mark.parametrize(("name", "width"), [("frac_prevs", 14), ("sort_unique", 26), ("hist", 10)])
def test_what_is_compressed_is_the_program(name: str, width: int) -> None:
    """With softer heads, and for those that the paper reports in its layout, every answer is the program's."""
    model = compression.compiled(named(name))
    assert model.config.d_model == width
    assert compression.raspc.check(model).ok


def test_every_program_of_the_issue_has_its_rows(tmp_path: Path) -> None:
    """The spread over seeds and the best run of each width, a page and pictures; a second call runs nothing again."""
    wanted = {"frac_prevs", "sort_unique", "hist", "sort", "reverse", "pair_balance", "shuffle_dyck2"}
    assert {each.name for each in compression.EXPERIMENTS} == wanted
    experiment = replace(named("hist"), dims=(4,))
    tables = compression.curves(experiment, tmp_path, 2, {"steps": 10})
    assert [len(table.rows) for table in tables] == [1, 1]
    assert len(tables[0].rows[0]) == len(tables[0].headers) and len(tables[1].rows[0]) == len(tables[1].headers)
    assert (tmp_path / "hist" / "curves.png").is_file() and (tmp_path / "hist" / "report.html").is_file()
    again = compression.curves(experiment, tmp_path, 2, {"steps": 10})
    assert [table.rows for table in again] == [table.rows for table in tables]
    rows = dict(compression.inside(experiment, tmp_path, 4).rows)
    assert {"named by the report", "verdict", "swap tokens"} <= set(rows)


def test_both_protocols_are_in_one_picture(tmp_path: Path) -> None:
    """The plot of loss against time has a curve of each protocol."""
    history = [{"seconds": 1.0, "output": (0.5, 0.1)}, {"seconds": 2.0, "output": (0.2, 0.2)}]
    compression.draw_times(tmp_path, {"paper": (history, 3.0, 0.1), "quick": (history, 2.0, 1e-9)})
    assert (tmp_path / "loss-against-time.png").read_bytes().startswith(b"\x89PNG")
