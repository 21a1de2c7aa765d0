"""`raspc.rotate`: the same answers, and no axis that says what it holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hand_built import random_model

import raspc
from raspc import CertificateError, InputError, Model, library
from raspc.compress.rotation import basis, in_basis, rotate
from raspc.run.plain import prepare, trace
from raspc.weights.sampling import inputs


@given(size=st.integers(1, 40), seed=st.integers(0, 1000), haar=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_basis_is_orthogonal(size: int, seed: int, haar: bool) -> None:
    """Q·Qᵀ = 1 for every size: exactly for binary fractions."""
    q = basis(size, seed, haar)
    assert np.allclose(q @ q.T, np.eye(size), atol=1e-12)
    if not haar:
        assert np.array_equal(q @ q.T, np.eye(size))
        assert np.array_equal(q * 2.0**20, np.round(q * 2.0**20))


@pytest.mark.parametrize("haar", [False, True])
def test_any_model_computes_the_same_in_another_basis(haar: bool) -> None:
    """Of random weights every logit stays, and every state of the stream is the old one times Q."""
    model = random_model(scale=0.1)
    q = basis(model.config.d_model, 5, haar)
    rotated = dataclasses.replace(model, params=in_basis(model, q))
    ids = model.encode_batch(inputs(model.config, most=20))
    before, after = (trace(prepare(m.params, m.config, np.float64), ids) for m in (model, rotated))
    assert np.allclose(after.unembedded, before.unembedded, atol=1e-4)
    for x, y in zip(before.residuals, after.residuals, strict=True):
        assert np.allclose(x @ q, y, atol=1e-5)


def test_a_rotated_program_is_the_program(fractions: Model, places: Model) -> None:
    """Every answer stays; the certificate is measured anew; no direction is an axis any more."""
    for model in (fractions, places):
        rotated = raspc.rotate(model, 7)
        assert raspc.check(rotated).ok
        assert rotated.certificate["holds"] and not rotated.certificate["proved"]
        assert rotated.certificate["measured"]["inputs"] == raspc.check(model).checked
        assert all(facts["spaces"] == [] for facts in rotated.alignment["variables"].values())
        held = np.abs(rotated.params["unembed/w"]) > 0
        assert held.sum() > (np.abs(model.params["unembed/w"]) > 0).sum()


def test_a_seed_names_a_basis(fractions: Model) -> None:
    """The same seed gives the same weights, another seed others; a seed that is none is refused."""
    one, same, other = (raspc.rotate(fractions, seed).params["unembed/w"] for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    with pytest.raises(InputError, match="seed is -1"):
        raspc.rotate(fractions, -1)


def test_steep_scores_bear_no_basis_and_that_is_said() -> None:
    """Numbers too far apart to be mixed: the remedy that is named is one."""
    steep = raspc.compile(library.sort(), (1, 2, 3), 4, optimize=2)
    with pytest.raises(CertificateError, match=r"steep scores.*disabled_passes=\['steep'\]"):
        rotate(steep, 0)
    without = raspc.compile(library.sort(), (1, 2, 3), 4, optimize=2, disabled_passes=["steep"])
    assert rotate(without, 0).certificate is not None
