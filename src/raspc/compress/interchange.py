"""Interchange interventions (Geiger et al. 2021): does swapping a variable swap the behaviour, as in the program?

For pairs of inputs of one length, the variable's part of the stream is taken from the source while the base runs, with
the source's positions shuffled, so that variables of the position change too; the program does the same with the
variable's values. Two ways to take a part: the `subspace` that the variable's
directions span (with what else lies in it), and the `features`: what the compiler wrote there, through W.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raspc.certify.checking.check import expected_numbers
from raspc.certify.checking.variables import stage_name
from raspc.compress import core
from raspc.compress.core import Frame, Tensors
from raspc.compress.pool import Answers, Pool, batch_of_ids
from raspc.compress.rows import SwapRow
from raspc.graph.evaluate import Batch, Column, Run, run_graph, start
from raspc.graph.nodes import UNDEFINED

PAIRS = 256


@dataclass(frozen=True, eq=False)
class Site:
    """Where a variable is swapped: its dimensions in the compiled stream, after the last stage that writes them."""

    label: str
    place: int
    dims: list[int]
    stage: int


@dataclass(frozen=True, eq=False)
class Pairs:
    """Base and source inputs, as places in the pool; both of a pair have one length.

    `order` [pair, position]: the source's position, BOS among them, that each position of the base takes from.
    """

    base: NDArray[np.int64]
    source: NDArray[np.int64]
    order: NDArray[np.int64]

    def shuffled(self, x: Tensor) -> Tensor:
        """Sources [pair, position, anything], or with an axis of runs before, in the order that bases take them."""
        return torch.stack(
            [row[..., torch.tensor(order), :] for row, order in zip(x.unbind(-3), self.order, strict=True)], -3
        )

    def column(self, column: Column) -> Column:
        """The same for a variable of the program, which knows no BOS."""
        order = self.order[:, 1:] - 1
        ids = np.take_along_axis(column.ids, order, axis=1)
        return Column(ids, None if column.numbers is None else np.take_along_axis(column.numbers, order, axis=1))


def sites(pool: Pool) -> list[Site]:
    """Every variable that has directions of its own which something reads."""
    found = []
    for label, facts in pool.model.alignment.variables.items():
        spaces = [space for space in facts.spaces if space.to_stage is not None]
        if spaces:
            dims = sorted({i for space in spaces for i in range(*space.dims)})
            found.append(Site(label, facts.node, dims, max(space.from_stage for space in spaces)))
    return found


def pairs_of(pool: Pool, count: int = PAIRS, seed: int = 0) -> Pairs:
    """Random pairs of different inputs of one length; long inputs are as frequent as in the pool."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, len(pool.ids), count)
    lengths = pool.batch.lengths
    alike = {int(n): np.flatnonzero(lengths == n) for n in np.unique(lengths)}
    source = np.array([rng.choice(alike[int(lengths[i])]) for i in base], np.int64)
    order = np.tile(np.arange(pool.ids.shape[1]), (count, 1))
    for row, place in enumerate(base):
        order[row, 1 : 1 + lengths[place]] = 1 + rng.permutation(lengths[place])
    return Pairs(base, source, order)


def interchange(
    pool: Pool, weights: Tensors, wide: Tensors, w: NDArray[np.float64], count: int = PAIRS, seed: int = 0
) -> list[SwapRow]:
    """A row for each variable: agreement with the program on answers that the swap changes there.

    `compiled` is the same in the compiled model, where it should be 1: a variable for which it is not is no test.
    `weights` are those of width d without an axis of runs. A share is None where no answer changes.
    """
    pairs = pairs_of(pool, count, seed)
    eye = np.eye(pool.model.config.d_model)
    return [_row(pool, site, pairs, weights, wide, w, eye) for site in sites(pool)]


