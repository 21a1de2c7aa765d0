"""The configuration of a causal model that raspc compiled."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig


class RaspcConfig(PretrainedConfig):  # type: ignore[misc, no-untyped-call, unused-ignore]
    """Sizes of the plain transformer; the vocabulary is the tokenizer's, the answers are in `id2label`."""

    model_type = "raspc"
    attribute_map = {  # noqa: RUF012
        "hidden_size": "d_model",
        "num_hidden_layers": "n_layers",
        "num_attention_heads": "n_heads",
        "max_position_embeddings": "n_ctx",
    }

    def __init__(
        self,
        n_layers: int = 1,
        n_heads: int = 1,
        d_model: int = 1,
        d_head: int = 1,
        d_mlp: int = 1,
        n_ctx: int = 1,
        vocab_size: int = 1,
        causal: bool = True,
        **kwargs: Any,
    ) -> None:
        self.n_layers, self.n_heads, self.d_model = n_layers, n_heads, d_model
        self.d_head, self.d_mlp, self.n_ctx = d_head, d_mlp, n_ctx
        self.vocab_size, self.causal = vocab_size, causal
        super().__init__(**kwargs)
