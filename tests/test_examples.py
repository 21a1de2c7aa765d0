"""The examples run, and end as they say."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.clients
@pytest.mark.parametrize(("package", "options"), [("transformers", []), ("xllamacpp", ["--llama-cpp"])])
def test_a_chat_adds(package: str, options: list[str], tmp_path: Path) -> None:
    """Each line of the standard input is a message, and what is said is the sum."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    pairs = [[random.Random(seed).randrange(10**30) for seed in (n, n + 9)] for n in range(4)] + [[10**30 - 1, 1]]
    asked = "".join(f"{a:030}+{b:030}\n" for a, b in pairs)
    command = [sys.executable, EXAMPLES / "chat_with_an_adder.py", *options]
    ran = subprocess.run(command, cwd=tmp_path, input=asked, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines() == [f"{a + b:031}." for a, b in pairs]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "usage: python examples/serve_with_vllm.py DIRECTORY PROMPT"),
        (["nowhere", "3142="], "nowhere holds no checkpoint"),
        ([".", "3142="], "vLLM is not installed; it needs a GPU and: pip install vllm"),
    ],
)
def test_serving_by_vllm_says_what_it_needs(given: list[str], told: str, tmp_path: Path) -> None:
    """One line, and the status 1, where it cannot run."""
    if importlib.util.find_spec("vllm") is not None:
        pytest.skip("vLLM is installed")
    (tmp_path / "config.json").write_text("{}")
    command = [sys.executable, EXAMPLES / "serve_with_vllm.py", *given]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr.startswith(told) and len(ran.stderr.splitlines()) == 1
