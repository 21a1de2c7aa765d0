"""Runs on a Ray cluster of two nodes give the same bytes as one process does. `make clients` runs these tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc import library
from raspc.lab import runs
from raspc.lab.runs.cluster import cluster

pytest.importorskip("ray")
pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the head of a cluster of two nodes listens, each with one processor."""
    from ray.cluster_utils import Cluster

    nodes: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    yield nodes.address
    nodes.shutdown()


def contents(place: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def node_of(job: int) -> str:
    """On which node a job is done; it takes its time, so that there is something for both."""
    import time

    import ray

    time.sleep(0.5)
    return str(ray.get_runtime_context().get_node_id())


def refuses(job: int) -> int:
    """Work that raises an error of ours."""
    raise raspc.InputError(f"job {job} is refused")


def test_both_nodes_work(address: str) -> None:
    """Jobs come back with their places, in any order, from both nodes."""
    with cluster(address) as each:
        found = dict(each(node_of, iter(range(12))))
    assert sorted(found) == list(range(12)) and len(set(found.values())) == 2


def test_the_same_bytes(address: str, tmp_path: Path) -> None:
    """A suite with a method of one's own, on the cluster and in this process."""
    (tmp_path / "mine.py").write_text("def flat(task):\n    return {edge: 1.0 for edge in task.edges}\n")
    for name, build in (("reverse", library.reverse), ("hist", library.hist)):
        raspc.compile(build(), "ab", 3).save(tmp_path / "suite" / name)
    methods, corruptions = ["eap", "patching", f"{tmp_path}/mine.py:flat"], ("shuffle", "resample")
    runs.run(tmp_path / "suite", methods, corruptions, tmp_path / "here", pairs=16, workers=0)
    runs.run(tmp_path / "suite", methods, corruptions, tmp_path / "far", pairs=16, ray=address)
    assert contents(tmp_path / "far") == contents(tmp_path / "here")


def test_a_named_suite_is_compiled_on_the_cluster(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Models come back as bytes and are kept here, the same as those that this process compiles."""
    few = runs.Suite("library", "a few", ("hist",))
    monkeypatch.setattr("raspc.lab.runs.suites.SUITES", {"library": few})
    runs.run("library", ("weights",), ("mean",), tmp_path / "far", pairs=4, ray=address)
    runs.run("library", ("weights",), ("mean",), tmp_path / "here", pairs=4, workers=0)
    assert contents(tmp_path / "far") == contents(tmp_path / "here")


def test_errors_come_back_as_they_are(address: str) -> None:
    """What a job raises is raised here, in its own words."""
    with pytest.raises(raspc.InputError, match=r"^job 0 is refused$"), cluster(address) as each:
        list(each(refuses, [0]))


def test_no_cluster_is_told(tmp_path: Path) -> None:
    """In one line, with status 2; nothing is written."""
    words = ["lab", "run", "--suite", "tracr", "--methods", "eap", "-o", str(tmp_path / "out"), "--ray", "localhost:1"]
    ran = subprocess.run([sys.executable, "-m", "raspc", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and ran.stdout == ""
    assert "no Ray cluster answers at 'localhost:1'" in ran.stderr and not (tmp_path / "out").exists()
