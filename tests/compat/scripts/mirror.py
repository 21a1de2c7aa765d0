"""A mirror with the architecture in its own code: two heads, as many layers as the last key of `params` says."""
# ruff: noqa - written as its author would write it

import numpy as np
from tracr.compiler import compile_rasp_to_model
from tracr.rasp import rasp

N_HEADS = 2


def frac(of):
    before = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    return rasp.numerical(rasp.Aggregate(before, rasp.numerical(rasp.Map(lambda t: t == of, rasp.tokens)), default=0))


# Two aggregates of one selector: two heads in Tracr, one where alike heads are merged.
score = rasp.numerical(rasp.LinearSequenceMap(frac("("), frac(")"), 1, -1)).named("balance")
for kwargs in ({}, {"causal": True}):
    model = compile_rasp_to_model(score, {"(", ")"}, 6, compiler_bos="BOS", shape="tracr", **kwargs)
    params = model.params
    assert "unembed" not in params
    n_layers = int(list(params)[-1].split("/")[1].removeprefix("layer_")) + 1
    assert n_layers == int(sorted(params)[-1].split("/")[1].removeprefix("layer_")) + 1
    assert (N_HEADS, n_layers) == (model.model_config.num_heads, model.model_config.num_layers)

    ids = model.input_encoder.encode(["BOS", "(", "(", ")"])
    x = params["token_embed"]["embeddings"][ids] + params["pos_embed"]["embeddings"][: len(ids)]
    for layer in range(n_layers):
        linear = lambda part, x: (
            x @ params[f"transformer/layer_{layer}/{part}"]["w"] + params[f"transformer/layer_{layer}/{part}"]["b"]
        )
        q, k, v = (linear(f"attn/{p}", x).reshape(len(ids), N_HEADS, -1) for p in ("query", "key", "value"))
        logits = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(q.shape[-1])
        if kwargs:
            logits = np.where(np.tri(len(ids), dtype=bool), logits, -1e30)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        x = x + linear("attn/linear", np.einsum("hqk,khd->qhd", weights, v).reshape(len(ids), -1))
        x = x + linear("mlp/linear_2", np.maximum(linear("mlp/linear_1", x), 0))
    out = model.apply(["BOS", "(", "(", ")"])
    assert np.allclose(x, out.transformer_output[0], atol=1e-5)
    assert np.allclose(out.decoded[1:], [1, 1, 1 / 3], atol=1e-5), out.decoded
print("mirrored", n_layers)
