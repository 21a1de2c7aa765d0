"""Layers of widths of their own: the same answers and proofs in fewer parameters, wherever such a model goes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.agreement import some_inputs

import raspc
from raspc import (
    InputError,
    InvalidProgram,
    ModelFormatError,
    UncertainProgram,
    compress,
    jsonvalues,
    lab,
    library,
    rasp,
)
from raspc.cli.app import status
from raspc.weights import Model, saving
from raspc.weights.params import parameters_of

LENGTH = 5
LEVELS = {"-O0": (0, "float32"), "-O2": (2, "float32"), "-O2 bfloat16": (2, "bfloat16")}


def compiled(name: str, uniform: bool, optimize: int = 2, dtype: str = "float32") -> Model:
    """A program of the library."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        return raspc.compile(
            entry.program, entry.vocab, LENGTH, causal=entry.causal, optimize=optimize, partial=True, dtype=dtype,
            uniform=uniform,
        )  # fmt: skip


def answered(model: Model, inputs: list[list[Any]]) -> list[list[Any]]:
    """What a model answers to all inputs at once."""
    return model.apply_batch([[model.config.bos, *xs] for xs in inputs]).decoded


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["reverse", "hist", "sort", "sort_freq", "shuffle_dyck", "most_freq", "induction"])
def test_it_is_proved_smaller_and_answers_alike(name: str, level: str) -> None:
    """Beside the model of one width: as many layers, the same answers and verdict, and no parameter that fills up."""
    one, own = (compiled(name, uniform, *LEVELS[level]) for uniform in (True, False))
    inputs = list(some_inputs(library.get(name).vocab, LENGTH, 100, 8))
    assert answered(own, inputs) == answered(one, inputs)
    assert one.certificate is not None and own.certificate is not None
    assert own.certificate.verdict == one.certificate.verdict
    assert own.config.n_layers == one.config.n_layers
    assert own.plan is not None and one.plan is not None
    saved = parameters_of(one.config) - parameters_of(own.config)
    assert own.plan.padding.parameters == 0 or level == "-O2 bfloat16"
    assert saved >= one.plan.padding.parameters - own.plan.padding.parameters >= 0
    assert sum(array.size for array in own.params.values()) == own.plan.size.parameters


def test_layers_have_no_parameters_for_what_they_do_not_have() -> None:
    """`reverse` has one head in each of two layers and no neurons; nothing is kept or run for those."""
    model = compiled("reverse", uniform=False)
    assert (model.config.n_heads, model.config.d_mlp) == ((1, 1), (0, 0))
    assert not any("mlp" in name for name in model.params)
    fast = model.fast
    assert [layer.neurons for layer in fast.layers] == [None, None]
    run = model.apply(["BOS", *library.get("reverse").vocab[:2]])
    assert [x.shape for x in run.attn_logits] == [(1, 1, 3, 3)] * 2
    assert not np.any(run.layer_outputs[1])


def test_a_layer_of_neurons_alone_has_no_heads() -> None:
    """A product of a product of counts, and another one: attention has nothing to do in between."""
    a, b, c = (rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.Full(t), rasp.Comparison.EQ)) for t in "abc")
    program = ((a * b).named("x") * c).named("z") + a * c
    model = raspc.compile(program, "abcd", 5, optimize=0, uniform=False)
    assert (model.config.n_heads, model.config.d_head) == ((3, 0), (2, 0))
    assert not any("layer_1/attn" in name for name in model.params)
    assert raspc.check(model).ok
    run = model.apply(["BOS", "a", "b"])
    assert np.asarray(run.attn_patterns[1]).shape == (1, 0, 3, 3)
    assert np.array_equal(run.residuals[1], run.residuals[2])


