# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From RASP to TransformerLens
#
# A RASP program becomes the weights of a transformer; the transformer becomes a model of
# [TransformerLens](https://github.com/TransformerLensOrg/TransformerLens), with its hooks and its cache; and every
# layer of the two gives the same numbers. After the "Tracr to TransformerLens" notebook, whose forty lines of
# conversion are one here.
#
# This is a text notebook: open it with Jupytext, or make an `.ipynb` with
# `jupytext --to ipynb examples/tracr_to_transformer_lens.py`.

# %%
from importlib.metadata import version

import numpy as np
import torch
from matplotlib import pyplot as plt

import raspc
from raspc import rasp

# %% [markdown]
# ## A program that reverses its input
# `opposite` is the index that each position has to look at; the selector picks it, the aggregate moves its token.

# %%
opposite = (rasp.length - 1 - rasp.indices).named("opposite")
flip = rasp.Select(rasp.indices, opposite, rasp.Comparison.EQ)
reverse = rasp.Aggregate(flip, rasp.tokens).named("reverse")

model = raspc.compile(reverse, vocab={1, 2, 3}, max_seq_len=5, bos="BOS")
out = model.apply(["BOS", 1, 2, 3])
print("compiled: ", out.decoded)
assert out.decoded == ["BOS", 3, 2, 1]

# %% [markdown]
# ## Convert
# The native model of the installed version: a `TransformerBridge` in TransformerLens 4, a `HookedTransformer` before.

# %%
lens = model.to("transformer_lens")

# %% [markdown]
# ## Run and decode
# The encoders turn tokens into ids and columns of the logits into values.

# %%
ids = torch.tensor([model.input_encoder.encode(["BOS", 1, 2, 3])])
logits, cache = lens.run_with_cache(ids)
decoded = ["BOS", *model.output_encoder.decode(logits[0, 1:].argmax(-1).tolist())]
print("TransformerLens: ", decoded)
assert decoded == out.decoded

# %% [markdown]
# ## Every layer gives the same numbers

# %%
for layer in range(lens.cfg.n_layers):
    for name, place in (("attn_out", 2 * layer), ("mlp_out", 2 * layer + 1)):
        equal = np.isclose(cache[name, layer].detach().numpy(), out.layer_outputs[place], atol=1e-5).all()
        print(f"layer {layer} {name} equal:", equal)
        assert equal

# %% [markdown]
# ## The final residual stream, with the names of its variables
# Each dimension holds one value of one variable: the logits are those named `reverse`, and they are flipped.

# %%
residual = cache["resid_post", lens.cfg.n_layers - 1].detach().numpy()[0]
figure, axis = plt.subplots(figsize=(0.4 * len(lens.residual_labels), 2.5), layout="constrained")
axis.imshow(residual, cmap="Blues", aspect="auto")
axis.set(xlabel="residual stream", ylabel="position")
axis.set_xticks(range(len(lens.residual_labels)), lens.residual_labels, rotation=90)
axis.set_yticks(range(4), ["BOS", "1", "2", "3"])
plt.show()

# %% [markdown]
# ## Intervene
# Hooks work as on any model of TransformerLens. Without the attention of the last layer nothing is moved, and the
# answer is gone.

# %%
ablated = lens.run_with_hooks(
    ids, fwd_hooks=[(f"blocks.{lens.cfg.n_layers - 1}.hook_attn_out", lambda value, hook: torch.zeros_like(value))]
)
assert not torch.equal(ablated[0, 1:].argmax(-1), logits[0, 1:].argmax(-1))

# %% [markdown]
# ## TransformerLens's own loader
# TransformerLens 4 can read Tracr's models; ours have what it asks for. It infers the output's variable where no
# other has the same values; here `tokens` has, and `through_tracr_loader` says which one it is.

# %%
if int(version("transformer-lens").split(".")[0]) >= 4:
    from raspc.export.transformer_lens import through_tracr_loader

    again = through_tracr_loader(model)(ids)
    assert torch.allclose(again, logits, atol=1e-5)
