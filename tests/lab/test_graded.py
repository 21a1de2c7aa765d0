"""Interventions on models that agree with their program to a degree: compressed ones, and Haar rotations."""

from __future__ import annotations

from pathlib import Path

import pytest

import raspc
from raspc import lab, library
from raspc.weights import Model

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def plain() -> Model:
    """All variables are in the stream."""
    return raspc.compile(library.frac_prevs(), "ax", 3, optimize=0)


@pytest.fixture(scope="module")
def narrow(plain: Model) -> Model:
    """As good as the compiled one, in one dimension less."""
    from raspc.compress import compress

    return compress(plain, 7, seeds=1, steps=150, polish=10)


def test_compressed_models_agree_to_a_degree(narrow: Model) -> None:
    """Every variable and selector of the program, patched from another input; near to what the program gives."""
    assert narrow.config.d_model == 7
    for name in narrow.graph.labels:
        out = narrow.patch(["BOS", *"xax"], [name])(["BOS", *"aax"])
        assert out.graded and not out.impossible and out.expected is not None
        assert out.decoded[1:] == pytest.approx(out.expected[1:], abs=0.05), name
    free = narrow.apply(["BOS", *"aax"]).decoded
    assert narrow.patch(["BOS", *"xax"], ["flags"])(["BOS", *"aax"]).decoded != free


def test_what_was_saved_is_intervened_on_as_before(narrow: Model, tmp_path: Path) -> None:
    """The embedding is found again from the weights."""
    narrow.save(tmp_path / "narrow")
    again = raspc.load(tmp_path / "narrow")
    one, other = (m.patch(["BOS", *"xax"], ["flags"])(["BOS", *"aax"]) for m in (narrow, again))
    assert other.graded and one.decoded[1:] == pytest.approx(other.decoded[1:], abs=1e-5)


def test_worse_models_agree_less(plain: Model, narrow: Model) -> None:
    """In half the dimensions variables lie over one another: interchange accuracy falls, and answers are off."""
    from raspc.compress import compress

    poor = compress(plain, 2, seeds=1, steps=20, polish=2)
    out = poor.patch(["BOS", *"xax"], ["indices"])(["BOS", *"aax"])
    assert out.graded
    scores = [min(row.accuracy or 0 for row in lab.iia(m, pairs=40).rows) for m in (narrow, poor)]
    assert scores[0] > 0.9 > scores[1]


def test_ablations_of_compressed_models_run(narrow: Model) -> None:
    """Through the images of the directions."""
    out = narrow.ablate(["tokens"], "mean")(["BOS", *"aax"])
    assert out.graded and out.impossible and out.decoded != narrow.apply(["BOS", *"aax"]).decoded


def test_others_are_exact(plain: Model) -> None:
    """Compiled and turned models; a Haar rotation rounds."""
    patched = (["BOS", *"xax"], ["flags"])
    assert not plain.patch(*patched)(["BOS", *"aax"]).graded
    assert not raspc.rotate(plain, 1).patch(*patched)(["BOS", *"aax"]).graded
    haar = raspc.rotate(plain, 1, haar=True).patch(*patched)(["BOS", *"aax"])
    assert haar.graded and haar.decoded[1:] == pytest.approx(haar.expected[1:], abs=1e-3)
