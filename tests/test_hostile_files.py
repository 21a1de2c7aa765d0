"""Sweeps, trainings, states of checks and artifacts that a stranger left: used or refused, in bounded memory."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests import fuzz_load, hostile_files

from raspc import InputError, ModelFormatError
from raspc.parity import artifacts

COUNTS = {"artifacts": 80, "check": 60, "training": 40, "sweep": 12, "resumed": 3}
"""How many changed directories of each kind are tried; a sweep takes longer."""


@pytest.mark.parametrize("kind", hostile_files.KINDS)
def test_changed_files_are_used_or_refused(kind: str) -> None:
    """A RaspcError comes out and nothing else; what is not changed is used."""
    assert hostile_files.try_one(kind, hostile_files.sound(kind)) == "used"
    rngs = [random.Random(seed) for seed in range(COUNTS[kind])]
    found = Counter(hostile_files.try_one(kind, hostile_files.changed(hostile_files.sound(kind), rng)) for rng in rngs)
    assert found.total() == COUNTS[kind] and (found["refused"] > 0 or kind == "resumed")


@pytest.mark.parametrize("kind", hostile_files.KINDS)
def test_the_fuzzer_takes_them_apart_and_puts_them_together(kind: str) -> None:
    """One string of bytes holds a directory."""
    target, held = fuzz_load.targets()[kind], hostile_files.sound(kind)
    assert fuzz_load.unpacked(target.corpus()[0], list(held)) == held


def npz(compression: int, size: int, claims: tuple[int, ...]) -> bytes:
    """An NPZ file of one array of zeros, whose header claims a shape."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": claims})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as held:
        held.writestr("x.npy", header.getvalue() + bytes(size))
    return file.getvalue()


GREEDY: dict[str, tuple[Callable[[], object], str]] = {
    "a zip bomb": (lambda: artifacts.npz_arrays(npz(zipfile.ZIP_DEFLATED, 10**8, (10**8 // 4,)), "x"), "compressed"),
    "a shape of terabytes": (lambda: artifacts.npz_arrays(npz(zipfile.ZIP_STORED, 8, (10**9, 10**9)), "x"), "claims"),
    "sizes that multiply to 0": (lambda: artifacts.npz_arrays(npz(zipfile.ZIP_STORED, 8, (0, 10**9)), "x"), "claims"),
    "objects": (lambda: artifacts.npy_array(b"\x93NUMPY\x01\0v\0{'descr': '|O', 'shape': (1,), }\n", "x"), "floating"),
    "one array twice": (lambda: artifacts.npz_arrays(twice(), "x"), "twice"),
}


def twice() -> bytes:
    """An NPZ file with two members of one name."""
    file = io.BytesIO()
    one = io.BytesIO()
    np.save(one, np.zeros(2, np.float32))
    with zipfile.ZipFile(file, "w") as held, pytest.warns(UserWarning, match="Duplicate"):
        for _ in range(2):
            held.writestr("x.npy", one.getvalue())
    return file.getvalue()


@pytest.mark.parametrize("name", GREEDY)
def test_arrays_that_claim_more_than_they_hold_are_refused(name: str) -> None:
    """Before anything is allocated for them."""
    read, words = GREEDY[name]
    with pytest.raises(ModelFormatError, match=words):
        read()


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3), (1, 2, 3)])
def test_arrays_come_back_as_numpy_wrote_them(shape: tuple[int, ...], order: str, dtype: str) -> None:
    """Of any rank, order and width."""
    array = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape, order=order)  # type: ignore[call-overload]
    file, many = io.BytesIO(), io.BytesIO()
    np.save(file, array)
    np.savez(many, x=array)
    for found in (artifacts.npy_array(file.getvalue(), "x"), artifacts.npz_arrays(many.getvalue(), "x")["x"]):
        assert found.shape == shape and found.dtype == array.dtype and np.array_equal(found, array)


SPARSE = """
import resource, sys
from pathlib import Path
from tests import hostile_files
from raspc import RaspcError
kind, place, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
hostile_files.subject()
if kind != "artifacts":
    import raspc.compress.compressing, raspc.compress.page
with open(place / name, "r+b") as file:
    file.truncate(6 * 2**30)
limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + 2**30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    hostile_files.KINDS[kind].use(place)
except RaspcError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process has already")
@pytest.mark.parametrize(
    ("kind", "name"),
    [("training", "training.safetensors"), ("sweep", "best/d04/compression.json"),
     ("check", "state"), ("artifacts", "tracr_majority_params.npz")],
)  # fmt: skip
def test_a_sparse_file_of_gigabytes_is_not_read(kind: str, name: str, tmp_path: Path) -> None:
    """Its size is looked at first: one line, within a gigabyte beyond what the process has."""
    for path, data in hostile_files.sound(kind).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    command = [sys.executable, "-c", SPARSE, kind, str(tmp_path), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert Path(name).name in done.stdout and done.stdout.count("\n") == 1


def test_a_search_that_would_never_end_is_refused(tmp_path: Path) -> None:
    """Wide layers with many head splits and many words: the work is counted first."""
    from raspc.parity import majority, mirror

    held = hostile_files.sound("artifacts")
    for name, data in held.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / majority.IDS).write_text(json.dumps({str(i): i for i in range(1000)}))
    with pytest.raises(InputError, match="found 1000 words, needed at most 256"):
        majority.check(tmp_path)
    wide = mirror.Inferred(40, 1, 5040, 5040, 5040, 4096, 6, 1, True)
    with pytest.raises(InputError, match="multiplications"):
        mirror._check_work([wide] * 120, 200, 720)
    with pytest.raises(InputError, match="at once"):
        mirror._check_work([wide], 4096, 1)
