"""A checkpoint in transformers against the model that it was made from."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import library
from raspc.errors import InputError
from raspc.export.checkpoint import writing
from raspc.parity import stock
from raspc.weights import Model

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")


@cache
def hist() -> Model:
    """A program that counts."""
    return raspc.compile(library.hist(), "abc", 5, causal=True)


@pytest.mark.parametrize("exit", ["lm", "labels"])
def test_a_checkpoint_matches(exit: str) -> None:
    """Logits and answers, by either exit."""
    pytest.importorskip("transformers")
    report = stock.run(hist(), "gpt2", exit=exit)
    assert report.ok and report.inputs == stock.INPUTS
    assert report.backends[0].decoded_equal and report.backends[0].differences["unembedded"] < 1e-3


def test_numbers_match() -> None:
    """Where the answer is a number, and is compared as one."""
    pytest.importorskip("transformers")
    assert stock.run(raspc.compile(library.fraction(), "ab", 5), "bert").ok


def test_a_spoiled_weight_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an input on which the logits differ."""
    pytest.importorskip("transformers")
    files = writing.files

    def spoiled(model: Model, made: Any, **more: Any) -> dict[str, bytes]:
        name = "transformer.h.0.mlp.c_proj.bias"
        array = np.array(made.params[name])
        array[:10] += 1
        return files(model, replace(made, params={**made.params, name: array}), **more)

    monkeypatch.setattr(writing, "files", spoiled)
    report = stock.run(hist(), "gpt2", [["BOS", "a", "b"]])
    assert not report.ok
    assert "GPT2LMHeadModel: logits differs by" in report.faults()[0]
    assert "on ['BOS', 'a', 'b']" in report.faults()[0]


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A family that is none, one that cannot hold the model, and a library that is missing: a line each."""
    with pytest.raises(InputError, match=r"unknown family 'onnx'; known are llama, gpt2"):
        stock.run(hist(), "onnx")
    with pytest.raises(InputError, match="causal=False"):
        stock.run(hist(), "bert")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs torch and transformers and tokenizers.*raspc\[huggingface\]"):
        stock.run(hist(), "gpt2")
