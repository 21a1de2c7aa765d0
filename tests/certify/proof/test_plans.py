"""A plan that does not fit is a link that fails; a fault of the proof is told as what it is, and fails the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import rasp
from raspc.blocks.lower import Lowered
from raspc.certify.proof import prove
from raspc.weights.model import Model
from raspc.weights.params import Params


def neighbours() -> Model:
    """A function of the tokens before and after each, which live in spaces of their own."""
    before = rasp.Aggregate(
        rasp.Select(rasp.indices, rasp.indices, lambda k, q: k == q - 1), rasp.tokens, default=0
    ).named("before")
    after = rasp.Aggregate(
        rasp.Select(rasp.indices, rasp.indices, lambda k, q: k == q + 1), rasp.tokens, default=0
    ).named("after")
    return raspc.compile(rasp.SequenceMap(lambda x, y: x + 2 * y, before, after).named("both"), [0, 1], 4, optimize=0)


def place(model: Model, label: str) -> int:
    """Where a variable stands in the graph."""
    return model.plan.graph.labels.index(label)  # type: ignore[union-attr]


def planned(model: Model, **changes: Any) -> Model:
    """The model with another plan of its blocks."""
    assert model.plan is not None
    return replace(model, plan=replace(model.plan, lowered=replace(model.plan.lowered, **changes)), certificate=None)


def exchanged(model: Model) -> Model:
    """The homes of two variables change places in the plan, and so does what is read of them in the weights.

    The model is wrong. Whoever believes the plan finds each space to hold what the blocks that read it expect.
    """
    home = model.plan.lowered.home  # type: ignore[union-attr]
    one, other = place(model, "before"), place(model, "after")
    params = {name: np.array(array) for name, array in model.params.items()}
    dims = [slice(*model.alignment.spaces[home[at][0].space].dims) for at in (one, other)]
    reads = params["transformer/layer_0/mlp/linear_1/w"]
    reads[dims[0]], reads[dims[1]] = reads[dims[1]].copy(), reads[dims[0]].copy()
    found = planned(model, home={**home, one: home[other], other: home[one]})
    return replace(found, params=Params(params, model.config))


def test_a_block_writes_the_spaces_of_its_own_variable(tmp_path: Path) -> None:
    """Else a wrong model was proved; in a file it is refused too."""
    wrong = exchanged(neighbours())
    assert not raspc.check(wrong).ok
    found = raspc.certificate(wrong)
    assert found.verdict == "fails" and found.weakest is not None and found.weakest.kind == "plan"
    wrong.save(tmp_path / "model")
    with pytest.raises(raspc.ModelFormatError, match="writes what is of another variable"):
        raspc.load(tmp_path / "model")


def without_a_home(model: Model) -> Model:
    """Of one variable it is not said where it lives."""
    home = dict(model.plan.lowered.home)  # type: ignore[union-attr]
    del home[place(model, "after")]
    return planned(model, home=home)


def of_other_values(model: Model) -> Model:
    """The code of one variable is that of another one."""
    home = dict(model.plan.lowered.home)  # type: ignore[union-attr]
    at, (group,) = place(model, "both"), home[place(model, "both")]
    return planned(model, home={**home, at: (replace(group, code=group.code[:-1]),)})


def of_one_another(model: Model) -> Model:
    """Each of two heads is said to compute what the other does."""
    lowered: Lowered = model.plan.lowered  # type: ignore[union-attr]
    swap = {place(model, "before"): place(model, "after"), place(model, "after"): place(model, "before")}
    return planned(model, place_of_block=tuple(swap.get(at, at) for at in lowered.place_of_block))


@pytest.mark.parametrize("spoiled", [without_a_home, of_other_values, of_one_another])
def test_a_plan_that_does_not_fit(spoiled: Callable[[Model], Model]) -> None:
    """Nothing is proved, whatever the weights are; and no one is told to report it."""
    found = raspc.certificate(spoiled(neighbours()))
    assert found.verdict == "fails" and found.weakest is not None and found.weakest.kind == "plan"


def broken(*args: Any) -> None:
    """A programming error."""
    raise ValueError("operands could not be broadcast together")


def test_a_fault_of_the_proof_fails_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no link that is quietly measured away."""
    model = neighbours()
    for name in ("answered", "answered_in_parts"):
        monkeypatch.setattr(prove, name, broken)
    with pytest.raises(RuntimeError, match="a fault of the proof"):
        raspc.certificate(model)


def test_a_fault_of_the_proof_is_told_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """For users nothing is proved, no run makes up for it, and a compile says what to do."""
    model = neighbours()
    for name in ("answered", "answered_in_parts"):
        monkeypatch.setattr(prove, name, broken)
    monkeypatch.setattr(prove, "surface", lambda error: None)
    found = raspc.certificate(model)
    assert found.verdict == "fails" and found.weakest is not None
    assert found.weakest.kind == prove.FAULT and "broadcast" in found.weakest.name
    with pytest.raises(raspc.CertificateError, match=r"fault of raspc.*please report it"):
        neighbours()
