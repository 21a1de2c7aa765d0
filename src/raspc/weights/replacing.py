"""Directories and files that are replaced whole: a reader finds the old one or the new one; so does a killed writer.

Linux and macOS exchange the names of two directories in one step. Elsewhere the old one steps aside first, so that a
reader may find none for a moment. A file takes the place of another in one step everywhere.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

BUILDING, ASIDE = ".tmp", ".old"
"""The suffixes of our temporary siblings; their prefix is the hidden name of what they stand beside."""

NAMED = re.compile(r"[a-z0-9_]{8}")
"""What `tempfile` puts between prefix and suffix; a file of another name is not ours."""

FRESH = 5.0
"""Seconds for which a temporary sibling is left alone, whatever its lock says: its writer may be about to lock it."""

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
        with _held(made):
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """A file with these contents and permissions takes the place of whatever file has this path.

    It is written beside it first, and is on the disk before it has its name; of a failure nothing is left. What killed
    writers of the same path left is removed first. Raises OSError where it cannot be written.
    """
    sweep(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=BUILDING, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _lock(handle)
            file.write(data)
            file.flush()
            os.fsync(handle)
        os.chmod(name, mode)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def folders_above(path: Path) -> Iterator[None]:
    """Makes the folders above a path that are not there; if the block fails, those are gone again that are empty."""
    made = list(takewhile(lambda folder: not folder.exists(), path.parents))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


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
    """Removes the temporary siblings of a path, directories and files, whose writers are gone.

    A directory that had stepped aside comes back, if none took its place.
    """
    with suppress(OSError):
        for found in path.parent.glob(f".{_escaped(path.name)}.*"):
            with suppress(OSError):
                if is_temporary(found, path) and not found.is_symlink() and _is_abandoned(found):
                    _give_back(found, path)
                    _remove(found)


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def is_temporary(found: Path, path: Path) -> bool:
    """Whether a name is one that we give, beside a path, to what is not finished."""
    middle = found.name.removeprefix(f".{path.name}.").removesuffix(found.suffix)
    return found.suffix in (BUILDING, ASIDE) and bool(NAMED.fullmatch(middle))


def _give_back(found: Path, path: Path) -> None:
    if found.suffix == ASIDE and (found / path.name).exists() and not path.exists():
        os.rename(found / path.name, path)


def _remove(found: Path) -> None:
    if found.is_dir():
        shutil.rmtree(found, ignore_errors=True)
    else:
        found.unlink(missing_ok=True)


def _is_abandoned(found: Path) -> bool:
    age = time.time() - found.stat().st_mtime
    if fcntl is None:
        return age > ABANDONED
    if age < FRESH:
        return False
    with _held(found, wait=False) as held:
        return held


@contextmanager
def _held(path: Path, wait: bool = True) -> Iterator[bool]:
    """A lock on a directory or a file, by its name; says whether it was had. A pipe is not waited for."""
    if fcntl is None:
        yield True
        return
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield _lock(handle, wait)
    finally:
        os.close(handle)


def _lock(handle: int, wait: bool = True) -> bool:
    """Locks what is open until it is closed; says whether it was had."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks; what lies there is told by its age alone
        return True
    return True


def _exchange(one: Path, other: Path) -> None:
    """Two directories of one place exchange their names."""
    native = _NATIVE.get(sys.platform)
    if native is None or not native(os.fsencode(one), os.fsencode(other)):
        _step_aside(one, other)


def _step_aside(new: Path, path: Path) -> None:
    """The old directory is moved away, the new one takes its name, and the old one takes that of the new one.

    If the new one cannot take it, the old one gets its name back; `sweep` gives it back after a kill.
    """
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=ASIDE, dir=path.parent))
    old = aside / path.name
    try:
        os.rename(path, old)
        try:
            os.rename(new, path)
        except OSError:
            os.rename(old, path)
            raise
        os.rename(old, new)
    finally:
        with suppress(OSError):  # it is empty, unless the old directory could not be moved back
            aside.rmdir()


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
