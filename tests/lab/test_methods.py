"""Methods that score edges and nodes, each against a computation of another kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import raspc
from raspc import lab, library
from raspc.lab.methods import METHODS, acdc, gradients, masks, patching, paths
from raspc.lab.tasks import Task
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def reverse() -> Model:
    """`reverse` of two tokens."""
    return raspc.compile(library.reverse(), "ab", 4)


@pytest.fixture(scope="module")
def shuffled(reverse: Model) -> Task:
    """`reverse`, with other inputs at positions in another order."""
    return lab.task(reverse, "shuffle", pairs=24)


@pytest.fixture(scope="module")
def numbers() -> Task:
    """A model whose answers are numbers."""
    return lab.task(raspc.compile(library.frac_prevs(), ["x", "y"], 4, causal=True), "resample", pairs=16)


def metric_at(task: Task, edge: str, amount: float) -> np.ndarray:
    """[pair]: the metric where an edge is corrupted in part."""
    mask = task.net.mask([edge]) * amount
    with torch.no_grad():
        return task.metric(task.net.run(task.ids, task.other, mask).logits).numpy()


@pytest.mark.parametrize("which", ["shuffled", "numbers"])
def test_eap_is_the_slope(which: str, request: pytest.FixtureRequest) -> None:
    """The fall of the metric for a small part of a corruption, by differences."""
    task = request.getfixturevalue(which)
    scores = METHODS["eap"](task)
    for edge in task.edges:
        slope = (metric_at(task, edge, 0) - metric_at(task, edge, 1e-6)).mean() / 1e-6
        assert scores[edge] == pytest.approx(slope, abs=1e-4), edge
    assert max(map(abs, scores.values())) > 0.1


def test_patching_is_the_whole_step(shuffled: Task) -> None:
    """The fall of the metric for a whole corruption; where the way to the logits is straight, the slope is that too."""
    scores, slopes = METHODS["patching"](shuffled), METHODS["eap"](shuffled)
    for edge in shuffled.edges:
        gap = metric_at(shuffled, edge, 0) - metric_at(shuffled, edge, 1)
        assert scores[edge] == pytest.approx(np.abs(gap).mean())
        if edge.endswith("->logits"):
            assert slopes[edge] == pytest.approx(gap.mean())


def test_a_node_is_all_edges_that_it_writes_to(shuffled: Task) -> None:
    """Node patching and attribution, from the edges."""
    found, slopes = METHODS["node-patching"](shuffled), METHODS["attribution"](shuffled)
    base, eap = shuffled.metric(shuffled.base.logits), METHODS["eap"](shuffled)
    for node in shuffled.nodes:
        own = [edge for edge in shuffled.edges if edge.split("->")[0] == node]
        gap = base - shuffled.metric(shuffled.logits(own))
        assert found[node] == pytest.approx(float(gap.abs().mean()))
        assert slopes[node] == pytest.approx(sum(eap[edge] for edge in own))
    assert found["m0"] > 0 and set(found) == {"input", "a0.h0", "m0", "a1.h0", "m1"} & set(shuffled.nodes)


def test_integrated_gradients_reach_the_whole(shuffled: Task, numbers: Task) -> None:
    """One step is EAP; with many, what all edges out of the input carry adds up to the fall of the metric.

    The input's own activations go from one run to the other, so that the sum over its edges is the integral.
    """
    assert gradients.eap_ig(shuffled, steps=1) == METHODS["eap"](shuffled)
    assert gradients.eap_ig_activations(shuffled, steps=1) == pytest.approx(METHODS["eap"](shuffled))
    found = gradients.eap_ig(numbers, steps=50)
    swapped = numbers.net.run(numbers.ids, embedded=numbers.other[:, 0]).logits
    fall = float((numbers.metric(numbers.base.logits) - numbers.metric(swapped)).mean())
    assert fall > 0.1
    assert sum(found[edge] for edge in numbers.out_of("input")) == pytest.approx(fall, rel=0.02)


def test_atp_star_goes_through_a_saturated_softmax(shuffled: Task) -> None:
    """Where the pattern leads straight to the logits it is as exact as patching, and gradients alone say nothing."""
    star, exact, slope = (METHODS[name](shuffled) for name in ("atp-star", "patching", "eap"))
    for edge in ("m0->a1.h0<q>", "input->a1.h0<k>", "input->a1.h0<q>"):
        assert star[edge] == pytest.approx(exact[edge], abs=1e-9)
    single = lab.task(shuffled.model, "shuffle", pairs=24, dtype="float32")
    assert METHODS["atp-star"](single)["m0->a1.h0<q>"] > 0.1
    assert abs(METHODS["eap"](single)["m0->a1.h0<q>"]) < 0.1 * exact["m0->a1.h0<q>"]
    assert slope.keys() == star.keys()


def test_acdc_finds_the_circuit(shuffled: Task) -> None:
    """At a small threshold what is kept is true, enough by itself, and none of it can go."""
    found = acdc.kept(shuffled, 1e-6)
    assert set(found) == lab.truths(shuffled).varying
    assert shuffled.changed(shuffled.without(found)) == 0
    scores = acdc.acdc(shuffled, thresholds=(1e-6, 1e-2, 1e9))
    assert {edge for edge, score in scores.items() if score} == set(found)
    assert acdc.kept(shuffled, 1e9) == () and max(scores.values()) <= 1e-2


def test_learned_masks_find_the_circuit(reverse: Model) -> None:
    """What is true is kept with more than even odds, what is not with less; the same twice."""
    shuffled = lab.task(reverse, "shuffle", pairs=12)
    scores, true = masks.masks(shuffled, steps=60), lab.truths(shuffled).varying
    assert min(scores[e] for e in true) > max(scores[e] for e in shuffled.edges if e not in true)
    assert masks.masks(shuffled, steps=3) == masks.masks(shuffled, steps=3)
    assert masks.masks(shuffled, steps=3, price=100.0) != masks.masks(shuffled, steps=3, price=0.0)


def test_paths_change_nothing_but_themselves(reverse: Model) -> None:
    """On `reverse` resampled there is one path. Shuffled there are more; a path of one edge is that edge, patched."""
    task = lab.task(reverse, "resample", pairs=24)
    (only,) = paths.paths(task)
    assert only.edges == ("input->a1.h0<v>", "a1.h0->logits")
    gap = METHODS["patching"](task)["input->a1.h0<v>"]
    assert only.effect == pytest.approx(gap)
    shuffled = lab.task(reverse, "shuffle", pairs=24)
    found = {path.edges: path.effect for path in paths.paths(shuffled)}
    assert ("input->m0", "m0->a1.h0<q>", "a1.h0->logits") in found and len(found) == 3
    scores = METHODS["path-patching"](shuffled)
    assert {edge for edge, score in scores.items() if score} == {edge for path in found for edge in path}
    assert scores["a1.h0->logits"] == max(found.values())


def test_too_many_paths_are_refused(reverse: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the remedy."""
    monkeypatch.setattr(paths, "MOST_STEPS", 10)
    with pytest.raises(raspc.InputError, match="ask for granularity='component'"):
        METHODS["path-patching"](lab.task(reverse, pairs=4, granularity="neuron"))


