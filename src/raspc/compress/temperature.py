"""Softer heads: an averaging head needs its selected keys' scores equal, and heat forgives what is not quite so.

Under interference δ a head of inverse temperature β weighs two selected keys by a ratio of up to e^(2βδ), while what it
leaks to unselected ones is about N·e^(−β/2): β of 32 leaves 1e-7 of a leak where 256 or more multiplies δ.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from raspc.errors import InputError
from raspc.graph.nodes import Aggregate, Width
from raspc.run.plain import Array
from raspc.weights.model import Model


def averaging_heads(model: Model) -> list[tuple[int, int]]:
    """(layer, head) of every head that takes a mean or a width. Raises InputError for a model without a graph."""
    graph = model.tabulated
    found = []
    for label, facts in model.alignment.variables.items():
        node = graph[graph.labels.index(label)]
        if isinstance(node, Width) or (isinstance(node, Aggregate) and not node.pick):
            found += [(part.layer, part.head) for part in facts.heads]
    return sorted(set(found))


def all_heads(model: Model) -> list[tuple[int, int]]:
    """(layer, head) of every head that does anything."""
    config = model.config
    return [
        (layer, head)
        for layer, widths in enumerate(config.widths)
        for head in range(widths.n_heads)
        if np.any(_columns(model, layer, head, config.target.names.layer(layer).query.b))
    ]


def softened(model: Model, beta: float, heads: list[tuple[int, int]] | None = None) -> Model:
    """The model with the scores of its averaging heads, or of those given, scaled down to a margin of `beta`.

    The function stays the same up to a leak of about N·exp(−beta/2). Heads that are softer already stay as they are.
    Raises InputError for a margin that is not positive.
    """
    if not beta > 0 or not math.isfinite(beta):
        raise InputError(f"temperature: found a margin of {beta!r}; needed a positive number, such as 32")
    params = {name: np.array(model.params[name]) for name in model.params}
    for layer, head in averaging_heads(model) if heads is None else heads:
        _soften(params, model, layer, head, beta)
    return replace(model, params=params, certificate=None)


def _soften(params: dict[str, Array], model: Model, layer: int, head: int, beta: float) -> None:
    """Every score but the absolute one of a raised sink (ln N) is a multiple of the compiler's scale."""
    key = _columns(model, layer, head, model.config.target.names.layer(layer).key.w)
    sink = max((j for j in range(key.shape[1]) if np.any(key[:, j])), default=None)
    if sink is None:
        return
    called = model.config.target.names.layer(layer).query
    query, bias = (_columns(model, layer, head, name) for name in called)
    scale = float(np.abs(query[:, sink]).max()) / 2
    d_head = model.config.widths[layer].d_head
    present = scale / model.config.target.score_divisor(d_head)
    factor = beta / present
    if not 0 < factor < 1:
        return
    start = head * d_head
    cut = slice(start, start + d_head)
    params[called.w][:, cut] = query * factor
    softer = bias * factor
    if abs(bias[sink]) < scale / 4:  # a sink of ln N rather than half a margin below "selected"
        softer[sink] = bias[sink]
    params[called.b][cut] = softer


def _columns(model: Model, layer: int, head: int, name: str) -> Array:
    """The part of a parameter of a layer that belongs to one head."""
    d_head = model.config.widths[layer].d_head
    array: Array = model.params[name]
    return array[..., head * d_head : (head + 1) * d_head]
