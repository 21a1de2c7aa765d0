"""What compression needs beside the core."""

from __future__ import annotations

import importlib.util

from raspc.errors import InputError


def require(module: str, extra: str = "torch") -> None:
    """Raises InputError, which says what to install, where a framework is not."""
    try:
        present = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        present = False
    if not present:
        raise InputError(f"compression needs {module}, not installed here; pip install 'raspc[{extra}]'")
