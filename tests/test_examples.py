"""The examples run, and end as they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_demo_passes(tmp_path: Path) -> None:
    """What `make demo` runs: compile, check every input, run one, compare with PyTorch."""
    command = [sys.executable, EXAMPLES / "majority.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2,046 inputs, all that there are: 0 differ" in ran.stdout
    assert "Outputs match: True" in ran.stdout
    assert "Max abs diff: " in ran.stdout
    assert (tmp_path / "results" / "parity_summary.json").is_file()
