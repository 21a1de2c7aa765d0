"""Runs over many models: what is asked is answered once, kept, and the same every time, whoever does the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc import lab, library
from raspc.lab import runs
from raspc.lab.runs import running, store, suites
from raspc.lab.runs.pools import processes
from raspc.lab.runs.suites import Suite
from raspc.lab.scores import score

METHODS, CORRUPTIONS = ("random", "eap", "node-patching"), ("shuffle", "mean")
OWN = '''
def flat(task):
    """Every edge alike."""
    return {edge: 1.0 for edge in task.edges}

def few(task):
    return {task.edges[0]: 1.0}

def broken(task):
    return 1 / 0
'''


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of two saved models."""
    place = tmp_path_factory.mktemp("suite")
    raspc.compile(library.reverse(), "ab", 3).save(place / "reverse")
    raspc.compile(library.hist(), "ab", 3, optimize=2).save(place / "hist")
    return place


@pytest.fixture(scope="module")
def done(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is finished, done by this process."""
    out = tmp_path_factory.mktemp("runs") / "out"
    runs.run(suite, METHODS, CORRUPTIONS, out, pairs=8, workers=0)
    return out


def contents(place: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def unasked(*job: object) -> None:
    """Work that is not to be done."""
    raise AssertionError(job)


def test_rows_are_what_scores_say(suite: Path, done: Path) -> None:
    """A row for each model, corruption, method and truth, in order, with the numbers of the functions themselves."""
    rows = runs.results(done)
    assert [(row["model"], row["corruption"], row["method"], row["truth"]) for row in rows] == [
        (model, corruption, method, truth)
        for model in ("hist", "reverse") for corruption in CORRUPTIONS for method in METHODS
        for truth in ("varying", "under")
    ]  # fmt: skip
    assert {(row["model"], row["level"]) for row in rows} == {("hist", 2), ("reverse", 1)}
    task = lab.task(raspc.load(suite / "reverse"), "mean", pairs=8)
    truth, said = lab.truths(task), lab.methods.method("eap")(task)
    worth = score(said, truth.varying, task).to_json()
    row = next(
        row for row in rows if (row["model"], row["corruption"], row["method"]) == ("reverse", "mean", "eap")
    )  # fmt: skip
    assert {name: row[name] for name in worth if name != "task"} == {n: v for n, v in worth.items() if n != "task"}
    under = score(said, truth.under, task).to_json()
    other = rows[rows.index(row) + 1]
    assert all(other[name] == under[name] for name in ("true", "auroc", "average_precision", "cpr", "faithfulness"))
    lines = (done / store.RESULTS).read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows


def test_the_same_bytes_from_several_processes(suite: Path, done: Path, tmp_path: Path) -> None:
    """Whoever answers, and in whatever order, the directory is the same to the last byte."""
    runs.run(suite, METHODS, CORRUPTIONS, tmp_path / "out", pairs=8, workers=2)
    assert contents(tmp_path / "out") == contents(done)


def test_what_is_answered_is_not_asked_again(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The same again does no work; another method, seed or number of pairs is asked for alone; nothing is lost."""
    out = tmp_path / "out"
    first = runs.run(suite, ("random", "weights"), ("shuffle",), out, pairs=8, workers=0)
    kept = contents(out)
    asked = list[tuple[str, ...]]()
    real = running.answered

    def counted(job: Any) -> Any:
        asked.append((job.model, *job.methods))
        return real(job)

    monkeypatch.setattr(running, "answered", counted)
    assert runs.run(suite, ("random", "weights"), ("shuffle",), out, pairs=8, workers=0) == first
    assert asked == [] and contents(out) == kept
    rows = runs.run(suite, ("random", "oracle"), ("shuffle",), out, pairs=8, seeds=2, workers=0)
    assert asked == [
        (model, *methods) for model in ("hist", "reverse") for methods in (("oracle",), ("random", "oracle"))
    ]  # fmt: skip
    assert {row["method"] for row in rows} == {"random", "oracle"} and {row["seed"] for row in rows} == {0, 1}
    assert runs.run(suite, ("random", "weights"), ("shuffle",), out, pairs=8, workers=0) == first and len(asked) == 4


def test_another_model_is_asked_again(tmp_path: Path) -> None:
    """An answer belongs to the bytes of its model."""
    raspc.compile(library.reverse(), "ab", 3).save(tmp_path / "suite" / "m")
    one = runs.run(tmp_path / "suite", ("weights",), ("shuffle",), tmp_path / "out", pairs=4, workers=0)
    raspc.compile(library.hist(), "ab", 3).save(tmp_path / "suite" / "m")
    two = runs.run(tmp_path / "suite", ("weights",), ("shuffle",), tmp_path / "out", pairs=4, workers=0)
    assert one[0]["candidates"] != two[0]["candidates"]


def test_a_suite_with_a_name_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each program at each level, once; the models are kept beside the answers."""
    few = Suite("library", "a few", ("hist", "num_prevs"))
    monkeypatch.setattr(suites, "SUITES", {"library": few})
    rows = runs.run("library", ("weights",), ("mean",), tmp_path / "out", levels=(0, 2), pairs=4, workers=0)
    assert [(row["model"], row["level"]) for row in rows[::2]] == [
        ("hist-O0", 0), ("hist-O2", 2), ("num_prevs-O0", 0), ("num_prevs-O2", 2)
    ]  # fmt: skip
    assert raspc.check(raspc.load(tmp_path / "out" / "models" / "num_prevs-O2")).ok
    monkeypatch.setattr(running, "compiled", unasked)
    assert runs.run("library", ("weights",), ("mean",), tmp_path / "out", pairs=4, workers=0) == rows


def test_the_suites_are_groups_of_the_library() -> None:
    """`library` is all of it, and each program is in one of the others."""
    others = [name for suite in runs.SUITES.values() if suite.name != "library" for name in suite.programs]
    assert runs.SUITES["library"].programs == tuple(library.PROGRAMS) and sorted(others) == sorted(library.PROGRAMS)
    found = runs.known()
    assert [one["name"] for one in found["corruptions"]] == list(lab.under.CORRUPTIONS)  # type: ignore[attr-defined]
    assert [one["name"] for one in found["methods"]] == list(lab.methods.METHODS)


def test_methods_of_ones_own(suite: Path, tmp_path: Path) -> None:
    """A function in a file is a method; what is wrong with it is told in its row; another text is asked again."""
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    names = [f"{file}:{name}" for name in ("flat", "few", "broken")]
    rows = runs.run(suite / "hist", names, ("shuffle",), tmp_path / "out", pairs=4, workers=0)
    flat, other, few, broken = rows
    assert flat["auroc"] == 0.5 and flat["truth"] == "varying" and other["truth"] == "under"
    assert (
        few["refused"]
        == f"{names[1]}: gave scores of 1 things; needed a score for each of task.edges, or of task.nodes"
    )
    assert broken["refused"] == f"{names[2]}: ZeroDivisionError: division by zero" and broken["truth"] is None
    file.write_text(OWN.replace("1.0 for", "float(len(edge)) for"))
    assert runs.run(suite / "hist", names, ("shuffle",), tmp_path / "out", pairs=4, workers=0)[0]["auroc"] != 0.5


def test_a_model_without_a_plan_is_refused_in_its_row(tmp_path: Path) -> None:
    """Others are answered all the same."""
    saved = Path(__file__).parents[1] / "saved" / "format1"
    found = sorted(path for path in saved.iterdir() if path.is_dir())
    rows = [row for path in found[:3] for row in
            runs.run(path, ("random",), ("shuffle",), tmp_path / path.name, pairs=4, workers=0)]  # fmt: skip
    assert rows and all((row["refused"] is None) == (row["truth"] is not None) for row in rows)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"suite": "nobody"}, "needed one of library, tracr"),
        ({"suite": "."}, "holds no saved models"),
        ({"methods": ["guess"]}, "there is no method 'guess'"),
        ({"methods": []}, "no methods given"),
        ({"methods": "eap"}, "methods is 'eap', needed a list"),
        ({"methods": ["none.py:f"]}, "none.py: cannot be read"),
        ({"corruptions": ["noise"]}, "corruption is 'noise', needed one of zero"),
        ({"levels": [3]}, "level is 3, needed one of 0, 1, 2"),
        ({"seeds": 0}, "seeds is 0, needed a whole number from 1"),
        ({"pairs": 0}, "pairs is 0"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"granularity": "direction"}, "granularity is 'direction'"),
        ({"workers": -1}, "workers is -1"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_refused_before_anything_runs(
    change: Mapping[str, Any], told: str, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that names it; nothing is written."""
    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {"suite": suite, "methods": ["eap"], "corruptions": ["mean"], "out": "out"} | dict(change)
    with pytest.raises(raspc.InputError) as raised:
        runs.run(asked.pop("suite"), asked.pop("methods"), asked.pop("corruptions"), asked.pop("out"), **asked)
    assert told in str(raised.value) and "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_other_files_is_left_alone(suite: Path, tmp_path: Path) -> None:
    """And so is a file."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(raspc.InputError, match="holds other files"):
        runs.run(suite, ("random",), ("mean",), tmp_path, workers=0)
    with pytest.raises(raspc.InputError, match="not a directory"):
        runs.run(suite, ("random",), ("mean",), tmp_path / "notes.txt", workers=0)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_malformed_directories_are_told(done: Path, tmp_path: Path) -> None:
    """No run, settings or answers that are none, an answer to another question: a ModelFormatError, nothing else."""
    with pytest.raises(raspc.ModelFormatError, match="needed a directory that `raspc lab run` wrote"):
        runs.results(tmp_path)
    whole = contents(done)
    answer = next(name for name in whole if name.startswith("answers/") and "eap" in name)
    other = next(name for name in whole if name.startswith("answers/") and "random" in name)
    for name in (store.SETTINGS, answer):
        for data in (b"", b"{", b"[]", b"{}", whole[name][:-20], whole[name].replace(b'"', b"'", 1), whole[other]):
            for path, text in whole.items():
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_bytes(data if path == name else text)
            with pytest.raises(raspc.ModelFormatError):
                runs.results(tmp_path)


def test_the_report(done: Path, tmp_path: Path) -> None:
    """A page that loads nothing from elsewhere, and two tables that pandas reads; the same bytes every time."""
    parquet = pytest.importorskip("pyarrow.parquet")
    written = runs.report(done)
    once = {path: path.read_bytes() for path in (written.page, *written.tables)}
    page = written.page.read_text()
    assert "<script" not in page and "http" not in page.replace("http-equiv", "") and "node-patching" in page
    assert (written.answers, written.planned) == (12, 12) and "12 of" not in page
    rows, edges = (parquet.read_table(path).to_pylist() for path in written.tables)
    assert [{k: v for k, v in row.items() if v is not None} for row in rows] == [
        {k: v for k, v in row.items() if v is not None} for row in runs.results(done)
    ]
    said = {(e["model"], e["corruption"], e["method"], e["edge"]): e for e in edges}
    for found in runs.answers(done):
        for name, value in found.scores.items():
            edge = said[found.model, found.question.corruption, found.method, name]
            assert edge["score"] == value and edge["varying"] == (name in found.held["varying"].true)
    assert runs.report(done) == written and {path: path.read_bytes() for path in once} == once


def test_names_are_no_markup(suite: Path, tmp_path: Path) -> None:
    """What a stranger called a directory or a function stays text on the page."""
    pytest.importorskip("pyarrow")
    odd = tmp_path / "<img src=x>"
    raspc.load(suite / "hist").save(odd / "<b>&m")
    (tmp_path / "mine.py").write_text(OWN)
    runs.run(odd, [f"{tmp_path}/mine.py:broken", "random"], ("mean",), tmp_path / "out", pairs=4, workers=0)
    page = runs.report(tmp_path / "out").page.read_text()
    assert "<b>" not in page and "<img" not in page and "&lt;b&gt;&amp;m" in page and "division by zero" in page


def test_a_report_of_what_there_is(done: Path, suite: Path, tmp_path: Path) -> None:
    """Of a run that is not finished the page says so; of one that has not begun there is none."""
    pytest.importorskip("pyarrow")
    for name, data in contents(done).items():
        if not name.endswith(".parquet") and "eap" not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
    written = runs.report(tmp_path)
    assert (written.answers, written.planned) == (8, 12) and "8 of 12" in written.page.read_text()
    for path in (tmp_path / "answers").rglob("*.json"):
        path.unlink()
    with pytest.raises(raspc.InputError, match="nothing is answered yet"):
        runs.report(tmp_path)


def test_the_summary_counts_models() -> None:
    """Means over models, each over its seeds; refused ones are counted apart."""
    facts = {"corruption": "mean", "level": 0, "method": "m"}
    rows: list[dict[str, Any]] = [
        facts | {"truth": "varying", "model": model, "refused": None, "auroc": a}
        for model, a in (("x", 1.0), ("x", 0.0), ("y", 1.0), ("z", None))
    ]  # fmt: skip
    refused = facts | {"truth": None, "model": "w", "refused": "no plan"}
    first, second = runs.summary([*rows, refused])
    assert (first.answers, first.refused, second.truth, second.answers) == (4, 1, "under", 0)
    found = first.means["auroc"]
    assert found is not None and (found.mean, found.models) == (0.75, 2) and first.means["cpr"] is None


# -- processes that end ---------------------------------------------------------------------------


def dies(job: int) -> int:
    """A worker that is killed at its second job, as for want of memory."""
    if job == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_worker_that_dies_is_told() -> None:
    """In one line that says what to do."""
    with pytest.raises(raspc.RaspcError, match="run the same again to go on"), processes(1) as each:
        list(each(dies, range(3)))


SLEEPER = """
import os, sys, time
from raspc.lab.runs.pools import processes

def sleeps(job):
    os.write(1, b"%d\\n" % os.getpid())  # in one piece: two of them write at one time
    time.sleep(600)

if __name__ == "__main__":
    with processes(2) as each:
        list(each(sleeps, range(2)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_who_asked(by: signal.Signals, tmp_path: Path) -> None:
    """However it ends, nobody goes on working."""
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    asked = subprocess.Popen(
        [sys.executable, tmp_path / "sleeper.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert asked.stdout is not None
    workers = [int(asked.stdout.readline()) for _ in range(2)]
    asked.send_signal(by)
    asked.wait(timeout=60)
    asked.stdout.close()
    deadline = time.monotonic() + 60
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline, workers
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    """Whether a process is there, and is no more than a name that nobody has asked after."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
