"""Scripts as Tracr's users wrote them, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPTS = sorted((HERE / "scripts").glob("*.py"))
NEEDS = {"notebook": ("torch", "einops"), "gradients": ("jax", "haiku"), "data_maker": ("networkx",)}

WITH_TWO_LINES = """
import sys, runpy
import raspc.compat.tracr
raspc.compat.tracr.install()
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process, with the stand-ins for frameworks first on its path."""
    path = os.pathsep.join([str(HERE / "stubs"), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env=env, check=False, timeout=300)


def required(script: Path) -> None:
    """Skips a script that needs a framework which is not installed."""
    for module in NEEDS.get(script.stem, ()):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_unchanged(script: Path) -> None:
    """`python -m raspc.compat.tracr script.py` runs it; its own assertions hold."""
    required(script)
    ran = run("-m", "raspc.compat.tracr", str(script))
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.strip()


@pytest.mark.parametrize("script", [s for s in SCRIPTS if s.stem in ("readme", "evaluators")], ids=lambda p: p.stem)
def test_a_script_runs_after_two_lines(script: Path) -> None:
    """The same with `import raspc.compat.tracr` and `install()` before its imports."""
    ran = run("-c", WITH_TWO_LINES, str(script))
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_arguments_reach_the_script(tmp_path: Path) -> None:
    """The script sees its own name and arguments, finds modules beside it, and is `__main__`."""
    (tmp_path / "helper.py").write_text("import tracr.rasp.rasp as rasp\nNAME = rasp.tokens.name\n")
    script = tmp_path / "theirs.py"
    script.write_text("import sys, helper\nprint(__name__, helper.NAME, sys.argv[0] == __file__, sys.argv[1:])\n")
    ran = run("-m", "raspc.compat.tracr", str(script), "--size", "3")
    assert ran.stdout.split(maxsplit=3) == ["__main__", "tokens", "True", "['--size', '3']\n"]


def test_a_module_can_be_run(tmp_path: Path) -> None:
    """`-m module` works as Python's own does."""
    (tmp_path / "theirs.py").write_text("from tracr.compiler import lib\nprint(lib.make_hist()('aab'))\n")
    ran = run("-m", "raspc.compat.tracr", "-m", "theirs", PYTHONPATH=str(tmp_path))
    assert ran.stdout == "[2, 2, 1]\n", ran.stderr


@pytest.mark.parametrize("arguments", [(), ("-m",), ("no_such_script.py",)])
def test_bad_use_gives_one_line(arguments: tuple[str, ...]) -> None:
    """Without a script, or with one that is not there: the fault and the usage, no traceback."""
    ran = run("-m", "raspc.compat.tracr", *arguments)
    assert ran.returncode != 0
    assert "usage: python -m raspc.compat.tracr" in ran.stderr and "Traceback" not in ran.stderr


def fake_tracr(place: Path) -> Path:
    """A directory with a package `tracr` that is not ours."""
    package = place / "tracr"
    package.mkdir()
    (package / "__init__.py").write_text("REAL = True\n")
    return place


def test_install_refuses_beside_the_real_one(tmp_path: Path) -> None:
    """Another tracr that is already imported stays, and the error says where it is and what to do."""
    program = (
        "import tracr, raspc.compat.tracr\n"
        "try:\n    raspc.compat.tracr.install()\n"
        "except ImportError as error:\n    print(error)\n"
        "import tracr\nassert tracr.REAL\n"
    )
    ran = run("-c", program, PYTHONPATH=str(fake_tracr(tmp_path)))
    assert ran.returncode == 0, ran.stderr
    assert "already imported from" in ran.stdout and str(tmp_path) in ran.stdout


def test_the_real_one_is_shadowed_only_after_install(tmp_path: Path) -> None:
    """Importing raspc.compat.tracr changes nothing; `install` does, and `uninstall` takes it back."""
    program = (
        "import importlib.util, raspc.compat.tracr as compat\n"
        "assert 'site' not in importlib.util.find_spec('tracr').origin\n"
        "compat.install(); compat.install()\n"
        "import tracr, tracr.rasp.rasp\n"
        "assert tracr is compat and not hasattr(tracr, 'REAL')\n"
        "compat.uninstall()\n"
        "import tracr\n"
        "assert tracr.REAL\n"
    )
    ran = run("-c", program, PYTHONPATH=str(fake_tracr(tmp_path)))
    assert ran.returncode == 0, ran.stderr


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    """A module of Tracr's inside that has no counterpart is not found, even where a real one is installed."""
    (fake_tracr(tmp_path) / "tracr" / "inner.py").write_text("")
    program = "import raspc.compat.tracr as c\nc.install()\nimport tracr.inner\n"
    ran = run("-c", program, PYTHONPATH=str(tmp_path))
    assert "ModuleNotFoundError: No module named 'tracr.inner'" in ran.stderr