def _row(
    pool: Pool, site: Site, pairs: Pairs, weights: Tensors, wide: Tensors, w: NDArray[np.float64], eye: Any
) -> SwapRow:
    goal = _counterfactual(pool, site, pairs)
    rank = int(np.linalg.matrix_rank(w[site.dims], tol=1e-3 * max(1e-9, float(np.abs(w).max()))))
    return {
        "variable": site.label, "stage": site.stage, "where": stage_name(site.stage), "rank": rank,
        "changed": int((goal.changed & goal.counted).sum()),
        "subspace": _agreement(pool, goal, _swapped(pool, site, pairs, weights, w, by_subspace=True)),
        "features": _agreement(pool, goal, _swapped(pool, site, pairs, weights, w, by_subspace=False)),
        "compiled": _agreement(pool, goal, _swapped(pool, site, pairs, wide, eye, by_subspace=True)),
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Goal:
    """The program's answers with the variable swapped; where they count, and where they are not the base's."""

    answers: Answers
    counted: NDArray[np.bool_]
    changed: NDArray[np.bool_]


def _counterfactual(pool: Pool, site: Site, pairs: Pairs) -> Goal:
    graph = pool.graph
    base, source = (batch_of_ids(pool.model, pool.ids[rows].numpy()) for rows in (pairs.base, pairs.source))
    plain, other = run_graph(graph, base), run_graph(graph, source)
    swapped = start(graph.nodes, base)
    if site.place:
        swapped.upto(site.place - 1)
    swapped.cells.append(pairs.column(other.column(site.place)))
    swapped.upto(len(graph) - 1)
    answers, before = (_answers(pool, run) for run in (swapped, plain))
    counted = base.real & ~(swapped.undefined | other.undefined)[:, None] & _defined(pool, swapped, base)
    changed = answers.ids != before.ids
    if answers.numbers is not None and before.numbers is not None:
        changed = changed | (np.abs(answers.numbers - before.numbers) > 0.02)
    return Goal(answers, counted, changed)


def _defined(pool: Pool, run: Run, batch: Batch) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = run.column(pool.graph.output).ids != UNDEFINED
    return found


def _answers(pool: Pool, run: Run) -> Answers:
    column = run.column(pool.graph.output)
    if pool.model.config.output.kind == "categorical":
        return Answers(column.ids, None, None)
    special, which, numbers = expected_numbers(column, pool.graph.variable(pool.graph.output).domain)
    return Answers(np.where(special, which, UNDEFINED), np.asarray(special), np.asarray(numbers))


def _agreement(pool: Pool, goal: Goal, logits: Any) -> float | None:
    """Of the answers that the swap changes in the program, how many the model gives."""
    where = goal.counted & goal.changed
    return float(goal.answers.right(logits[:, 1:])[where].mean()) if where.any() else None


def _swapped(pool: Pool, site: Site, pairs: Pairs, weights: Tensors, w: NDArray[np.float64], by_subspace: bool) -> Any:
    """The logits of the bases with the variable's part of the stream from the sources."""
    shape = Frame.of(pool.model.config)
    runs = {name: array[None] if array.dim() == 2 else array for name, array in weights.items()}
    base, source = pool.ids[pairs.base], pool.ids[pairs.source]
    own = torch.tensor(w[site.dims], dtype=runs[shape.target.names.unembed.w].dtype)
    with torch.no_grad():
        if by_subspace:
            theirs = pairs.shuffled(core.forward(runs, weights, own[:0], source, shape).stream[site.stage + 1])
            part = _projection(own)

            def edit(stage: int, x: Tensor) -> Tensor:
                return x + (theirs - x) @ part if stage == site.stage else x
        else:
            held = pool.target.stream[site.stage + 1][0][:, :, site.dims].to(own.dtype)
            moved = (pairs.shuffled(held[pairs.source]) - held[pairs.base]) @ own

            def edit(stage: int, x: Tensor) -> Tensor:
                return x + moved if stage == site.stage else x

        return core.forward(runs, weights, own[:0], base, shape, edit).logits[0].numpy()


def _projection(own: Tensor) -> Tensor:
    """Onto the span of the rows [k, d]: [d, d]."""
    _, s, v = torch.linalg.svd(own, full_matrices=False)
    kept = v[s > 1e-3 * max(float(s.max()), 1e-9)]
    found: Tensor = kept.T @ kept
    return found
