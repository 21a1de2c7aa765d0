"""Full disks, read-only places, no home, narrow terminals: one line, nothing half-written, nothing lost."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc.cli import streams
from raspc.cli.app import main, status
from raspc.text import terminal

from .conftest import Raspc

resource = pytest.importorskip("resource")

WRITERS: dict[str, tuple[str, ...]] = {
    "compile": ("compile", "reverse", "--vocab", "a,b", "--max-seq-len", "3", "-o", "OUT"),
    "convert": ("convert", "mine.rasp:x", "--vocab", "a,b", "--max-seq-len", "3", "-o", "OUT"),
    "view": ("view", "reverse", "a", "b", "-o", "OUT.html"),
    "check": ("check", "reverse", "--state", "OUT"),
    "npz": ("export", "reverse", "--to", "npz", "-o", "OUT.npz"),
    "torch": ("export", "reverse", "--to", "torch", "-o", "OUT.pt"),
    "safetensors": ("export", "reverse", "--to", "torch", "-o", "OUT.safetensors"),
    "onnx": ("export", "reverse", "--to", "onnx", "-o", "OUT.onnx"),
    "huggingface": ("export", "reverse", "--to", "huggingface", "-o", "OUT"),
    "compress": ("compress", "reverse", "--dims", "4", "--seeds", "1", "--methods", "pca", "-o", "OUT"),
    "compress report": ("compress", "report", "OUT"),
    "majority": ("parity", "majority", "--artifacts", "OUT", "--results", "OUT"),
}
"""Every command that writes; OUT stands for a path in the place."""

PACKAGES = {"torch": "torch", "safetensors": "torch", "onnx": "onnx", "huggingface": "transformers",
            "compress": "torch", "compress report": "matplotlib", "majority": "torch"}  # fmt: skip


def command(name: str, place: Path) -> list[str]:
    """The words of a command that writes into a place."""
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    Path("mine.rasp").write_text("x = tokens;\n")
    return [word.replace("OUT", str(place / "out")) for word in WRITERS[name]]


def held(place: Path) -> dict[str, bytes | None]:
    """Everything in a place, hidden or not."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(place.rglob("*"))}


def check_line(ran: Any, words: str) -> None:
    """One line that says what is wrong, and the status of bad input."""
    assert (ran.code, ran.out) == (2, ""), ran
    assert ran.err.count("\n") == 1 and ran.err.startswith("raspc: ") and words in ran.err, ran.err


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A limit that the system sets: a longer file is refused amid its write, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def prepared(raspc: Raspc, name: str, place: Path) -> list[str]:
    """The command, after what it needs; a report needs a sweep."""
    place.mkdir()
    if name == "compress report":
        assert raspc(*command("compress", place)).code == 0
    return command(name, place)


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_that_breaks_off_leaves_what_was_there(raspc: Raspc, name: str, tmp_path: Path) -> None:
    """The system refuses a file amid its write: nothing is left of it, and an older one is as it was."""
    line = prepared(raspc, name, tmp_path / "place")
    before = held(tmp_path / "place")
    for _ in range(2):
        with files_of_at_most(30):
            ran = raspc(*line)
        check_line(ran, "cannot write ")
        assert held(tmp_path / "place") == before
        assert raspc(*line).code == 0
        before = held(tmp_path / "place")


