"""The activations of a forward pass by name, in the order in which they are computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raspc.run.arrays import NUMPY
from raspc.run.plain import Array
from raspc.run.trace import Trace
from raspc.weights.config import Config

KINDS = (
    "embeddings",
    "attn logits",
    "attn patterns",
    "attn outputs",
    "mlp outputs",
    "residuals",
    "unembedded",
)


@dataclass(frozen=True, eq=False)
class Activation:
    """One tensor of a trace: its kind, its name (`layer 0 attn logits`), and its numbers."""

    kind: str
    name: str
    array: Array


def listed(trace: Trace[Any]) -> Iterator[Activation]:
    """Every activation, first computed first; arrays of any framework become NumPy's."""
    yield Activation("embeddings", "input embeddings", numpy(trace.input_embeddings))
    for i in range(len(trace.attn_logits)):
        attended, computed = trace.layer_outputs[2 * i : 2 * i + 2]
        middle, after = trace.residuals[2 * i : 2 * i + 2]
        for kind, name, array in (
            ("attn logits", "attn logits", trace.attn_logits[i]),
            ("attn patterns", "attn pattern", trace.attn_patterns[i]),
            ("attn outputs", "attn output", attended),
            ("residuals", "residual after attn", middle),
            ("mlp outputs", "mlp output", computed),
            ("residuals", "residual after mlp", after),
        ):
            yield Activation(kind, f"layer {i} {name}", numpy(array))
    yield Activation("unembedded", "unembedded", numpy(trace.unembedded))


def numpy(array: Any) -> Array:
    """An array of any framework as NumPy's."""
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        array = array.float() if array.is_floating_point() and array.element_size() < 4 else array
        return np.asarray(array.numpy())
    return np.asarray(array)


def attn_scores(config: Config, d_head: int, n_heads: int, query: Any, key: Any) -> Array:
    """The scores before the mask [batch, head, query, key] of queries and keys that a hook saw.

    In these the heads stand apart or side by side; `n_heads` may count null heads of a stock architecture.
    """
    q, k = (NUMPY.split(x.reshape(*x.shape[:2], -1), n_heads) for x in (numpy(query), numpy(key)))
    return np.asarray(NUMPY.scores(q, k) * q.dtype.type(config.target.score_scale(d_head)))


def real(kind: str, array: Array, tokens: npt.NDArray[np.bool_]) -> Array:
    """The numbers at real positions, as `tokens` [batch, position] marks them.

    Logits between a real query and a real key; patterns from a real query to every key, PAD among them, which
    must get nothing.
    """
    if kind == "attn logits":
        return array.swapaxes(0, 1)[:, tokens[:, :, None] & tokens[:, None, :]]
    if kind == "attn patterns":
        return array.swapaxes(1, 2)[tokens]
    return array[tokens]
