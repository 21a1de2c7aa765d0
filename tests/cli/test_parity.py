"""`raspc parity`: what it prints and how it ends; what it catches is tested beside the library."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from raspc.parity.backends import BACKENDS
from raspc.weights import Model

from .conftest import Raspc

FAST = ("--only", "npz,torch")


def test_a_faithful_export_passes(raspc: Raspc) -> None:
    """A saved model and a program of the library, each with its table."""
    ran = raspc("parity", "reverse", "hist", *FAST)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("match") == 4
    assert "reverse: parity" in ran.out
    assert "hist: parity" in ran.out


def test_the_report_as_data(raspc: Raspc) -> None:
    """One object with a report for each model; given inputs are the ones that are run."""
    found = raspc("parity", "reverse", *FAST, "--input", "a b c", "--input", "c", "--json").json
    assert found["ok"] is True
    (report,) = found["models"]
    assert (report["model"], report["inputs"], report["tolerance"]) == ("reverse", 2, 1e-5)
    assert [backend["name"] for backend in report["backends"]] == ["npz", "torch"]


def test_a_difference_is_exit_1(raspc: Raspc, monkeypatch: pytest.MonkeyPatch) -> None:
    """One backend with one wrong weight: the first tensor that differs is told."""
    npz = BACKENDS["npz"]

    def load_corrupted(model: Model) -> dict[str, Any]:
        arrays = npz.load(model)
        return arrays | {"unembed__w": arrays["unembed__w"] + 1}

    monkeypatch.setitem(BACKENDS, "npz", replace(npz, load=load_corrupted))  # type: ignore[arg-type]
    ran = raspc("parity", "reverse", "--only", "npz")
    assert ran.code == 1
    assert "npz: unembedded differs by" in ran.out
    assert raspc("parity", "reverse", "--only", "npz", "--json").json["ok"] is False


def test_bad_input_is_one_line(raspc: Raspc) -> None:
    """An unknown backend, an unknown model, an input that the model cannot take."""
    for args in (
        ("reverse", "--require", "caffe"),
        ("absent",),
        ("reverse", "--input", "z"),
        ("reverse", "--only", "x"),
    ):
        ran = raspc("parity", *args)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran
