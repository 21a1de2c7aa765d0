"""Runs that are killed at each step of what they write: they go on, and end as if nobody had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fcntl")  # what follows forks

SCRIPT = """
import functools, os, shutil, sys
sys.path.insert(0, {root!r})
import torch
torch.set_num_threads(1)
os.fsync = lambda descriptor: None  # what a power cut does is not asked here
from pathlib import Path
from raspc.lab import runs
from raspc.lab.runs import running, suites
from raspc.lab.runs.suites import Suite
from tests.killing import WRITES, killed
suites.SUITES = {{"library": Suite("library", "one", ("hist",))}}
for name in ("compiled", "answered"):  # they write nothing that is kept, and a second call gives the same
    real, known = getattr(running, name), {{}}
    setattr(running, name, lambda job, real=real, known=known: known.setdefault(repr(job), None) or known.update(
        {{repr(job): real(job)}}) or known[repr(job)])
place = Path({path!r})

def run():
    return runs.run("library", ("random", "weights"), ("mean",), place, levels=(2,), pairs=2, workers=0)

def contents():
    return {{str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}}

rows, whole = run(), contents()
step, alive = 0, True
while alive:
    shutil.rmtree(place)
    step += 1
    alive = killed(step, run, {{*WRITES, "os.mkdir"}})
    assert run() == rows, step
    found = contents()
    assert found == whole, (step, sorted(set(found) ^ set(whole)))
print(step)
"""


@pytest.mark.clients  # in a step of its own: many processes
def test_killed_at_each_step_it_goes_on(tmp_path: Path) -> None:
    """A real process dies before each operation on files, and before, amid and after each write, one by one."""
    text = SCRIPT.format(root=str(Path(__file__).parents[2]), path=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", text], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 60
