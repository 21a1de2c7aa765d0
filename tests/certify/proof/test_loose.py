"""What a stock family adds to errors: bounds hold what is seen, and say where it comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.stock.stocked import compiled

import raspc
from raspc.certify.proof.framed import loose_of
from raspc.certify.proof.loose import FIRM, Loose
from raspc.certify.proof.prove import prove
from raspc.certify.proof.tightness import Tightness, tightness
from raspc.certify.proof.weights import examined
from raspc.library.writers import write_sum
from raspc.stock import model as making
from raspc.stock.model import frame_of
from raspc.target.families import FAMILIES
from raspc.weights import Model

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes


def scaled(model: Model, scale: float, sharpness: float = 2.0**20) -> Model:
    """The same model with constants of another size, whether that is proved or not."""
    held = model.config.held
    assert held is not None
    family = FAMILIES[model.config.family]
    return making._stocked(model.plain, family, replace(held, norm_scale=scale, step_sharpness=sharpness))


class Unshifted:
    """A model whose stream goes through norms itself: its numbers are those above the one that holds the mean."""

    def __init__(self, model: Model) -> None:
        self.model, frame = model, frame_of(model)
        self.null = frame.null

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def trace_ids(self, ids: Any) -> Any:
        """The trace without the mean."""
        found = self.model.trace_ids(ids)
        streams = [np.asarray(x, np.float64) for x in (found.input_embeddings, *found.residuals)]
        first, *rest = (x - x[..., self.null : self.null + 1] for x in streams)
        return replace(found, input_embeddings=first, residuals=rest)


def seen_in(model: Model) -> tuple[Tightness, ...]:
    """Bounds and errors seen, for each space."""
    shown: Any = Unshifted(model) if FAMILIES[model.config.family].norms.post else model
    return tightness(shown, examined(model.plan, model), model.precision)


@pytest.mark.parametrize("family", ["gpt2", "bert", "llama"])
@pytest.mark.parametrize("name", ["contains", "sort", "token_after_last"])
@pytest.mark.parametrize("level", [1, 2])
def test_no_error_is_larger_than_its_bound(family: str, name: str, level: int) -> None:
    """Of no space, however small the constants of the frame are; and some bound is two thousand times it at most."""
    model = compiled(name, family, optimize=level)
    found = [one for scale in (2.0**4, 2.0**9) for one in seen_in(scaled(model, scale))]
    assert [one for one in found if one.seen > one.bound] == []
    assert max(one.seen / one.bound for one in found if one.bound > 0) > 0.0005


def test_what_neurons_clear_far_from_zero_they_clear_to_the_last_digit() -> None:
    """Where K makes a share large enough, what is left of it is nothing; with a smaller K a little is."""
    model = raspc.compile(
        write_sum(1), "0123456789+=.", 6, generate=True, stop=".", prompts=r"[0-9]\+[0-9]=", optimize=2, target="llama"
    )

    def left(sharpness: float) -> float:
        one = scaled(model, 2.0**24, sharpness)
        plan = examined(one.plan, one)
        return max(link.needed for link in prove(plan, model.precision) if link.kind == "residue")

    assert left(2.0**20) == 0.0 < left(2.0**5)


@pytest.mark.parametrize("part", ["common", "rate"])
def test_a_bound_without_one_of_the_errors_is_exceeded(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above sees it where the factor of a norm, or what each number rounds, is left out."""
    from raspc.certify.proof import weights

    def forgotten(model: Model) -> Loose:
        return replace(loose_of(model), **({part: 0.0} | ({"constant": 0.0} if part == "rate" else {})))

    monkeypatch.setattr(weights, "loose_of", forgotten)
    scale = 2.0**4 if part == "common" else 2.0**20
    family = "gpt2" if part == "common" else "bert"
    found = seen_in(scaled(compiled("sort", family, optimize=2), scale))
    assert any(one.seen > one.bound for one in found)


def test_a_plain_model_has_no_errors_of_a_family() -> None:
    """And RMSNorm adds none where its constants are large enough."""
    llama = compiled("hist", "llama")
    assert loose_of(llama.plain) is FIRM
    assert loose_of(scaled(llama, 2.0**16)).exactly and not loose_of(scaled(llama, 2.0**4)).exactly


@pytest.mark.parametrize(("name", "level"), [("sort", 1), ("sort", 2), ("mode", 2), ("double_hist", 1), ("hist", 1)])
def test_a_layer_norm_is_proved(name: str, level: int) -> None:
    """These were measured, as their bounds took a factor that all numbers share for errors of each of them."""
    assert compiled(name, "gpt2", optimize=level).certificate.verdict == "proved"


def test_a_factor_of_all_moves_no_threshold() -> None:
    """However large it is, steps stay flat; the numbers that are written are off by it."""
    model = scaled(compiled("hist", "gpt2"), 2.0**13)
    plan = examined(model.plan, model)
    tight, wide = (
        {link.kind: link for link in prove(replace(plan, loose=replace(plan.loose, common=c)), model.precision)}
        for c in (0.0, 2.0**-14)
    )
    assert wide["staircase"].present == tight["staircase"].present
    assert wide["answer"].needed > tight["answer"].needed
