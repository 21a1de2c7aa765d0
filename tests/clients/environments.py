"""Virtual environments for tools of other people, with versions pinned to the last package.

Each is made once by uv (or pip) and kept under `artifacts/clients`, or RASPC_CLIENTS, by the hash of its pins.
PyTorch is borrowed from the environment of the tests: it is large, and the tools take the one that there is.

The pins are what `uv pip freeze` says after an installation of the tool and of what raspc needs, PyTorch left out.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

PINS = Path(__file__).parent / "environments"
ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
BORROWED = ("torch", "torch-*.dist-info", "torchgen", "functorch", "nvidia", "triton", "cuda")
DONE = "done"


def python_of(name: str) -> Path:
    """The Python of an environment, which is made if it is not there. Skips the test where it cannot be made."""
    pins = PINS / f"{name}.txt"
    key = hashlib.sha256(pins.read_bytes() + sys.version.encode() + sys.prefix.encode()).hexdigest()[:12]
    home = Path(os.environ.get("RASPC_CLIENTS") or ROOT / "artifacts" / "clients") / f"{name}-{key}"
    if not (home / DONE).exists():
        shutil.rmtree(home, ignore_errors=True)
        try:
            _make(home, pins)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(home, ignore_errors=True)
            told = getattr(error, "stderr", None) or str(error)
            pytest.skip(f"no environment for {name}: {str(told).strip().splitlines()[-1:]}")
    return home / "bin" / "python"


def _make(home: Path, pins: Path) -> None:
    """An empty environment, the pinned packages and no others, and a way to PyTorch."""
    python = str(home / "bin" / "python")
    if (uv := _uv()) is not None:
        _run([*uv, "venv", "--quiet", "--python", sys.executable, str(home)])
        _run([*uv, "pip", "install", "--quiet", "--python", python, "--no-deps", "-r", str(pins)])
    else:
        _run([sys.executable, "-m", "venv", str(home)])
        _run([python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(pins)])
    _borrow(home)
    (home / DONE).touch()


def _uv() -> list[str] | None:
    """How uv is called, if it is installed."""
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    return None if found is None else [found]


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)


def _borrow(home: Path) -> None:
    """Links to the packages of PyTorch, and to nothing beside them."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        raise OSError("PyTorch is not installed")
    theirs, links = Path(found.origin).parents[1], home / "borrowed"
    links.mkdir()
    for pattern in BORROWED:
        for package in theirs.glob(pattern):
            (links / package.name).symlink_to(package)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(f"{links}\n")


def told(environment: str, script: str, *arguments: Path, raspc: bool, timeout: float = 600) -> Any:
    """What a script prints at its end, as JSON, run in an environment; with raspc on its path, or without."""
    python = python_of(environment)
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "WANDB_MODE": "off"}
    variables |= {"PYTHONPATH": str(ROOT / "src")} if raspc else {}
    ran = subprocess.run(
        [str(python), "-P", str(SCRIPTS / script), *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=timeout, env=variables,
    )  # fmt: skip
    assert ran.returncode == 0, f"{script} in {environment}: {ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
    return json.loads(ran.stdout.splitlines()[-1])
