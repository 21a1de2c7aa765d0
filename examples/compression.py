# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A superposed model whose computation is known
#
# A compiled model keeps every variable in a subspace of its own. Compressing its residual stream gives a model that
# looks more like a trained one, while what it computes, and where, is still known. This page compresses `frac_prevs`
# from 10 dimensions, asks whether the narrow models still do what the program does, and hides one of them in a random
# basis. It runs in a few seconds; docs/compression.md has the long runs.

# %%
import raspc
from raspc import library
from raspc.compress import compress

model = raspc.compile(library.frac_prevs(), vocab={"a", "x"}, max_seq_len=5, optimize=0)
print("compiled:", model.config.d_model, "dimensions:", ", ".join(model.residual_labels))

# %% [markdown]
# ## Without training
# `readers` keeps of each variable what something reads of it; `pca` and `svd` are what one would try first.

# %%
for method in ("readers", "pca", "svd", "pruned"):
    report = compress(model, 7, method=method).report
    print(f"{method:8} d = 7: output loss {report.output_loss:.1e}, accuracy {report.accuracy:6.1%}: {report.verdict}")

# %% [markdown]
# ## Trained, as in the paper
# Several seeds are trained at once; the best is kept. Averaging heads are softened first (their ties are what
# interference breaks), and the last steps are of second order.

# %%
narrow = compress(model, 5, seeds=4, steps=400, polish=60)
report = narrow.report
print(f"d = 5: output loss {report.output_loss:.1e}, accuracy {report.accuracy:.1%}: {report.verdict}")
for row in report.runs:
    print(f"  seed {row['seed']}: output loss {row['output_loss']:.1e}")

# %% [markdown]
# ## Does it still compute the same thing?
# An interchange intervention takes a variable's part of the stream from another input; the program says what must
# come out. In the compiled model that holds always. In the compressed one a variable may share its subspace.

# %%
for row in report.interchange:
    print(f"swap {row['variable']:10} {row['subspace']:6.1%} as the program, compiled {row['compiled']:6.1%}")

# %% [markdown]
# ## It is a model like any other, and it can be hidden
# The same function in a random orthogonal basis: no axis of the stream means anything.

# %%
hidden = raspc.rotate(model, seed=1)
tokens = ["BOS", "x", "a", "x"]
print("compiled  ", model.apply(tokens).decoded)
print("compressed", [round(x, 3) if isinstance(x, float) else x for x in narrow.apply(tokens).decoded])
print("rotated   ", hidden.apply(tokens).decoded)
assert raspc.check(hidden).ok
assert report.output_loss < 1e-2
