"""`compress`: exact where it must be, the same for the same seed, and honest about what it reports."""

from __future__ import annotations

import dataclasses
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import raspc
from raspc import InputError, Model, ModelFormatError, library
from raspc.compress import CompressionReport, Protocol, checkpoint, compress, load, starts
from raspc.compress.compressing import outcome_of
from raspc.compress.interchange import interchange
from raspc.compress.pool import make_pool
from raspc.compress.readers import tenants_of
from raspc.compress.runs import Runs
from raspc.compress.temperature import all_heads, averaging_heads, softened
from raspc.graph.nodes import Interval

SHORT: dict[str, Any] = {"steps": 30, "every": 10, "batch": 8, "polish": 0}


def live(model: Model) -> int:
    """How many dimensions anything reads after something wrote them."""
    return int((starts.importance(make_pool(model, 4096)) > 0).sum())


def test_pruning_dead_dimensions_changes_nothing(fractions: Model, places: Model) -> None:
    """At the number of live dimensions the pruned model is the program, faithful, and what is pruned was dead."""
    for model in (fractions, places):
        d = min(live(model), model.config.d_model - 1)
        found = compress(model, d, method="pruned", temperature=None)
        assert found.report is not None and found.config.d_model == d
        if d == live(model):
            assert raspc.check(found).ok
            assert found.report.verdict == "accurate and faithful"
            assert found.report.cosine > 0.9999


@pytest.mark.parametrize("method", ["trained", "pca", "svd", "pruned", "readers"])
@pytest.mark.parametrize("form", ["wide", "narrow"])
def test_the_model_is_what_was_measured(places: Model, method: str, form: str) -> None:
    """Each method and form gives plain weights of width d whose accuracy, by `apply_batch`, is the report's."""
    found = compress(places, 6, method=method, form=form, seeds=2, **SHORT)
    report = found.report
    assert report is not None and (report.d, report.full) == (6, places.config.d_model)
    words = [list(tokens) for tokens in np.ndindex(3, 3, 3)]
    inputs = [[i + 1 for i in tokens[:n]] for tokens in words for n in (1, 2, 3)]
    unique = [list(t) for t in sorted({tuple(tokens) for tokens in inputs})]
    answers = found.apply_batch([["BOS", *tokens] for tokens in unique]).decoded
    right = [a == b for tokens, row in zip(unique, answers, strict=True)
             for a, b in zip(row[1:], raspc.interpret(library.sort_unique(), tokens), strict=True)]  # fmt: skip
    assert report.inputs == len(unique) and report.exhaustive
    assert report.accuracy == pytest.approx(np.mean(right), abs=0.02)