def test_weights_are_products(reverse: Model) -> None:
    """The Frobenius norm, of one edge by hand; an edge that is none in the circuit has 0."""
    task, params = lab.task(reverse, pairs=4), reverse.params
    read = params["transformer/layer_1/attn/query/w"].astype(np.float64)
    write = params["transformer/layer_0/mlp/linear_2/w"].astype(np.float64)
    scores = METHODS["weights"](task)
    assert scores["m0->a1.h0<q>"] == pytest.approx(np.linalg.norm(write @ read))
    pairs = {(w, r, c) for w, r, c in reverse.circuit().pairs}
    assert scores["m0->logits"] == 0 and ("m0", "logits", "out") not in pairs


@pytest.mark.parametrize("granularity", ["component", "neuron"])
def test_every_method_scores_everything_and_the_same_twice(granularity: str) -> None:
    """Names and numbers fit the task, at both granularities and in float32; a second run gives the same."""
    task = lab.task(raspc.compile(library.hist(), "ab", 3), pairs=6, granularity=granularity, dtype="float32")
    for name, method in METHODS.items():
        if name == "masks":
            continue  # the test above
        scores = method(task)
        assert set(scores) == set(task.edges if method.of == "edges" else task.nodes), name
        assert all(type(score) is float and np.isfinite(score) for score in scores.values()), name
        assert scores == method(task), name
        assert method.does and method.source


def test_pieces_change_nothing(reverse: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs that are run a few at a time give the same scores."""
    whole = lab.task(reverse, pairs=20)
    wanted = {name: METHODS[name](whole) for name in ("patching", "eap", "eap-ig", "atp-star", "acdc")}
    monkeypatch.setattr("raspc.lab.tasks.NUMBERS", 4000)
    monkeypatch.setattr(patching, "NUMBERS", 4000)
    pieces = lab.task(reverse, pairs=20)
    assert len(pieces.pieces) > 1
    for name, scores in wanted.items():
        assert METHODS[name](pieces) == pytest.approx(scores, abs=1e-9), name
