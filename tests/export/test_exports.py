"""Each export computes what the NumPy forward computes, and is at home in its framework."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.hand_built import certificate, random_model

import raspc
from raspc import export, jsonvalues, library
from raspc.errors import CertificateError, InputError
from raspc.export import precision
from raspc.numbers.precision import PRECISIONS
from raspc.target.families import FAMILIES
from raspc.weights import Config, Model

BATCH = [["BOS", 1, "two words", None, float("inf")], ["BOS", ("a", 2.5)], ["BOS"]]


def needs(target: str) -> None:
    """Skip where the framework is not installed; CI installs all of them."""
    for module in export.CONVERTERS[target].modules:
        pytest.importorskip(module)


def held_by(target: str) -> Model:
    """A random model that a target can hold: some see no later tokens, and some have no table of positions."""
    model = random_model(causal=target not in ("bert", "t5"))
    positions = "pos_embed/embeddings"
    return Model(model.config, {**model.params, positions: np.zeros_like(model.params[positions])})


# --- the door -------------------------------------------------------------------------------------------


def test_an_unknown_target_is_named() -> None:
    """With those that exist."""
    with pytest.raises(InputError, match=r"unknown target 'tensorflow'; known are torch, jax"):
        random_model().to("tensorflow")


def test_a_missing_framework_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to install it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'raspc\[transformer-lens\]'"):
        random_model().to("transformer-lens")


def test_unknown_options_are_named() -> None:
    """Rather than ignored."""
    with pytest.raises(InputError, match=r"unknown options \['colour'\] for npz; it takes \['dtype'\]"):
        random_model().to("npz", colour="red")


@pytest.mark.parametrize("target", [target for target in export.CONVERTERS if target not in (*FAMILIES, "gguf")])
def test_an_unwritable_path_is_one_line_and_leaves_nothing(target: str, tmp_path: Path) -> None:
    """For every target; the line names the path."""
    needs(target)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"cannot write .*file/out") as caught:
        held_by(target).to(target, tmp_path / "file" / "out")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_model_that_failed_its_check_is_not_exported() -> None:
    """Its certificate says so."""
    model = random_model()
    failed = Model(model.config, model.params, certificate=certificate("fails"))
    with pytest.raises(CertificateError, match="failed its certificate"):
        failed.to("npz")


def test_frameworks_are_imported_only_when_asked_for() -> None:
    """Neither `raspc.export` nor `raspc.parity` imports one."""
    script = (
        "import sys, raspc.export, raspc.parity; "
        "print([m for m in ('torch', 'jax', 'haiku', 'onnx', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- dtypes ---------------------------------------------------------------------------------------------


def echo(scale: float = 1.0) -> Model:
    """A model that answers with its token: margins are `scale`, so that rounding cannot hurt a large one."""
    model = random_model(scale=0.0)
    arrays = {name: np.array(array) for name, array in model.params.items()}
    arrays["token_embed/embeddings"][:4, :4] = np.eye(4) * scale
    arrays["token_embed/embeddings"][:, 4] = 1.0
    arrays["unembed/w"][:4] = np.eye(4)
    arrays["unembed/w"][4] = [0, 1e-5, 2e-5, 3e-5]
    return Model(model.config, arrays)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_narrow_dtype_is_exported_only_where_a_run_supports_it(dtype: str) -> None:
    """Wide margins pass; margins of one part in a hundred thousand do not."""
    needs("torch")
    assert precision.first_difference(echo(), dtype) is None
    assert next(echo().to("torch", dtype=dtype).parameters()).element_size() == 2
    with pytest.raises(InputError, match=rf"{dtype} does not hold for this model: its answer to \['BOS'"):
        random_model(scale=3.0).to("torch", dtype=dtype)
    plain = random_model(scale=3.0)
    certified = Model(plain.config, plain.params, certificate=certificate("measured", dtype))
    assert next(certified.to("torch", dtype=dtype).parameters()).element_size() == 2
    with pytest.raises(InputError, match="unknown dtype 'int4'"):
        echo().to("npz", dtype="int4")


def test_a_rounded_pass_rounds_every_activation() -> None:
    """Each number of the answer is one that bfloat16 has, and near the exact one."""
    model = random_model()
    ids = model.encode_batch(BATCH)
    logits = model.logits_in(ids, PRECISIONS["bfloat16"])
    assert PRECISIONS["bfloat16"].holds(logits)
    assert 0 < abs(logits - model.logits(ids)).max() < 0.2 * abs(logits).max()


# --- torch ----------------------------------------------------------------------------------------------


def test_torch_is_differentiable_and_readable() -> None:
    """Names, gradients through every parameter, an explicit mask."""
    torch = pytest.importorskip("torch")
    model = random_model()
    module, ids = model.to("torch"), model.encode_batch(BATCH)
    assert "layers.1.attn.query.weight" in module.state_dict()
    module(torch.tensor(ids)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    mask = torch.tensor(ids != model.config.pad_id)
    assert torch.equal(module(torch.tensor(ids), mask), module(torch.tensor(ids)))
    assert not torch.equal(module(torch.tensor(ids), torch.ones_like(mask)), module(torch.tensor(ids)))


def test_torch_runs_in_float64_and_under_export(tmp_path: Path) -> None:
    """Any dtype; and `torch.export` can trace it."""
    torch = pytest.importorskip("torch")
    model = random_model()
    ids = torch.tensor(model.encode_batch(BATCH))
    assert model.to("torch", dtype="float64")(ids).dtype == torch.float64
    module = model.to("torch")
    traced = torch.export.export(module, (ids,)).module()
    torch.testing.assert_close(traced(ids), module(ids))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_torch_files_hold_the_state_dict(suffix: str, tmp_path: Path) -> None:
    """Data only; a safetensors file also holds the config."""
    torch = pytest.importorskip("torch")
    from safetensors import safe_open
    from safetensors.torch import load_file

    model, path = random_model(), tmp_path / f"model{suffix}"
    expected = model.to("torch", path).state_dict()
    found = torch.load(path, weights_only=True) if suffix == ".pt" else load_file(path)
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    if suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            assert Config.from_json(json.loads(file.metadata()["config"])).n_layers == 2


# --- jax and haiku --------------------------------------------------------------------------------------


def test_jax_jits_maps_and_differentiates() -> None:
    """The three transformations that people come for."""
    jax = pytest.importorskip("jax")
    model = random_model(n_layers=1)
    found, ids = model.to("jax"), model.encode_batch(BATCH)
    plain = found(ids)
    np.testing.assert_allclose(jax.jit(found.apply)(found.params, ids), plain, atol=1e-5)
    np.testing.assert_allclose(jax.jit(jax.vmap(found.apply, (None, 0)))(found.params, ids), plain, atol=1e-5)
    gradient = jax.jit(jax.grad(lambda params: found.apply(params, ids).sum()))(found.params)
    assert gradient.keys() == model.params.keys()
    assert abs(gradient["transformer/layer_0/attn/query/w"]).max() > 0
    mask = np.ones_like(ids, bool)
    assert abs(found(ids, mask) - plain).max() > 1e-3


def test_jax_says_when_float64_is_off() -> None:
    """Rather than hand over float32."""
    pytest.importorskip("jax")
    with pytest.raises(InputError, match="jax_enable_x64"):
        random_model().to("jax", dtype="float64")


def test_haiku_has_exactly_the_canonical_tree() -> None:
    """What `init` makes has our names and shapes, and our arrays run in its place."""
    needs("haiku")
    import jax

    model = random_model(causal=True, n_layers=1)
    found, ids = model.to("haiku"), model.encode_batch(BATCH)
    made = jax.tree_util.tree_map(np.shape, jax.jit(found.transformed.init)(jax.random.PRNGKey(0), ids))
    assert made == {m: {k: a.shape for k, a in arrays.items()} for m, arrays in model.params.modules().items()}
    np.testing.assert_allclose(found(ids)[0], model.logits(ids)[0], atol=1e-4)


# --- transformer_lens -----------------------------------------------------------------------------------

CLASSIC = [
    "hook_embed", "hook_pos_embed", "blocks.0.hook_resid_pre", "blocks.0.hook_resid_mid", "ln_final.hook_in",
    "blocks.0.hook_resid_post", "blocks.0.hook_attn_out", "blocks.0.hook_mlp_out", "blocks.0.attn.hook_q",
    "blocks.0.attn.hook_k", "blocks.0.attn.hook_v", "blocks.0.attn.hook_z", "blocks.0.attn.hook_pattern",
    "blocks.0.attn.hook_attn_scores", "blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post",
]  # fmt: skip


@pytest.mark.parametrize("causal", [False, True])
def test_transformer_lens_has_its_hooks_and_our_labels(causal: bool) -> None:
    """Classic hook names, short names in the cache, d_vocab_out, labels; PAD is hidden unasked."""
    needs("transformer_lens")
    import torch

    model = random_model(causal=causal)
    lens, ids = model.to("transformer_lens"), model.encode_batch(BATCH)
    logits, cache = lens.run_with_cache(torch.tensor(ids))
    assert set(CLASSIC) - {"ln_final.hook_in"} <= set(cache.keys())
    assert logits.shape == (3, 5, model.config.d_vocab_out)
    assert tuple(lens.residual_labels) == tuple(model.residual_labels)
    reference = model.trace_ids(ids)
    tokens = ids != model.config.pad_id
    np.testing.assert_allclose(logits.detach().numpy()[tokens], reference.unembedded[tokens], atol=1e-4)
    for layer in range(2):
        for name, expected in (("attn_out", 2 * layer), ("mlp_out", 2 * layer + 1)):
            found = cache[name, layer].detach().numpy()
            np.testing.assert_allclose(found[tokens], reference.layer_outputs[expected][tokens], atol=1e-4)


def test_transformer_lens_hooks_intervene() -> None:
    """A hook that zeroes the attention of layer 0 changes the answer as in NumPy."""
    needs("transformer_lens")
    import torch

    model = random_model()
    lens, ids = model.to("transformer_lens"), model.encode_batch(BATCH[:1])
    found = lens.run_with_hooks(
        torch.tensor(ids), fwd_hooks=[("blocks.0.hook_attn_out", lambda x, hook: torch.zeros_like(x))]
    )
    arrays = {name: np.array(array) for name, array in model.params.items()}
    arrays["transformer/layer_0/attn/linear/w"][:] = arrays["transformer/layer_0/attn/linear/b"][:] = 0
    expected = Model(model.config, arrays).logits(ids)
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-4)


def test_transformer_lens_own_loader_takes_our_model() -> None:
    """TransformerLens 4 reads Tracr-shaped objects; ours is one."""
    needs("transformer_lens")
    tracr = pytest.importorskip("transformer_lens.utilities.tracr")
    model = random_model()
    labels = [f"out:{value}" for value in model.config.output.values]
    labels += [f"v:{i}" for i in range(model.config.d_model - len(labels))]
    labelled = Model(model.config, model.params, labels)
    assert tracr.infer_tracr_output_label(labelled) == "out"
    assert tracr.make_tracr_categorical_unembed(labelled).shape == (13, 4)
    assert tracr.make_tracr_transformer_bridge_config(labelled).d_vocab_out == 4
    state = tracr.make_tracr_transformer_bridge_state_dict(labelled)
    np.testing.assert_array_equal(
        state["layers.1.attn.q.weight"].numpy(), model.params["transformer/layer_1/attn/query/w"].T
    )


@pytest.mark.parametrize("name", ["reverse", "hist", "sort"])
def test_transformer_lens_own_loader_runs_compiled_programs(name: str) -> None:
    """Given the output's label where two variables have the same values, as in reverse."""
    pytest.importorskip("transformer_lens.utilities.tracr")
    import torch

    import raspc
    from raspc import library
    from raspc.export.transformer_lens import output_label, through_tracr_loader

    entry = library.get(name)
    model = raspc.compile(entry.program, vocab=entry.vocab, max_seq_len=4, causal=entry.causal)
    assert output_label(model) == name
    ids = model.encode_batch([["BOS", *entry.vocab[:3]]])
    np.testing.assert_allclose(
        through_tracr_loader(model)(torch.tensor(ids)).detach().numpy(), model.logits(ids), atol=1e-4
    )