def test_a_layer_of_nothing_has_nothing() -> None:
    """`caesar` maps each token: a framework wants one layer, and the model keeps no parameters of it."""
    model = compiled("caesar", uniform=False)
    assert (model.config.n_layers, model.config.widths) == (1, ((0, 0, 0),))
    assert list(model.params) == ["token_embed/embeddings", "pos_embed/embeddings", "unembed/w", "unembed/b"]
    assert raspc.check(model).ok


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    """Widths are lists in the file; what comes back is the same model, down to its bytes, and is proved again."""
    model = compiled("shuffle_dyck", uniform=False)
    model.save(tmp_path / "m")
    stated = json.loads((tmp_path / "m" / "config.json").read_text())
    assert [stated[name] for name in ("n_heads", "d_head", "d_mlp")] == [
        list(each) for each in zip(*model.config.widths, strict=True)
    ]
    again = raspc.load(tmp_path / "m")
    assert again.config == model.config and again.plan is not None and model.plan is not None
    assert again.plan.layout == model.plan.layout
    assert saving.to_files(again) == saving.to_files(model)
    assert raspc.certificate(again).verdict == "proved"
    assert raspc.check(again).ok


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "too few": ({"d_mlp": [1]}, "d_mlp must have a number for each of 2 layers"),
    "none": ({"n_heads": []}, "n_heads must have a number"),
    "all 0": ({"n_heads": [0, 0], "d_head": [0, 0], "d_mlp": [0, 0]}, "found 28 tensors, needed 4"),
    "no heads of some width": ({"n_heads": [1, 0]}, "layer 1 must have both heads and a width"),
    "huge": ({"d_mlp": [2**31 - 1, 2**31 - 1]}, "config.json: needs .* bytes of weights, the limit is"),
    "beyond": ({"d_mlp": [10**30, 1]}, "d_mlp must be an integer from 1"),
    "neither number nor list": ({"d_head": {"0": 3}}, "d_head must be an integer from 1"),
    "numbers": ({"n_heads": 1, "d_head": 3, "d_mlp": 4}, "tensors, needed 28|bytes of tensors"),
    "exchanged": ({"d_head": [4, 6]}, "tensors|needed F32|bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_widths_are_refused(name: str, tmp_path: Path) -> None:
    """One line; nothing is made on the word of a config."""
    fields, words = HOSTILE[name]
    compiled("shuffle_dyck", uniform=False).save(tmp_path / "m")
    stated = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_bytes(jsonvalues.dumps(stated | fields))
    with pytest.raises(ModelFormatError, match=words):
        raspc.load(tmp_path / "m")


def test_a_rotated_model_keeps_its_widths() -> None:
    """A change of basis touches what reads and writes the stream, which each layer has of its own."""
    model = compiled("shuffle_dyck", uniform=False)
    turned = raspc.rotate(model, seed=1)
    assert turned.config == model.config
    assert raspc.check(turned).ok


@pytest.mark.parametrize("name", ["reverse", "shuffle_dyck", "caesar", "sort"])
def test_its_circuit_is_known(name: str) -> None:
    """Every edge sums to the weights, and running the edges is running the model; it may be renumbered."""
    model = compiled(name, uniform=False)
    for granularity in ("component", "neuron"):
        assert model.circuit(granularity).faults() == []
    renumbered = lab.permute(model, seed=1)
    assert renumbered.config == model.config
    assert raspc.check(renumbered).ok


@pytest.mark.parametrize("target", ["llama", "bert"])
def test_stock_families_have_one_width(target: str, tmp_path: Path) -> None:
    """Asked for at a compile, or as an export of a model that is compiled."""
    with pytest.raises(InvalidProgram, match=f"all layers of {target} have one width; leave out uniform=False"):
        raspc.compile(library.hist(), "ab", 3, causal=target == "llama", target=target, uniform=False)
    with pytest.raises(InputError, match=f"{target} {ONE_WIDTH}|not installed"):
        compiled("reverse", uniform=False).to(target, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


ONE_WIDTH = "needs one width for all layers, and this model has one for each: compile the program without uniform=False"


def test_what_knows_one_width_alone_says_what_to_do(tmp_path: Path) -> None:
    """Compression, TransformerLens, Hugging Face, Tracr's names for sizes: a line each, before anything is made."""
    model = compiled("reverse", uniform=False)
    with pytest.raises(InputError, match=f"compression {ONE_WIDTH}"):
        compress.compress(model, 2)
    with pytest.raises(InputError, match=f"Tracr's model_config {ONE_WIDTH}"):
        _ = model.model_config
    for target, called in (("transformer_lens", "TransformerLens"), ("huggingface", "Hugging Face")):
        try:
            found = model.to(target, tmp_path / target)
        except InputError as error:
            assert f"{called} {ONE_WIDTH}" in str(error) or "not installed" in str(error)
        else:
            pytest.fail(f"{target} took it: {found}")
    assert list(tmp_path.iterdir()) == []


def test_an_export_holds_no_more(tmp_path: Path) -> None:
    """PyTorch's modules have as many parameters as the model, and ONNX and NPZ have no arrays for what is not there."""
    model = compiled("reverse", uniform=False)
    arrays = model.to("npz", tmp_path / "w.npz")
    assert len(arrays) == len(model.params)
    torch = pytest.importorskip("torch")
    module = model.to("torch")
    assert sum(p.numel() for p in module.parameters()) == sum(array.size for array in model.params.values())
    ids = model.encode_batch([["BOS", *library.get("reverse").vocab[:3]]])
    with torch.inference_mode():
        logits = module(torch.from_numpy(ids)).numpy()
    assert np.allclose(logits, model.trace_ids(ids).unembedded, atol=1e-4)
    pytest.importorskip("onnx")
    held = [one.name for one in model.to("onnx").graph.initializer]
    assert not any("mlp" in name for name in held)


def test_the_command_line_compiles_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--no-uniform`; sizes are told by layer, in words and as JSON."""
    place = str(tmp_path / "m")
    arguments = ["compile", "reverse", "--vocab", "a,b", "--max-seq-len", "4", "-O", "1", "--no-uniform", "-o", place]
    assert status(arguments) == 0
    assert "1, 1 heads in a layer, d_model" in capsys.readouterr().out
    assert status(["inspect", place, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n_heads"] == [1, 1] and len(found["d_mlp"]) == 2 and 0 in found["d_mlp"]
    for command in (["run", place, "a", "b", "--trace"], ["check", place], ["certify", place], ["inspect", place]):
        assert status(command) == 0, command
    assert status(["inspect", place, "--passes", "--explain", "--plan"]) == 0
    told = capsys.readouterr().out
    assert "2 layers, d_model" in told and ", heads 1 of " in told
    assert "filled up to the widest layer" not in told
    assert status(["compress", place, "--dims", "2", "-o", str(tmp_path / "c")]) == 2
    assert "compression needs one width" in capsys.readouterr().err


def test_uniform_is_a_truth_value() -> None:
    """Another kind of argument is named."""
    with pytest.raises(TypeError, match="uniform"):
        raspc.compile(library.hist(), "ab", 3, uniform="no")
