"""Positions that a family makes by biases: what the weights of its heads and neurons make, and how far off it is.

A head for each binary digit gives one key everything (`raspc.target.distances`). Which one, and by how much it leads,
is computed here from the parameters, for every place of an input. So it is known what the first layer writes
(`raspc.stock.placing`), and the table of positions that the plain model has is read off that. With p the number of a
place, u the unit roundoff, and a norm that leaves all that is read at one position off by a part c of itself, and each
number by a part r besides, these may be off:

- nothing, where the norm is the identity, and sums are of so few digits that none rounds;
- the number of a place, which k digits make, by (c + r + ku)·p: each moves what one key has, which the norm was before;
- what a neuron reads, p − j, by as much, and by (c + r + 2u)·(p + j) more; where p < j it is shut, as whole numbers are
  further apart;
- what all of n neurons write, by (n + 2)u of the size of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from raspc.certify.proof.loose import Loose
from raspc.certify.proof.rounding import fits, grain_of
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision
from raspc.stock.model import told_of
from raspc.stock.placing import Told
from raspc.target.families import FAMILIES
from raspc.weights.certificate import Link
from raspc.weights.model import Model

NOTHING = 104.0
"""A key that trails by so much gets nothing: e to minus this is less than half of the least number of float32."""


def off_places(model: Model, loose: Loose, precision: Precision) -> Floats | None:
    """[n_ctx, d_model]: how far off positions are that are made by biases; None where a table has them."""
    told = told_of(model)
    if told is None:
        return None
    if loose.exactly and _is_exact(told, precision):
        return np.zeros_like(told.table)
    unit = max(precision.unit, precision.sum_unit, precision.factor_unit) + precision.weight_error
    digits, neurons = told.biases.shape[1], len(told.back)
    places, at = np.abs(told.places).max(axis=1), np.abs(told.neurons.b)
    moved = loose.common + loose.rate + (digits + 1) * unit
    read = (moved + loose.common + loose.rate + 2 * unit) * places[:, None] + (
        loose.common + loose.rate + 2 * unit
    ) * at
    fired = told.fired
    wrong = np.where(told.places @ told.neurons.w + told.neurons.b < -2 * read, 0.0, read)
    size, written = np.abs(told.back), (neurons + 2) * unit
    found: Floats = moved * np.abs(told.places) + (wrong * (1 + written) + written * fired) @ size
    found[0] = 0.0  # BOS has no digits, and neurons at 0 are shut
    return 1.01 * found


def _is_exact(told: Told, precision: Precision) -> bool:
    """Whether no sum rounds, in whatever order it is added up, and all that is stored on the way is as it was."""
    if precision.weight_error:
        return False
    places, fired, back = told.places, told.fired, told.back
    steps = (places, fired, back, told.neurons.b, told.table - places, told.table)
    stored = all((precision.round(precision.round(one), precision.factor_bits) == one).all() for one in steps)
    whole = all((one == np.round(one)).all() for one in (places, fired))
    most = np.abs(places).max(axis=0) + fired.max(axis=0) @ np.abs(back)
    grain = grain_of(back).min(axis=0, initial=1.0)
    return stored and whole and bool(fits(grain, most, precision.sum_bits).all())


def links_of_places(model: Model, loose: Loose, precision: Precision) -> Iterator[Link]:
    """Whether one key leads all others, for every digit and place; whether BOS has no position; and what else is there.

    Heads of the program have no biases, and heads and neurons that make positions do nothing in later layers.
    """
    for parameter, size in _besides(model):
        if size > 0:
            yield Link("stray weights", parameter, size, 0.0, "of a bias or a weight that makes no position")
    told = told_of(model)
    if told is None:
        return
    name = FAMILIES[model.config.family].name
    part = 2 * precision.unit + told.terms * precision.sum_unit + 3 * precision.weight_error + loose.part
    yield Link("digit", name, NOTHING + 2 * told.reach * part, told.lead, "by which one key leads all others")
    if told.table[0].any():
        yield Link("position", name, float(np.abs(told.table[0]).max()), 0.0, "of what BOS has of a position")


def _besides(model: Model) -> Iterator[tuple[str, float]]:
    """The largest bias of heads of the program, and what heads and neurons for positions write in other layers."""
    config, held = model.config, model.config.held
    family = FAMILIES[config.family]
    if held is None or family.relative is None:
        return
    name = f"{family.relative}.weight"
    yield name, _largest(model.params[name][:, : held.n_heads])
    if not config.tells_by_distance:
        return
    columns, neurons = held.n_heads * config.widths[0].d_head, max(held.d_mlp, held.positions_to)
    for i in range(config.n_layers):
        linear, back = (f"{name.format(i=i)}.weight" for name in (family.modules.linear, family.modules.linear_2))
        if i > 0:
            yield linear, _largest(_rows(model, linear)[columns:])
        yield back, _largest(_rows(model, back)[held.positions_to if i == 0 else held.d_mlp : neurons])


def _rows(model: Model, name: str) -> Any:
    """A map as [in, out]."""
    return model.params[name] if FAMILIES[model.config.family].rows_are_inputs else model.params[name].T


def _largest(array: Any) -> float:
    return float(np.abs(array).max(initial=0.0))
