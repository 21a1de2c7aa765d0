"""Sweeps: results on disk, a killed one that goes on, the page, and the command."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import subprocess
import sys
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc import InputError, Model, ModelFormatError, rasp
from raspc.cli.app import status
from raspc.cli.compress import widths
from raspc.compress import QUICK, compress, load, results, sweep, write_page
from raspc.compress.page import show
from raspc.compress.results import read_rows

SHORT: dict[str, Any] = {"steps": 20, "every": 10, "batch": 8, "polish": 0}


@pytest.fixture(scope="module")
def swept(fractions: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sweep of two widths and all methods."""
    out = tmp_path_factory.mktemp("sweep") / "out"
    sweep(fractions, (4, 6), out, seeds=2, **SHORT)
    return out


def test_a_sweep_leaves_its_results(swept: Path) -> None:
    """A row for each seed and method, the same in both files; the best model of each width with its report."""
    rows = read_rows(swept)
    assert [(r["d"], r["method"], r["seed"]) for r in rows if r["d"] == 4] == [
        (4, "trained", 0), (4, "trained", 1), (4, "pca", 0), (4, "svd", 0), (4, "pruned", 0), (4, "readers", 0),
    ]  # fmt: skip
    with open(swept / "results.csv", encoding="utf-8") as file:
        assert [float(row["output_loss"]) for row in csv.DictReader(file)] == [row["output_loss"] for row in rows]
    for d in (4, 6):
        report = load(swept / "best" / f"d{d:02}").report
        best = min(row["output_loss"] + row["layer_loss"] for row in rows if row["d"] == d)
        assert report is not None
        assert report.output_loss + report.layer_loss == pytest.approx(best, rel=1e-6, abs=1e-12)
    settings = json.loads((swept / "sweep.json").read_text())
    assert settings["compact"] < settings["full"]
    assert list((swept / "checkpoints").iterdir()) == []


def test_a_width_at_which_every_seed_diverges_has_rows_and_no_model(fractions: Model, tmp_path: Path) -> None:
    """The sweep goes on with other widths and methods, is not run again, and its page says so."""
    wild = SHORT | {"weight_decay": 1e30}
    rows = sweep(fractions, (4,), tmp_path / "out", seeds=2, methods=("trained",), **wild)
    assert len(rows) == 2 and all(math.isnan(row["output_loss"]) for row in rows)
    assert not (tmp_path / "out" / "best").exists()
    again = sweep(fractions, (4,), tmp_path / "out", seeds=2, methods=("trained",), **wild)
    assert [row["seconds"] for row in again] == [row["seconds"] for row in rows]
    assert "d = 4: every run diverged" in write_page(tmp_path / "out").read_text("utf-8")
    with pytest.raises(InputError, match=r"width 4: the training diverged in every seed \(0, 1\)"):
        compress(fractions, 4, seeds=2, **wild)


