"""TransformerLens 4's own loader for Tracr's models, given one of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from raspc.errors import InputError
from raspc.weights import Model


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
