"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

# Before NumPy is imported: threads gain nothing on small matrices, and on a busy machine they wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

# The suite says the same on every machine and every day; `--hypothesis-profile=explore` looks for something new.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("fixed")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --update-golden` writes what the code prints now; read the diff before you commit it."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture(autouse=True, scope="session")
def faults_of_the_proof_surface() -> Iterator[None]:
    """A programming error in the proof fails the test; users get a certificate that proves nothing, and says why."""
    from raspc.certify.proof import prove

    def surface(error: Exception) -> None:
        raise RuntimeError("a fault of the proof, not of the plan") from error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prove, "surface", surface)
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("name.txt", text)`: the text equals the file tests/golden/name.txt."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden file {path.name}; make it with pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check