def test_a_killed_sweep_goes_on(fractions: Model, tmp_path: Path) -> None:
    """What was finished is not run again, and the rows are those of a sweep that was not killed."""

    def kill(name: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(fractions, (4, 5), tmp_path / "a", seeds=1, progress=kill, **SHORT)
    before = (tmp_path / "a" / "best" / "d04" / "config.json").stat().st_mtime_ns
    half = read_rows(tmp_path / "a")
    rows = sweep(fractions, (4, 5), tmp_path / "a", seeds=1, **SHORT)
    whole = sweep(fractions, (4, 5), tmp_path / "b", seeds=1, **SHORT)
    assert len(half) == 3 and rows[:3] == half
    assert [{**row, "seconds": 0} for row in rows] == [{**row, "seconds": 0} for row in whole]
    assert (tmp_path / "a" / "best" / "d04" / "config.json").stat().st_mtime_ns >= before


def test_directories_of_others_are_left_alone(fractions: Model, swept: Path, tmp_path: Path) -> None:
    """Another sweep's directory, and one with other files, are refused before anything runs."""
    with pytest.raises(InputError, match="another sweep"):
        sweep(fractions, (4,), swept, seeds=3, **SHORT)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        sweep(fractions, (4,), tmp_path, seeds=1, **SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_bad_widths_are_refused_before_anything_is_written(fractions: Model, tmp_path: Path) -> None:
    """No widths, widths of D or more, unknown methods."""
    for dims, options in (((), {}), ((4, 400), {}), ((4,), {"methods": ("magic",)}), ((4,), {"starts": ("x",)})):
        with pytest.raises(InputError):
            sweep(fractions, dims, tmp_path / "out", seeds=1, **options)
    assert not (tmp_path / "out").exists()


def test_the_page_holds_everything(swept: Path) -> None:
    """One file with all pictures and tables, that loads nothing; the PNGs lie beside it."""
    text = write_page(swept).read_text(encoding="utf-8")
    pictures = sorted(path.name for path in swept.glob("*.png"))
    assert {"curves.png", *(f"d{d:02}-{kind}.png" for d in (4, 6) for kind in ("gram", "cosine", "streams"))} <= {
        *pictures
    }
    assert all(f'alt="{name}"' in text for name in pictures)
    assert not re.search(r'(src|href)="(?!data:)', text)
    for words in ("-O2 needs", "d = 4: ", "shuffled labels", "by subspace", "not called impossible"):
        assert words in text
    assert all((swept / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_no_page_of_nothing(tmp_path: Path) -> None:
    """A directory that holds no sweep, or an unreadable table, says so."""
    with pytest.raises(ModelFormatError, match="needed the directory of a sweep"):
        write_page(tmp_path)
    (tmp_path / "results.jsonl").write_text("{]\n")
    with pytest.raises(ModelFormatError, match="not the results"):
        read_rows(tmp_path)


def test_numbers_are_shown_as_people_write_them() -> None:
    """Small ones with an exponent, others with three digits, none as a dash."""
    assert [show(x) for x in (1.5, 2e-9, 0.0, None, 7, "a")] == ["1.500", "2.0e-09", "0.000", "–", "7", "a"]


def test_widths_as_they_are_typed() -> None:
    """Ranges include both ends; what is no width is refused."""
    assert widths("4..6,9") == [4, 5, 6, 9]
    for text in ("", "4..", "6..4", "a", "-1"):
        with pytest.raises(InputError):
            widths(text)


def test_the_command(fractions: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sweep and its page from the command line; JSON on request; wrong use is one line and status 2."""
    model, out = str(tmp_path / "model"), str(tmp_path / "out")
    fractions.save(model)
    line = ["compress", model, "--dims", "5", "--seeds", "1", "--methods", "trained,pruned", "--steps", "10", "-o", out]
    assert status([*line, "--json"]) == 0
    assert [row["method"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["trained", "pruned"]
    assert status(["compress", "report", out]) == 0
    assert "report.html" in capsys.readouterr().out
    for wrong in (["compress", model], ["compress", model, "--dims", "5..99", "-o", out + "2"], ["compress", "a", "b"]):
        assert status(wrong) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_the_default_protocol_is_the_quick_one() -> None:
    """Soft heads and a polish, which the paper's protocol has not."""
    from raspc.compress import PAPER

    assert QUICK.temperature is not None and QUICK.polish > 0
    assert (PAPER.steps, PAPER.batch, PAPER.weight_decay, PAPER.temperature) == (300_000, 256, 0.1, None)
    assert (PAPER.rate(0.0), PAPER.rate(0.5), PAPER.rate(1.0)) == pytest.approx((1e-3, 1e-6, 1e-6))


def test_a_full_disk_loses_no_finished_width(fractions: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that cannot write its results says so; what was finished stands, and with room it goes on."""
    out, written = tmp_path / "out", results.write_file

    def full(path: Path, data: bytes) -> None:
        if path.name == "results.jsonl" and data.count(b"\n") > 2:
            raise InputError(f"cannot write {path}: No space left on device; choose another path")
        written(path, data)

    monkeypatch.setattr(results, "write_file", full)
    with pytest.raises(InputError, match="No space left"):
        sweep(fractions, (4, 5), out, seeds=1, methods=("pca", "svd"), **SHORT)
    assert [(row["d"], row["method"]) for row in read_rows(out)] == [(4, "pca"), (4, "svd")]
    monkeypatch.setattr(results, "write_file", written)
    rows = sweep(fractions, (4, 5), out, seeds=1, methods=("pca", "svd"), **SHORT)
    assert [(row["d"], row["method"]) for row in rows] == [(4, "pca"), (4, "svd"), (5, "pca"), (5, "svd")]


def test_the_function_is_no_module() -> None:
    """`raspc.compress.sweep` is the function, whichever module was imported first."""
    script = "import raspc.compress as c; c.write_page, c.load; assert callable(c.sweep) and callable(c.compress)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_sweep_without_its_compiled_model_heals(fractions: Model, tmp_path: Path) -> None:
    """What an earlier version, killed after its settings, left behind: the model is written when the sweep goes on."""
    rows = sweep(fractions, (4,), tmp_path, seeds=1, methods=("pca",), **SHORT)
    shutil.rmtree(tmp_path / "compiled")
    with pytest.raises(ModelFormatError, match="run the sweep again"):
        write_page(tmp_path)
    assert sweep(fractions, (4,), tmp_path, seeds=1, methods=("pca",), **SHORT) == rows
    assert write_page(tmp_path).exists()


def test_a_lost_best_model_is_made_again(fractions: Model, tmp_path: Path) -> None:
    """A width whose best model has lost its report, or is gone, is compressed again; others are not."""
    rows = sweep(fractions, (4, 5), tmp_path, seeds=1, methods=("pca",), **SHORT)
    (tmp_path / "best" / "d04" / "compression.json").unlink()
    kept = (tmp_path / "best" / "d05" / "config.json").stat().st_mtime_ns
    with pytest.raises(ModelFormatError, match="run the sweep again"):
        write_page(tmp_path)
    again = sweep(fractions, (4, 5), tmp_path, seeds=1, methods=("pca",), **SHORT)
    key = itemgetter("d")
    assert [{**row, "seconds": 0} for row in sorted(again, key=key)] == [{**row, "seconds": 0} for row in rows]
    assert write_page(tmp_path).exists()
    assert (tmp_path / "best" / "d05" / "config.json").stat().st_mtime_ns == kept


def test_another_models_directory_is_not_taken_for_a_sweep(fractions: Model, places: Model, tmp_path: Path) -> None:
    """A directory that holds somebody's `compiled` is left alone; this sweep's own, killed early, is gone on with."""
    places.save(tmp_path / "compiled")
    with pytest.raises(InputError, match="holds other files"):
        sweep(fractions, (4,), tmp_path, seeds=1, methods=("pca",), **SHORT)
    assert sweep(places, (4,), tmp_path, seeds=1, methods=("pca",), **SHORT)


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    """Dollars in the name of an s-op are no formula, and a long one does not make a huge picture."""
    program = (rasp.tokens + 1).named(r"$\frac{$") + (rasp.tokens * 3).named("x" * 50_000)
    model = raspc.compile(program, vocab={1, 2}, max_seq_len=2, optimize=0)
    sweep(model, (4,), tmp_path, seeds=1, methods=("pca",), **SHORT)
    write_page(tmp_path)
    assert max(path.stat().st_size for path in tmp_path.glob("*.png")) < 200_000
