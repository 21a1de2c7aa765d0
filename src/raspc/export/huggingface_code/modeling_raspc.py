"""The plain transformer that raspc compiles to: attention, then an MLP, no normalisation."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

from .configuration_raspc import RaspcConfig


class RaspcAttention(nn.Module):
    """Softmax(q kᵀ / √d_head + mask) v, then a linear map back to the stream."""

    def __init__(self, config: RaspcConfig) -> None:
        super().__init__()
        self.n_heads, self.d_head = config.n_heads, config.d_head
        width = config.n_heads * config.d_head
        self.query = nn.Linear(config.d_model, width)
        self.key = nn.Linear(config.d_model, width)
        self.value = nn.Linear(config.d_model, width)
        self.linear = nn.Linear(width, config.d_model)

    def forward(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The output [batch, position, d_model] and the pattern [batch, head, query, key]."""
        heads = (*x.shape[:2], self.n_heads, self.d_head)
        q, k, v = (linear(x).view(heads).transpose(1, 2) for linear in (self.query, self.key, self.value))
        logits = q @ k.transpose(-1, -2) * (1 / math.sqrt(self.d_head))
        pattern = logits.masked_fill(hidden, -torch.inf).softmax(-1)
        return self.linear((pattern @ v).transpose(1, 2).flatten(2)), pattern


class RaspcLayer(nn.Module):
    """Attention, then the MLP; each adds to the stream."""

    def __init__(self, config: RaspcConfig) -> None:
        super().__init__()
        self.attn = RaspcAttention(config)
        self.linear_1 = nn.Linear(config.d_model, config.d_mlp)
        self.linear_2 = nn.Linear(config.d_mlp, config.d_model)

    def forward(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The stream after this layer, and the pattern."""
        attended, pattern = self.attn(x, hidden)
        x = x + attended
        return x + self.linear_2(torch.relu(self.linear_1(x))), pattern


class RaspcForTokenClassification(PreTrainedModel):  # type: ignore[misc, no-untyped-call, unused-ignore]
    """A causal compiled model with its unembedding as the classifier of every position."""

    config_class = RaspcConfig
    base_model_prefix = "raspc"

    def __init__(self, config: RaspcConfig) -> None:
        super().__init__(config)
        self.token_embed = nn.Embedding(config.vocab_size, config.d_model)
        self.pos_embed = nn.Embedding(config.n_ctx, config.d_model)
        self.layers = nn.ModuleList(RaspcLayer(config) for _ in range(config.n_layers))
        self.classifier = nn.Linear(config.d_model, len(config.id2label or ()))
        self.post_init()  # type: ignore[no-untyped-call, unused-ignore]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        return_dict: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Logits [batch, position, label]; a mask that is not given hides the padding token."""
        length = input_ids.shape[1]
        visible = input_ids != self.config.pad_token_id if attention_mask is None else attention_mask.bool()
        later = torch.ones(length, length, dtype=torch.bool, device=input_ids.device).triu(1)
        hidden = ~visible[:, None, None, :] | later
        x = self.token_embed(input_ids) + self.pos_embed.weight[:length]
        states, patterns = [x], []
        for layer in self.layers:
            x, pattern = layer(x, hidden)
            states.append(x)
            patterns.append(pattern)
        logits = self.classifier(x)
        loss = None if labels is None else nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        output = TokenClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(patterns) if output_attentions else None,
        )
        return output if return_dict else output.to_tuple()
