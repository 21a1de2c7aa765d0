"""Interchange accuracy tells a true alignment from others, and a map that takes too much from one that does not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lab.circuits import random_models

import raspc
from raspc import lab, library
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def model() -> Model:
    """`sort`, of three tokens."""
    return raspc.compile(library.sort(), [1, 2, 3], 4)


def test_the_true_alignment_scores_one() -> None:
    """On random programs at every level, for every variable, and on turned ones; nothing else is touched."""
    seen = 0
    for _, model in random_models(range(6), (0, 1, 2)):
        for one in (model, raspc.rotate(lab.permute(model, 1), 1)) if seen < 20 else (model,):
            if not lab.true_alignment(one):
                continue
            for row in lab.iia(one, pairs=64).rows:
                assert row.accuracy in (None, 1.0) and row.changed in (None, 1.0), row
                seen += row.count > 0
    assert seen > 20


def test_all_pairs(model: Model) -> None:
    """The share of right answers, worked out by hand for one variable by forcing it."""
    found = lab.iia(model, {"rank": model.spaces["rank"]}, pairs=300)
    assert found["rank"].accuracy == 1.0 and found.pairs == 300 and found.accuracy == 1.0
    assert found["rank"].count > 50 and found["rank"].stages == (1,)


def test_controls_tell_maps_apart(model: Model) -> None:
    """Random subspaces and other variables' score lower; a whole stream swaps the variable, and touches all others."""
    true = lab.iia(model, {"rank": model.spaces["rank"], "tokens": model.spaces["tokens"]}, pairs=300)
    assert all(row.changed == 1.0 for row in true.rows)
    assert all(row.random is not None and row.random < 0.8 for row in true.rows)
    assert all(row.shuffled is not None and row.shuffled < 0.8 for row in true.rows)
    everything = lab.Subspace(1, np.eye(model.config.d_model))
    greedy = lab.iia(model, {"rank": everything}, pairs=300)["rank"]
    alone = lab.iia(model, {"rank": model.spaces["rank"]}, pairs=300)["rank"]
    assert alone.untouched == 1.0 and greedy.untouched is not None and greedy.untouched < 0.9


def test_somebody_s_rotation() -> None:
    """Columns of a matrix: one direction is enough for what a head reads one number of; a wrong one is not."""
    model = raspc.compile(library.reverse(), "abc", 5)
    read = model.params["transformer/layer_1/attn/query/w"][:, :1].T * (np.arange(model.config.d_model) >= 13)
    r = np.linalg.qr(np.hstack([read.T, np.eye(model.config.d_model)]))[0]
    one = lab.iia(model, {"opposite": (1, r[:, :1].T)})["opposite"]
    other = lab.iia(model, {"opposite": (1, r[:, 1:2].T)})["opposite"]
    assert one.dims == 1 and one.changed == 1.0 and (other.changed or 0.0) < 0.5


def test_a_truth_that_is_the_same_twice(model: Model) -> None:
    """By the seed; as data it says how it was found."""
    one, same, other = (lab.iia(model, pairs=64, seed=seed) for seed in (1, 1, 2))
    assert one == same and one != other
    assert one.to_json()["dtype"] == "float64" and not one.exhaustive


def test_what_is_refused(model: Model) -> None:
    """Bases and stages that do not fit, and names that are none."""
    for wrong in (
        {}, {"nobody": (0, np.eye(3))}, {"rank": (0, np.eye(3))}, {"rank": (9, np.eye(model.config.d_model))},
        {"rank": "x"}, {"rank": (0, np.full((1, model.config.d_model), np.nan))},
    ):  # fmt: skip
        with pytest.raises(raspc.InputError):
            lab.iia(model, wrong)
