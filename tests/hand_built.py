"""Models with random weights: what saving, running and exporting must handle, whatever the compiler makes."""

from __future__ import annotations

from typing import Any

import numpy as np

from raspc.weights import Config, Model, Output, shapes
from raspc.weights.certificate import Certificate

WORDS = (1, "two words", ("a", 2.5), None, float("inf"), float("nan"))
"""Values of every kind: all must pass through ids, files and tokenizers."""


def random_config(
    *,
    n_layers: int = 2,
    n_heads: int | tuple[int, ...] = 2,
    d_model: int = 13,
    d_head: int | tuple[int, ...] = 3,
    d_mlp: int | tuple[int, ...] = 11,
    n_ctx: int = 7,
    causal: bool = False,
    output: Output | None = None,
    words: tuple[Any, ...] = WORDS,
) -> Config:
    """A config whose sizes all differ, so that no two axes can be mixed up unseen."""
    vocab = (*words, "BOS", "PAD")
    output = output or Output("categorical", ("yes", None, 3, (1, "x")))
    return Config(
        n_layers, n_heads, d_model, d_head, d_mlp, n_ctx, len(vocab), output.width, causal, vocab,
        len(words), len(words) + 1, output,
    )  # fmt: skip


def random_model(seed: int = 0, scale: float = 0.5, **sizes: Any) -> Model:
    """Weights drawn from a normal distribution: nothing about them is special, so nothing can hide."""
    config, rng = random_config(**sizes), np.random.default_rng(seed)
    params = {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in shapes(config).items()}
    labels = [f"v:{i}" for i in range(config.d_model)]
    return Model(config, params, labels, alignment(config), None, certificate("measured"))


def alignment(config: Config) -> dict[str, Any]:
    """A variable that one head computes, as JSON data."""
    space = {"name": "reverse", "dims": [0, 1], "from_stage": 0, "to_stage": None}
    part = {"sublayer": "attention", "layer": 0, "head": config.widths[0].n_heads - 1, "values": [0, 1], "column": 0}
    facts = {"node": 0, "computed_by": [part], "spaces": [space], "read_from": []}
    return {"optimize": 1, "bos": 0, "variables": {"reverse": facts}, "selectors": {}, "passes": []}


def certificate(verdict: str, dtype: str = "float32") -> Certificate:
    """A certificate without links."""
    return Certificate(dtype, 6, verdict, (), (), None)


MODELS = {
    "bidirectional": {},
    "causal": {"causal": True},
    "numerical": {"output": Output("numerical", (None, "_"))},
    "causal number": {"causal": True, "output": Output("numerical"), "n_heads": 1, "d_head": 4},
    "wide heads": {"n_heads": 3, "d_head": 8, "d_model": 5, "n_layers": 1},
    "widths of their own": {"n_layers": 4, "n_heads": (2, 0, 3, 1), "d_head": (3, 0, 1, 4), "d_mlp": (0, 7, 11, 2)},
    "one of everything": {
        "n_layers": 1, "n_heads": 1, "d_model": 1, "d_head": 1, "d_mlp": 1, "n_ctx": 2,
        "words": ("a",), "output": Output("categorical", ("a",)),
    },
}  # fmt: skip
"""Shapes that between them meet every branch of every export."""
UNIFORM = {name: sizes for name, sizes in MODELS.items() if random_config(**sizes).uniform}
"""Those that every export takes: all layers have one width."""
