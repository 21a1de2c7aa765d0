"""Scores against computations of another kind: pair by pair, order by order, and in NumPy along the circuit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import raspc
from raspc import lab, library
from raspc.lab import scores as S
from raspc.lab.edges import pair_name
from raspc.lab.engine import Engine
from raspc.lab.scores import circuits, curves, ranking
from raspc.lab.under import differ
from raspc.weights.model import Model


@pytest.fixture(scope="module")
def reverse() -> Model:
    """`reverse` of two tokens."""
    return raspc.compile(library.reverse(), "ab", 4)


def drawn(seed: int, n: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of few levels, so that many are equal, and marks."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, levels, n) / levels, rng.random(n) < 0.4


@pytest.mark.parametrize("seed", range(12))
def test_auroc_is_the_chance_over_pairs(seed: int) -> None:
    """Counted pair by pair; an equal pair is half a win."""
    values, true = drawn(seed, 15, 2 + seed)
    wins = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, is_a in zip(values, true, strict=True) if is_a
        for b, is_b in zip(values, true, strict=True) if not is_b
    ]  # fmt: skip
    found = ranking.auroc(values, true)
    assert found is None if not wins else found == pytest.approx(np.mean(wins))


@pytest.mark.parametrize("seed", range(12))
def test_average_precision_is_the_sum_over_thresholds(seed: int) -> None:
    """Σ (recall of this threshold − recall of the one before) · precision, from the definition, one by one."""
    values, true = drawn(seed, 15, 2 + seed)
    if not true.any():
        assert ranking.average_precision(values, true) is None
        return
    total, before = 0.0, 0.0
    for threshold in sorted(set(values.tolist()), reverse=True):
        chosen = [mark for value, mark in zip(values, true, strict=True) if value >= threshold]
        recall = sum(chosen) / true.sum()
        total, before = total + (recall - before) * sum(chosen) / len(chosen), recall
    assert ranking.average_precision(values, true) == pytest.approx(total)


@pytest.mark.parametrize("seed", range(6))
def test_precision_at_a_size_is_the_mean_over_orders(seed: int) -> None:
    """Every order of equal scores is tried."""
    values, true = drawn(seed, 6, 2)
    size = 1 + seed % 5
    hits = []
    for order in itertools.permutations(range(6)):
        if all(values[a] >= values[b] for a, b in itertools.pairwise(order)):
            hits.append(true[list(order[:size])].sum())
    precision, recall = ranking.at_size(values, true, size)
    assert precision == pytest.approx(np.mean(hits) / size)
    assert recall is None if not true.any() else recall == pytest.approx(np.mean(hits) / true.sum())


def test_the_order_of_equal_scores_says_nothing() -> None:
    """Names in the order of the model, all with one score: the ranking is no better than chance, and a cut is drawn."""
    values, true = np.zeros(40), np.arange(40) < 8
    assert ranking.auroc(values, true) == 0.5 and ranking.average_precision(values, true) == pytest.approx(0.2)
    assert ranking.at_size(values, true, 8) == (pytest.approx(0.2), pytest.approx(0.2))
    first = {tuple(ranking.highest(values, 3, np.random.default_rng(seed))) for seed in range(9)}
    assert len(first) > 5
    assert ranking.has_border(values, 3) and not ranking.has_border(values, 40) and not ranking.has_border(values, 0)
    assert ranking.highest(np.array([1.0, 3.0, 2.0]), 2, np.random.default_rng(0)).tolist() == [1, 2]


def test_areas() -> None:
    """CPR and CMD of a curve that is known: straight up, and all at once."""
    assert curves.area(S.SIZES, S.SIZES) == pytest.approx((1 - 0.001**2) / 2)
    assert curves.area(S.SIZES, [1.0] * 10) == pytest.approx(0.999)


def engine_metric(task: lab.Task, corrupted: list[str]) -> float:
    """The metric of a task, computed in NumPy along the circuit: the mean over pairs of means over positions."""
    engine = Engine(task.model.circuit(), merged=True)
    names = {pair_name(edge): edge for edge in engine.parts}
    _, theirs = engine.run(task.corrupt)
    other = {name: np.take_along_axis(act, task.order[..., None], axis=1) for name, act in theirs.items()}
    clean, _ = engine.run(task.clean)
    broken, _ = engine.run(task.clean, other, list(names.values()))
    logits, _ = engine.run(task.clean, other, [names[edge] for edge in corrupted if edge in names])
    found = []
    for row, real in enumerate(task.real):
        gaps = []
        for place in np.flatnonzero(real):
            right, foil = clean[row, place].argmax(), broken[row, place].argmax()
            if foil == right:
                foil = np.argsort(clean[row, place])[-2]
            gaps.append(logits[row, place, right] - logits[row, place, foil])
        found.append(np.mean(gaps))
    return float(np.mean(found))


def test_faithfulness_is_what_the_circuit_gives(reverse: Model) -> None:
    """At each size, the metric along the edges in NumPy; no two scores are equal."""
    task = lab.task(reverse, "shuffle", pairs=20)
    order = np.random.default_rng(3).permutation(len(task.edges))
    scores = {edge: float(place) for edge, place in zip(task.edges, order, strict=True)}
    found = S.score(scores, lab.truths(task).varying, task)
    ranked = sorted(task.edges, key=lambda edge: -scores[edge])
    whole, nothing = engine_metric(task, []), engine_metric(task, list(task.edges))
    right = [
        (engine_metric(task, ranked[int(share * len(ranked)) :]) - nothing) / (whole - nothing) for share in S.SIZES
    ]
    assert np.allclose(found.faithfulness, right, atol=1e-6) and found.faithfulness[-1] == pytest.approx(1)
    assert found.cpr == pytest.approx(np.trapezoid(right, S.SIZES), abs=1e-6)
    assert found.cmd == pytest.approx(np.trapezoid(np.abs(1 - np.array(right)), S.SIZES), abs=1e-6)


def test_the_oracle_is_perfect_and_chance_is_not(reverse: Model) -> None:
    """All scores of the truth itself, of its opposite, and of no difference."""
    task = lab.task(reverse, "shuffle")
    true = lab.truths(task).varying
    best = S.score(lab.methods.METHODS["oracle"](task), true, task)
    assert (best.auroc, best.average_precision, best.precision, best.recall) == (1, 1, 1, 1)
    assert (best.kept, best.completeness, best.minimality) == (1, 1, 1)
    worst = S.score({edge: float(edge not in true) for edge in task.edges}, true, task)
    assert worst.auroc == 0 and worst.precision == 0 and worst.kept < 1 and worst.cpr < best.cpr
    assert worst.cmd > best.cmd and worst.minimality == 0
    even = S.score(dict.fromkeys(task.edges, 1.0), true, task, model_too=False)
    assert even.auroc == 0.5 and even.cpr is None and even.faithfulness is None


def test_incomplete_and_not_minimal(reverse: Model) -> None:
    """A circuit without an edge that stands in for another, and one with an edge too many, by removal in NumPy."""
    task = lab.task(reverse, "shuffle", pairs=16)
    true = sorted(lab.truths(task).varying)
    spare = next(edge for edge in task.edges if edge not in true)
    assert circuits.minimality(task, [*true, spare], task.without) == len(true) / (len(true) + 1)
    less = circuits.completeness(task, task.edges, true[1:], task.without)
    assert less < circuits.completeness(task, task.edges, true, task.without) == 1
    whole, part = task.logits(()).numpy(), task.logits(task.without(true[1:])).numpy()
    kept = 1 - differ(reverse, whole, part)[task.real].mean()
    assert circuits.kept_answers(task, true[1:], task.without) == pytest.approx(kept) and kept < 1
    assert circuits.minimality(task, [], task.without) is None


def test_signs_count_where_asked(reverse: Model) -> None:
    """An edge that harms is found without its sign, and comes last with it; the result says which."""
    task = lab.task(reverse, "shuffle", pairs=8)
    true = lab.truths(task).varying
    signed = {edge: -1.0 if edge in true else 0.0 for edge in task.edges}
    bare, strict = S.score(signed, true, task), S.score(signed, true, task, absolute=False)
    assert bare.auroc == 1 and strict.auroc == 0 and bare.absolute and not strict.absolute
    assert bare.faithfulness != strict.faithfulness


def test_nodes_are_scored(reverse: Model) -> None:
    """All edges of a node are kept together."""
    task = lab.task(reverse, "resample", pairs=16)
    truths = lab.truths(task)
    found = S.score(lab.methods.METHODS["oracle-nodes"](task), truths.nodes(truths.varying), task)
    assert found.of == "nodes" and found.candidates == len(task.nodes) and found.true == 2
    assert found.auroc == 1 and found.kept == 1 and found.completeness == 1 and found.minimality == 1


def test_every_result_says_what_was_asked(reverse: Model) -> None:
    """dtype, pairs, corruption and seed are in the JSON, and the same scores give the same result twice."""
    task = lab.task(reverse, "mean", pairs=9, seed=4, dtype="float32")
    scores, true = lab.methods.METHODS["random"](task), lab.truths(task).varying
    one, two = (S.score(scores, true, task).to_json() for _ in range(2))
    assert one == two and one["faithfulness"][-1] == pytest.approx(1)
    assert {k: one[k] for k in ("dtype", "pairs", "corruption", "seed", "granularity", "task", "exhaustive")} == {
        "dtype": "float32", "pairs": 9, "corruption": "mean", "seed": 4, "granularity": "component",
        "task": "reverse-O1", "exhaustive": False,
    }  # fmt: skip


def test_intervals_hold_what_they_should() -> None:
    """Of models that are alike, the interval is narrow; seeds alone do not make models; the middle is the mean."""
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(20):
        values = {str(m): list(0.5 + 0.1 * rng.normal() + 0.02 * rng.normal(size=3)) for m in range(20)}
        found = S.interval(values, draws=100, seed=trial)
        covered += found.low <= 0.5 <= found.high
    assert 16 <= covered <= 20
    one = S.interval({"a": [0.2, 0.4], "b": [0.8, None]}, seed=1)
    assert one.mean == pytest.approx(0.55) and one.models == 2 and one.values == 3 and one.low < one.mean < one.high
    assert one == S.interval({"a": [0.2, 0.4], "b": [0.8, None]}, seed=1)
    assert S.interval({"a": [None], "b": []}) is None
    assert str(S.interval({"a": [1.0]})) == "1.000 [1.000, 1.000]" and one.to_json()["draws"] == 2000
    for wrong in ({"level": 1.5}, {"draws": 0}):
        with pytest.raises(raspc.InputError, match=next(iter(wrong))):
            S.interval({"a": [1.0]}, **wrong)


def test_what_is_refused(reverse: Model) -> None:
    """An edge without a score, a name that is none, a score that is no number, a truth that is no edge, other kinds."""
    task = lab.task(reverse, pairs=4)
    whole = dict.fromkeys(task.edges, 0.5)
    part = dict.fromkeys(task.edges[1:], 0.5)
    for given, truth, told in (
        (part, [], "no score for edges input->a0.h0<q>"), (whole | {"x->y": 1.0}, [], "unknown edges x->y"),
        ({**whole, task.edges[0]: float("nan")}, [], "nan"), ({**whole, task.edges[0]: "high"}, [], "'high'"),
        ({**whole, task.edges[0]: None}, [], "None"), (whole, ["m9->logits"], "unknown truths edges m9->logits"),
        ({}, [], "no score for"),
    ):  # fmt: skip
        with pytest.raises(raspc.InputError, match=told):
            S.score(given, truth, task)
    with pytest.raises(TypeError, match="scores"):
        S.score([0.5], [], task)
    with pytest.raises(TypeError, match="task"):
        S.score(whole, [], reverse)
    assert S.score(dict.fromkeys(task.edges, np.float32(1)), [], task, model_too=False).auroc is None
