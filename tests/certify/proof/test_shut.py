"""Neurons that are shut in all of some cells are left out there, and the proof is what it is with all of them."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import raspc
from raspc import rasp
from raspc.certify.proof import cells
from raspc.certify.proof.prove import prove
from raspc.certify.proof.weights import examined
from raspc.weights import Model
from raspc.weights.certificate import Link
from raspc.weights.params import Params

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes
LETTERS = "abcdef"


def listed(seed: int, target: str = "plain") -> Model:
    """A random function of a token and of the two before it, which takes a neuron for most of its cells."""
    rng = random.Random(seed)
    table = {(a, b, c): rng.randrange(4) for a in LETTERS for b in (*LETTERS, "") for c in (*LETTERS, "")}
    one, two = (
        rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices - by, rasp.Comparison.EQ), rasp.tokens, default="")
        for by in (1, 2)
    )
    pairs = rasp.SequenceMap(lambda a, b: (a, b), one, two)
    return raspc.compile(
        rasp.SequenceMap(lambda a, b: table[(a, *b)], rasp.tokens, pairs), LETTERS, 4, causal=True, optimize=2,
        target=target,
    )  # fmt: skip


def links_of(model: Model, many: int, at_once: int) -> tuple[Link, ...]:
    """What is proved where neurons are left out from so many on, and so many reads are looked at once."""
    assert model.plan is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "MANY", many)
        patch.setattr(cells, "AT_ONCE", at_once)
        return prove(examined(model.plan, model), model.precision)


def told(links: tuple[Link, ...]) -> list[tuple[str, str, float, float]]:
    """The links without the cell that shows them, of several as near."""
    return sorted((one.kind, one.name, float(f"{one.needed:.9g}"), float(f"{one.present:.9g}")) for one in links)


@pytest.mark.parametrize("target", ["plain", "llama", "gpt2"])
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 1000), at_once=st.sampled_from([1 << 10, 1 << 13]))
def test_the_links_are_those_of_all_neurons(target: str, seed: int, at_once: int) -> None:
    """For random tables, in pieces small and large."""
    model = listed(seed, target)
    every, some = (links_of(model, many, at_once) for many in (1 << 30, 1))
    assert told(every) == told(some) and all(link.holds for link in some)


def test_most_neurons_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces of cells that have one value of a variable most neurons are shut."""
    model, seen = listed(1), list[float]()
    whole = cells._Grid.reads

    def counted(self, cut, some=cells.ALL):  # type: ignore[no-untyped-def]
        if isinstance(some, np.ndarray):
            seen.append(len(some) / self.read.width)
        return whole(self, cut, some)

    monkeypatch.setattr(cells._Grid, "reads", counted)
    links_of(model, 1, 1 << 12)
    assert seen and sum(seen) / len(seen) < 0.5


def opened(model: Model, neuron: int) -> Model:
    """The model with a neuron that fires in more cells than it should."""
    params = {name: np.array(array) for name, array in model.params.items()}
    name = f"transformer/layer_{model.config.n_layers - 1}/mlp/linear_1/b"
    params[name][neuron] += 1.5
    return replace(model, params=Params(params, model.config))


def test_a_neuron_that_fires_where_it_should_not_is_seen() -> None:
    """It is not among those that are left out: what it reads at most says so."""
    model = listed(2)
    many = model.config.d_mlp
    for neuron in range(0, many, max(1, many // 8)):
        assert not all(link.holds for link in links_of(opened(model, neuron), 1, 1 << 12))


def test_bounds_that_are_too_low_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of what is asked before neurons are left out makes a proof that finds other numbers written."""
    model = listed(3)
    monkeypatch.setattr(cells._Grid, "most", lambda self, cut: np.full(self.read.width, -1.0))
    assert not all(link.holds for link in links_of(model, 1, 1 << 12))
