"""The fuzzer: a short run, and proof that it finds, shrinks and prints a fault."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from tests import fuzz

import raspc


def test_random_programs_agree() -> None:
    """Programs at -O0 and -O1 against the interpreter: no difference, no crash."""
    assert fuzz.run(seed=1, count=40, levels=[0, 1]) == 0


@pytest.mark.slow
def test_many_random_programs_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """2,000 programs of 5 to 12 operations at -O0 and -O1: no difference, and under 3 % refused."""
    assert fuzz.run(seed=2, count=2000, levels=[0, 1]) == 0
    refused = capsys.readouterr().err.count("refused")
    assert refused < 0.03 * 4000


def swapped(program: Any, *args: Any, **options: Any) -> Any:
    """A compiler with a fault: the first two columns of a categorical answer change places."""
    model = raspc.compile(program, *args, **options)
    if model.config.output.kind != "categorical" or model.config.d_vocab_out < 2:
        return model
    order = [1, 0, *range(2, model.config.d_vocab_out)]
    changes = {name: model.params[name][..., order] for name in ("unembed/w", "unembed/b")}
    params = {name: changes.get(name, np.asarray(model.params[name])) for name in model.params}
    return dataclasses.replace(model, params=params, certificate=None)


def crashing(program: Any, *args: Any, **options: Any) -> Any:
    """A compiler that fails on long programs."""
    if len(raspc.rasp.topological(program)) > 3:
        raise ZeroDivisionError("too long")
    return raspc.compile(program, *args, **options)


@pytest.mark.parametrize("broken", [swapped, crashing])
def test_a_fault_is_found_shrunk_and_printed(broken: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The first fault becomes a short script."""
    assert fuzz.run(seed=0, count=20, levels=[1], compile=broken) == 1
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith(("v", "s"))]
    assert "difference" in printed if broken is swapped else "ZeroDivisionError" in printed
    assert len(lines) <= 3
    assert "max_seq_len=1" in printed or broken is crashing


def test_the_printed_script_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is Python that compiles the program and shows both answers."""
    assert fuzz.run(seed=0, count=20, levels=[1], compile=swapped) == 1
    script = capsys.readouterr().out
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    interpreted, compiled = (line.split(maxsplit=1) for line in ran.stdout.splitlines()[-2:])
    assert (interpreted[0], compiled[0]) == ("interpreted", "compiled")
    assert interpreted[1] == compiled[1], "raspc itself has no such fault"


def test_agreement_is_strict() -> None:
    """None is no number, and numbers may differ by a ten-thousandth only."""
    assert fuzz.agree(1, 1.00001) and fuzz.agree(None, None) and fuzz.agree(True, 1.0)
    assert not fuzz.agree(None, 0) and not fuzz.agree(1, 1.001) and not fuzz.agree("1", 1)
