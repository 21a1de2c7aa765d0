"""A `HookedTransformer`, for versions up to 3, that hides PAD keys by itself.

A bidirectional `HookedTransformer` ignores its attention mask, so padding is taken out of every softmax by hooks. What
is padding is told anew in each run, and forgotten at its end: of ids by themselves, of a residual stream
(`start_at_layer`) by `tokens` or `attention_mask`, if they are given with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformer_lens
from torch import Tensor

from raspc.export.transformer_lens.words import checked

_Base: Any = transformer_lens.HookedTransformer
"""Which TransformerLens 4 does not have."""


class CompiledTransformer(_Base):  # type: ignore[misc]
    """A `HookedTransformer` of a compiled program. `pad_id`: of the token whose keys nobody sees."""

    pad_id: int
    told_loss: Any

    def forward(self, input: Any, *args: Any, **kwargs: Any) -> Any:
        """As a `HookedTransformer`; padding is told by the ids, or by `attention_mask`, where that is given."""
        try:
            self._pad(kwargs.get("attention_mask"), kwargs.get("tokens"))
            return super().forward(input, *args, **kwargs)
        finally:
            self._hide(None)

    def input_to_embed(self, input: Any, *args: Any, **kwargs: Any) -> Any:
        """As a `HookedTransformer`; what is padding is seen here, where text has become ids."""
        found = super().input_to_embed(input, *args, **kwargs)
        if kwargs.get("attention_mask") is None:
            self._pad(None, found[1])
        return found

    def _pad(self, mask: Tensor | None, ids: Tensor | None) -> None:
        if mask is not None:
            self._hide(mask == 0)
        elif ids is not None:
            self._hide(ids == self.pad_id)

    def _hide(self, padding: Tensor | None) -> None:
        for block in self.blocks:
            block.attn.hook_attn_scores.padding = padding

    def loss_fn(
        self, logits: Tensor, tokens: Tensor, attention_mask: Tensor | None = None, per_token: bool = False
    ) -> Tensor:
        """The cross-entropy of the logits against the program's answers: `raspc.export.transformer_lens.loss.Loss`."""
        found: Tensor = self.told_loss(logits, tokens, attention_mask, per_token)
        return found


def hide(point: Any, args: Any, scores: Tensor) -> Tensor | None:
    """The scores [input, head, query, key] of a layer without the keys that are padding. Of keys that were kept from
    earlier runs, which stand in front, none is."""
    padding = point.padding
    if padding is None:
        return None
    kept = scores.shape[-1] - padding.shape[-1]
    keys = torch.nn.functional.pad(padding.to(scores.device), (max(kept, 0), 0), value=False)[:, -scores.shape[-1] :]
    return scores.masked_fill(keys[:, None, None, :], -torch.inf)


def in_vocabulary(embed: Any, args: tuple[Any, ...]) -> None:
    """Before ids are embedded: they must be tokens."""
    checked(args[0], embed.cfg.d_vocab)


def hooked(
    sizes: Mapping[str, Any], state: Mapping[str, Tensor], pad_id: int, dtype: torch.dtype, device: str, loss: Any
) -> Any:
    """The model; the switches for circuits (`set_use_attn_result`, …) are those of TransformerLens."""
    made: Any = transformer_lens.HookedTransformerConfig
    lens = CompiledTransformer(made(**sizes, device=device, dtype=dtype, init_weights=False))
    # what it has besides is masks, made already
    lens.load_state_dict({name: value.to(dtype) for name, value in state.items()}, strict=False)
    lens.pad_id, lens.told_loss = pad_id, loss
    lens._hide(None)
    for block in lens.blocks:
        block.attn.hook_attn_scores.register_forward_hook(hide)
    lens.embed.register_forward_pre_hook(in_vocabulary)
    return lens.eval()
