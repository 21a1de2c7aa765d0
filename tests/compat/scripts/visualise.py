"""What notebooks that draw Tracr's models read: labels, activations, encoders, sizes and parameters."""
# ruff: noqa - written as its author would write it

import numpy as np
from tracr.compiler import compiling, lib
from tracr.compiler.compiling import COMPILER_BOS, COMPILER_PAD
from tracr.craft import bases
from tracr.rasp import rasp

program = lib.make_frac_prevs(rasp.tokens == "x")
model = compiling.compile_rasp_to_model(program, vocab={"w", "x", "y", "z"}, max_seq_len=6)
out = model.apply([COMPILER_BOS, "x", "x", "y"])
assert np.allclose(out.decoded[1:], [1, 1, 2 / 3], atol=1e-5)

config = model.model_config
for name in (
    "num_heads",
    "num_layers",
    "key_size",
    "mlp_hidden_size",
    "dropout_rate",
    "layer_norm",
    "causal",
):
    assert getattr(config, name) is not None
assert config.activation_function(np.array([-1.0, 2.0])).tolist() == [0.0, 2.0]
width, positions = len(model.residual_labels), 4
assert np.array(out.input_embeddings).shape == np.array(out.transformer_output).shape == (1, positions, width)
for arrays in (out.residuals, out.layer_outputs):
    assert [np.array(x).shape for x in arrays] == [(1, positions, width)] * 2 * config.num_layers
assert [np.array(x).shape for x in out.attn_logits] == [(1, config.num_heads, positions, positions)] * config.num_layers
assert np.array(out.unembedded).shape == (1, positions)
stream = out.input_embeddings + sum(out.layer_outputs)
assert np.allclose(stream, out.residuals[-1], atol=1e-5) and np.allclose(stream, out.transformer_output, atol=1e-5)

encoder = model.input_encoder
assert encoder.bos_token == COMPILER_BOS and encoder.pad_token == COMPILER_PAD and encoder.enforce_bos
assert encoder.vocab_size == 6 == model.params["token_embed"]["embeddings"].shape[0]
assert encoder.encode([COMPILER_BOS, "x"]) == [encoder.bos_encoding, encoder.encoding_map["x"]]
assert encoder.decode([encoder.pad_encoding]) == [COMPILER_PAD]
assert model.output_encoder.decode([0.5]) == [0.5]
for bad in (["x"], [COMPILER_BOS, "?"], [COMPILER_BOS] + ["x"] * 7):
    try:
        model.apply(bad)
    except ValueError as error:
        print("refused:", error)
    else:
        raise AssertionError(bad)

heads, d_head = config.num_heads, config.key_size
shapes = {name: {k: v.shape for k, v in group.items()} for name, group in model.params.items()}
assert shapes["pos_embed"]["embeddings"] == (7, width)
for i in range(config.num_layers):
    for part in ("query", "key", "value"):
        assert shapes[f"transformer/layer_{i}/attn/{part}"] == {
            "w": (width, heads * d_head),
            "b": (heads * d_head,),
        }
    assert shapes[f"transformer/layer_{i}/attn/linear"] == {"w": (heads * d_head, width), "b": (width,)}
    assert shapes[f"transformer/layer_{i}/mlp/linear_1"]["w"] == (width, config.mlp_hidden_size)
    assert shapes[f"transformer/layer_{i}/mlp/linear_2"]["w"] == (config.mlp_hidden_size, width)

names = [label.split(":")[0] for label in model.residual_labels]
space = bases.VectorSpaceWithBasis.from_names(model.residual_labels)
assert space.num_dims == width and "frac_prevs" in " ".join(names), names

counts = lib.make_hist()
hist = compiling.compile_rasp_to_model(counts, {"a", "b"}, 4, compiler_bos="BOS", compiler_pad="PAD")
values = set(map(str, hist.output_encoder.encoding_map))
by_name = {}
for label in hist.residual_labels:
    name, _, value = label.rpartition(":")
    by_name.setdefault(name, set()).add(value)
assert [name for name, found in by_name.items() if found == values] == [counts.label], (by_name, values)
ids = np.array(hist.apply(["BOS", "a", "b", "a"]).unembedded)[0].tolist()
assert hist.output_encoder.decode(ids)[1:] == [2, 1, 2]
print("activations", len(out.residuals), "labels", width)
