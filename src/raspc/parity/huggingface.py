"""The Hugging Face backend: a directory written, read back, and watched through forward hooks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from raspc.errors import InputError
from raspc.parity.activations import attn_scores, numpy
from raspc.run.plain import Ids
from raspc.run.trace import Trace
from raspc.weights import Config, Model


@dataclass(frozen=True)
class Loaded:
    """What `from_pretrained` gives for a directory."""

    model: Any
    tokenizer: Any


def load_huggingface(model: Model) -> Loaded:
    """Export into a temporary directory and read it back."""
    with tempfile.TemporaryDirectory() as directory:
        return read(model.to("huggingface", Path(directory) / "model"), model.config.causal)


def read(directory: str | PathLike[str], causal: bool) -> Loaded:
    """The model and tokenizer of an exported directory.

    A causal model is read by the class whose code lies beside it, so that nothing is left in the cache of
    remote code.
    """
    from transformers import AutoModelForTokenClassification, PreTrainedTokenizerFast

    from raspc.export.huggingface import quiet

    kind: Any = AutoModelForTokenClassification
    if causal:
        from raspc.export.huggingface_code.modeling_raspc import RaspcForTokenClassification as kind
    tokenizers: Any = PreTrainedTokenizerFast
    with quiet():
        found = kind.from_pretrained(directory, **({} if causal else {"attn_implementation": "eager"}))
        return Loaded(found.eval(), tokenizers.from_pretrained(directory))


def trace_huggingface(loaded: Loaded, config: Config, ids: Ids) -> Trace[Any]:
    """Every activation, after the tokenizer has given the same ids."""
    import torch

    _check_tokenizer(loaded.tokenizer, config, ids)
    watch = _CAUSAL if config.causal else _BIDIRECTIONAL
    with torch.inference_mode(), _seen(loaded.model, watch, config.n_layers) as seen:
        mask = torch.from_numpy((ids != config.pad_id).astype(np.int64))
        output = loaded.model(torch.from_numpy(ids), attention_mask=mask, output_attentions=True)
    return _gather(seen, output, config)


def _check_tokenizer(tokenizer: Any, config: Config, ids: Ids) -> None:
    from raspc.export.huggingface import tokens_of

    words = tokens_of(config.vocab)
    for row in ids:
        real = [int(i) for i in row if i != config.pad_id]
        text = " ".join(words[i] for i in real[1:])
        if (found := tokenizer(text)["input_ids"]) != real:
            raise InputError(f"the tokenizer gives {found} for {text!r}, needed {real}")


# What to watch in layer {i}: "in" is the first input of a module, "out" its output.
_BIDIRECTIONAL = {
    "q": ("mobilebert.encoder.layer.{i}.attention.self.query", "out"),
    "k": ("mobilebert.encoder.layer.{i}.attention.self.key", "out"),
    "before": ("mobilebert.encoder.layer.{i}", "in"),
    "attended": ("mobilebert.encoder.layer.{i}.attention.output.dense", "out"),
    "middle": ("mobilebert.encoder.layer.{i}.attention.output", "out"),
    "computed": ("mobilebert.encoder.layer.{i}.output.dense", "out"),
    "after": ("mobilebert.encoder.layer.{i}", "out"),
}
_CAUSAL = {
    "q": ("layers.{i}.attn.query", "out"),
    "k": ("layers.{i}.attn.key", "out"),
    "before": ("layers.{i}", "in"),
    "attended": ("layers.{i}.attn.linear", "out"),
    "middle": ("layers.{i}.linear_1", "in"),
    "computed": ("layers.{i}.linear_2", "out"),
    "after": ("layers.{i}", "out"),
}


@contextmanager
def _seen(model: Any, watch: dict[str, tuple[str, str]], n_layers: int) -> Iterator[dict[tuple[str, int], Any]]:
    """What passes through the watched modules while the block runs, by name and layer."""
    seen: dict[tuple[str, int], Any] = {}

    def keep(key: tuple[str, int], side: str) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            value = inputs[0] if side == "in" else output
            seen[key] = value[0] if isinstance(value, tuple) else value

        return hook

    handles = [
        model.get_submodule(path.format(i=i)).register_forward_hook(keep((name, i), side))
        for name, (path, side) in watch.items()
        for i in range(n_layers)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _gather(seen: dict[tuple[str, int], Any], output: Any, config: Config) -> Trace[Any]:
    """The trace in our width: without the null dimensions and heads that fill a stock architecture."""
    layers, width = range(config.n_layers), config.d_model
    heads, d_head, _ = config.width_for("Hugging Face")

    def each(*names: str) -> list[Any]:
        return [numpy(seen[name, i])[..., :width] for i in layers for name in names]

    def scores(i: int) -> Any:
        q, k = seen["q", i], seen["k", i]
        return attn_scores(config, d_head, q.shape[-1] // d_head, q, k)[:, :heads]

    residuals = each("middle", "after")
    patterns = [numpy(pattern)[:, :heads] for pattern in output.attentions]
    return Trace(
        each("before")[0], residuals, each("attended", "computed"), [scores(i) for i in layers], patterns,
        residuals[-1], output.logits,
    )  # fmt: skip
