"""Methods that look for variables: DAS, probes with controls, sparse autoencoders."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import raspc
from raspc import lab, library
from raspc.lab.methods import das, probe, sae
from raspc.lab.methods.autoencoders import _matches
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def reverse() -> Model:
    """`reverse` of three tokens, readable."""
    return raspc.compile(library.reverse(), "abc", 4, optimize=0)


def test_das_finds_a_variable_in_one_dimension() -> None:
    """`opposite` lies in four directions, of which one linear function is read: that is found, and held."""
    reverse = raspc.compile(library.reverse(), "abc", 4, sharpness=0)
    found = das(reverse, "opposite", 1, 1, pairs=128)
    assert found.held.changed is not None and found.held.changed > 0.95 > 0.5 > (found.held.random or 0)
    assert found.basis.shape == (1, reverse.config.d_model) and np.linalg.norm(found.basis) == pytest.approx(1)
    again = lab.iia(reverse, {"opposite": found.subspace}, pairs=64, seed=3)["opposite"]
    assert again.changed == pytest.approx(found.held.changed, abs=0.05)
    json = found.to_json()
    assert (json["dtype"], json["seed"], json["variable"]) == ("float64", 0, "opposite")


def test_das_finds_nothing_where_nothing_is(reverse: Model) -> None:
    """Before the MLP `opposite` is nowhere; learning is the same twice."""
    one, two = (das(reverse, "opposite", -1, 1, pairs=48, steps=10, starts=1) for _ in range(2))
    assert one.held.changed is not None and one.held.changed < 0.9
    assert np.array_equal(one.basis, two.basis) and one.loss == two.loss


def test_a_probe_reads_what_nobody_uses(reverse: Model) -> None:
    """`last` is read off the stream at the end, and no part of the model reads its directions; controls fall behind."""
    unread = probe(reverse, "last", 3)
    assert unread.accuracy == 1 and unread.is_read is False
    assert 0 < unread.control < 1 and unread.selectivity == unread.accuracy - unread.control
    used = probe(reverse, "tokens", -1)
    assert used.accuracy == 1 and used.is_read and used.majority < 0.5
    before, after = probe(reverse, "opposite", -1), probe(reverse, "opposite", 1)
    assert before.accuracy < after.accuracy == 1
    assert probe(reverse, "tokens", -1) == used and used.to_json()["selectivity"] == used.selectivity


def test_a_probe_of_one_value_is_the_majority(reverse: Model) -> None:
    """The share of the most frequent value, counted by hand over all inputs."""
    inputs = [row for n in range(1, 5) for row in np.ndindex(*(3,) * n)]
    first = sum(len(row) - 1 - i == 0 for row in inputs for i in range(len(row))) / sum(map(len, inputs))
    assert probe(reverse, "opposite", 1).majority >= first - 1e-9


def test_an_autoencoder_is_held_against_the_true_features() -> None:
    """Training reconstructs; what it matches is told beside what an untrained one matches."""
    model = raspc.compile(library.sort_unique(), [1, 2, 3], 3)
    found = sae(model, -1, steps=300)
    assert found.reconstruction > 0.9 and 0 <= found.untrained <= 1 and 0 <= found.matched <= 1
    assert set(found.features) >= {"tokens=1", "tokens=2", "tokens=3"} and max(found.features.values()) <= 1 + 1e-9
    assert found.reconstruction > sae(model, -1, steps=1).reconstruction
    assert found == sae(model, -1, steps=300)


def test_a_match_is_the_r2_of_one_latent() -> None:
    """Against NumPy's correlation; a latent that is the feature matches it, a constant one matches nothing."""
    rng = np.random.default_rng(0)
    feature = (rng.random(50) < 0.4).astype(float)
    codes = np.stack([rng.random(50), np.ones(50), 3 * feature + rng.random(50)], axis=1)
    right = max(np.corrcoef(codes[:, i], feature)[0, 1] ** 2 for i in (0, 2))
    assert _matches(codes, {"x": feature})["x"] == pytest.approx(right)
    assert _matches(feature[:, None] * 2, {"x": feature})["x"] == pytest.approx(1)


def test_what_is_refused(reverse: Model) -> None:
    """A variable, a stage, a number of dimensions that there is not; a selector; what is no model."""
    selector = next(iter(reverse.alignment.selectors))
    for wrong in (
        lambda: das(reverse, "nobody", 1, 1), lambda: das(reverse, "opposite", 9, 1),
        lambda: das(reverse, "opposite", 1, 0), lambda: das(reverse, "opposite", 1, 1000),
        lambda: das(reverse, selector, 1, 1), lambda: probe(reverse, selector, 1), lambda: probe(reverse, "nobody", 1),
        lambda: probe(reverse, "tokens", 4), lambda: sae(reverse, 99), lambda: sae(reverse, 1, latents=2, active=3),
    ):  # fmt: skip
        with pytest.raises(raspc.InputError):
            wrong()
    for odd in (lambda: das("x", "y", 0, 1), lambda: probe(None, "y", 0), lambda: sae(3, 0)):
        with pytest.raises(TypeError, match="model"):
            odd()


def test_backends_that_are_not_there(reverse: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown one, and one whose package is missing: what is needed, and how to get it."""
    monkeypatch.setitem(sys.modules, "pyvene", None)
    monkeypatch.setitem(sys.modules, "sae_lens", None)
    for told, call in {
        "needed one of 'raspc', 'pyvene'": lambda: das(reverse, "opposite", 1, 1, backend="captum"),
        "needed one of 'raspc', 'sae-lens'": lambda: sae(reverse, 1, backend="captum"),
        r"pip install 'raspc\[interventions\]'": lambda: das(reverse, "opposite", 1, 1, pairs=8, backend="pyvene"),
        r"pip install 'raspc\[sae-lens\]'": lambda: sae(reverse, 1, backend="sae-lens"),
    }.items():
        with pytest.raises(raspc.InputError, match=told):
            call()
