"""The package from outside: its names, and what they are."""

from __future__ import annotations

import re
import subprocess
import sys

import raspc


def test_the_public_names_are_seen_and_no_others() -> None:
    """`raspc.<TAB>` in a new process, before anything was used."""
    code = "import raspc; print(*dir(raspc))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert seen == sorted(raspc.__all__)
    assert all(getattr(raspc, name) is not None for name in seen)


def test_the_version() -> None:
    """Three numbers; that the wheel has the same: tests/test_wheel.py."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", raspc.__version__)
