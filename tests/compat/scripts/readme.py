"""The tour of Tracr's README."""
# ruff: noqa - written as its author would write it

from tracr.compiler import compiling
from tracr.rasp import rasp


def make_length():
    all_true_selector = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE)
    return rasp.SelectorWidth(all_true_selector)


length = make_length()  # `length` is not a primitive in our implementation.
opp_index = length - rasp.indices - 1
flip = rasp.Select(rasp.indices, opp_index, rasp.Comparison.EQ)
reverse = rasp.Aggregate(flip, rasp.tokens)

bos = "BOS"
model = compiling.compile_rasp_to_model(
    reverse,
    vocab={1, 2, 3},
    max_seq_len=5,
    compiler_bos=bos,
)
out = model.apply([bos, 1, 2, 3])
assert out.decoded == ["BOS", 3, 2, 1], out.decoded
assert len(out.residuals) == len(out.layer_outputs) == 2 * model.model_config.num_layers
assert len(out.attn_logits) == model.model_config.num_layers
print("decoded", out.decoded)
