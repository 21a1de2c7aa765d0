"""The example on compression runs, and shows what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "compression.py"


def test_the_example_runs() -> None:
    """From top to bottom; what readers read is exact, components are not, swaps are right in the compiled model."""
    ran = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = {line.split(maxsplit=1)[0]: line for line in ran.stdout.splitlines()}
    assert lines["readers"].endswith("accurate and faithful")
    assert lines["pca"].endswith("not accurate")
    assert all(line.endswith("compiled 100.0%") for line in ran.stdout.splitlines() if line.startswith("swap"))
