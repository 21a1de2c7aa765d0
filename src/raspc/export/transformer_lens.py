"""TransformerLens: the native model of the installed major version, with its hooks and cache.

4.x: `TransformerBridge.boot_native(TransformerBridgeConfig(…))`, whose linear maps are [out, in].
Up to 3.x: `HookedTransformer(HookedTransformerConfig(…))`, whose weights have a head axis.
Both divide scores by √d_head by default; `use_attn_scale=False` means different things, so it is left alone.

After conversion the model has `residual_labels` (one name for each dimension of the residual stream) and
`raspc_config`, and it hides PAD keys by itself. In 4.x the native `hook_attn_scores` fires after the softmax:
take scores before the mask from `hook_q` and `hook_k`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raspc.errors import InputError
from raspc.export.renaming import renamed, torch_names
from raspc.target import Layer
from raspc.weights import Config, Model
from raspc.weights.files import write_file

OPTIONS = ("device",)

Weights = Mapping[str, Any]


def convert(
    model: Model,
    path: str | PathLike[str] | None = None,
    dtype: str = "float32",
    device: str | torch.device = "cpu",
) -> Any:
    """The model as TransformerLens has it; with `path`, its state dict is written there as safetensors."""
    build = _bridge if major_version() >= 4 else _hooked
    lens = build(model.config, model.params, getattr(torch, dtype), str(device))
    lens.residual_labels = tuple(model.residual_labels)
    lens.raspc_config = model.config
    if path is not None:
        write_file(path, _state_bytes(lens, Path(path).suffix))
    return lens


def major_version() -> int:
    """The major version of the installed TransformerLens."""
    from importlib.metadata import version

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


def _bridge(config: Config, params: Weights, dtype: torch.dtype, device: str) -> Any:
    """A 4.x `TransformerBridge` around TransformerLens's own model."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    bridge: Any = TransformerBridge  # to which `boot_native` is attached late, unseen by type checkers
    lens = bridge.boot_native(TransformerBridgeConfig(**sizes(config)), dtype=dtype, device=device)
    lens.load_state_dict({name: value.to(dtype) for name, value in bridge_state(config, params).items()})
    lens.original_model.register_forward_pre_hook(_padding_argument(config.pad_id), with_kwargs=True)
    return lens.eval()