def test_transformer_lens_own_loader_is_told_what_it_cannot_do() -> None:
    """An output that is no selection of residual dimensions."""
    needs("transformer_lens")
    pytest.importorskip("transformer_lens.utilities.tracr")
    from raspc.export.transformer_lens import through_tracr_loader

    with pytest.raises(InputError, match=r"needed a categorical output"):
        through_tracr_loader(random_model())


def test_transformer_lens_3_weights_have_a_head_axis() -> None:
    """The layout for versions up to 3, whichever is installed: W_Q [head, d_model, d_head]."""
    pytest.importorskip("torch")
    from raspc.export.transformer_lens import hooked_state

    model = random_model()
    state = hooked_state(model.config, model.params)
    query = model.params["transformer/layer_0/attn/query/w"]
    assert state["blocks.0.attn.W_Q"].shape == (2, 13, 3)
    np.testing.assert_array_equal(state["blocks.0.attn.W_Q"][1].numpy(), query[:, 3:])
    output = model.params["transformer/layer_0/attn/linear/w"]
    np.testing.assert_array_equal(state["blocks.0.attn.W_O"][1].numpy(), output[3:])


# --- onnx -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [False, True])
def test_onnx_runs_at_any_batch_and_length(causal: bool, tmp_path: Path) -> None:
    """In onnxruntime, from the file; with the meaning of its ids in the metadata."""
    needs("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = random_model(causal=causal)
    model.to("onnx", tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [x.name for x in session.get_inputs()] == ["ids"]
    assert [x.name for x in session.get_outputs()] == ["logits"]
    for batch in ([["BOS"]], BATCH, BATCH * 3):
        ids = model.encode_batch(batch)
        (logits,) = session.run(None, {"ids": ids.astype(np.int64)})
        np.testing.assert_allclose(logits, model.logits(ids), atol=1e-4)
    metadata = session.get_modelmeta().custom_metadata_map
    config = Config.from_json(jsonvalues.loads(metadata["raspc.config"].encode()))
    assert (config.bos, config.pad, config.vocab[2]) == ("BOS", "PAD", ("a", 2.5))
    assert json.loads(metadata["raspc.residual_labels"]) == list(model.residual_labels)


def test_onnx_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    """So that a build can be compared."""
    needs("onnx")
    for name in "ab":
        random_model().to("onnx", tmp_path / name, trace=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_onnx_in_float16_runs() -> None:
    """Where the model allows it; bfloat16 is refused."""
    needs("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = echo()
    session = onnxruntime.InferenceSession(model.to("onnx", dtype="float16").SerializeToString())
    ids = model.encode_batch([["BOS", 1, None]])
    (logits,) = session.run(None, {"ids": ids.astype(np.int64)})
    assert logits.dtype == np.float16
    assert logits[0, 1:].argmax(-1).tolist() == [0, 3]
    with pytest.raises(InputError, match="onnx is exported as float32"):
        model.to("onnx", dtype="bfloat16")


# --- huggingface ----------------------------------------------------------------------------------------

LOAD = """
import json, sys, warnings
from transformers import AutoModelForTokenClassification, AutoTokenizer
path, remote = sys.argv[1], sys.argv[2] == "True"
tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=remote)
batch, logits = tokenizer(json.load(sys.stdin), return_tensors="pt", padding=True), []
for options in [{}] if remote else [{"attn_implementation": "eager"}, {"attn_implementation": "sdpa"}]:
    model = AutoModelForTokenClassification.from_pretrained(path, trust_remote_code=remote, **options)
    logits.append(model(**batch).logits.tolist())
kind, labels = type(model).__name__, model.config.id2label
print(json.dumps([batch["input_ids"].tolist(), logits, labels, kind, tokenizer.unk_token_id]))
"""


@pytest.mark.parametrize("causal", [False, True])
def test_huggingface_loads_by_the_auto_classes(causal: bool, tmp_path: Path) -> None:
    """In a process that does not know raspc; bidirectional models without remote code, in any attention."""
    needs("huggingface")
    from raspc.export.huggingface import tokens_of

    model = random_model(causal=causal)
    model.to("huggingface", tmp_path / "model")
    words = tokens_of(model.config.vocab)
    texts = [" ".join(words[i] for i in model.input_encoder.encode(tokens)[1:]) for tokens in BATCH]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "model"), str(causal)],
        input=json.dumps([*texts, "nonsense"]), capture_output=True, text=True, check=True,
        env={**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
    )  # fmt: skip
    ids, logits, labels, kind, unknown = json.loads(done.stdout.splitlines()[-1])
    expected = model.encode_batch(BATCH)
    assert ids[:3] == expected.tolist()
    assert ids[3][:2] == [model.config.bos_id, unknown]
    for found in logits:
        np.testing.assert_allclose(np.array(found)[:3], model.logits(expected), atol=2e-4)
    assert labels == {"0": "yes", "1": "None", "2": "3", "3": '{"tuple":[1,"x"]}'}
    assert kind == ("RaspcForTokenClassification" if causal else "MobileBertForTokenClassification")


def test_tokens_have_no_white_space_and_no_doubles() -> None:
    """The tokenizer splits at white space, and 1 is not "1"."""
    pytest.importorskip("torch")
    from raspc.export.huggingface import tokens_of

    values = (1, "1", "two words", "", "a", ("a",), "\u3000")
    words = tokens_of(values)
    assert len(set(words)) == len(values)
    assert not any(char.isspace() for word in words for char in word)
    assert all(words)
    assert words[4] == "a"


def test_huggingface_is_a_directory_and_replaces_only_its_own(tmp_path: Path) -> None:
    """No path, or another's directory: one line."""
    needs("huggingface")
    with pytest.raises(InputError, match="give it a path"):
        random_model().to("huggingface")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"):
        random_model().to("huggingface", tmp_path / "papers")
    random_model().to("huggingface", tmp_path / "model")
    random_model(seed=1).to("huggingface", tmp_path / "model")


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("causal", [False, True])
def test_huggingface_has_a_model_card(causal: bool, tmp_path: Path) -> None:
    """How to run it, tokens, answers, the program, what is proved, and what its dimensions hold; and it runs so."""
    needs("huggingface")
    model = raspc.compile(library.hist(), {"a", "b|"}, 3, causal=causal)
    model.to("huggingface", tmp_path / "model")
    text = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlibrary_name: transformers\n") and "# hist\n" in text
    for told in (
        "`a`, `b|`",
        "Each token gets one of: `1`, `2`, `3`.",
        "width(%1)",
        "Proved, in float32, up to length 3",
    ):
        assert told in text, told
    assert "| `tokens:a` … `tokens:b\\|` |" in text and "The weakest decision uses" in text
    block = text.partition("```python\n")[2].partition("```")[0].replace('"PATH"', repr(str(tmp_path / "model")))
    if not causal:  # the other one writes its code to a cache
        told_by: dict[str, object] = {}
        exec(block, told_by)
        assert tuple(told_by["logits"].shape) == (1, 3, 3)  # type: ignore[attr-defined]


# --- npz ------------------------------------------------------------------------------------------------


def test_npz_has_double_underscores(tmp_path: Path) -> None:
    """As the parity repository names its arrays; no pickle is needed to read it."""
    model = random_model()
    model.to("npz", tmp_path / "weights.npz")
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as arrays:
        assert {name.replace("__", "/") for name in arrays.files} == set(model.params)
        name = "transformer__layer_0__attn__query__w"
        assert (arrays[name] == model.params["transformer/layer_0/attn/query/w"]).all()


@pytest.mark.parametrize("target", ["npz", "jax", "haiku"])
def test_files_of_arrays_are_the_same_each_time(target: str, tmp_path: Path) -> None:
    """Without a date in the archive."""
    needs(target)
    for name in ("a.npz", "b.npz"):
        random_model().to(target, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
