"""A `TransformerBridge` around the native model of TransformerLens 4, with the hook points that circuit tools need.

Native models of TransformerLens 4 refuse `set_use_attn_result`, `set_use_split_qkv_input` and `set_use_attn_in`. Their
hook points are there, though, and never fire. Here they fire, with the meaning that they have in a `HookedTransformer`:

  attn.hook_result                  [input, position, head, d_model]: what each head adds to the stream
  hook_q_input, hook_k_input, …     [input, position, head, d_model]: the stream as each head reads it, in each channel
  hook_attn_in                      the same for all three channels at once
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from raspc.export.transformer_lens.words import checked

SIDES = ("q", "k", "v")


def bridge(sizes: Mapping[str, Any], state: Mapping[str, Tensor], pad_id: int, dtype: torch.dtype, device: str) -> Any:
    """The model, which hides PAD keys by itself."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    boot: Any = TransformerBridge  # to which `boot_native` is attached late, unseen by type checkers
    lens = boot.boot_native(TransformerBridgeConfig(**sizes), dtype=dtype, device=device)
    lens.load_state_dict({name: value.to(dtype) for name, value in state.items()})
    native = lens.original_model
    native.raspc_ids = Ids(pad_id, sizes["d_vocab"])
    native.register_forward_pre_hook(tell_padding, with_kwargs=True)
    for block in lens.blocks:
        _fork(block.attn)
    # its answer would be that native attention has no such hook points
    lens._validate_attention_fork_supported = _supported
    return lens.eval()


def _supported(flag: str) -> None:
    """Every switch is."""


@dataclass(frozen=True)
class Ids:
    """What ids may be, and which is padding."""

    pad_id: int
    d_vocab: int


def tell_padding(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:  # fmt: skip
    """Before the forward pass: state which tokens are padding, where the caller does not."""
    ids, known = args[0] if args else kwargs.get("input_ids"), module.raspc_ids
    if ids is not None:
        checked(ids, known.d_vocab)
        if len(args) < 2 and kwargs.get("attention_mask") is None:
            kwargs = kwargs | {"attention_mask": (ids != known.pad_id).to(torch.long)}
    return args, kwargs


@dataclass
class Fork:
    """The hook points of the attention of one layer. `shared`: what all three channels read in this run, by head."""

    attention: Any
    shared: Tensor | None = field(default=None)

    def on(self, switch: str) -> bool:
        """Whether a switch is on."""
        return bool(getattr(self.attention.config, switch, False))

    def copies(self, x: Tensor, point: Any) -> Tensor:
        """The stream [input, position, d_model] once for each head, as a hook leaves it."""
        heads = self.attention.config.n_heads
        found: Tensor = point(x[:, :, None].expand(-1, -1, heads, -1).contiguous())
        return found


def _fork(attention: Any) -> None:
    """Have the hook points of a layer fire."""
    fork = Fork(attention)
    native = attention.original_component
    native.register_forward_pre_hook(share, with_kwargs=True)
    maps = {side: getattr(attention, side).original_component for side in (*SIDES, "o")}
    for side, linear in maps.items():
        object.__setattr__(linear, "raspc_side", side)
        linear.register_forward_hook(result if side == "o" else read)
    for module in (native, *maps.values()):
        object.__setattr__(module, "raspc_fork", fork)  # beside the modules that it has, as it holds one of them


def share(native: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Before attention: with `use_attn_in`, what the heads read."""
    fork: Fork = native.raspc_fork
    x = args[0] if args else kwargs["hidden_states"]
    fork.shared = fork.copies(x, fork.attention.hook_attn_in) if fork.on("use_attn_in") else None


def read(linear: Any, args: tuple[Any, ...], out: Tensor) -> Tensor | None:
    """Queries, keys or values, of what each head reads by itself."""
    fork: Fork = linear.raspc_fork
    if fork.on("use_split_qkv_input"):
        copies = fork.copies(args[0], getattr(fork.attention, f"hook_{linear.raspc_side}_input"))
    elif fork.shared is not None:
        copies = fork.shared
    else:
        return None
    heads = copies.shape[2]
    weight = linear.weight.view(heads, -1, copies.shape[-1])
    found: Tensor = torch.einsum("iphd,hed->iphe", copies, weight).flatten(2) + linear.bias
    return found


def result(linear: nn.Linear, args: tuple[Any, ...], out: Tensor) -> Tensor | None:
    """What the layer adds to the stream, as the sum of what its heads do."""
    fork: Any = linear.raspc_fork
    if not fork.on("use_attn_result"):
        return None
    heads = fork.attention.config.n_heads
    mixed = args[0].unflatten(-1, (heads, -1))
    weight = linear.weight.view(linear.weight.shape[0], heads, -1)
    found: Tensor = fork.attention.hook_result(torch.einsum("iphe,dhe->iphd", mixed, weight)).sum(dim=2) + linear.bias
    return found