@pytest.mark.parametrize(
    ("name", "code"),
    [*((name, errno.EACCES) for name in WRITERS), ("compile", errno.ENOSPC), ("view", errno.EROFS)],
)
def test_a_place_that_takes_nothing(
    raspc: Raspc, name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file can be made there at all."""
    line, before = prepared(raspc, name, tmp_path / "place"), held(tmp_path / "place")

    def refuse(*args: Any, dir: Any = None, **how: Any) -> Any:
        raise OSError(code, os.strerror(code), str(dir))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    check_line(raspc(*line), os.strerror(code))
    assert held(tmp_path / "place") == before


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A small file system in memory; the test is left out where one may not be mounted."""
    place.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
@pytest.mark.parametrize(
    ("options", "words"), [("size=16k", "No space left on device"), ("ro", "Read-only file system")]
)
def test_a_real_disk_that_is_full_or_read_only(raspc: Raspc, options: str, words: str, tmp_path: Path) -> None:
    """The same of a small file system, where there is one: one that fills up amid the files of a model."""
    with mounted(tmp_path / "place", options):
        for name in ("compile", "view", "npz", "check"):
            if options == "ro" or name == "compile":
                check_line(raspc(*command(name, tmp_path / "place")), words)
                assert held(tmp_path / "place") == {}


def test_folders_that_were_made_in_vain_are_gone(raspc: Raspc, tmp_path: Path) -> None:
    """Those above a path that could not be written, and no others."""
    (tmp_path / "mine").mkdir()
    for name in ("compile", "view", "npz"):
        with files_of_at_most(30):
            check_line(raspc(*command(name, tmp_path / "mine" / "a" / "b")), "cannot write ")
        assert held(tmp_path / "mine") == {}


def test_devices_are_not_replaced(raspc: Raspc, tmp_path: Path) -> None:
    """A pipe, or `/dev/null` (which root could replace by a file): refused, and as it was."""
    os.mkfifo(tmp_path / "out.npz")
    check_line(raspc(*command("npz", tmp_path)), "it is no regular file")
    assert (tmp_path / "out.npz").is_fifo()
    check_line(raspc("export", "reverse", "--to", "npz", "-o", os.devnull), "it is no regular file")
    assert Path(os.devnull).is_char_device()


# --- what is said, and where it goes ----------------------------------------------------------------------

SPEAKERS: dict[str, tuple[str, ...]] = {
    "list": ("list",), "list as JSON": ("list", "--json"), "passes": ("list", "--passes"), "help": ("--help",),
    "inspect": ("inspect", "mixed"), "explain": ("inspect", "mixed", "--explain"),
    "plan": ("inspect", "mixed", "--plan"),
    "run": ("run", "mixed", "2", "1x", "--trace"), "JSON": ("run", "mixed", "2", "1x", "--json"),
    "check": ("check", "mixed"), "certify": ("certify", "mixed"),
    "wrong": ("run", "mixed", "é−😀"),
    "wrong as JSON": ("run", "mixed", "é−😀", "--json"),
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1", "shift_jis", "utf-16", "utf-8"])
@pytest.mark.parametrize("name", SPEAKERS)
def test_any_encoding_will_do(raspc: Raspc, name: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command answers, in what the encoding has; JSON stays JSON."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with pytest.raises(SystemExit) as left:
        main(SPEAKERS[name])
    assert left.value.code == (2 if name.startswith("wrong") else 0)
    said = out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert said or name == "wrong"
    if "--json" in SPEAKERS[name]:
        json.loads(said)
    if name.startswith("wrong"):
        assert err.buffer.getvalue().decode(encoding).count("\n") == 1  # type: ignore[attr-defined]


def test_what_stands_for_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs that a page of ours uses are spelt, others escaped; a stream whose user chose otherwise is left alone."""
    out, chosen = io.TextIOWrapper(io.BytesIO(), "ascii"), io.TextIOWrapper(io.BytesIO(), "ascii", errors="replace")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", chosen)
    streams.prepare()
    print("2·x − 1 … é \ud800", flush=True)
    print("é", file=sys.stderr, flush=True)
    assert out.buffer.getvalue() == b"2*x - 1 ... \\xe9 \\ud800\n"  # type: ignore[attr-defined]
    assert chosen.buffer.getvalue() == b"?\n"  # type: ignore[attr-defined]


RUN = [sys.executable, "-m", "raspc"]


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", "2>/dev/full", ">/dev/full 2>/dev/full", "2>&-"])
@pytest.mark.parametrize("words", [("list", "--json"), ("nosuch",)])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_answer_that_finds_no_room(words: tuple[str, ...], redirection: str) -> None:
    """Standard output or error is full, or closed: one line at most, and no traceback."""
    done = subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "-", *RUN, *words], capture_output=True, text=True, check=False
    )
    full, wrong = ">/dev/full" in redirection.replace("2>/dev/full", ""), words == ("nosuch",)
    assert done.returncode == (2 if full or wrong else 0)
    assert done.stderr.count("\n") <= 1 and "Traceback" not in done.stderr + done.stdout


def test_nobody_knows_where_home_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a user whom the system does not know: the prompt keeps its history in memory."""

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    assert type(terminal._history()).__name__ == "InMemoryHistory"


@pytest.mark.parametrize("words", [("list",), ("repl",), ("compress", "report", "absent")])
def test_a_bare_environment(words: tuple[str, ...]) -> None:
    """No HOME, no PATH, the locale C: the answer, or one line."""
    bare = {
        "PYTHONPATH": str(Path(raspc.__file__).parents[1]),
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    }
    done = subprocess.run([*RUN, *words], env=bare, input=b'x = "\xc3\xa9";\n', capture_output=True, check=False)
    assert done.returncode == (2 if "absent" in words else 0), done.stderr
    assert done.stderr.count(b"\n") <= 1 and b"Traceback" not in done.stderr


def test_the_status_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Streams that work change nothing."""
    with pytest.raises(SystemExit) as left:
        main(["run", "nowhere", "a"])
    assert left.value.code == status(["run", "nowhere", "a"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
