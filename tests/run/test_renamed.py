"""Dimensions that are used again get new names in the quick pass, which changes no answer, whatever the weights are."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import raspc
from raspc import library
from raspc.run import fast
from raspc.run.plain import forward
from raspc.run.renamed import _stages, renamed
from raspc.weights.model import Model


@cache
def model() -> Model:
    """One whose index features make room for what is counted."""
    entry = library.get("shuffle_dyck")
    return raspc.compile(entry.program, entry.vocab, 16, optimize=2, certify=False)


def ids() -> np.ndarray:
    """Inputs of several lengths."""
    rng = np.random.default_rng(0)
    vocab = model().config.vocab[:-2]
    lengths = (1, 3, 16, 16, 9)
    return model().encode_batch([["BOS", *(vocab[i] for i in rng.integers(0, len(vocab), n))] for n in lengths])


def swept(one: Model) -> int:
    """How many dimensions have a second name."""
    return int(renamed(one.weights).pos_embed.shape[1]) - one.config.d_model


def test_neurons_that_only_clear_are_left_out() -> None:
    """Fewer neurons, more names; scores of indices are again the same for every input."""
    weights, other = model().weights, renamed(model().weights)
    assert swept(model()) > 0
    assert sum(len(layer.linear_1.b) for layer in other.layers) < sum(len(layer.linear_1.b) for layer in weights.layers)
    first = fast.prune(weights).layers[0].heads[0]
    assert first.query.wordless and first.key.wordless and first.query.w is None
    assert np.allclose(forward(other, ids()), forward(weights, ids()), atol=1e-5)


def sweeper(one: Model) -> tuple[str, int, int]:
    """An MLP, a neuron that clears a dimension in it, and the dimension."""
    layer, stage = next((i, stage) for i, stage in enumerate(_stages(one.weights)) if len(stage.sweepers))
    place = int(np.flatnonzero(stage.before != stage.after)[0])
    return f"transformer/layer_{layer}/mlp/linear_", int(stage.sweepers[0]), place


FAULTS = (
    "writes too much", "reads too much", "has a bias", "another dimension", "negative numbers", "large numbers",
    "written before",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_neuron_that_does_not_clear_is_run(fault: str) -> None:
    """Weights that are a little off are no sweep: the quick pass gives what the plain one does."""
    one = model()
    params = {name: np.array(one.params[name]) for name in one.params}
    mlp, neuron, place = sweeper(one)
    if fault == "writes too much":
        params[f"{mlp}2/w"][neuron, place] = -1.25
    elif fault == "reads too much":
        params[f"{mlp}1/w"][place, neuron] = 1.25
    elif fault == "has a bias":
        params[f"{mlp}1/b"][neuron] = 0.25
    elif fault == "another dimension":
        params[f"{mlp}2/w"][neuron] = np.roll(params[f"{mlp}2/w"][neuron], 1)
    elif fault == "negative numbers":
        params["pos_embed/embeddings"][1, place] = -0.5
    elif fault == "large numbers":
        params["pos_embed/embeddings"][1, place] = 4.0
    else:
        params[mlp.replace("mlp/linear_", "attn/linear/b")][place] = -0.75
    broken = replace(one, params=params, certificate=None)
    assert swept(broken) == swept(one) - 1
    plain = forward(broken.weights, ids())
    real = ids() != one.config.pad_id
    assert np.abs(broken.logits(ids()) - plain)[real].max() <= 1e-4 * max(1.0, np.abs(plain).max())
