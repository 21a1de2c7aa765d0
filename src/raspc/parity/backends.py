"""How each backend is loaded and made to show every activation.

`load` exports the model and reads back what a user would get; `trace` runs it on padded ids [batch, position]
and gives every activation. Frameworks are imported here only where they are used.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np

from raspc.export import CONVERTERS
from raspc.parity.activations import attn_scores
from raspc.parity.huggingface import load_huggingface, trace_huggingface
from raspc.run.plain import Array, Ids, prepare, trace
from raspc.run.trace import Trace
from raspc.weights import Config, Model


@dataclass(frozen=True)
class Backend:
    """A framework that can run an exported model."""

    name: str
    distribution: str
    load: Callable[[Model], Any]
    trace: Callable[[Any, Config, Ids], Trace[Any]]
    runtime: tuple[str, ...] = ()

    def missing(self) -> tuple[str, ...]:
        """The modules that are not installed."""
        absent = tuple(name for name in self.runtime if util.find_spec(name) is None)
        return CONVERTERS[self.name].missing() + absent

    def version(self) -> str | None:
        """The installed version, or None."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None


def _load(target: str) -> Callable[[Model], Any]:
    return lambda model: model.to(target)


def _trace_torch(module: Any, config: Config, ids: Ids) -> Trace[Any]:
    import torch

    with torch.inference_mode():
        found: Trace[Any] = module(torch.from_numpy(ids), trace=True)
    return found


def _trace_jax(found: Any, config: Config, ids: Ids) -> Trace[Any]:
    import jax

    traced: Trace[Any] = jax.jit(found.trace)(found.params, ids)
    return traced


def _trace_haiku(found: Any, config: Config, ids: Ids) -> Trace[Any]:
    import jax

    traced: Trace[Any] = jax.jit(found.traced.apply)(found.params, ids)
    return traced


def _trace_lens(lens: Any, config: Config, ids: Ids) -> Trace[Any]:
    """Scores come from `hook_q` and `hook_k`: TransformerLens shows its own after mask or softmax."""
    import torch

    with torch.inference_mode():
        logits, cache = lens.run_with_cache(torch.from_numpy(ids))

    def each(*names: str) -> list[Any]:
        return [cache[f"blocks.{i}.{name}"] for i in range(config.n_layers) for name in names]

    queries, keys = each("attn.hook_q"), each("attn.hook_k")
    n_heads, d_head, _ = config.width_for("TransformerLens")
    scores = [attn_scores(config, d_head, n_heads, *pair) for pair in zip(queries, keys, strict=True)]
    return Trace(
        cache["blocks.0.hook_resid_pre"], each("hook_resid_mid", "hook_resid_post"),
        each("hook_attn_out", "hook_mlp_out"), scores, each("attn.hook_pattern"),
        cache[f"blocks.{config.n_layers - 1}.hook_resid_post"], logits,
    )  # fmt: skip


def _load_onnx(model: Model) -> Any:
    return model.to("onnx", trace=True)


def _trace_onnx(proto: Any, config: Config, ids: Ids) -> Trace[Any]:
    import onnxruntime  # type: ignore[import-untyped, unused-ignore]

    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(names, {"ids": ids.astype(np.int64)}), strict=True))
    residuals, outputs = [found["input_embeddings"]], []
    for i in range(config.n_layers):
        for part in ("attn", "mlp"):  # a part that a layer does not have adds nothing
            residuals.append(found.get(f"layer_{i}/{part}/residual", residuals[-1]))
            outputs.append(found.get(f"layer_{i}/{part}/output", np.zeros_like(residuals[-1])))
    none = np.zeros((len(ids), 0, ids.shape[1], ids.shape[1]), np.float32)
    scores, patterns = (
        [found.get(f"layer_{i}/attn/{kind}", none) for i in range(config.n_layers)] for kind in ("logits", "pattern")
    )
    return Trace(residuals[0], residuals[1:], outputs, scores, patterns, residuals[-1], found["logits"])


def _load_npz(model: Model) -> dict[str, Array]:
    with tempfile.TemporaryDirectory() as directory:
        model.to("npz", Path(directory) / "weights.npz")
        with np.load(Path(directory) / "weights.npz", allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


def _trace_npz(arrays: dict[str, Array], config: Config, ids: Ids) -> Trace[Any]:
    params = {name.replace("__", "/"): array for name, array in arrays.items()}
    return trace(prepare(params, config), ids)


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("torch", "torch", _load("torch"), _trace_torch),
        Backend("jax", "jax", _load("jax"), _trace_jax),
        Backend("haiku", "dm-haiku", _load("haiku"), _trace_haiku),
        Backend("transformer_lens", "transformer-lens", _load("transformer_lens"), _trace_lens),
        Backend("onnx", "onnxruntime", _load_onnx, _trace_onnx, runtime=("onnxruntime",)),
        Backend("huggingface", "transformers", load_huggingface, trace_huggingface),
        Backend("npz", "numpy", _load_npz, _trace_npz),
    )
}