def _padding_argument(pad_id: int) -> Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]:
    """A hook before the forward pass that states which tokens are padding, where the caller does not."""

    def state_it(
        module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        ids = args[0] if args else kwargs.get("input_ids")
        if ids is not None and len(args) < 2 and kwargs.get("attention_mask") is None:
            kwargs = kwargs | {"attention_mask": (ids != pad_id).to(torch.long)}
        return args, kwargs

    return state_it


BRIDGE_NAMES = torch_names(
    "embed",
    "pos_embed",
    Layer(
        query="blocks.{i}.attn.q",
        key="blocks.{i}.attn.k",
        value="blocks.{i}.attn.v",
        linear="blocks.{i}.attn.o",
        linear_1="blocks.{i}.mlp.in",
        linear_2="blocks.{i}.mlp.out",
    ),
    "unembed",
)
"""What TransformerLens 4's native model calls its parameters."""


def bridge_state(config: Config, params: Weights) -> dict[str, Tensor]:
    """The weights under the names of TransformerLens 4's native model, [out, in]."""
    return {name: _tensor(array) for name, array in renamed(config, params, BRIDGE_NAMES).items()}


def _hooked(config: Config, params: Weights, dtype: torch.dtype, device: str) -> Any:
    """A `HookedTransformer`, for versions up to 3."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    lens = HookedTransformer(HookedTransformerConfig(**sizes(config), device=device, dtype=dtype, init_weights=False))
    state = {name: value.to(dtype) for name, value in hooked_state(config, params).items()}
    lens.load_state_dict(state, strict=False)  # what it has besides is masks, made already
    _hide_padding(lens, config.pad_id)
    return lens.eval()


def _hide_padding(lens: Any, pad_id: int) -> None:
    """Take PAD keys out of every softmax.

    By hooks, as a bidirectional `HookedTransformer` ignores its attention mask.
    """
    padding: list[Tensor] = []

    def remember(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        padding[:] = [args[0] == pad_id]

    def hide(scores: Tensor, hook: Any) -> Tensor:
        return scores.masked_fill(padding[0][:, None, None, :], -torch.inf)

    lens.embed.register_forward_pre_hook(remember)
    for block in lens.blocks:
        block.attn.hook_attn_scores.add_hook(hide, is_permanent=True)


def hooked_state(config: Config, params: Weights) -> dict[str, Tensor]:
    """The weights as `HookedTransformer` names and shapes them.

    `W_Q`, `W_K`, `W_V`: [head, d_model, d_head]; `W_O`: [head, d_head, d_model].
    """
    names, heads = config.target.names, config.width_for("TransformerLens")[:2]
    found = {
        "embed.W_E": params[names.token_embed], "pos_embed.W_pos": params[names.pos_embed],
        "unembed.W_U": params[names.unembed.w], "unembed.b_U": params[names.unembed.b],
    }  # fmt: skip
    for i, layer in enumerate(names.layers(config.n_layers)):
        attn, mlp = f"blocks.{i}.attn", f"blocks.{i}.mlp"
        for called, letter in zip(layer[:3], "QKV", strict=True):
            found[f"{attn}.W_{letter}"] = params[called.w].reshape(config.d_model, *heads).transpose(1, 0, 2)
            found[f"{attn}.b_{letter}"] = params[called.b].reshape(heads)
        found[f"{attn}.W_O"] = params[layer.linear.w].reshape(*heads, config.d_model)
        found[f"{attn}.b_O"] = params[layer.linear.b]
        found |= {f"{mlp}.W_in": params[layer.linear_1.w], f"{mlp}.b_in": params[layer.linear_1.b]}
        found |= {f"{mlp}.W_out": params[layer.linear_2.w], f"{mlp}.b_out": params[layer.linear_2.b]}
    return {name: _tensor(array) for name, array in found.items()}


def _tensor(array: np.ndarray[Any, Any]) -> Tensor:
    return torch.tensor(np.ascontiguousarray(array))


def _state_bytes(lens: Any, suffix: str) -> bytes:
    from safetensors.torch import save

    if suffix in (".pt", ".pth"):
        buffer = io.BytesIO()
        torch.save(dict(lens.state_dict()), buffer)
        return buffer.getvalue()
    return save({name: value.contiguous() for name, value in lens.state_dict().items()})


def through_tracr_loader(model: Model) -> Any:
    """The model through TransformerLens 4's own loader for Tracr's models, with the output label passed to it.

    The loader infers the label where only one variable has the output's values; this names it otherwise.

    Raises InputError where the loader cannot express the model: it knows categorical outputs in the readable
    form, one residual dimension for each value.
    """
    try:
        from transformer_lens.utilities import tracr
    except ImportError as error:
        raise InputError("this TransformerLens has no loader for Tracr's models; needed version 4.2") from error
    from transformer_lens.model_bridge import TransformerBridge

    label = output_label(model)
    bridge: Any = TransformerBridge
    lens = bridge.boot_native(tracr.make_tracr_transformer_bridge_config(model))
    lens.load_state_dict(tracr.make_tracr_transformer_bridge_state_dict(model, label), strict=False)
    return lens.eval()


def output_label(model: Model) -> str:
    """The variable whose residual dimensions, `label:value`, are the columns of the output.

    Raises InputError where the unembedding is anything but that selection.
    """
    values, labels = model.config.output.values, list(model.residual_labels)
    unembed = model.config.target.names.unembed
    if model.config.output.kind == "categorical" and not model.params[unembed.b].any():
        weights = model.params[unembed.w]
        for label in dict.fromkeys(label.rpartition(":")[0] for label in labels):
            names = [f"{label}:{value}" for value in values]
            if all(name in labels for name in names):
                selected = np.zeros_like(weights)
                selected[[labels.index(name) for name in names], range(len(names))] = 1
                if np.array_equal(selected, weights):
                    return label
    raise InputError(
        "found an output that is not one residual dimension for each value; needed a categorical output "
        "compiled with -O0 or -O1, or `model.to('transformer_lens')`, which takes every model"
    )
