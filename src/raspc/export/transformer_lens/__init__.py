"""TransformerLens: the native model of the installed major version, with its hooks and cache.

4.x: `TransformerBridge.boot_native(TransformerBridgeConfig(…))`, whose linear maps are [out, in].
Up to 3.x: `HookedTransformer(HookedTransformerConfig(…))`, whose weights have a head axis.
Both divide scores by √d_head by default; `use_attn_scale=False` means different things, so it is left alone.

After conversion the model has `residual_labels` (one name for each dimension of the residual stream) and
`raspc_config`, and it hides PAD keys by itself. `lens.tokenizer` knows the words of the program, and
`return_type="loss"` is told by the program's answers. In 4.x the native `hook_attn_scores` fires after the softmax:
take scores before the mask from `hook_q` and `hook_k`.
"""

from __future__ import annotations

import io
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from raspc.errors import InputError
from raspc.export.null_heads import with_null_heads
from raspc.export.transformer_lens.loss import Loss
from raspc.export.transformer_lens.states import bridge_state, hooked_state
from raspc.export.transformer_lens.tracr import output_label, through_tracr_loader
from raspc.export.transformer_lens.words import tokenizer
from raspc.weights import Config, Model
from raspc.weights.files import write_file

__all__ = [
    "OPTIONS",
    "bridge_state",
    "convert",
    "hooked_state",
    "major_version",
    "output_label",
    "sizes",
    "through_tracr_loader",
]

OPTIONS = ("device", "min_heads")


def convert(
    model: Model,
    path: str | PathLike[str] | None = None,
    dtype: str = "float32",
    device: str | torch.device = "cpu",
    min_heads: int = 1,
) -> Any:
    """The model as TransformerLens has it; with `path`, its state dict is written there as safetensors.

    `min_heads`: where the model has fewer heads in a layer, so many, the further ones with weights of 0; some tools
    that find circuits need 2. Raises InputError for a number of heads that is no integer of 1 or more.
    """
    if not isinstance(min_heads, int) or isinstance(min_heads, bool) or min_heads < 1:
        raise InputError(f"min_heads is {min_heads!r}, needed an integer of 1 or more")
    config, params = with_null_heads(model.config, model.params, min_heads, "TransformerLens")
    build = _bridge if major_version() >= 4 else _hooked
    lens = build(config, params, getattr(torch, dtype), str(device), Loss(model))
    lens.tokenizer = tokenizer(model)
    lens.cfg.tokenizer_prepends_bos = True
    lens.residual_labels = tuple(model.residual_labels)
    lens.raspc_config = model.config
    if path is not None:
        write_file(path, _state_bytes(lens, Path(path).suffix))
    return lens


def major_version() -> int:
    """The major version of the installed TransformerLens."""
    return int(version("transformer-lens").split(".")[0])


def sizes(config: Config) -> dict[str, Any]:
    """The arguments that both versions' configs share. Raises InputError where layers have widths of their own."""
    return {
        "n_layers": config.n_layers, "d_model": config.d_model, "n_ctx": config.n_ctx,
        **config.width_for("TransformerLens")._asdict(),
        "d_vocab": config.d_vocab, "d_vocab_out": config.d_vocab_out,
        "act_fn": config.activation, "normalization_type": config.target.normalisation,
        "attention_dir": "causal" if config.causal else "bidirectional",
    }  # fmt: skip


def _bridge(config: Config, params: Any, dtype: torch.dtype, device: str, loss: Loss) -> Any:
    from raspc.export.transformer_lens.bridge import bridge

    lens = bridge(sizes(config), bridge_state(config, params), config.pad_id, dtype, device)
    lens.loss_fn = loss
    return lens


def _hooked(config: Config, params: Any, dtype: torch.dtype, device: str, loss: Loss) -> Any:
    from raspc.export.transformer_lens.hooked import hooked

    return hooked(sizes(config), hooked_state(config, params), config.pad_id, dtype, device, loss)


def _state_bytes(lens: Any, suffix: str) -> bytes:
    from safetensors.torch import save

    if suffix in (".pt", ".pth"):
        buffer = io.BytesIO()
        torch.save(dict(lens.state_dict()), buffer)
        return buffer.getvalue()
    return save({name: value.contiguous() for name, value in lens.state_dict().items()})
