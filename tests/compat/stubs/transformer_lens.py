"""A stand-in for TransformerLens up to 3.x: as much of HookedTransformer as a converted model needs."""

from __future__ import annotations

from types import SimpleNamespace

import torch


class HookedTransformerConfig(SimpleNamespace):
    """The sizes, as attributes."""


class Attention(torch.nn.Module):
    """Heads with one matrix each, [head, d_model, d_head], scaled by 1/√d_head."""

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        super().__init__()
        self.causal, self.scale = cfg.attention_dir == "causal", cfg.d_head**-0.5
        for name in "QKV":
            self.register_parameter(f"W_{name}", _parameter(cfg.n_heads, cfg.d_model, cfg.d_head))
            self.register_parameter(f"b_{name}", _parameter(cfg.n_heads, cfg.d_head))
        self.W_O, self.b_O = _parameter(cfg.n_heads, cfg.d_head, cfg.d_model), _parameter(cfg.d_model)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, position, d_model] to the same."""
        q, k, v = (
            torch.einsum("bpm,hmd->bhpd", x, getattr(self, f"W_{name}")) + getattr(self, f"b_{name}")[:, None]
            for name in "QKV"
        )
        scores = q @ k.transpose(-1, -2) * self.scale
        if self.causal:
            scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), -torch.inf)
        return torch.einsum("bhpd,hdm->bpm", scores.softmax(-1) @ v, self.W_O) + self.b_O


class MLP(torch.nn.Module):
    """One hidden layer of ReLUs."""

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        super().__init__()
        self.W_in, self.b_in = _parameter(cfg.d_model, cfg.d_mlp), _parameter(cfg.d_mlp)
        self.W_out, self.b_out = _parameter(cfg.d_mlp, cfg.d_model), _parameter(cfg.d_model)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, position, d_model] to the same."""
        return torch.relu(x @ self.W_in + self.b_in) @ self.W_out + self.b_out


class Block(torch.nn.Module):
    """Attention, then the MLP."""

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        super().__init__()
        self.attn, self.mlp = Attention(cfg), MLP(cfg)


class HookedTransformer(torch.nn.Module):
    """Embeddings, blocks, and an unembedding, with the parameter names of TransformerLens."""

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed, self.unembed = (torch.nn.Module() for _ in range(3))
        self.embed.W_E, self.pos_embed.W_pos = (
            _parameter(cfg.d_vocab, cfg.d_model),
            _parameter(cfg.n_ctx, cfg.d_model),
        )
        self.unembed.W_U, self.unembed.b_U = (
            _parameter(cfg.d_model, cfg.d_vocab_out),
            _parameter(cfg.d_vocab_out),
        )
        self.blocks = torch.nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))

    def run_with_cache(self, ids: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """The logits, and what each layer computed."""
        x, cache = self.embed.W_E[ids] + self.pos_embed.W_pos[: ids.shape[1]], {}
        for i, block in enumerate(self.blocks):
            cache["attn_out", i] = block.attn(x)
            x = x + cache["attn_out", i]
            cache["mlp_out", i] = block.mlp(x)
            x = x + cache["mlp_out", i]
        return x @ self.unembed.W_U + self.unembed.b_U, cache

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The logits [batch, position, d_vocab_out]."""
        return self.run_with_cache(ids)[0]


def _parameter(*shape: int) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.zeros(shape))
