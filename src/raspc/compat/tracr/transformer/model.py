"""What a compiled model is described by and returns, under the names that Tracr's users know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raspc.weights import Config, ModelOutput


def relu(x: Any) -> Any:
    """max(x, 0) for arrays of NumPy, JAX or PyTorch alike."""
    return x.clip(0)


@dataclass(frozen=True)
class TransformerConfig:
    """The sizes of a transformer."""

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
        """The same sizes under Tracr's names."""
        return cls(config.n_heads, config.n_layers, config.d_head, config.d_mlp, causal=config.causal)


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


def unembedded(config: Config, logits: Any) -> Any:
    """The answer [B, T] of logits [B, T, d_vocab_out]: ids of the output encoder, or the numbers."""
    return logits[..., 0] if config.output.kind == "numerical" else logits.argmax(-1)


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
            unembedded(config, out.unembedded),
            list(out.layer_outputs),
            list(out.residuals),
            list(out.attn_logits),
            out.transformer_output,
            out.input_embeddings,
        )
