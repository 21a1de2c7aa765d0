"""The layout of the paper's models: Tracr keeps a dimension for PAD and one that is always 1, which carries biases.

The compiler here keeps neither, so that its D is smaller by two: 12 instead of 14 for `frac_prevs`. To compare with
the paper a model is laid out as there; it computes the same, but a compressed stream must now hold the constant too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.errors import InputError
from raspc.target import READERS, Dense
from raspc.weights.model import Model

ONE, PAD = "one", "tokens:PAD"


def as_in_paper(model: Model) -> Model:
    """The model with two more dimensions, `one` and `tokens:PAD`; what read the stream with a bias now reads `one`.

    Soften heads first: this hides their biases. Raises InputError for a model that has the layout already.
    """
    model.config.width_for("the layout of the paper's models")
    if ONE in model.residual_labels:
        raise InputError("found a direction named 'one'; needed a model that keeps its biases; lay it out once")
    params: dict[str, NDArray[Any]] = {name: np.array(model.params[name]) for name in model.params}
    target, n_layers = model.config.target, model.config.n_layers
    for name in target.writing(model.config.widths):
        params[name] = np.concatenate([params[name], np.zeros((*params[name].shape[:-1], 2), np.float32)], axis=-1)
    params[target.names.token_embed][:, -2] = 1
    params[target.names.token_embed][model.config.pad_id, -1] = 1
    for layer in target.names.layers(n_layers):
        for role in READERS:
            _read_constant(params, getattr(layer, role))
    _read_constant(params, target.names.unembed)
    labels = (*model.residual_labels, ONE, PAD)
    config = replace(model.config, d_model=model.config.d_model + 2)
    return replace(model, config=config, params=params, residual_labels=labels, certificate=None)


def _read_constant(params: dict[str, NDArray[Any]], names: Dense) -> None:
    weights, bias = params[names.w], params[names.b]
    params[names.w] = np.vstack([weights, bias[None], np.zeros_like(bias)[None]])
    params[names.b] = np.zeros_like(bias)
