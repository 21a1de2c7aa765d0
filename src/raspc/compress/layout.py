"""The layout of the paper's models: Tracr keeps a dimension for PAD and one that is always 1, which carries biases.

The compiler here keeps neither, so that its D is smaller by two: 12 instead of 14 for `frac_prevs`. To compare with
the paper a model is laid out as there; it computes the same, but a compressed stream must now hold the constant too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.compress import core
from raspc.errors import InputError
from raspc.weights.model import Model

ONE, PAD = "one", "tokens:PAD"


def as_in_paper(model: Model) -> Model:
    """The model with two more dimensions, `one` and `tokens:PAD`; what read the stream with a bias now reads `one`.

    Soften heads first: this hides their biases. Raises InputError for a model that has the layout already.
    """
    if ONE in model.residual_labels:
        raise InputError("found a direction named 'one'; needed a model that keeps its biases; lay it out once")
    params: dict[str, NDArray[Any]] = {name: np.array(model.params[name]) for name in model.params}
    for name in ("token_embed/embeddings", "pos_embed/embeddings"):
        params[name] = np.hstack([params[name], np.zeros((len(params[name]), 2), params[name].dtype)])
    params["token_embed/embeddings"][:, -2] = 1
    params["token_embed/embeddings"][model.config.pad_id, -1] = 1
    for layer in range(model.config.n_layers):
        for module in core.READERS:
            _read_constant(params, core.layer_name(layer, module))
        for module in core.WRITERS:
            _widen(params, core.layer_name(layer, module))
    _read_constant(params, "unembed")
    labels = (*model.residual_labels, ONE, PAD)
    config = replace(model.config, d_model=model.config.d_model + 2)
    return replace(model, config=config, params=params, residual_labels=labels, certificate=None)


def _read_constant(params: dict[str, NDArray[Any]], name: str) -> None:
    weights, bias = params[f"{name}/w"], params[f"{name}/b"]
    params[f"{name}/w"] = np.vstack([weights, bias[None], np.zeros_like(bias)[None]])
    params[f"{name}/b"] = np.zeros_like(bias)


def _widen(params: dict[str, NDArray[Any]], name: str) -> None:
    for part in ("w", "b"):
        array = params[f"{name}/{part}"]
        params[f"{name}/{part}"] = np.concatenate([array, np.zeros((*array.shape[:-1], 2), array.dtype)], axis=-1)
