"""`compress`: one width, one method, many seeds; the best run as a model with its report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from raspc.compress import checkpoint, core, measuring, polish, starts
from raspc.compress.course import Moment
from raspc.compress.interchange import interchange
from raspc.compress.model import CompressedModel, of_width
from raspc.compress.pool import Pool, make_pool
from raspc.compress.probes import probes
from raspc.compress.protocol import METHODS, QUICK, Protocol
from raspc.compress.report import CompressionReport
from raspc.compress.results import diverged, total_loss
from raspc.compress.rows import MomentRow, RunRow
from raspc.compress.runs import Runs
from raspc.compress.temperature import all_heads, softened
from raspc.compress.training import Progress, Trainer, threads
from raspc.errors import InputError
from raspc.weights.alignment import Compression
from raspc.weights.model import Model


@dataclass(frozen=True, eq=False)
class Outcome:
    """All runs of one width: their weights, a row of figures for each, the training's course."""

    pool: Pool
    d: int
    method: str
    protocol: Protocol
    seeds: tuple[int, ...]
    runs: Runs
    rows: tuple[RunRow, ...]
    history: tuple[Moment, ...]

    @property
    def best(self) -> int:
        """The run with the least loss; one that is not a number is the worst."""
        losses = [total_loss(row, self.protocol.layer_weight) for row in self.rows]
        return min(range(len(losses)), key=losses.__getitem__)

    @property
    def diverged(self) -> bool:
        """Whether no run has a loss that is a number."""
        return all(diverged(row) for row in self.rows)


def compress(
    model: Model,
    d: int,
    method: str = "trained",
    seeds: int | Iterable[int] = 1,
    protocol: Protocol = QUICK,
    *,
    inputs: Sequence[Sequence[Any]] | None = None,
    checkpoint: Path | str | None = None,
    progress: Progress | None = None,
    faithfulness: bool = True,
    **options: Any,
) -> CompressedModel:
    """The model with a residual stream of width d (Lindner et al. 2023, section 5); the best of several seeds.

    `method`: "trained" as in the paper, from `start` "random", "pca", "svd", "pruned" or "readers"; or one of these
    without training: "pca" of visited states, "svd" of the weights, "pruned" to the liveliest dimensions, "readers" to
    what is read of each variable. `seeds`: how many, or which; all are trained at once. `options` change the protocol:
    `steps`, `start`, `temperature`, … (see `Protocol`). `inputs`: those to train and measure on, without BOS; by
    default all, or 4,096 random ones.
    `checkpoint`: a file from which a killed training goes on. `faithfulness`: probe and interchange variables.

    Raises InputError for a d that is not from 1 to D − 1, an unknown method or option, a model without a graph, an
    output that no loss can be taken of, a checkpoint of another training, a training that diverged in every seed.
    """
    outcome = outcome_of(model, d, method, seeds, Protocol.of(options, protocol), inputs, checkpoint, progress)
    if outcome.diverged:
        raise InputError(
            f"width {d}: the training diverged in every seed {outcome.seeds}: no loss is a number; "
            "choose a lower learning_rate, weight_decay or noise"
        )
    return finished(outcome, outcome.best, faithfulness)


