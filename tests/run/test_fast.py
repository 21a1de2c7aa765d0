"""The quick pass: what it leaves out, what it computes once, and that neither changes an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hand_built import MODELS, WORDS, random_model

from raspc.run import fast
from raspc.run.arrays import NUMPY
from raspc.run.plain import forward, prepare
from raspc.weights import Model


def sparse_model(density: float, seed: int, **sizes: Any) -> Model:
    """Random weights of which most are zero, whole modules among them, as in a compiled model."""
    model, rng = random_model(seed, scale=1.0, **sizes), np.random.default_rng(seed)
    arrays = {}
    for name, array in model.params.items():
        rows, columns = rng.random(array.shape) < density, rng.random(array.shape[-1]) < 2 * density
        arrays[name] = np.where(rows & columns, array, 0) if "embed" not in name else array
    return Model(model.config, arrays)


@given(
    density=st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    seed=st.integers(0, 1000),
    sizes=st.sampled_from(list(MODELS.values())[:6]),
    inputs=st.lists(st.lists(st.sampled_from(WORDS), max_size=6), min_size=1, max_size=12),
    repeats=st.integers(1, 3),
)
@settings(max_examples=150, deadline=None)
def test_the_fast_path_computes_what_the_plain_one_does(
    density: float, seed: int, sizes: dict[str, Any], inputs: list[Any], repeats: int
) -> None:
    """Leaving out zeros and sharing equal states changes no answer, whatever is zero and whatever is equal."""
    model = sparse_model(density, seed, **sizes)
    ids = model.encode_batch([["BOS", *tokens] for tokens in inputs * repeats])
    plain = forward(model.weights, ids)
    for dtype, bound in ((np.float32, 1e-5), (np.float64, 1e-13)):
        expected = forward(prepare(model.params, model.config, dtype), ids)
        with patch.object(fast, "WORTH_SHARING", 0):
            shared = fast.forward(fast.prune(prepare(model.params, model.config, dtype)), ids).transpose(1, 2, 0)
        tokens = ids != model.config.pad_id
        for found in (shared, model.logits(ids, dtype)):
            assert found.dtype == dtype
            assert abs(found - expected)[tokens].max() <= bound * max(1, abs(plain).max())


def test_equal_states_are_found_and_different_ones_kept() -> None:
    """Each row gets its own back; where few are equal, nothing is shared."""
    few = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    rows = few[np.random.default_rng(1).integers(0, 5, 100)]
    first, place = fast._distinct(rows)
    assert place is not None
    assert len(first) == 5
    assert (rows[first][place] == rows).all()
    assert fast._distinct(few)[1] is None


def test_a_compiled_model_is_pruned() -> None:
    """Only what is not zero is kept: one of two heads, one of two neurons."""
    model = sparse_model(0.0, 0)
    arrays = {name: np.array(array) for name, array in model.params.items()}
    for name in ("query/w", "key/w", "value/w"):
        arrays[f"transformer/layer_1/attn/{name}"][2, 4] = 1
    arrays["transformer/layer_1/attn/linear/w"][4, 3] = 1
    arrays["transformer/layer_1/mlp/linear_1/w"][3, 7] = 1
    arrays["transformer/layer_1/mlp/linear_2/w"][7] = 1
    arrays["transformer/layer_1/mlp/linear_2/w"][8] = 1
    first, second = fast.prune(Model(model.config, arrays).weights).layers
    assert (first.heads, first.neurons) == ((), None)
    assert [(head.query.width, head.value.width) for head in second.heads] == [(1, 1)]
    assert second.neurons is not None
    assert second.neurons.read.width == 1


def test_other_neurons_than_relu_are_not_run() -> None:
    """What is left out may be so because relu of it is 0: with another activation the pass says that it cannot."""
    weights = random_model().weights
    vars(weights)["how"] = replace(weights.how, activation=NUMPY.activations["relu"].__call__)
    with pytest.raises(KeyError, match="relu alone"):
        fast.prune(weights)
