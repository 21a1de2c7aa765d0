"""Tasks: what a method may see of a model, and what its scores are held against."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lab.circuits import random_models

import raspc
from raspc import lab, library
from raspc.lab.edges import pair_name
from raspc.lab.engine import Engine
from raspc.lab.under import CORRUPTIONS
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def reverse() -> Model:
    """`reverse` of two tokens."""
    return raspc.compile(library.reverse(), "ab", 4)


@pytest.mark.parametrize("granularity", ["component", "neuron"])
def test_a_net_is_the_model(granularity: str) -> None:
    """Run along its edges, with none corrupted, a model gives the logits that it gives."""
    for _, model in random_models(range(9)):
        task = lab.task(model, "resample", pairs=12, granularity=granularity)
        logits = task.logits(()).numpy()
        assert np.abs(logits - model.logits(task.clean, np.float64))[task.real].max() < 1e-6


def test_a_net_of_layers_without_heads_or_neurons() -> None:
    """Models whose layers have widths of their own."""
    model = raspc.compile(library.sort_unique(), [1, 2, 3], 3, uniform=False, optimize=2)
    task = lab.task(model, pairs=8)
    assert np.allclose(task.logits(()).numpy()[task.real], model.logits(task.clean, np.float64)[task.real], atol=1e-6)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corrupted_edge_carries_what_the_engine_says(corruption: str) -> None:
    """Each edge alone: the same answers as in the NumPy engine that finds the truth, on the same pairs."""
    for _, model in random_models(range(3)):
        task = lab.task(model, corruption, pairs=10)
        engine = Engine(model.circuit(), merged=True)
        _, acts = engine.run(task.clean)
        other = {name: np.zeros_like(act) for name, act in acts.items()}
        if corruption != "zero":
            _, theirs = engine.run(task.pool if corruption == "mean" else task.corrupt)
            for name, act in theirs.items():
                if corruption == "mean":
                    real = (task.pool != model.config.pad_id)[..., None]
                    mean = (act * real).sum(axis=0) / np.maximum(1, real.sum(axis=0))
                    other[name] = np.broadcast_to(mean[: task.clean.shape[1]], acts[name].shape)
                else:
                    other[name] = np.take_along_axis(act, task.order[..., None], axis=1)
        for edge in engine.parts:
            if pair_name(edge) in task.edges:
                right, _ = engine.run(task.clean, other, [edge])
                found = task.logits([pair_name(edge)]).numpy()
                assert np.abs(found - right)[task.real].max() < 1e-6, pair_name(edge)


def test_all_corrupted_is_the_other_run(reverse: Model) -> None:
    """With every edge corrupted the answers are those of the other inputs; the metric then falls for no pair."""
    task = lab.task(reverse, "resample", pairs=40)
    assert np.allclose(task.broken.numpy()[task.real], reverse.logits(task.corrupt, np.float64)[task.real])
    assert bool((task.metric(task.broken) <= task.metric(task.base.logits) + 1e-9).all())
    assert task.changed(()) == 0 and 0 < task.changed(task.edges) < 1


def test_two_truths_that_do_not_depend_on_each_other(reverse: Model) -> None:
    """By weights and flags, and by patching: on `reverse` they are one; the sets are those of the known dispute."""
    truths = lab.truths(lab.task(reverse, "resample"))
    assert truths.varying == truths.under == {"input->a1.h0<v>", "a1.h0->logits"}
    zero = lab.truths(lab.task(reverse, "zero"))
    assert zero.under < zero.varying and len(zero.varying) == 10 and len(zero.under) == 8
    assert zero.nodes(zero.under) == {"input", "a0.h0", "m0", "a1.h0"}


def test_patching_finds_what_varies_and_the_void() -> None:
    """Where no two variables share a direction, patching finds edges of the truth alone; void ones it reports too."""
    model = raspc.compile(library.sort_unique(), [1, 2, 3, 4], 4)
    for corruption in CORRUPTIONS:
        task = lab.task(model, corruption)
        found = {edge for edge, score in lab.methods.METHODS["patching"](task).items() if score > 1e-9}
        assert found and found <= lab.truths(task).varying
    compact = raspc.compile(library.sort_unique(), [1, 2, 3, 4], 4, optimize=2)
    task = lab.task(compact, "resample")
    beyond = {e for e, s in lab.methods.METHODS["patching"](task).items() if s > 1e-9} - lab.truths(task).varying
    assert beyond == {"a0.h0->logits", "m0->logits"}
    flags = [e.flags for e in compact.circuit().edges if (e.writer, e.reader) == ("m0", "logits")]
    assert flags and all(f & {"void", "clearing"} for f in flags)


def test_the_truth_finds_a_planted_edge(reverse: Model) -> None:
    """A weight that somebody added makes an edge that is true, and that patching finds."""
    params = {name: np.array(array) for name, array in reverse.params.items()}
    params["transformer/layer_0/attn/linear/w"][0] += params["unembed/w"][:, 0]
    changed = type(reverse)(**(vars_of(reverse) | {"params": params}))
    task = lab.task(changed, "zero")
    assert lab.methods.METHODS["patching"](task)["a0.h0->logits"] > 0
    assert lab.methods.METHODS["weights"](lab.task(reverse, "zero"))["a0.h0->logits"] == 0


def vars_of(model: Model) -> dict[str, object]:
    """The fields of a model."""
    from dataclasses import fields

    return {one.name: getattr(model, one.name) for one in fields(model) if one.init}


def test_a_task_is_the_same_twice_and_says_what_it_is(reverse: Model) -> None:
    """By seed; what every result carries is plain data."""
    one, same, other = (lab.task(reverse, pairs=20, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.clean, same.clean) and np.array_equal(one.order, same.order)
    assert not np.array_equal(one.clean, other.clean) or not np.array_equal(one.order, other.order)
    for name in ("random", "patching"):
        method = lab.methods.method(name)
        assert method(one) == method(same)
    assert one.facts() == {
        "task": "reverse-O1", "corruption": "shuffle", "granularity": "component", "dtype": "float64", "pairs": 20,
        "exhaustive": False, "seed": 1,
    }  # fmt: skip
    few = lab.task(raspc.compile(library.reverse(), "ab", 2), "resample")
    assert few.exhaustive and few.pairs == 4 + 16


def test_all_pairs_where_there_are_few(reverse: Model) -> None:
    """Bases and sources of one length."""
    task = lab.task(reverse, "resample", pairs=10_000)
    lengths = (task.clean != reverse.config.pad_id).sum(axis=1)
    assert task.exhaustive and task.pairs == 4 + 16 + 64 + 256
    assert np.array_equal(lengths, (task.corrupt != reverse.config.pad_id).sum(axis=1))


def test_what_is_refused(reverse: Model) -> None:
    """Another corruption, dtype, granularity, number of pairs, seed, method; what is no model."""
    for asked in (
        {"corruption": "noise"}, {"dtype": "float16"}, {"granularity": "direction"}, {"pairs": 0}, {"seed": -1},
        {"pairs": 1 << 30},
    ):  # fmt: skip
        with pytest.raises(raspc.InputError, match=next(iter(asked))):
            lab.task(reverse, **asked)
    for wrong in ({"pairs": 1.5}, {"seed": "one"}, {"pairs": True}):
        with pytest.raises(TypeError, match=next(iter(wrong))):
            lab.task(reverse, **wrong)
    with pytest.raises(TypeError, match="model"):
        lab.task("reverse")
    with pytest.raises(raspc.InputError, match="there are random, weights, oracle"):
        lab.methods.method("guessing")
    stock = raspc.compile(library.reverse(), "ab", 3, target="bert")
    with pytest.raises(raspc.InputError, match="without target="):
        lab.task(stock)
