"""Parity finds every backend equal when it is, and one corrupted weight when it is not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from tests.hand_built import MODELS, random_model

from raspc import parity
from raspc.errors import InputError
from raspc.export import CONVERTERS
from raspc.parity import activations, backends, report
from raspc.parity.backends import BACKENDS
from raspc.weights import Model

INPUTS = [["BOS", 1, "two words", ("a", 2.5), None, float("inf")], ["BOS", None, 1], ["BOS"]]


def installed(name: str) -> None:
    """Skip what is absent here; CI installs all."""
    if missing := BACKENDS[name].missing():
        pytest.skip(f"{missing} not installed")


@pytest.mark.parametrize("sizes", MODELS.values(), ids=list(MODELS))
def test_every_backend_matches_on_every_shape(sizes: dict[str, Any]) -> None:
    """All activations and answers, on sampled inputs with padding; JAX, slow to compile, has its own test."""
    quick = [name for name in BACKENDS if name not in ("jax", "haiku")]
    found = parity.run(random_model(**sizes), backends=quick)
    assert found.faults() == []
    for backend in found.backends:
        if backend.status == report.MATCH:
            assert set(backend.differences) == set(activations.KINDS)
            assert backend.decoded_equal


@pytest.mark.parametrize("name", ["jax", "haiku"])
def test_jax_matches_bidirectional_and_causal(name: str) -> None:
    """Jitted, as the backends run it."""
    installed(name)
    for sizes in ({}, {"causal": True}, MODELS["widths of their own"]):
        found = parity.run(random_model(**sizes), INPUTS, backends=[name])
        assert (found.faults(), found.matched) == ([], (name,))


def test_a_backend_of_one_width_is_not_run_where_layers_differ() -> None:
    """It is told and no fault, unless it is required; the others match."""
    model = random_model(**MODELS["widths of their own"])
    backends = ["torch", "onnx", "npz", "transformer_lens", "huggingface"]
    found = parity.run(model, INPUTS, backends=backends)
    assert {b.name: b.status for b in found.backends if b.status != report.ABSENT} == {
        name: report.UNFIT if CONVERTERS[name].one_width else report.MATCH
        for name in backends
        if not BACKENDS[name].missing()
    }
    assert found.faults() == []
    required = parity.run(model, INPUTS, backends=["npz"], require=["huggingface"])
    assert required.faults() == ["huggingface: needs one width"] or BACKENDS["huggingface"].missing()


# --- one corrupted weight -------------------------------------------------------------------------------


def torch_tensors(exported: Any) -> Iterator[tuple[Any, Callable[[Any], None]]]:
    """Each tensor of a module, and how to replace its numbers."""
    import torch

    for tensor in getattr(exported, "model", exported).state_dict().values():
        if tensor.dtype == torch.float32:

            def replace(array: Any, tensor: Any = tensor) -> None:
                with torch.no_grad():
                    tensor.copy_(torch.tensor(array))

            yield tensor.detach().numpy().copy(), replace


def dict_tensors(exported: Any) -> Iterator[tuple[Any, Callable[[Any], None]]]:
    """The same of a dict of arrays, or of dicts of arrays."""
    params = getattr(exported, "params", exported)
    for holder in [params, *(value for value in params.values() if isinstance(value, dict))]:
        for name, array in holder.items():
            if not isinstance(array, dict):
                yield np.array(array), lambda new, holder=holder, name=name: holder.__setitem__(name, new)


def onnx_tensors(exported: Any) -> Iterator[tuple[Any, Callable[[Any], None]]]:
    """The same of an ONNX graph."""
    from onnx import numpy_helper

    for tensor in exported.graph.initializer:

        def replace(array: Any, tensor: Any = tensor) -> None:
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

        yield numpy_helper.to_array(tensor).copy(), replace


TENSORS = {
    "torch": torch_tensors, "transformer_lens": torch_tensors, "huggingface": torch_tensors,
    "jax": dict_tensors, "haiku": dict_tensors, "npz": dict_tensors, "onnx": onnx_tensors,
}  # fmt: skip

# The number to corrupt, and the first activation that must show it.
WEIGHTS = {
    "token_embed/embeddings": "input embeddings",
    "transformer/layer_0/attn/query/w": "layer 0 attn logits",
    "transformer/layer_0/attn/value/b": "layer 0 attn output",
    "transformer/layer_1/mlp/linear_2/w": "layer 1 mlp output",
    "unembed/b": "unembedded",
}


def corrupt(backend: str, exported: Any, value: float) -> None:
    """Find the one number of an export that has this value (weights are random), and change it."""
    found = 0
    for array, replace in TENSORS[backend](exported):
        if array.dtype == np.float32 and (array == value).any():
            array[array == value] += 0.25
            replace(array)
            found += 1
    assert found == 1, f"{found} tensors hold the weight"


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", BACKENDS)
def test_one_corrupted_weight_is_caught(name: str, causal: bool) -> None:
    """In each kind of tensor; the report names the first activation that differs, and an input."""
    installed(name)
    model = random_model(causal=causal)
    weights = list(WEIGHTS)[1:3] if name in ("jax", "haiku") else list(WEIGHTS)
    for weight in weights:
        exported = BACKENDS[name].load(model)
        corrupt(name, exported, model.params[weight].flat[0])
        found = parity.run(model, INPUTS, backends=[name], exported={name: exported})
        (backend,) = found.backends
        assert (backend.status, found.ok, found.matched) == (report.MISMATCH, False, ())
        assert backend.first is not None
        assert backend.first.tensor == WEIGHTS[weight]
        assert list(backend.first.tokens) in INPUTS
        assert WEIGHTS[weight] in found.faults()[0]


def test_an_answer_that_differs_is_a_mismatch_at_any_tolerance() -> None:
    """Decoded tokens must be equal, however small the differences."""
    model = random_model()
    answers = BACKENDS["npz"].load(model)
    answers["unembed__b"] = answers["unembed__b"] + np.float32([50, 0, 0, 0])
    found = parity.run(model, INPUTS, tolerance=1e9, backends=["npz"], exported={"npz": answers})
    assert found.faults() == [
        "npz: decoded tokens differs by inf (allowed 0) on ['BOS', 1, 'two words', ('a', 2.5), None, inf]"
    ]


def test_nan_is_a_mismatch() -> None:
    """Not a number compares as nothing; here it is an infinite difference."""
    model = random_model()
    arrays = BACKENDS["npz"].load(model)
    arrays["unembed__b"] = arrays["unembed__b"] * np.float32(np.nan)
    (backend,) = parity.run(model, INPUTS, backends=["npz"], exported={"npz": arrays}).backends
    assert backend.differences["unembedded"] == np.inf
    assert json.loads(json.dumps(backend.to_json()))["differences"]["unembedded"] == "inf"


def test_padding_is_not_compared_but_attention_to_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend may compute what it likes at PAD; it may not look there."""
    model = random_model()
    real = backends._trace_npz

    def junk_at_padding(exported: Any, config: Any, ids: Any) -> Any:
        found = real(exported, config, ids)
        for array in (*found.residuals, found.unembedded):
            array[ids == config.pad_id] = 1e9
        return found

    monkeypatch.setitem(BACKENDS, "npz", backends.Backend("npz", "numpy", backends._load_npz, junk_at_padding))
    assert parity.run(model, INPUTS, backends=["npz"]).ok

    def looks_at_padding(exported: Any, config: Any, ids: Any) -> Any:
        found = real(exported, config, ids)
        found.attn_patterns[1][1, 0, 0, ids[1] == config.pad_id] = 0.1
        return found

    monkeypatch.setitem(BACKENDS, "npz", backends.Backend("npz", "numpy", backends._load_npz, looks_at_padding))
    (fault,) = parity.run(model, INPUTS, backends=["npz"]).faults()
    assert "layer 1 attn pattern differs by 0.1" in fault


