"""Compiled models as functions in JAX and Haiku, as people fine-tune and compress them."""
# ruff: noqa - written as its author would write it

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
from tracr.compiler import compiling, lib

model = compiling.compile_rasp_to_model(lib.make_hist(), {1, 2, 3}, 4, compiler_bos="BOS")
tokens = jnp.array([model.input_encoder.encode(["BOS", 1, 2, 3]), model.input_encoder.encode(["BOS", 3, 3, 1])])

forward = jax.jit(model.forward)
out = forward(model.params, tokens)
assert out.unembedded_output.shape == (2, 4)
decoded = [model.output_encoder.decode(row.tolist())[1:] for row in out.unembedded_output]
assert decoded == [[1, 1, 1], [2, 2, 1]], decoded
reference = model.apply(["BOS", 1, 2, 3])
for ours, theirs in zip(reference.residuals, out.transformer_output.residuals, strict=True):
    assert np.allclose(ours[0], theirs[0], atol=1e-5)
assert isinstance(out.transformer_output.residuals, list) and len(out.transformer_output.attn_logits) == 1


def loss(params):
    return (model.forward(params, tokens).transformer_output.output ** 2).mean()


gradient = jax.jit(jax.grad(loss))(model.params)
assert jax.tree_util.tree_structure(gradient) == jax.tree_util.tree_structure(model.params)
assert any(jnp.abs(g).max() > 0 for g in jax.tree_util.tree_leaves(gradient))


@hk.without_apply_rng
@hk.transform
def haiku_forward(ids):
    compiled_model = model.get_compiled_model()
    return compiled_model(ids, use_dropout=False)


again = jax.jit(haiku_forward.apply)(model.params, tokens)
assert (again.unembedded_output == out.unembedded_output).all()
fresh = jax.eval_shape(haiku_forward.init, jax.random.PRNGKey(0), tokens)
assert jax.tree_util.tree_map(lambda x: x.shape, fresh) == jax.tree_util.tree_map(jnp.shape, model.params)

# `apply` reads what stands in `params`.
model.params["token_embed"] = {"embeddings": jnp.zeros_like(model.params["token_embed"]["embeddings"])}
assert not np.allclose(model.apply(["BOS", 1, 2, 3]).residuals[-1], reference.residuals[-1])
print("gradients for", len(gradient), "modules")
