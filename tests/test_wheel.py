"""The wheel alone, without extras, in a clean environment: the core needs no framework."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    """The standard output of a command that must succeed; nothing of this environment leaks into it."""
    hidden = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    environment = {name: text for name, text in os.environ.items() if name not in hidden}
    ran = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment that holds the wheel and what it requires."""
    place = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", place, ROOT, cwd=place)
    run(sys.executable, "-m", "venv", "--without-pip", place / "venv", cwd=place)
    programs = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (wheel,) = place.glob("raspc-*.whl")
    run(*pip, "--python", programs / "python", "install", "--no-compile", wheel, cwd=place)
    return programs


def test_reverse_compiles_and_runs(clean: Path, tmp_path: Path) -> None:
    """The two commands of a first visit work from the wheel."""
    run(
        clean / "raspc",
        "compile",
        "reverse",
        "--vocab",
        "a,b,c",
        "--max-seq-len",
        "5",
        "-o",
        "model",
        cwd=tmp_path,
    )
    assert run(clean / "raspc", "run", "model", "a", "b", "c", cwd=tmp_path) == "c b a\n"


def test_no_framework_was_installed(clean: Path, tmp_path: Path) -> None:
    """What the wheel requires brings no framework with it."""
    names = ("torch", "jax", "onnx", "transformers")
    program = f"import importlib.util as u; print([m for m in {names} if u.find_spec(m)])"
    assert run(clean / "python", "-c", program, cwd=tmp_path) == "[]\n"


def test_the_wheel_holds_what_it_needs(clean: Path, tmp_path: Path) -> None:
    """Files that are not Python (the grammar, the marker of types) are in the wheel too."""
    program = "import raspc, pathlib; print(*(p.name for p in pathlib.Path(raspc.__file__).parent.rglob('*')))"
    shipped = set(run(clean / "python", "-c", program, cwd=tmp_path).split())
    package = ROOT / "src" / "raspc"
    needed = {path.name for path in package.rglob("*") if path.is_file() and path.suffix not in {".pyc", ".py"}}
    assert {"py.typed"} <= needed <= shipped


def test_the_version_is_one(clean: Path, tmp_path: Path) -> None:
    """The package says what its metadata say."""
    program = "import raspc, importlib.metadata as m; print(raspc.__version__ == m.version('raspc'))"
    assert run(clean / "python", "-c", program, cwd=tmp_path) == "True\n"
