"""What strangers' files, odd calls, greedy texts, kills and rivals do to raspc: counts, not times.

The inputs are those of the tests, from the start of their numbers; `make fuzz-load` and `make fuzz-api` try more.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Table

MODELS, CALLS, SAVES, FILES = 400, 400, 60, 60
KINDS = ("sweep", "training", "check", "artifacts")


def table() -> Table:
    """A row for each kind of mischief."""
    rows = [hostile_models(), hostile_files(), odd_calls(), greedy_texts(), kills(), *killed_compressions(), rivals()]
    return Table("What goes wrong is one of our errors, and no file is lost", ("what was tried", "what came out"), rows)


def hostile_models() -> tuple[str, str]:
    """Saved models with changed files, given to every command where they load. A raw exception ends the run."""
    from tests import hostile

    refused = loaded = used = 0
    with tempfile.TemporaryDirectory() as place:
        for seed in range(MODELS):
            rng = random.Random(seed)
            hostile.write(Path(place) / "model", hostile.mutated_files(rng.choice(hostile.originals()), rng))
            count = hostile.use_by_commands(Path(place) / "model")
            refused, loaded, used = refused + (count is None), loaded + (count is not None), used + (count or 0)
    return f"{MODELS} changed models", f"{refused} refused, {loaded} loaded; {used} uses, 0 raw exceptions"


def hostile_files() -> tuple[str, str]:
    """Sweeps, trainings, checks and artifacts with changed files. A raw exception ends the run."""
    from tests import hostile_files as files

    counts: Counter[str] = Counter()
    for kind in KINDS:
        for seed in range(FILES):
            counts[files.try_one(kind, files.changed(files.sound(kind), random.Random(seed)))] += 1
    said = f"{counts['refused']} refused, {counts['used']} used; 0 raw exceptions"
    return f"{FILES * len(KINDS)} changed {', '.join(KINDS)}", said


def odd_calls() -> tuple[str, str]:
    """Calls and command lines with wrong arguments. A raw exception ends the run."""
    from tests import fuzz_api

    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        fuzz_api.prepare()
        found = Counter(map(fuzz_api.try_one, range(CALLS)))
    said = ", ".join(f"{count} {name}" for name, count in sorted(found.items()))
    return f"{CALLS} odd calls and command lines", f"{said}; 0 raw exceptions"


def greedy_texts() -> tuple[str, str]:
    """Short RASP texts that ask for gigabytes."""
    from tests.text.test_bounds import GREEDY

    from raspc import InvalidProgram
    from raspc.text import load_program

    refused = 0
    for text, _ in GREEDY.values():
        with contextlib.suppress(InvalidProgram):
            load_program(f"{text}\nanswer = indices;")
            continue
        refused += 1
    return f"{len(GREEDY)} RASP texts that ask for gigabytes", f"{refused} refused with their place"


def kills() -> tuple[str, str]:
    """A save that is killed before, amid and after each step."""
    from tests.weights.test_saving import KILLER

    return (
        "a save, killed at each of its steps",
        f"{_steps(KILLER)} kills: the old or the new model was there each time",
    )


def killed_compressions() -> Iterator[tuple[str, str]]:
    """A sweep and a training that are killed likewise, and go on."""
    from tests.compress.test_killed import SWEEP, TRAINING

    for what, script in (("a sweep", SWEEP), ("a training", TRAINING)):
        yield f"{what}, killed at each of its steps", f"{_steps(script)} kills: it went on and ended the same each time"


def _steps(script: str) -> str:
    """How many kills a script survived, or how it failed."""
    with tempfile.TemporaryDirectory() as place:
        text = script.format(root=os.getcwd(), path=str(Path(place) / "model"))
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "FAILED: " + done.stderr[-200:]


def rivals() -> tuple[str, str]:
    """Two processes that save one directory, and one that loads it all the while."""
    from tests.hand_built import random_model
    from tests.weights.test_replacing import hidden, writer

    from raspc.weights import load

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "model"
        random_model(seed=1).save(path)
        writers = [writer(path, seed, SAVES) for seed in (1, 2)]
        looks = 0
        while any(process.poll() is None for process in writers):
            load(path)
            looks += 1
        failed = sum(process.returncode != 0 for process in writers)
        left = len(hidden(Path(place)))
    return (
        f"2 writers, {SAVES} saves each, 1 reader",
        f"{failed} failed, {looks} loads, 0 without a model, {left} left over",
    )
