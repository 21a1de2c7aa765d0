"""Text files, read with suspicion."""

from __future__ import annotations

from pathlib import Path

from raspc.errors import InputError
from raspc.text.source import Source

MAX_FILE = 16 * 2**20


def read(path: Path) -> Source:
    """The text of a file.

    Raises InputError where it cannot be read as UTF-8 text of at most 16 MiB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise InputError(f"{path}: more than {MAX_FILE // 2**20} MiB; split the program into files")
        return Source(str(path), content.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {_reason(error)}") from error


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is no UTF-8; save the file as UTF-8"
    return error.strerror or str(error)