# --- the report -----------------------------------------------------------------------------------------


def absent(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As if a framework were not installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None if module == name else object())


def test_an_absent_backend_never_counts_as_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed; where it is required, it is a fault."""
    absent(monkeypatch, "torch")
    found = parity.run(random_model(), INPUTS, backends=["torch", "npz"])
    assert (found.ok, found.matched, found.backends[0].status) == (True, ("npz",), "not installed")
    required = parity.run(random_model(), INPUTS, backends=["npz"], require=["torch"])
    assert (required.ok, required.faults()) == (False, ["torch: torch not installed"])
    assert "not installed (required)" in rendered(required)


def test_a_backend_that_breaks_is_a_fault_and_the_rest_still_run() -> None:
    """One line of its error."""
    found = parity.run(random_model(), INPUTS, backends=["npz", "torch"], exported={"npz": {"x": 1}})
    assert found.faults()[0].startswith("npz: KeyError")
    assert found.matched in ((), ("torch",))


def rendered(found: parity.ParityReport) -> str:
    """The table as text."""
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(found.table())
    return console.export_text()


def test_the_report_prints_and_is_json() -> None:
    """Backend, version, largest difference per kind, verdict."""
    found = parity.run(random_model(), INPUTS, backends=["npz"])
    text = rendered(found)
    for words in ("backend", "npz", np.__version__, *activations.KINDS, "match", "3 inputs, tolerance 1e-05"):
        assert words in text
    data = json.loads(json.dumps(found.to_json()))
    assert data["ok"]
    assert data["backends"][0]["differences"]["residuals"] == 0.0


def test_unknown_backends_and_bad_inputs_are_named() -> None:
    """Before anything is run."""
    with pytest.raises(InputError, match=r"unknown backends \['tf'\]; known are torch"):
        parity.run(random_model(), require=["tf"])
    with pytest.raises(InputError, match="input 0 of the batch"):
        parity.run(random_model(), [["BOS", "?"]])


def test_large_models_are_run_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by the batch, and no input is lost."""
    monkeypatch.setattr("raspc.parity.compare.ACTIVATIONS_AT_ONCE", 1)
    found = parity.run(random_model(), INPUTS, backends=["npz"])
    assert (found.ok, found.inputs) == (True, 3)


def test_models_differ_where_their_weights_do() -> None:
    """An export of one model is not an export of another."""
    model, other = random_model(), random_model(seed=1)
    assert isinstance(other, Model)
    found = parity.run(model, INPUTS, backends=["npz"], exported={"npz": BACKENDS["npz"].load(other)})
    assert "input embeddings" in found.faults()[0]