@pytest.mark.parametrize("name", ["frac_prevs", "hist", "sort", "reverse", "pair_balance", "sort_unique"])
def test_what_readers_read_is_enough(name: str) -> None:
    """At the sum of the ranks of what is read, a W that spans it is the program, with no training."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(entry.program, vocab=set(entry.vocab), max_seq_len=4, optimize=0)
    pool = make_pool(model, 400)
    d = sum(tenant.basis.shape[1] for tenant in tenants_of(model, starts.importance(pool)))
    assert d < model.config.d_model
    found = compress(model, d, method="readers", temperature=None, faithfulness=False)
    assert raspc.check(found, limit=2000).ok


def test_narrow_layers_begin_as_the_wide_ones(places: Model) -> None:
    """The narrow form starts as the fold of the wide one, and then goes its own way only if weights are trained."""
    pool = make_pool(places, 100)
    w = starts.starts(pool, 6, (0, 1), Protocol(start="readers"))
    passes = [Runs.begin(pool, w, Protocol(form=form), torch.float64).run() for form in ("wide", "narrow")]
    assert torch.allclose(passes[0].logits, passes[1].logits)
    frozen = compress(places, 6, form="narrow", **SHORT)
    free = compress(places, 6, form="narrow", train_weights=True, **SHORT)
    name = "transformer/layer_0/attn/value/w"
    start = np.asarray(Runs.begin(pool, w, Protocol(form="narrow")).own[name][0])
    assert np.allclose(frozen.params[name], start, atol=1e-6)
    assert not np.allclose(free.params[name], start, atol=1e-4)


def test_training_lowers_the_loss(fractions: Model) -> None:
    """Trained runs end below their start; the same with noise, with other starts and with the weights."""
    untrained = compress(fractions, 5, steps=0, polish=0, start="random").report
    assert untrained is not None
    for options in ({}, {"start": "pca"}, {"train_weights": True}, {"noise": 0.01}):
        trained = compress(fractions, 5, steps=150, polish=0, **{"start": "random", **options}).report
        assert trained is not None
        assert trained.output_loss + trained.layer_loss < untrained.output_loss + untrained.layer_loss


def test_training_makes_nothing_worse(fractions: Model) -> None:
    """A start that is exact already stays so, however the training would spoil it."""
    spoiled = compress(fractions, 5, steps=20, polish=0, learning_rate=10.0, goal=0.0).report
    assert spoiled is not None and spoiled.output_loss < 1e-12


def test_a_seed_gives_what_it_gives(fractions: Model) -> None:
    """Twice the same, bit for bit; alone what it is among others; another seed gives another W."""
    first, again = (compress(fractions, 5, seeds=(3,), noise=0.1, **SHORT).report for _ in range(2))
    assert first is not None and again is not None
    assert first.w == again.w
    together = outcome_of(fractions, 5, "trained", (1, 3), Protocol(**SHORT, noise=0.1)).runs.w
    assert torch.allclose(together[1], torch.tensor(first.w), atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_the_polish_goes_to_the_bottom(fractions: Model) -> None:
    """Second-order steps take a trained W to a loss that the first-order ones do not reach."""
    options: dict[str, Any] = {"seeds": 3, "steps": 200, "start": "random", "learning_rate": 2e-2}
    rough = compress(fractions, 6, polish=0, **options).report
    fine = compress(fractions, 6, polish=60, **options).report
    assert rough is not None and fine is not None
    assert fine.output_loss < 1e-8 < rough.output_loss
    assert fine.is_accurate


class Killed(Exception):
    """Stands for a killed process."""


def test_a_killed_training_goes_on(fractions: Model, tmp_path: Path) -> None:
    """Stopped at half and begun again from its checkpoint, a training ends where it would have ended."""
    save = tmp_path / "training.safetensors"
    options = {**SHORT, "seeds": 2, "noise": 0.05}

    def kill(step: int, steps: int) -> None:
        if step >= 20:
            raise Killed

    with pytest.raises(Killed):
        compress(fractions, 5, checkpoint=save, progress=kill, **options)
    seen: list[int] = []
    resumed = compress(fractions, 5, checkpoint=save, progress=lambda step, steps: seen.append(step), **options)
    whole = compress(fractions, 5, **options)
    assert seen == [30]
    assert resumed.report is not None and whole.report is not None
    assert resumed.report.w == whole.report.w


def test_a_checkpoint_of_something_else_is_refused(fractions: Model, tmp_path: Path) -> None:
    """Another width, or a file that is no checkpoint: the message says what to do, the file stays."""
    save = tmp_path / "training.safetensors"
    compress(fractions, 5, checkpoint=save, **SHORT)
    with pytest.raises(InputError, match="another training"):
        compress(fractions, 4, checkpoint=save, **SHORT)
    save.write_bytes(b"nothing")
    with pytest.raises(ModelFormatError, match="not a checkpoint"):
        compress(fractions, 5, checkpoint=save, **SHORT)
    assert save.read_bytes() == b"nothing"


def test_a_full_disk_loses_nothing(fractions: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that cannot be written is a warning; the training ends, the last checkpoint stands."""
    save = tmp_path / "training.safetensors"
    compress(fractions, 5, checkpoint=save, **SHORT)
    before = save.read_bytes()

    def full(path: Path, data: bytes) -> None:
        raise InputError(f"cannot write {path}: No space left on device; choose another path")

    monkeypatch.setattr(checkpoint, "write_file", full)
    other = tmp_path / "other.safetensors"
    with pytest.warns(RuntimeWarning, match="No space left"):
        found = compress(fractions, 5, checkpoint=other, **SHORT)
    assert found.report is not None and save.read_bytes() == before and not other.exists()


