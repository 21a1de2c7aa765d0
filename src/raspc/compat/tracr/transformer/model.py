"""What a compiled model is described by and returns, under the names that Tracr's users know."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raspc.errors import InputError
from raspc.weights import Config, ModelOutput


def relu(x: Any) -> Any:
    """max(x, 0) for arrays of NumPy, JAX or PyTorch alike."""
    return x.clip(0)


def _is_relu(f: Callable[[Any], Any]) -> bool:
    """Whether a function is max(x, 0), whichever framework it is from."""
    if f is relu:
        return True
    x = np.array([-8.0, -0.5, 0.0, 0.25, 3.0], np.float32)
    return np.array_equal(np.asarray(f(x)), x.clip(0))


@dataclass
class TransformerConfig:
    """The sizes of a transformer; they can be set."""

    num_heads: int
    num_layers: int
    key_size: int
    mlp_hidden_size: int
    dropout_rate: float = 0.0
    activation_function: Callable[[Any], Any] = relu
    layer_norm: bool = False
    causal: bool = False

    @classmethod
    def of(cls, config: Config) -> TransformerConfig:
        """The same sizes under Tracr's names. Raises InputError where layers have widths of their own."""
        n_heads, d_head, d_mlp = config.width_for("Tracr's transformer")
        return cls(n_heads, config.n_layers, d_head, d_mlp, causal=config.causal)

    def applied_to(self, config: Config) -> Config:
        """A config with these sizes and this mask.

        Raises InputError for another activation than relu, or normalisation, which no compiled model has.
        """
        faults = ["layer_norm = True"] if self.layer_norm else []
        if not _is_relu(self.activation_function):
            faults.append(f"activation_function = {self.activation_function!r}")
        if faults:
            raise InputError(
                f"model_config has {' and '.join(faults)}; a compiled model runs on relu and normalises nothing: "
                "make a tracr.transformer.model.Transformer for another transformer"
            )
        return replace(
            config, n_heads=self.num_heads, n_layers=self.num_layers, d_head=self.key_size,
            d_mlp=self.mlp_hidden_size, causal=self.causal,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class TransformerOutput:
    """The activations of one pass, with B the batch, T the positions, H the heads and D the residual stream.

    `layer_outputs` and `residuals` hold two arrays [B, T, D] a layer, `attn_logits` one [B, H, T, T];
    `output` and `input_embeddings` are [B, T, D].
    """

    layer_outputs: list[Any]
    residuals: list[Any]
    attn_logits: list[Any]
    output: Any
    input_embeddings: Any

    @classmethod
    def of(cls, trace: Any) -> TransformerOutput:
        """The same activations under Tracr's names."""
        return cls(
            list(trace.layer_outputs),
            list(trace.residuals),
            list(trace.attn_logits),
            trace.transformer_output,
            trace.input_embeddings,
        )


@dataclass(frozen=True, eq=False)
class CompiledTransformerModelOutput:
    """The activations, and the answer [B, T] as numbers or as ids of the output encoder."""

    transformer_output: TransformerOutput
    unembedded_output: Any


def unembedded(is_argmax: bool, logits: Any) -> Any:
    """The answer [B, T] of logits [B, T, d_vocab_out]: ids of the output encoder, or the numbers."""
    return logits.argmax(-1) if is_argmax else logits[..., 0]


@dataclass(frozen=True, eq=False)
class AssembledTransformerModelOutput:
    """The answer to one input of T tokens, and the activations; the batch axis has length 1.

    `unembedded` is [1, T]; the other arrays are as in `TransformerOutput`.
    """

    decoded: list[Any]
    unembedded: Any
    layer_outputs: list[Any]
    residuals: list[Any]
    attn_logits: list[Any]
    transformer_output: Any
    input_embeddings: Any

    @classmethod
    def of(cls, config: Config, out: ModelOutput) -> AssembledTransformerModelOutput:
        """The same answer under Tracr's names."""
        return cls(
            out.decoded,
            unembedded(config.output.kind == "categorical", out.unembedded),
            list(out.layer_outputs),
            list(out.residuals),
            list(out.attn_logits),
            out.transformer_output,
            out.input_embeddings,
        )


def __getattr__(name: str) -> Any:
    """The Haiku modules `Transformer` and `CompiledTransformerModel` on first use.

    Raises InputError where Haiku is not installed.
    """
    if name not in IN_HAIKU:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module("raspc.export").check_target("haiku")
    return getattr(importlib.import_module("raspc.compat.tracr.transformer.modules"), name)


IN_HAIKU = ("CompiledTransformerModel", "Transformer")
