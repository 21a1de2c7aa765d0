"""Files written whole or not at all, and files read with suspicion."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from raspc.errors import InputError, ModelFormatError
from raspc.weights import replacing


@contextmanager
def fresh_directory(target: str | PathLike[str], marker: str) -> Iterator[Path]:
    """A temporary sibling of `target` that takes its place when the block ends without an error.

    A directory that stands there is replaced only if it is empty or holds the file `marker`, so that a
    mistyped path never deletes what is not ours. However the block is interrupted, `target` is then the old
    directory or the new one, never half of one.

    Raises InputError for a path that cannot be written.
    """
    path = Path(os.path.abspath(target))
    with writing(path):
        _check_replaceable(path, marker)
        with replacing.folders_above(path), replacing.building(path) as building:
            yield building
            _make_ordinary(building)
            replacing.take_place(building, path)


@contextmanager
def writing(path: str | PathLike[str]) -> Iterator[None]:
    """Turns an `OSError` of the block into an InputError that names the path; likewise a name that no file can have."""
    try:
        if not _can_be_a_name(path):
            raise InputError(f"cannot write {str(path)!r}: no file has such a name; choose another path")
        yield
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; choose another path") from error


def _can_be_a_name(path: str | PathLike[str]) -> bool:
    """Whether a file can be called so: half of a pair of surrogates is no character."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _check_replaceable(path: Path, marker: str) -> None:
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise InputError(f"cannot write {path}: it is not a directory; choose another path")
    if any(path.iterdir()) and not (path / marker).is_file():
        raise InputError(f"cannot write {path}: the directory holds other files and no {marker}; choose another path")


def _make_ordinary(building: Path) -> None:
    """The permissions that a user's own files have, also for those that a library wrote for its user alone."""
    mask = _umask()
    os.chmod(building, 0o777 & ~mask)
    for path in building.rglob("*"):
        if not path.is_symlink():
            os.chmod(path, path.stat().st_mode | ((0o777 if path.is_dir() else 0o666) & ~mask))


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def write_files(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Each file of `contents` in the directory, flushed to the disk."""
    for name, data in contents.items():
        with open(directory / name, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def write_file(path: str | PathLike[str], data: bytes) -> None:
    """One file, under a temporary name until it is whole.

    Raises InputError for a path that cannot be written; nothing is then left of the file, and what stood there stays.
    """
    target = Path(os.path.abspath(path))
    with writing(target):
        if target.exists() and not target.is_file():
            raise InputError(f"cannot write {target}: it is no regular file; choose another path")
        with replacing.folders_above(target):
            replacing.replace_file(target, data, 0o666 & ~_umask())


def write_text(path: str | PathLike[str], text: str) -> Path:
    """A text as UTF-8, half a character as its escape; gives the path. Raises InputError where it cannot be written."""
    write_file(path, text.encode("utf-8", "backslashreplace"))
    return Path(path)


def read_file(directory: Path, name: str, most: int) -> bytes:
    """The bytes of a regular file that truly lies in the directory and has at most `most` of them.

    Raises ModelFormatError otherwise; the size is checked before anything is read.
    """
    where = directory / name
    try:
        # Strict, so that a loop of links is an error here; non-blocking, so that a pipe does not hang.
        real = where.resolve(strict=True)
        if real.parent != directory.resolve(strict=True):
            raise ModelFormatError(f"{where}: found a link to {real}; needed a file inside the directory")
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(real, flags), "rb") as file:
            return _read(file.fileno(), where, most)
    except FileNotFoundError as error:
        raise ModelFormatError(f"{directory}: holds no {name}; is this a saved model?") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelFormatError(f"{where}: cannot be read: {error}; is this a saved model?") from error


def _read(descriptor: int, where: Path, most: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise ModelFormatError(f"{where}: needed a regular file")
    if found.st_size > most:
        raise ModelFormatError(f"{where}: found {found.st_size} bytes, the limit is {most}")
    with open(descriptor, "rb", closefd=False) as file:
        data = file.read(found.st_size + 1)
    if len(data) != found.st_size:
        raise ModelFormatError(f"{where}: changed while it was read")
    return data


def npz_arrays(arrays: Mapping[str, Any], dtype: str = "float32") -> dict[str, np.ndarray[Any, Any]]:
    """The arrays under names fit for an NPZ file: `/` as `__`. Raises InputError for a dtype NumPy lacks."""
    if dtype == "bfloat16":
        raise InputError("an NPZ file cannot hold bfloat16; export float32 or float16")
    return {npz_name(name): np.array(array, dtype) for name, array in arrays.items()}


def npz_name(name: str) -> str:
    """What a parameter is called in an NPZ file."""
    return name.replace("/", "__")


def write_npz(path: str | PathLike[str], arrays: Mapping[str, Any], dtype: str = "float32") -> None:
    """The arrays as an NPZ file. Raises InputError for a path that cannot be written."""
    buffer = io.BytesIO()
    np.savez(buffer, **npz_arrays(arrays, dtype))  # type: ignore[arg-type]
    write_file(path, buffer.getvalue())
