"""Several processes that save, load and die over one directory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.hand_built import random_model

from raspc import InputError
from raspc.weights import load, replacing
from raspc.weights.files import write_file

WRITER = """
import sys
sys.path.insert(0, {root!r})
from tests.hand_built import random_model
model = random_model(seed={seed})
for _ in range({times}):
    model.save({path!r})
"""


def writer(path: Path, seed: int, times: int) -> subprocess.Popen[bytes]:
    """A process that saves one model over and over."""
    script = WRITER.format(root=str(Path(__file__).parents[2]), seed=seed, times=times, path=str(path))
    return subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "OMP_NUM_THREADS": "1"})


def hidden(folder: Path) -> list[str]:
    """The temporary siblings in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="names are exchanged in one step there only")
def test_two_writers_and_a_reader(tmp_path: Path) -> None:
    """No save fails, the model is never gone, each look finds one of the two, and nothing is left."""
    path = tmp_path / "model"
    models = {seed: random_model(seed=seed).params["unembed/b"] for seed in (1, 2)}
    random_model(seed=1).save(path)
    writers = [writer(path, seed, 60) for seed in models]
    looks = 0
    while any(process.poll() is None for process in writers):
        assert path.is_dir()
        found = load(path).params["unembed/b"]
        assert any(np.array_equal(found, model) for model in models.values())
        looks += 1
    assert [process.returncode for process in writers] == [0, 0]
    assert looks > 1
    assert not hidden(tmp_path)


OLD = time.time() - 2 * replacing.ABANDONED


def left(name: Path, kind: str, age: float = OLD) -> None:
    """What a killed writer may have left under a name: a directory with half a file, or half a file."""
    if kind == "file":
        name.write_bytes(b"x")
    else:
        name.mkdir()
        (name / "half").write_bytes(b"x")
    os.utime(name, (age, age))


@pytest.mark.parametrize("kind", ["directory", "file"])
@pytest.mark.parametrize("save", ["directory", "file"])
def test_what_dead_writers_left_is_swept(save: str, kind: str, tmp_path: Path) -> None:
    """By the next save of the same name, and of no other; what is new, in use, a link or not ours is left alone."""
    swept = (".model.abcdefg1.tmp", ".model.abcdefg2.old")
    used, fresh, mine = ".model.used_one.tmp", ".model.fresh_on.tmp", ".model.mine.tmp"
    other, link = ".other.abcdefg1.tmp", ".model.abcdefg3.tmp"
    for name in (*swept, used, mine, other):
        left(tmp_path / name, kind)
    left(tmp_path / fresh, kind, time.time())
    os.symlink(tmp_path / other, tmp_path / link)
    with replacing._held(tmp_path / used):
        if save == "file":
            write_file(tmp_path / "model", b"new")
        else:
            random_model().save(tmp_path / "model")
    assert hidden(tmp_path) == sorted([fresh, mine, other, link, *([used] if replacing.fcntl else [])])


def test_names_that_cannot_be_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old directory steps aside, where a system lacks the exchange; nothing is left of it."""
    monkeypatch.setattr(replacing, "_NATIVE", {})
    for seed in (1, 2):
        random_model(seed=seed).save(tmp_path / "model")
        assert np.array_equal(load(tmp_path / "model").params["unembed/b"], random_model(seed=seed).params["unembed/b"])
    assert not hidden(tmp_path)


def test_what_stepped_aside_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where names are not exchanged: if the new directory cannot take the place, or its writer dies before it does."""
    monkeypatch.setattr(replacing, "_NATIVE", {})
    path, rename = tmp_path / "model", os.rename
    random_model(seed=1).save(path)

    def held_open(source: Path, target: Path) -> None:
        if Path(target) == path and Path(source).suffix == replacing.BUILDING:
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", held_open)
    with pytest.raises(InputError, match="Permission denied"):
        random_model(seed=2).save(path)
    monkeypatch.setattr(os, "rename", rename)
    assert np.array_equal(load(path).params["unembed/b"], random_model(seed=1).params["unembed/b"])
    assert not hidden(tmp_path)
    aside = tmp_path / ".model.abcdefgh.old"
    aside.mkdir()
    rename(path, aside / "model")
    os.utime(aside, (OLD, OLD))
    replacing.sweep(path)
    assert np.array_equal(load(path).params["unembed/b"], random_model(seed=1).params["unembed/b"])
    assert not hidden(tmp_path)


def test_a_failed_exchange_is_an_error(tmp_path: Path) -> None:
    """The system's reason comes back, and both directories stay."""
    (tmp_path / "new").mkdir()
    with pytest.raises(OSError, match=r"denied|Invalid|not permitted|No such"):
        replacing.take_place(tmp_path / "absent", tmp_path / "new")
    assert (tmp_path / "new").is_dir()
