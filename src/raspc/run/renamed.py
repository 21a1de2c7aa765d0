"""Dimensions that are used again, under new names: the neurons that clear them away need not run.

A compact model clears a dimension for the next variable by −relu(x) + relu(−x), added to x, or by −relu(x) where x is
not negative. Where x is what embeddings left there, the next variable begins at 0 under a name of its own, and x is
read from tables. That is another order of the same sum, x − x + y for x + (y − x), which rounds by a unit of x less; so
that nobody can tell, only dimensions of small numbers are renamed, and none that a layer has written to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from raspc.run.plain import Array, Ids, Layer, Linear, Weights

SMALL = 1.0
"""Dimensions with larger numbers keep their name: what is checked has to round as what is run."""


class Stage(NamedTuple):
    """Of one layer: the names of all dimensions before and after its MLP, and the neurons that only clear some."""

    before: Ids
    after: Ids
    sweepers: Ids


def renamed(weights: Weights) -> Weights:
    """The same pass over a stream in which no dimension is cleared; the weights themselves where none is."""
    stages = list(_stages(weights))
    width, last = max((int(stage.after.max()) + 1 for stage in stages), default=0), stages[-1].after if stages else ()
    if width <= weights.pos_embed.shape[1]:
        return weights
    start = np.arange(weights.pos_embed.shape[1])
    return replace(
        weights,
        token_embed=_columns(weights.token_embed, start, width),
        pos_embed=_columns(weights.pos_embed, start, width),
        layers=tuple(_named(layer, stage, width) for layer, stage in zip(weights.layers, stages, strict=True)),
        unembed=_read(weights.unembed, np.asarray(last), width),
    )


def _stages(weights: Weights) -> Iterator[Stage]:
    names = np.arange(weights.pos_embed.shape[1])
    width = len(names)
    least, most = (end(weights.token_embed, axis=0) + end(weights.pos_embed, axis=0) for end in (np.min, np.max))
    small = np.maximum(-least, most) <= SMALL
    for layer in weights.layers:
        small &= ~_written(layer.linear)
        swept, sweepers = _sweeps(layer, small, least >= 0)
        small &= ~_written(layer.linear_2)
        after = names.copy()
        after[swept] = width + np.arange(len(swept))
        yield Stage(names, after, sweepers)
        names, width = after, width + len(swept)


def _written(linear: Linear) -> Array:
    """[d_model]: what a linear map adds to."""
    return np.asarray(linear.w.any(0) | (linear.b != 0))


def _sweeps(layer: Layer, small: Array, positive: Array) -> tuple[Ids, Ids]:
    """The small dimensions that an MLP clears, and the neurons that do it: one where nothing is negative, else two."""
    first, second = layer.linear_1, layer.linear_2
    lone = np.flatnonzero(((first.w != 0).sum(0) == 1) & ((second.w != 0).sum(1) == 1) & (first.b == 0))
    if not len(lone):
        return lone, lone
    place, target = np.abs(first.w[:, lone]).argmax(0), np.abs(second.w[lone]).argmax(1)
    read, write = first.w[place, lone], second.w[lone, target]
    inverse = (place == target) & (write == -read)
    up, down = (
        dict(zip(place[which].tolist(), lone[which].tolist(), strict=True))
        for which in (inverse & (read == 1), inverse & (read == -1))
    )
    swept = [d for d in up if small[d] and (d in down or positive[d])]
    sweepers = [side[d] for side in (up, down) for d in swept if d in side]
    return np.array(swept, np.intp), np.array(sweepers, np.intp)


def _named(layer: Layer, stage: Stage, width: int) -> Layer:
    """The layer over the dimensions by their names, without the neurons that clear some."""
    before, after, sweepers = stage
    stay = np.delete(np.arange(len(layer.linear_1.b)), sweepers)
    first = Linear(layer.linear_1.w[:, stay], layer.linear_1.b[stay])
    second = Linear(layer.linear_2.w[stay], layer.linear_2.b)
    query, key, value = (_read(linear, before, width) for linear in (layer.query, layer.key, layer.value))
    mixed = _write(layer.linear, before, width)
    return Layer(query, key, value, mixed, _read(first, before, width), _write(second, after, width))


def _read(linear: Linear, names: Ids, width: int) -> Linear:
    return Linear(np.ascontiguousarray(_columns(linear.w.T, names, width).T), linear.b)


def _write(linear: Linear, names: Ids, width: int) -> Linear:
    return Linear(_columns(linear.w, names, width), _columns(linear.b, names, width))


def _columns(table: Array, names: Ids, width: int) -> Array:
    """The columns under their names, and 0 in all others."""
    found: Array = np.zeros((*table.shape[:-1], width), table.dtype)
    found[..., names] = table
    return found
