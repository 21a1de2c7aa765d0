"""Plain facts about a model, as JSON data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raspc import jsonvalues

if TYPE_CHECKING:
    from raspc.weights import Model

SIZES = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx", "d_vocab", "d_vocab_out", "causal")


def sizes(model: Model) -> dict[str, Any]:
    """The shape of the model, how many parameters it has, its vocabulary and how its output is read."""
    config = model.config
    return {
        **{name: getattr(config, name) for name in SIZES},
        "max_seq_len": config.max_seq_len,
        "parameters": sum(int(array.size) for _, array in sorted(model.params.items())),
        "vocab": [jsonvalues.encode(token) for token in config.vocab],
        "output": config.output.to_json(),
    }
