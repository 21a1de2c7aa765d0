"""Directories that are replaced whole: a reader finds the old one or the new one; a killed writer leaves one of them.

Linux and macOS exchange two names in one step. Elsewhere the old directory steps aside first, so that a reader may
find none for a moment.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

BUILDING, ASIDE = ".tmp", ".old"
"""The suffixes of our temporary siblings; their prefix is the hidden name of what they stand beside."""

FRESH = 60.0
"""Seconds for which a temporary directory is left alone, whatever its lock says: its writer may be about to lock it."""

ABANDONED = 24 * 3600.0
"""Seconds after which it is nobody's, where there are no locks."""

TRIES = 20
"""How often a name is tried that other writers give and take meanwhile, with a longer pause after each try."""


@contextmanager
def building(path: Path) -> Iterator[Path]:
    """A temporary sibling of a directory to write into; it is gone when the block ends, however it ends.

    It is locked while the block runs. What killed writers of the same path left is removed first.
    """
    sweep(path)
    made = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=BUILDING, dir=path.parent))
    try:
        with _locked(made):
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def take_place(new: Path, path: Path) -> None:
    """Gives a directory the name of another; the other then stands where the first one did, if there was one.

    Raises OSError where the name cannot be taken.
    """
    for attempt in range(TRIES):
        try:
            (_exchange if path.exists() else os.rename)(new, path)
            return
        except OSError as error:
            if attempt == TRIES - 1 or error.errno not in _ANOTHER_WRITER:
                raise
            time.sleep(0.001 * attempt)


def identity(path: Path) -> tuple[int, int, int] | None:
    """What tells a directory from one that took its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns


def sweep(path: Path) -> None:
    """Removes the temporary siblings of a path whose writers are gone."""
    with suppress(OSError):
        for found in path.parent.glob(f".{_escaped(path.name)}.*"):
            if found.suffix in (BUILDING, ASIDE) and found.is_dir() and not found.is_symlink() and _is_abandoned(found):
                shutil.rmtree(found, ignore_errors=True)


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_abandoned(directory: Path) -> bool:
    age = time.time() - directory.stat().st_mtime
    if fcntl is None:
        return age > ABANDONED
    if age < FRESH:
        return False
    with _locked(directory, wait=False) as held:
        return held


@contextmanager
def _locked(directory: Path, wait: bool = True) -> Iterator[bool]:
    """A lock on the directory itself, which ends with the process that holds it; says whether it was had."""
    if fcntl is None:
        yield True
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


def _exchange(one: Path, other: Path) -> None:
    """Two directories of one place exchange their names."""
    native = _NATIVE.get(sys.platform)
    if native is None or not native(os.fsencode(one), os.fsencode(other)):
        _step_aside(one, other)


def _step_aside(new: Path, path: Path) -> None:
    """The old directory is moved away, the new one takes its name, and the old one takes that of the new one."""
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=ASIDE, dir=path.parent))
    try:
        os.rename(path, aside / path.name)
        os.rename(new, path)
        os.rename(aside / path.name, new)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _linux(one: bytes, other: bytes) -> bool:
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of <linux/fs.h>
    return _called("renameat2", here, one, here, other, exchange)


def _darwin(one: bytes, other: bytes) -> bool:
    swap = 2  # RENAME_SWAP of <stdio.h>
    return _called("renamex_np", one, other, swap)


def _called(name: str, *args: int | bytes) -> bool:
    """Calls a function of the C library. False where it is not there, or the file system does not have it."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, name):
        return False
    if getattr(library, name)(*args) == 0:
        return True
    code = ctypes.get_errno()
    if code in _LACKING:
        return False
    raise OSError(code, os.strerror(code))


_ANOTHER_WRITER = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY}
"""By which we learn that another writer came first, or went: the name is there now, or is there no more."""

_LACKING = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""By which a file system says that it exchanges no names."""

_NATIVE: dict[str, Callable[[bytes, bytes], bool]] = {"linux": _linux, "darwin": _darwin}