def outcome_of(
    model: Model,
    d: int,
    method: str,
    seeds: int | Iterable[int],
    protocol: Protocol,
    inputs: Sequence[Sequence[Any]] | None = None,
    save: Path | str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """The runs of one width, measured. Raises as `compress` does."""
    check_width(model, d)
    chosen = seeds_of(seeds) if method == "trained" else (0,)
    if method not in METHODS:
        raise InputError(f"method is {method!r}, needed one of {METHODS}")
    with threads(protocol.threads):
        pool = make_pool(soft(model, protocol), protocol.pool, inputs)
        began = time.process_time()
        if method == "trained":
            runs, history = _trained(pool, d, chosen, protocol, save, progress)
        else:
            runs, history = Runs.begin(pool, starts.start(method, pool, d)[None], protocol), ()
        seconds = time.process_time() - began
        exact = runs.in_dtype(torch.float64)
        figures = measuring.rows_of(Runs(pool, exact.shape, exact.form, exact.w, exact.wide, exact.own), pool)
    start = protocol.start if method == "trained" else None
    steps = history[-1].step if history else 0
    rows = tuple(
        RunRow(**row, d=d, method=method, start=start, seed=seed, steps=steps, seconds=seconds / len(chosen))
        for seed, row in zip(chosen, figures, strict=True)
    )
    return Outcome(pool, d, method, protocol, chosen, runs, rows, history)


def check_width(model: Model, d: int) -> None:
    """Raises InputError for a width that is no compression, and for a model whose layers have widths of their own."""
    model.config.width_for("compression")
    full = model.config.d_model
    if not isinstance(d, int) or isinstance(d, bool) or not 1 <= d < full:
        raise InputError(f"d is {d!r}; needed a width from 1 to {full - 1}, less than the model's {full}")


def seeds_of(seeds: int | Iterable[int]) -> tuple[int, ...]:
    """The seeds 0, 1, … of a count, or those given. Raises InputError for none, or for one that is no count."""
    found = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if (
        not found
        or any(not isinstance(seed, int) or not 0 <= seed < 2**63 for seed in found)
        or len(set(found)) < len(found)
    ):
        raise InputError(f"seeds are {seeds!r}; needed a count of 1 or more, or different integers from 0 to 2**63 - 1")
    return found


def soft(model: Model, protocol: Protocol) -> Model:
    """The model with its heads as soft as the protocol asks."""
    if protocol.temperature is None:
        return model
    return softened(model, protocol.temperature, all_heads(model) if protocol.soften == "all" else None)


def _trained(
    pool: Pool, d: int, seeds: tuple[int, ...], protocol: Protocol, save: Path | str | None, progress: Progress | None
) -> tuple[Runs, tuple[Moment, ...]]:
    begin = starts.starts(pool, d, seeds, protocol)
    trainer = Trainer(Runs.begin(pool, begin, protocol), seeds, protocol, d)
    name = checkpoint.identity(pool.model, d, seeds, protocol) if save is not None else ""
    course = trainer.train(None if save is None else Path(save), progress, name)
    runs = trainer.ended()
    if begin.shape[-1] == d:
        runs = _not_worse(runs, Runs.begin(pool, begin, protocol), protocol)
    return polish.polished(runs, protocol) if polish.can_polish(runs, protocol) else runs, tuple(course.history)


def _not_worse(runs: Runs, begun: Runs, protocol: Protocol) -> Runs:
    """The runs, but where one ends worse than it began, its beginning: a start by design may be exact already."""
    with torch.no_grad():
        ended, started = (
            torch.nan_to_num(output + protocol.layer_weight * layer, nan=torch.inf)
            for output, layer in (runs.losses(), begun.losses())
        )
        worse = ended > started

        def put_back(new: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
            return torch.where(worse.view(-1, *[1] * (new.dim() - 1)), old, new)

        own = {name: put_back(array, begun.own[name]) for name, array in runs.own.items()}
        return replace(runs, w=put_back(runs.w, begun.w), own=own)


def finished(outcome: Outcome, place: int, faithfulness: bool = True) -> CompressedModel:
    """One of the runs as a model, with the report on all of them."""
    row, full = outcome.rows[place], outcome.pool.model.config.d_model
    facts = Compression(row["d"], row["method"], row["start"], row["seed"], full)
    model = of_width(outcome.pool.model, outcome.runs.arrays(place), outcome.d, facts)
    with threads(outcome.protocol.threads):
        return replace(model, report=_report(outcome, place, model, faithfulness))


def _report(outcome: Outcome, place: int, model: Model, faithfulness: bool) -> CompressionReport:
    pool, one = outcome.pool, outcome.runs.chosen([place]).in_dtype(torch.float64)
    w = one.w[0].numpy()
    with torch.no_grad():
        found = one.run()
    weights = core.tensors(model.params, torch.float64)
    wide = core.tensors(pool.model.params, torch.float64)
    layers = measuring.layer_rows(pool, found)
    row = outcome.rows[place]
    gram = w @ w.T
    return CompressionReport(
        method=outcome.method, d=outcome.d, full=len(w), output=pool.model.config.output.kind,
        exhaustive=pool.exhaustive, inputs=len(pool.ids),
        accuracy=row["accuracy"], sequences=row["sequences"], cosine=row["cosine"],
        output_loss=row["output_loss"], layer_loss=row["layer_loss"],
        layers=tuple(layers), shares=measuring.shares_of(pool.model, w), culprit=measuring.culprit_of(layers),
        labels=tuple(pool.model.residual_labels), w=_rows(w), gram=_rows(gram),
        norms=tuple(np.sqrt(np.diag(gram)).tolist()), protocol=outcome.protocol.to_json(), runs=outcome.rows,
        history=tuple(MomentRow(step=m.step, seconds=m.seconds, output=list(m.output), layer=list(m.layer))
                      for m in outcome.history),
        probes=tuple(probes(pool, found)) if faithfulness else (),
        interchange=tuple(interchange(pool, weights, wide, w)) if faithfulness else (),
        notes=notes_of(pool), commonest=pool.commonest,
    )  # fmt: skip


def notes_of(pool: Pool) -> tuple[str, ...]:
    """What a reader of the figures must know."""
    found = [] if pool.exhaustive else [f"measured on {len(pool.ids):,} inputs, not on all that there are"]
    return tuple(found + list(pool.graph.notes))


def _rows(matrix: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())
