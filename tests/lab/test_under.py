"""Which edges matter depends on what the others are corrupted with."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lab.circuits import random_models

import raspc
from raspc import library, rasp
from raspc.lab import under
from raspc.lab.engine import Engine
from raspc.lab.under import CORRUPTIONS, differ
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def reverse() -> Model:
    """`reverse` of two tokens, of which all pairs of inputs can be run."""
    return raspc.compile(library.reverse(), "ab", 4)


def test_the_dispute_on_reverse(reverse: Model) -> None:
    """Two edges matter where inputs are resampled at equal length; of all ten, those that reach a token, under zero."""
    circuit = reverse.circuit()
    resampled, zeroed = circuit.under("resample"), circuit.under("zero")
    assert resampled.names == ("input->a1.h0<v>", "a1.h0->logits") and resampled.exhaustive
    assert len(zeroed.effects) == 10 and zeroed.exhaustive
    # BOS as a query is all that these two tell, and nobody reads what it finds
    assert set(zeroed.effects) - zeroed.edges == {("input", "a0.h0", "q"), ("input", "a1.h0", "q")}
    for truth in (resampled, zeroed):
        assert truth.sufficient and truth.minimal == truth.edges


def test_embeddings_apart(reverse: Model) -> None:
    """Without merging them, it is told that the tokens are what is resampled, and positions are not."""
    truth = reverse.circuit().under("resample", embeddings="apart")
    assert truth.names == ("tokens->a1.h0<v>", "a1.h0->logits")
    assert {writer for writer, _, _ in truth.effects} >= {"tokens", "positions", "bos"}


def test_effects_are_what_a_run_by_hand_gives(reverse: Model) -> None:
    """The share of answers that change, counted here by running the model with one head's input changed."""
    truth = reverse.circuit().under("zero")
    inputs = [list(map("ab".__getitem__, row)) for n in range(1, 5) for row in np.ndindex(*(2,) * n)]
    changed = sum(
        found != right
        for tokens in inputs
        for found, right in zip(without_values(reverse, tokens), tokens[::-1], strict=True)
    )
    assert truth.effects["input", "a1.h0", "v"] == changed / sum(map(len, inputs))


def without_values(model: Model, tokens: list[str]) -> list[str]:
    """The answers where the head of the second layer moves zeros, so that only its bias is left."""
    params = {name: np.array(array) for name, array in model.params.items()}
    params["transformer/layer_1/attn/value/w"][:] = 0
    other = type(model)(model.config, params)
    return other.apply(["BOS", *tokens]).decoded[1:]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_what_does_not_vary_cannot_matter(corruption: str) -> None:
    """Resampled, only edges that vary matter; shuffled, also those of positions; what is minimal is among them."""
    for _, model in random_models(range(12)):
        circuit = model.circuit()
        truth = circuit.under(corruption, pairs=200, embeddings="apart")
        flags = {pair: frozenset().union(*(e.flags for e in edges)) for pair, edges in circuit.pairs.items()}
        if corruption == "resample":
            assert all("varying" in flags[pair] for pair in truth.edges)
        if corruption == "shuffle":
            assert all(flags[pair] & {"varying", "positional"} for pair in truth.edges)
        assert truth.minimal <= set(truth.effects)
        assert not truth.sufficient or truth.minimal <= truth.edges


def test_two_edges_that_carry_the_same() -> None:
    """Where one makes up for the other neither matters alone; the minimal set holds what the answer needs."""
    first = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.EQ)
    one, two = (rasp.Aggregate(first, rasp.tokens).named(name) for name in ("one", "two"))
    model = raspc.compile(
        rasp.SequenceMap(lambda x, y: x or y, one, two), [0, 1], 3, optimize=0, disabled_passes=["share"], certify=False
    )
    truth = model.circuit().under("resample", embeddings="apart")
    assert truth.minimal and len(truth.minimal) <= len(truth.effects)
    engine = Engine(model.circuit(), merged=False)
    ids = model.encode_batch([["BOS", 0, 1, 1], ["BOS", 1, 0, 0]])
    logits, acts = engine.run(ids)
    other = {name: act[::-1] for name, act in acts.items()}
    cut, _ = engine.run(ids, other, [edge for edge in truth.effects if edge not in truth.minimal])
    assert not differ(model, logits, cut)[:, 1:].any()


def test_numbers_count_as_changed_beyond_their_tolerance() -> None:
    """An answer that is a number."""
    model = raspc.compile(library.frac_prevs(), ["x", "y"], 3, causal=True)
    truth = model.circuit().under("zero")
    assert 0 < len(truth.edges) < len(truth.effects) and truth.sufficient


def test_a_sample_is_told(reverse: Model) -> None:
    """Fewer pairs than there are: the truth says so, with its seed, and is the same twice."""
    circuit = reverse.circuit()
    one, same, other = (circuit.under("resample", pairs=50, seed=seed) for seed in (1, 1, 2))
    assert not one.exhaustive and one.pairs == 50 and "seed 1" in str(one)
    assert one == same and one.effects != other.effects
    few = circuit.under("zero", [["a", "b"], ["b", "b"]])
    assert few.pairs == 2 and not few.exhaustive
    assert few.to_json()["edges"][0].keys() == {"name", "effect", "matters", "minimal"}


def test_what_is_refused(reverse: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another corruption, more runs than are feasible, inputs that are none."""
    circuit = reverse.circuit()
    for wrong in (
        lambda: circuit.under("noise"), lambda: circuit.under("zero", "some"), lambda: circuit.under("zero", pairs=0),
        lambda: circuit.under("zero", embeddings="two"), lambda: circuit.under("zero", [["x"]]),
    ):  # fmt: skip
        with pytest.raises(raspc.InputError):
            wrong()
    monkeypatch.setattr(under, "MOST_RUNS", 1000)
    with pytest.raises(raspc.InputError, match="ask for fewer pairs"):
        circuit.under("resample")
