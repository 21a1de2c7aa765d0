"""The smallest constants and the smallest sharpness of a stock model are those that are proved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.stock.stocked import compiled

import raspc
from raspc import library, rasp
from raspc.certify.proof import knobs
from raspc.certify.proof.examined import alike
from raspc.certify.proof.prove import Outcome, holding, prove
from raspc.certify.proof.weights import examined
from raspc.numbers.precision import PRECISIONS
from raspc.stock import model as making
from raspc.stock.convert import sharpness_of, stock_of
from raspc.stock.sizes import scale_of
from raspc.target.families import FAMILIES
from raspc.weights import Model
from raspc.weights.certificate import Link

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes


def is_proved(model: Model, **changed: float) -> bool:
    """Whether every link holds of the same model with other knobs."""
    held = model.config.held
    assert held is not None and model.plan is not None
    other = making._stocked(model.plain, FAMILIES[model.config.family], replace(held, **changed))
    return all(link.holds for link in prove(examined(model.plan, other), model.precision))


@pytest.mark.parametrize(("name", "family"), [("hist", "llama"), ("sort", "gpt2"), ("hist", "bert")])
def test_half_the_scale_or_a_lower_sharpness_is_not_proved(name: str, family: str) -> None:
    """And what is taken is far below what is large enough for any model of that size."""
    model = compiled(name, family)
    held = model.config.held
    assert held is not None and model.certificate.verdict == "proved" and is_proved(model)
    assert held.norm_scale <= 2.0**6 and held.step_sharpness <= 2.0**8
    kind, precision = FAMILIES[family], model.precision
    assert held.norm_scale * 2**8 <= scale_of(kind, model.plain, precision)
    assert held.norm_scale == 2.0**knobs.LEAST_SCALE or not is_proved(model, norm_scale=held.norm_scale / 2)
    lower = [k for k in sharpness_of(kind, precision) if k < held.step_sharpness]
    assert not any(is_proved(model, step_sharpness=k, norm_scale=2.0**17) for k in lower)


def test_a_model_without_a_target_goes_with_the_smallest_too(tmp_path: Path) -> None:
    """`to` looks for them, unless it is told."""
    entry = library.get("hist")
    model = raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=True)
    given = model.to("gpt2")
    norm = given.params["transformer.h.0.ln_1.weight"]
    assert norm[0] <= 2.0**7 < stock_of(model, "gpt2").params["transformer.h.0.ln_1.weight"][0]
    assert given.step_sharpness <= 2.0**8
    assert model.to("gpt2", norm_scale=2.0**10).params["transformer.h.0.ln_1.weight"][0] == 2.0**10


def test_a_number_stays_nearer_to_itself_than_to_any_other() -> None:
    """So that it may be a token: fractions that lie close keep larger constants."""
    close = rasp.Map(lambda t: t / 4096, rasp.tokens)
    model = raspc.compile(rasp.numerical(close), range(8), 4, causal=True, target="gpt2")
    needed = max(link.needed for link in model.certificate.links if link.kind == "number")
    assert 4 * needed < 1 / 4096


def test_the_proof_runs_once_for_each_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was proved to find the knobs is the certificate; nothing is proved again."""
    seen: list[tuple[float, float]] = []

    def told(asked):  # type: ignore[no-untyped-def]
        def one(plan, precision):  # type: ignore[no-untyped-def]
            seen.append(plan.loose)
            return asked(plan, precision)

        return one

    monkeypatch.setattr(knobs, "holding", told(holding))
    monkeypatch.setattr("raspc.certify.proof.certificate.prove", told(prove))
    compiled("hist", "gpt2")
    assert len(seen) == len({id(one) for one in seen}) and len(seen) <= 2 + 1 + 5


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["hist", "sort", "reverse"])
def test_a_narrow_llama_is_proved(name: str, dtype: str) -> None:
    """What its norm leaves is rounded away, and neurons that read whole numbers are relu to the last digit."""
    model = compiled(name, "llama", dtype=dtype)
    assert model.certificate.verdict == "proved"
    unit = PRECISIONS[dtype].unit
    norm = next(link for link in model.certificate.links if link.kind == "norm")
    assert norm.present == unit / 4
    assert not is_proved(model, norm_scale=2.0**2)


def test_a_range_that_a_neuron_leaves_is_refused() -> None:
    """K times what a neuron reads must be a number of float16."""
    model = compiled("hist", "llama", dtype="float16")
    plan = examined(model.plan, model)
    steeper = replace(plan, loose=replace(plan.loose, steep=2.0**13))
    for seen, holds in ((plan, True), (steeper, False)):
        links = [link for link in prove(seen, model.precision) if link.unit == "largest read of a neuron"]
        assert links and all(link.holds for link in links) is holds


def test_what_is_known_of_a_proof_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof that is not run again has the links of one that is: of a norm that is the identity, at two scales."""
    runs, asked = list[Outcome](), list[object]()
    monkeypatch.setattr(knobs, "holding", lambda *given: runs.append(holding(*given)) or runs[-1])
    own = knobs._Search.links_of
    monkeypatch.setattr(knobs._Search, "links_of", lambda self, seen: asked.append(seen) or own(self, seen))
    writer = library.WRITERS["write_sort"]
    model = raspc.compile(
        writer.program, writer.vocab, writer.max_seq_len, generate=True, stop=writer.stop, prompts=writer.prompts,
        optimize=2, target="llama",
    )  # fmt: skip
    assert model.plan is not None and len(runs) < len(asked)
    assert model.certificate.links == prove(examined(model.plan, model), model.precision)


def test_other_links_of_the_family_break_a_known_proof() -> None:
    """And where they hold they take the place of those that were there."""
    plain, old = Link("answer", "x", 0.1, 1.0, ""), Link("norm", "llama", 1.0, 2.0, "")
    good, bad = Link("norm", "llama", 1.5, 2.0, ""), Link("norm", "llama", 3.0, 2.0, "")
    known = Outcome((old, plain))
    assert known.beside([old], [good]) == Outcome((good, plain))
    assert known.beside([old], [bad]).broken == bad
    assert Outcome(broken=plain).beside([old], [good]).broken == plain


def test_a_link_that_a_steeper_activation_hardly_changes_is_stuck() -> None:
    """What is needed falls once by all that is left to fall; another link, or one that falls fast, is asked again."""

    def link(needed: float, name: str = "x") -> Link:
        return Link("answer", name, needed, 1.0, "")

    assert knobs._is_stuck(link(22.0), link(14.0))
    assert not knobs._is_stuck(link(50.0), link(6.0))
    assert not knobs._is_stuck(link(22.0, "y"), link(14.0))


def test_what_is_examined_is_compared_to_the_last_digit() -> None:
    """Arrays, what holds them, and numbers."""
    one, two = np.zeros(3), np.zeros(3)
    assert alike({"a": (one, 1.0)}, {"a": (two, 1.0)})
    two[1] = 1e-300
    assert not alike({"a": (one, 1.0)}, {"a": (two, 1.0)})
    assert not alike([one], (one,)) and not alike({"a": one}, {"b": one})
    model = compiled("hist", "llama")
    assert model.plan is not None
    seen = examined(model.plan, model)
    assert seen.is_as(examined(model.plan, model))
    assert not seen.is_as(replace(seen, loose=replace(seen.loose, quiet=1.0)))
