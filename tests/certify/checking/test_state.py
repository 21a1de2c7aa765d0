"""A check that was interrupted goes on from its state and reports the same; no other file is taken for a state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import raspc
from raspc import InputError, jsonvalues, library
from raspc.certify.checking import check as checking
from raspc.certify.checking import inputs, ordered, state
from raspc.certify.checking.check import Report, check
from raspc.weights import Model


@pytest.fixture(autouse=True)
def many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, a state after each, symmetries sought at once."""
    monkeypatch.setattr(inputs, "CELLS", 200)
    monkeypatch.setattr(state, "SECONDS", 0.0)
    monkeypatch.setattr(checking, "WORTH_A_PROOF", 0)


@cache
def model_of(sound: bool = True) -> Model:
    """The library's `reverse`, or the same with its last position embedded as the one before."""
    model = raspc.compile(library.reverse(), "abc", 4, certify=False)
    if sound:
        return model
    params = {name: np.array(model.params[name]) for name in model.params}
    params["pos_embed/embeddings"][-1] = params["pos_embed/embeddings"][-2]
    return replace(model, params=params)


class Interrupted(Exception):
    """What the person at the keyboard does."""


def after(batches: int) -> Callable[[int, int], None]:
    """A progress that interrupts after so many batches."""
    calls = iter(range(batches))

    def progress(done: int, total: int) -> None:
        if next(calls, None) is None:
            raise Interrupted

    return progress


ASKED: dict[str, dict[str, Any]] = {
    "all": {},
    "all, each one run": {"symmetric": False},
    "random": {"limit": 90, "seed": 3},
    "one thread": {"threads": 1},
    "threads": {"threads": 3},
}


@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize("asked", ASKED)
def test_an_interrupted_check_goes_on(asked: str, sound: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted after each of its batches, again and again: the report of a check that nobody disturbed."""
    monkeypatch.setattr(ordered, "ALONE", 0.0)
    model, options = model_of(sound), ASKED[asked]
    expected = check(model, **options)
    assert expected.ok == sound
    ends = 0
    for batches in range(4):
        path = tmp_path / f"{batches}.state"
        while True:
            try:
                assert check(model, **options, state=path, progress=after(batches)) == expected
                break
            except Interrupted:
                ends += 1
    assert ends >= 5


def test_a_finished_check_is_not_run_again(tmp_path: Path) -> None:
    """Its state holds the report."""
    expected = check(model_of(False), state=tmp_path / "state")
    assert check(model_of(False), state=tmp_path / "state", progress=after(0)) == expected


def test_answers_that_hang_by_a_thread_are_all_run_after_an_interruption_too(tmp_path: Path) -> None:
    """A check that had to do without symmetry goes on without."""
    params = {name: np.array(model_of().params[name]) for name in model_of().params}
    params["unembed/w"] *= 0.1
    faint = replace(model_of(), params=params)
    expected = check(faint)
    assert (expected.ran, expected.symmetric) == (120, ())
    for batches in (1, 2, 5):
        path = tmp_path / f"{batches}.state"
        with pytest.raises(Interrupted):
            check(faint, state=path, progress=after(batches))
        assert check(faint, state=path) == expected


KILLER = """
import os, signal, sys, warnings
sys.path.insert(0, {root!r})
from raspc.certify.checking import check as checking, inputs, state
from tests.certify.checking.test_state import model_of
inputs.CELLS, state.SECONDS, path = 3000, 0.0, {path!r}
model = model_of(False)
expected = checking.check(model)
step, alive = 0, True
while alive:
    step += 1
    child = os.fork()
    if child == 0:
        count = 0
        def hook(event, args):
            global count
            count += event in ("open", "os.rename", "os.chmod", "os.remove")
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        checking.check(model, state=path, threads=1)
        os._exit(0)
    alive = os.waitpid(child, 0)[1] != 0
    assert checking.check(model, state=path) == expected, step
    os.remove(path)
print(step)
"""


@pytest.mark.clients
def test_a_killed_check_goes_on(tmp_path: Path) -> None:
    """A real process, killed before each of its operations on files, one after another."""
    script = KILLER.format(root=str(Path(__file__).parents[3]), path=str(tmp_path / "state"))
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10, done.stdout


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The state of a finished check."""
    check(model_of(), state=tmp_path / "kept")
    return tmp_path / "kept"


def forged(path: Path, kept: Path, change: Callable[[Any], None]) -> Path:
    """A state changed by someone who makes its sum fit."""
    content = json.loads(kept.read_bytes())
    content.pop("sum")
    change(content)
    path.write_bytes(jsonvalues.dumps(content | {"sum": state._sum(content)}))
    return path


OTHERS: dict[str, tuple[Callable[[Any], None], str]] = {
    "another model": (lambda s: s.update(model="0" * 64), "another model"),
    "another limit": (lambda s: s["plan"].update(limit=7), "another limit"),
    "another precision": (lambda s: s["plan"].update(dtype="float64"), "precision"),
    "another symmetry": (lambda s: s["plan"].update(classes=[[0, 1]]), "symmetry"),
    "other batches": (lambda s: s.update(cells=100), "another version"),
    "another format": (lambda s: s.update(format=1), "not the state"),
    "no plan": (lambda s: s.update(plan=None), "not the state"),
    "a count below 0": (lambda s: s["tally"].update(failures=-1), "not the state"),
    "a count of words": (lambda s: s["tally"].update(checked="all"), "not the state"),
    "an error of words": (lambda s: s["tally"].update(max_error="none"), "not the state"),
    "an input of words": (lambda s: s["tally"].update(first=["a"]), "not the state"),
    "an input outside the vocabulary": (lambda s: s["tally"].update(first=[99]), "not the state"),
    "no tally": (lambda s: s.pop("tally"), "not the state"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_state_of_another_check_is_refused(name: str, kept: Path, tmp_path: Path) -> None:
    """In one line that says whose it is, and what to do; the file stays as it is."""
    change, words = OTHERS[name]
    path = forged(tmp_path / "state", kept, change)
    before = path.read_bytes()
    with pytest.raises(InputError, match=words) as refused:
        check(model_of(), state=path)
    assert str(refused.value).endswith("give another file, or delete it to start again")
    assert path.read_bytes() == before


@cache
def undisturbed() -> Report:
    """What a check reports that nobody interrupts."""
    return check(model_of())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_altered_state_is_refused(data: st.DataObject, kept: Path, tmp_path: Path) -> None:
    """Bytes flipped, cut or added."""
    original = kept.read_bytes()
    start = data.draw(st.integers(0, len(original) - 1))
    end = data.draw(st.integers(start, min(len(original), start + 8)))
    path = tmp_path / "state"
    path.write_bytes(original[:start] + data.draw(st.binary(max_size=8)) + original[end:])
    try:
        assert check(model_of(), state=path) == undisturbed()
    except InputError as error:
        assert "\n" not in str(error)


CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "an object": b"{}",
    "null": b"null",
    "deep": b"[" * 10**5,
    "a wrong sum": b'{"sum": 1}',
    "noise": b"\xff" * 10,
    "long": b" " * (2 << 20),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
def test_other_files_are_refused_and_kept(content: bytes, tmp_path: Path) -> None:
    """A file of another kind is not overwritten."""
    path = tmp_path / "thesis.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the state of a check"):
        check(model_of(), state=path)
    assert path.read_bytes() == content


def test_a_path_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    """Before any work is done."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        check(model_of(), state=tmp_path / "file" / "state", progress=after(0))
