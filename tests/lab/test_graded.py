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


def test_compressed_models_agree_to_a_degree(plain: Model, narrow: Model) -> None:
    """Every variable and selector of the program, patched from another input; near to what the program gives."""
    assert narrow.config.d_model == 7
    for name in narrow.graph.labels:
        out = narrow.patch(["BOS", *"xax"], [name])(["BOS", *"aax"])
        assert out.graded and not out.impossible and out.expected is not None
        assert out.decoded[1:] == pytest.approx(out.expected[1:], abs=0.05), name
        assert 0 < out.interference == narrow.circuit().interference < 1
    assert plain.circuit().interference == plain.patch(["BOS", *"xax"], ["flags"])("aax").interference == 0
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


def test_how_strong_interference_is(plain: Model, narrow: Model) -> None:
    """A number tells it: nothing but rounding under a Haar matrix, more in fewer dimensions."""
    turned, haar = (raspc.rotate(plain, 1, haar=haar).circuit().interference for haar in (False, True))
    assert turned == 0 and 0 < haar < 1e-6 < narrow.circuit().interference


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


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_truth_of_a_rounded_basis_is_that_of_the_compiled_model(level: int) -> None:
    """A Haar rotation makes almost every edge carry a little of everything; what is of the program stays the same."""
    model = raspc.compile(library.reverse(), "abc", 4, optimize=level)
    turned = raspc.rotate(model, seed=1, haar=True)
    assert any("interference" in edge.flags for edge in turned.circuit().edges)
    for corruption in ("zero", "shuffle"):
        plain, other = (lab.truths(lab.task(m, corruption, pairs=8)) for m in (model, turned))
        assert other.varying == plain.varying, corruption


def test_the_truth_of_a_compressed_model_holds_no_interference(plain: Model, narrow: Model) -> None:
    """What compression adds carries nothing of the program, whatever patching says of it."""
    circuit = narrow.circuit()
    added = {one.name for one in circuit.edges if "interference" in one.flags}
    assert added
    for corruption in ("zero", "mean", "resample", "shuffle"):
        true, other = (lab.truths(lab.task(m, corruption, pairs=8)).varying for m in (plain, narrow))
        assert other and other <= true, corruption


def test_a_direction_that_is_gone_is_no_truth(plain: Model) -> None:
    """Of the edges of the compiled model those are true that are left in the compressed one."""
    from raspc.compress import compress

    poor = compress(plain, 2, method="svd", faithfulness=False)
    left = {edge.key[:3] for edge in poor.circuit().edges if "interference" not in edge.flags}
    names = {f"{'input' if w in ('tokens', 'positions', 'bos') else w}->{r}" for w, r, _ in left}
    for edge in lab.truths(lab.task(poor, "zero", pairs=8)).varying:
        assert edge.partition("<")[0] in names