def test_training_stops_early(fractions: Model) -> None:
    """At a loss that is good enough, and where nothing becomes better."""
    goal = compress(fractions, 5, steps=500, every=10, polish=0, goal=1e6).report
    slow = {"start": "random", "learning_rate": 1e-12, "patience": 2}
    patience = compress(fractions, 5, steps=500, every=10, polish=0, **slow).report
    assert goal is not None and patience is not None
    assert goal.runs[0]["steps"] == 10
    assert patience.runs[0]["steps"] == 30


def test_a_saved_model_is_like_any_other(fractions: Model, tmp_path: Path) -> None:
    """It loads as a plain model and, with its report, as a compressed one; PyTorch gives the same logits."""
    found = compress(fractions, 6, method="pca")
    found.save(tmp_path / "model")
    plain, whole = raspc.load(tmp_path / "model"), load(tmp_path / "model")
    assert whole.report == found.report
    tokens = ["BOS", "a", "x", "x"]
    assert plain.apply(tokens).decoded == found.apply(tokens).decoded == whole.apply(tokens).decoded
    ids = torch.tensor(found.encode_batch([tokens]))
    with torch.no_grad():
        logits = found.to("torch")(ids)
    assert np.allclose(logits, found.apply(tokens).unembedded, atol=1e-5)
    (tmp_path / "model" / "compression.json").write_text("{}")
    with pytest.raises(ModelFormatError):
        load(tmp_path / "model")


def test_softer_heads_compute_the_same(fractions: Model, places: Model) -> None:
    """Means and widths at a margin of 32 are right; at a margin of 1 they are not: the scores were scaled."""
    for model in (fractions, places):
        assert averaging_heads(model) == [(0, 0)]
        assert raspc.check(softened(model, 32.0)).ok
    assert raspc.check(softened(fractions, 1.0)).failures > 0
    assert all_heads(places) == [(0, 0), (1, 0)]
    assert raspc.check(softened(places, 32.0, all_heads(places))).ok


@pytest.mark.parametrize("name", ["hist", "sort", "reverse", "pair_balance", "shuffle_dyck1", "frac_prevs"])
def test_swapping_a_variable_in_the_compiled_model_is_swapping_it_in_the_program(name: str) -> None:
    """The intervention itself is right: on compiled weights every variable that can be swapped agrees.

    Not quite everywhere in `sort`: there the swap makes pairs of widths that no input has, for which a compiled table
    need not hold anything.
    """
    entry = library.get(name)
    model = raspc.compile(entry.program, vocab=set(entry.vocab), max_seq_len=4, causal=entry.causal, optimize=0)
    pool = make_pool(model, 400)
    wide = {n: torch.tensor(np.asarray(model.params[n], np.float64)) for n in model.params}
    rows = interchange(pool, wide, wide, np.eye(model.config.d_model), count=64)
    scores = [row["compiled"] for row in rows if row["compiled"] is not None]
    assert scores and min(scores) >= (0.9 if name == "sort" else 1.0)
    assert all(row["subspace"] == row["compiled"] == row["features"] for row in rows)


def test_probes_read_what_is_there(places: Model) -> None:
    """Tokens can be read from the pruned embedding; shuffled labels cannot be; nor the answer before any layer."""
    report = compress(places, live(places), method="pruned", temperature=None).report
    assert report is not None
    rows = {(row["variable"], row["stage"]): row for row in report.probes}
    assert rows["tokens", -1]["probe"] == 1.0
    assert rows["tokens", -1]["control"] < 0.7
    assert rows["sort_unique", -1]["probe"] < 0.95 < rows["sort_unique", 2]["probe"]


def test_the_report_names_the_variable_that_differs(places: Model) -> None:
    """With the directions of `place` cut out, `place` is what the report names, or what it alone feeds."""
    model = places
    wide = [i for i, label in enumerate(model.residual_labels) if not label.startswith("place:")]
    pool = make_pool(model, 4096)
    w = np.eye(model.config.d_model)[:, wide]
    from raspc.compress.measuring import culprit_of, layer_rows

    runs = Runs.begin(pool, w[None], Protocol(), torch.float64)
    found = culprit_of(layer_rows(pool, runs.run()))
    assert found is not None and found["variable"] == "sort_unique"
    blind = np.eye(model.config.d_model)
    blind[model.residual_labels.index("place.share")] = 0
    runs = Runs.begin(pool, blind[None], Protocol(), torch.float64)
    found = culprit_of(layer_rows(pool, runs.run()))
    assert found is not None and found["variable"] == "place" and found["where"] == "layer 0 MLP"


def test_shares_add_up(places: Model) -> None:
    """Parts of the norm sum to 1; the dimensions of orthogonal directions are whole, those of all at most d."""
    pruned, mixed = (compress(places, 9, method=m, faithfulness=False).report for m in ("pruned", "svd"))
    assert pruned is not None and mixed is not None
    for report in (pruned, mixed):
        assert sum(share["norm"] for share in report.shares.values()) == pytest.approx(1)
        assert sum(share["dimensions"] for share in report.shares.values()) <= 9 + 1e-9
    assert sum(share["dimensions"] for share in pruned.shares.values()) == pytest.approx(9)


def test_an_accurate_model_that_is_not_faithful_is_labelled(fractions: Model) -> None:
    """The verdict follows accuracy first, then the swaps that the compiled model passes."""
    report = compress(fractions, live(fractions), method="pruned").report
    assert report is not None and report.verdict == "accurate and faithful"
    row = {"variable": "v", "compiled": 1.0, "subspace": 0.2, "features": 0.2}
    assert dataclasses.replace(report, interchange=(row,)).verdict == "accurate but not faithful"
    assert dataclasses.replace(report, interchange=({**row, "compiled": 0.5},)).verdict == "accurate"
    assert dataclasses.replace(report, accuracy=0.9).verdict == "not accurate"
    assert dataclasses.replace(report, accuracy=0.993, commonest=0.993).verdict == "not accurate"
    assert CompressionReport.from_json(report.to_json()) == report


BAD: list[tuple[int, dict[str, Any], str]] = [
    (0, {}, "d is 0"),
    (99, {}, "less than the model's"),
    (True, {}, "d is True"),
    (4, {"method": "magic"}, "method is 'magic'"),
    (4, {"seeds": 0}, "seeds are 0"),
    (4, {"seeds": (1, 1)}, "seeds are"),
    (4, {"colour": 1}, "unknown options"),
    (4, {"form": "flat"}, "form is 'flat'"),
    (4, {"steps": -1}, "steps is -1"),
    (4, {"learning_rate": float("nan")}, "learning_rate"),
    (4, {"learning_rate": 1e38}, "learning_rate is 1e.38, needed a positive number up to 1e.30"),
    (4, {"temperature": 0.0}, "temperature"),
    (4, {"inputs": []}, "no inputs"),
    (4, {"inputs": [["z"]]}, "not in the vocabulary"),
]


@pytest.mark.parametrize(("d", "options", "message"), BAD, ids=str)
def test_bad_input_is_refused(fractions: Model, d: int, options: dict[str, Any], message: str) -> None:
    """Each wrong argument gives one message that names it, before anything runs."""
    with pytest.raises(InputError, match=message):
        compress(fractions, d, **options)


def test_a_model_without_a_bound_or_a_program_is_refused(fractions: Model) -> None:
    """An output in an interval without bounds, and a model that holds no graph."""
    graph = fractions.graph
    endless = dataclasses.replace(graph[graph.output], domain=Interval(0.0, float("inf")))
    nodes = (*graph.nodes[: graph.output], endless, *graph.nodes[graph.output + 1 :])
    unbounded = dataclasses.replace(fractions, graph=dataclasses.replace(graph, nodes=nodes))
    with pytest.raises(InputError, match="interval without bounds"):
        compress(unbounded, 4)
    with pytest.raises(InputError, match="no graph"):
        compress(dataclasses.replace(fractions, graph=None), 4)


def test_without_pytorch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    from raspc.compress import require

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'raspc\[torch\]'"):
        require("torch")
