"""Sweeps and trainings that are killed at each step of what they write: they go on, and end as if nobody had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fcntl")  # what follows forks

SWEEP = """
import functools, importlib, os, shutil, sys
sys.path.insert(0, {root!r})
import torch
torch.set_num_threads(1)
os.fsync = lambda descriptor: None  # what a power cut does is not asked here
import raspc
from raspc import library
from raspc.compress import page, results, sweep
from tests.killing import WRITES, killed
sweeping = importlib.import_module("raspc.compress.sweeping")
for name in ("outcome_of", "finished", "compact_width"):  # they write nothing, and a second run gives the same
    held = functools.cache(getattr(sweeping, name))
    setattr(sweeping, name, held if name != "outcome_of" else lambda *args, held=held: held(*args[:-1], None))
model = raspc.compile(library.frac_prevs(), vocab={{"a", "x"}}, max_seq_len=2, optimize=0)
path = {path!r}

def run():
    return sweep(model, (4,), path, seeds=1, methods=("trained", "pca"), steps=2, every=1, batch=4, polish=0)

whole = run()
step, alive = 0, True
while alive:
    shutil.rmtree(path)
    step += 1
    alive = killed(step, run, {{*WRITES, "os.mkdir"}})
    rows = run()
    assert rows == whole == results.read_rows(page.Path(path)), step
    page._models(page.Path(path), rows)
    table = open(os.path.join(path, "results.csv")).read()
    assert table.count("\\n") == len(rows) + 1, step
    left = [name for _, folders, names in os.walk(path) for name in (*folders, *names) if name.startswith(".")]
    assert not left, (step, left)
page.write_page(path)
print(step)
"""

TRAINING = """
import os, sys, warnings
sys.path.insert(0, {root!r})
import torch
torch.set_num_threads(1)
os.fsync = lambda descriptor: None  # what a power cut does is not asked here
import raspc
from raspc import library
from raspc.compress import Protocol
from raspc.compress.compressing import outcome_of
from tests.killing import WRITES, killed
model = raspc.compile(library.frac_prevs(), vocab={{"a", "x"}}, max_seq_len=2, optimize=0)
path = {path!r}
protocol = Protocol(steps=4, every=1, batch=4, polish=0)

def run(save=path):
    return outcome_of(model, 4, "trained", 1, protocol, None, save).runs.w

whole, step, alive = run(None), 0, True
while alive:
    step += 1
    alive = killed(step, run, WRITES)
    assert torch.equal(run(), whole), step
    left = [name for name in os.listdir(os.path.dirname(path)) if name.startswith(".")]
    assert not left, (step, left)
    os.unlink(path)
print(step)
"""


@pytest.mark.clients  # in a step of its own: a hundred processes
@pytest.mark.parametrize(("script", "steps"), [(SWEEP, 100), (TRAINING, 20)], ids=["sweep", "training"])
def test_killed_at_each_step_it_goes_on(script: str, steps: int, tmp_path: Path) -> None:
    """A real process dies before each operation on files, and before, amid and after each write, one by one."""
    text = script.format(root=str(Path(__file__).parents[2]), path=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", text], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > steps
