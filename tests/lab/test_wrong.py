"""Nothing in the laboratory crashes on odd arguments: an InputError for a value, a TypeError of ours for a kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import lab, library, rasp
from raspc.lab import formats, runs
from raspc.weights.model import Model

torch = pytest.importorskip("torch")


@cache
def model() -> Model:
    """`reverse` of three tokens."""
    return raspc.compile(library.reverse(), "abc", 3)


@cache
def one() -> Model:
    """With a single input."""
    return raspc.compile(rasp.tokens, "a", 1)


@cache
def asked() -> lab.Task:
    """Of `reverse`."""
    return lab.task(model(), pairs=4)


def ids() -> Any:
    """Of one input."""
    return torch.tensor(model().encode_batch([["BOS", *"abc"]]))


def hooked(module: Any, given: Any, intervention: Any = None) -> Any:
    """Logits of a module within hooks."""
    with lab.hooked(model().intervene({"opposite": 1}) if intervention is None else intervention, module):
        return module(given)


def scored(truth: Any, value: Any = 1.0) -> Any:
    """Equal scores, held against a truth."""
    return lab.scores.score(dict.fromkeys(asked().edges, value), truth, asked(), model_too=False)


VALUES: dict[str, tuple[str, Callable[[], Any]]] = {
    "under's seed": ("seed is -1", lambda: model().circuit().under("resample", seed=-1)),
    "ablation's seed": ("seed is -2", lambda: model().ablate(["opposite"], "resample", seed=-2)),
    "iia's seed": ("seed is -1", lambda: lab.iia(model(), seed=-1)),
    "no pairs": ("pairs is 0", lambda: lab.iia(model(), pairs=0)),
    "das without pairs": ("pairs is 0", lambda: lab.methods.das(model(), "opposite", 1, 1, pairs=0)),
    "das without starts": ("starts is 0", lambda: lab.methods.das(model(), "opposite", 1, 1, starts=0)),
    "no latents": ("latents is 0", lambda: lab.methods.sae(model(), 1, latents=0)),
    "integers": ("dtype is 'int8'", lambda: lab.iia(model(), dtype="int8")),
    "no format": ("dtype is 'zzz'", lambda: lab.iia(model(), dtype="zzz")),
    "a probe's format": ("dtype is 'zzz'", lambda: lab.methods.probe(model(), "opposite", 1, dtype="zzz")),
    "no stage": ("stage is 9", lambda: lab.methods.probe(model(), "opposite", 9)),
    "one input": ("but one input", lambda: lab.methods.probe(one(), "tokens", -1)),
    "a basis of letters": ("no array of numbers", lambda: lab.iia(model(), {"opposite": (1, "x")})),
    "a ragged basis": ("no array of numbers", lambda: lab.iia(model(), {"opposite": (1, [[1], [1, 2]])})),
    "a basis of NaN": ("NaN", lambda: lab.iia(model(), {"opposite": (1, np.full((1, 13), np.nan))})),
    "not aligned": ("'zz' is not aligned; there are", lambda: lab.iia(model(), pairs=4)["zz"]),
    "no space": ("no space 'zz'; it has", lambda: model().spaces["zz"]),
    "no inputs": ("no token", lambda: lab.circuit(model(), inputs=[])),
    "an empty input": ("no token", lambda: lab.circuit(model(), inputs=[[]])),
    "no edge": ("'zz' is no edge", lambda: asked().logits(["zz"])),
    "beyond floats": ("needed a finite number", lambda: scored([], 10**400)),
    "interval's seed": ("seed is -1", lambda: lab.scores.interval({"a": [1.0]}, seed=-1)),
    "interval of NaN": ("needed finite numbers", lambda: lab.scores.interval({"a": [float("nan")]})),
    "interval of letters": ("needed finite numbers", lambda: lab.scores.interval({"a": "xy"})),  # type: ignore[dict-item]
    "a threshold of NaN": ("threshold is nan", lambda: lab.methods.acdc.kept(asked(), float("nan"))),
    "another model's module": ("layers", lambda: hooked(one().to("torch"), ids())),
    "ids that are none": ("needed ids from 0 to", lambda: hooked(model().to("torch"), ids() + 99)),
    "ids as numbers": ("needed whole numbers", lambda: hooked(model().to("torch"), ids().float())),
    "a text as ids": ("needed whole numbers", lambda: lab.lens_hooks(model().intervene({"opposite": 1}), "abc")),
    "one row of ids": ("needed whole", lambda: lab.lens_hooks(model().intervene({"opposite": 1}), ids()[0])),
    "a method that is no name": ("no method '3'", lambda: runs.run("library", [3], ["zero"], "z", workers=0)),  # type: ignore[list-item]
    "a corruption that is a list": ("hold", lambda: runs.run("library", ["eap"], [["zero"]], "z", workers=0)),  # type: ignore[list-item]
}
KINDS: dict[str, tuple[str, Callable[[], Any]]] = {
    "under's seed": ("seed is 'x'", lambda: model().circuit().under("resample", seed="x")),
    "pairs": ("pairs is 1.5", lambda: lab.iia(model(), pairs=1.5)),  # type: ignore[arg-type]
    "alignment": ("alignment is", lambda: lab.iia(model(), ["opposite"])),  # type: ignore[arg-type]
    "inputs": ("inputs is 'abc'", lambda: lab.circuit(model(), inputs="abc")),
    "an input": ("inputs 0 is 3", lambda: lab.circuit(model(), inputs=[3])),  # type: ignore[list-item]
    "forced values": ("values is", lambda: model().intervene(["opposite"])),  # type: ignore[arg-type]
    "forced by the interpreter": ("force is", lambda: raspc.interpret(library.reverse(), "abc", force=["opposite"])),  # type: ignore[arg-type]
    "positions": ("positions is 0", lambda: model().intervene({"opposite": 1}, positions=0)),  # type: ignore[arg-type]
    "a name": ("names is 'opposite'", lambda: model().patch(["BOS", *"ab"], "opposite")),
    "no names": ("names is 3", lambda: model().ablate(3)),  # type: ignore[arg-type]
    "a site's name": ("names is 'opposite'", lambda: lab.module_sites(model(), "opposite")),
    "truths": ("task is 3", lambda: lab.truths(3)),  # type: ignore[arg-type]
    "a method's task": ("task is", lambda: lab.methods.method("eap")(model())),  # type: ignore[arg-type]
    "a truth": ("truth is", lambda: scored(lab.truths(asked()))),
    "interval": ("values is", lambda: lab.scores.interval([0.1])),  # type: ignore[arg-type]
    "a threshold": ("threshold is 'x'", lambda: lab.methods.acdc.kept(asked(), "x")),  # type: ignore[arg-type]
    "dims": ("dims is '1'", lambda: lab.methods.das(model(), "opposite", 1, "1")),  # type: ignore[arg-type]
    "a module": ("module is", lambda: hooked(torch.nn.Linear(2, 2), ids())),
    "an intervention": ("intervention is 'x'", lambda: hooked(model().to("torch"), ids(), "x")),
    "heads": ("min_heads is '2'", lambda: formats.tool_graph(model().circuit(), min_heads="2")),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_that_cannot_be(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told what it is and what was needed."""
    monkeypatch.chdir(tmp_path)
    told, call = VALUES[case]
    with pytest.raises(raspc.InputError, match=told):
        call()


@pytest.mark.parametrize("case", KINDS)
def test_an_argument_of_a_wrong_kind(case: str) -> None:
    """The error begins with the name of the argument."""
    told, call = KINDS[case]
    with pytest.raises(TypeError, match=f"^{told}.*; needed "):
        call()


def test_a_space_that_is_none_is_a_key_that_is_none() -> None:
    """As any mapping has it."""
    spaces = model().spaces
    assert "zz" not in spaces and spaces.get("zz") is None
    with pytest.raises(KeyError, match="opposite"):
        spaces["zz"]


def test_a_truth_may_be_an_iterator() -> None:
    """It is read once."""
    true = sorted(lab.truths(asked()).varying)
    assert scored(iter(true)).true == len(true) > 0
    assert lab.iia(model(), pairs=np.int64(4), seed=np.int64(1)).pairs == 4  # type: ignore[arg-type]
