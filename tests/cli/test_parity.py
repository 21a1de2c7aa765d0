"""`raspc parity`: what it prints and how it ends; what it catches is tested beside the library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from raspc.parity import sweep
from raspc.parity.backends import BACKENDS
from raspc.weights import Model

from .conftest import Raspc

FAST = ("--only", "npz,torch")


@pytest.fixture
def corrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The NPZ backend gets one wrong weight."""
    npz = BACKENDS["npz"]

    def load_corrupted(model: Model) -> dict[str, Any]:
        arrays = npz.load(model)
        return arrays | {"unembed__w": arrays["unembed__w"] + 1}

    monkeypatch.setitem(BACKENDS, "npz", replace(npz, load=load_corrupted))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["reverse", "hist"])
def test_a_faithful_export_passes(raspc: Raspc, model: str) -> None:
    """A saved model, or a program of the library that is compiled first."""
    ran = raspc("parity", model, *FAST)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("match") == 2
    assert f"{model}: parity" in ran.out


def test_the_report_as_data(raspc: Raspc) -> None:
    """One object; given inputs are the ones that are run."""
    found = raspc("parity", "reverse", *FAST, "--input", "a b c", "--input", "c", "--json").json
    assert (found["ok"], found["inputs"], found["tolerance"]) == (True, 2, 1e-5)
    assert [backend["name"] for backend in found["backends"]] == ["npz", "torch"]


def test_a_difference_is_exit_1(raspc: Raspc, corrupted: None) -> None:
    """One backend with one wrong weight: the first tensor that differs is told."""
    ran = raspc("parity", "reverse", "--only", "npz")
    assert ran.code == 1
    assert "npz: unembedded differs by" in ran.out
    ran = raspc("parity", "reverse", "--only", "npz", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)


def test_the_library_is_swept(raspc: Raspc, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each program, mask and level; one that differs makes the run fail."""
    every = sweep.library
    monkeypatch.setattr("raspc.parity.compare.BACKENDS", {"npz": BACKENDS["npz"]})

    def two(**options: Any) -> Iterator[sweep.Case]:
        return every(("length", "hist"), optimize=(1,), causal=(False,), **options)

    monkeypatch.setattr("raspc.parity.sweep.library", two)
    ran = raspc("parity", "--library")
    assert (ran.code, ran.out.count("match")) == (0, 2)
    with monkeypatch.context() as patch:
        broken = replace(BACKENDS["npz"], load=lambda model: {})
        patch.setattr("raspc.parity.compare.BACKENDS", {"npz": broken})
        ran = raspc("parity", "--library", "--json")
    assert (ran.code, ran.json["ok"], len(ran.json["cases"])) == (1, False, 2)


def test_the_majority_pipeline(raspc: Raspc) -> None:
    """Artifacts, the mirror and its summary, as files and as the answer."""
    ran = raspc("parity", "majority", "--artifacts", "a", "--results", "r", "--json")
    assert ran.code == 0
    assert ran.json == json.loads(Path("r/parity_summary.json").read_text())
    assert ran.json["match"] is True
    assert Path("a/tracr_majority_params.npz").is_file()


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("reverse", "--library"),
        ("absent",),
        ("reverse", "--require", "caffe"),
        ("reverse", "--only", "x"),
        ("reverse", "--input", "z"),
        ("reverse", "--input", '"a'),
        ("reverse", "--artifacts", "a"),
        ("majority", "--artifacts", "mine.py/a"),
    ],
)
def test_bad_input_is_one_line(raspc: Raspc, args: tuple[str, ...]) -> None:
    """Nothing to compare, an unknown backend, an unknown model, an input that it cannot take, a bad path."""
    ran = raspc("parity", *args)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran
