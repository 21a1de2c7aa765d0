"""Narrowing: from a width at which nothing is lost, one dimension after the other; and the layout of the paper."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import raspc
from raspc import InputError, Model
from raspc.compress import Protocol, compress, starts
from raspc.compress.layout import as_in_paper
from raspc.compress.narrowing import Narrowing, ordered
from raspc.compress.pool import make_pool
from raspc.compress.runs import Runs
from raspc.compress.temperature import all_heads, softened
from raspc.compress.training import clip

SHORT: dict[str, Any] = {"steps": 40, "every": 10, "batch": 8, "polish": 0}


class Killed(Exception):
    """Stands for a killed process."""


def test_a_narrowing_takes_one_dimension_after_the_other() -> None:
    """Two stages: each fades the last live column, and no column that is gone comes back."""
    narrowing = Narrowing(begin=5, end=3, steps=100)
    assert [step for step in range(100) if narrowing.begins(step)] == [0, 50]
    masks = [narrowing.mask(step, torch.float64).tolist() for step in (0, 15, 45, 50, 65, 80, 100)]
    assert masks[0] == [1, 1, 1, 1, 1] and masks[2] == [1, 1, 1, 1, 0] and masks[3] == [1, 1, 1, 1, 0]
    assert masks[1] == pytest.approx([1, 1, 1, 1, 0.5]) and masks[4] == pytest.approx([1, 1, 1, 0.5, 0])
    assert masks[5] == masks[6] == [1, 1, 1, 0, 0]
    assert not narrowing.is_over(79) and narrowing.is_over(80)
    plain = Narrowing(4, 4, 100)
    assert plain.is_over(0) and plain.mask(0, torch.float64).tolist() == [1] * 4 and plain.done(50) == 0.5


def test_turning_w_changes_nothing(places: Model) -> None:
    """The principal axes of the stream are another basis of the same columns, the quietest last."""
    pool = make_pool(places, 100)
    runs = Runs.begin(pool, starts.starts(pool, 8, (0, 1), Protocol(start="random")), Protocol(), torch.float64)
    turned = dataclasses.replace(runs, w=ordered(runs, 8))
    before, after = runs.run(), turned.run()
    assert torch.allclose(before.logits, after.logits)
    loudness = torch.cat([state[:, pool.tokens] for state in after.stream], dim=1).square().mean(dim=1)
    assert (loudness.diff(dim=1) < 1e-12).all()


def test_narrowing_keeps_every_seed_in_a_good_valley(fractions: Model) -> None:
    """Below the width at which nothing is lost, all seeds end near the program; it is the default."""
    pool = make_pool(fractions, 100)
    assert starts.exact_width(pool, 2) == 5
    report = compress(fractions, 4, seeds=3, steps=600, polish=0, faithfulness=False).report
    assert report is not None and report.runs[0]["start"] == "narrowed"
    random = compress(fractions, 4, seeds=3, steps=600, polish=0, faithfulness=False, start="random").report
    assert random is not None
    assert max(row["output_loss"] for row in report.runs) < min(row["output_loss"] for row in random.runs)


def test_a_killed_narrowing_goes_on(fractions: Model, tmp_path: Path) -> None:
    """From a checkpoint in its second stage it ends where it would have ended; narrow layers have nothing to fade."""
    save, options = tmp_path / "training.safetensors", {**SHORT, "seeds": 2}

    def kill(step: int, steps: int) -> None:
        if step >= 30:
            raise Killed

    with pytest.raises(Killed):
        compress(fractions, 3, checkpoint=save, progress=kill, **options)
    resumed, whole = compress(fractions, 3, checkpoint=save, **options), compress(fractions, 3, **options)
    assert resumed.report is not None and whole.report is not None
    assert resumed.report.w == whole.report.w
    assert Protocol(form="narrow").start == "readers"


def test_a_gradient_is_clipped_for_each_run() -> None:
    """One run's large gradient is scaled, its neighbour's is not, what is no number counts as nothing."""
    parameter = torch.zeros(3, 2, requires_grad=True)
    parameter.grad = torch.tensor([[3.0, 4.0], [0.3, 0.4], [torch.nan, 0.1]])
    clip([parameter], 1.0)
    assert torch.allclose(parameter.grad, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.1]]))


def test_the_layout_of_the_paper_is_the_same_function(places: Model) -> None:
    """Two more dimensions, of which one is always 1 and carries every bias; nothing else changes, and only once."""
    model = as_in_paper(softened(places, 16.0, all_heads(places)))
    assert model.config.d_model == places.config.d_model + 2 and model.residual_labels[-2:] == ("one", "tokens:PAD")
    assert raspc.check(model).ok
    readers = [name for name in model.params if (name.endswith("/b") and "linear" not in name) or "linear_1/b" in name]
    assert len(readers) > 4 and not any(np.any(model.params[name]) for name in readers)
    report = compress(model, 12, method="pca", temperature=None, faithfulness=False).report
    assert report is not None and {"one", "tokens:PAD", "is_bos"} <= set(report.shares)
    with pytest.raises(InputError, match="named 'one'"):
        as_in_paper(model)
