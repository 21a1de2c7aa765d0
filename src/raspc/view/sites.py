"""What a page needs to force variables at their readers, as `raspc.lab.forcing` does it."""

from __future__ import annotations

from typing import Any

import numpy as np

from raspc.errors import InputError, RaspcError
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Listed
from raspc.graph.tables import possible
from raspc.lab.demands import Demand, Site, scored_by, selectors_above
from raspc.lab.forcing import INNER, MOST_CELLS, WHOLE, Edits, Forced, Ground, axes_of, grid_of
from raspc.lab.held import ELEMENTWISE, cone
from raspc.lab.interventions import Erased
from raspc.view.arrays import pack
from raspc.weights.model import Model

MOST_NUMBERS = 1 << 19
"""A model whose readers are more numbers is not forced in a page: it would not stay small."""


def forcing(model: Model) -> dict[str, Any] | None:
    """The readers of each variable, and the mean of each space; None where these are not known, or too large.

    A model that was turned or compressed keeps no axes: there the page offers nothing, and Python does.
    """
    if model.alignment.rotation is not None or model.alignment.compression is not None:
        return None
    try:
        ground = Ground(model)
        if sum(_size(site) for site in ground.sites) > MOST_NUMBERS:
            return None
        return {
            "sites": [_site(ground, site) for site in ground.sites],
            "means": _means(ground),
            "together": _together(ground.graph),
        }
    except RaspcError:
        return None


def _size(site: Site) -> int:
    return sum(part.columns.size for demand in site.demands for part in demand.parts)


def _site(ground: Ground, site: Site) -> dict[str, Any]:
    return {
        "place": site.place, "layer": site.layer, "head": site.head,
        "mixed": None if site.mixed is None else site.mixed.tolist(),
        "demands": [_demand(demand) for demand in site.demands], "inner": _inner(ground.graph, site),
        "scale": site.scale, **_selectors(ground, site),
    }  # fmt: skip


def _selectors(ground: Ground, site: Site) -> dict[str, Any]:
    """What the selector of a head is made of, and what of it is scored: by which numbers of q, and whether by all.

    Of those that are scored by all the first that is forced decides.
    """
    if site.head is None:
        return {}
    scored = scored_by(ground.frame.plan, site.place)
    ways: list[tuple[int | None, int | str]] = [(scored.whole, WHOLE), (scored.inner, INNER), *scored.conjuncts.items()]
    return {
        "above": sorted(selectors_above(ground.graph, site.place)),
        "scored": [
            {"place": place, "from": numbers.start, "to": numbers.stop, "all": which in (WHOLE, INNER)}
            for place, which in ways
            if place is not None
            for numbers in (Edits.scored(site, which),)
        ],
    }


def _demand(demand: Demand) -> dict[str, Any]:
    parts = [{"place": part.place, "columns": pack(np.asarray(part.columns, np.float64))} for part in demand.parts]
    return {"channel": demand.channel, "at": demand.at.tolist(), "parts": parts}


def _inner(graph: Graph, site: Site) -> dict[str, Any] | None:
    """What neurons compute for each combination of what they are a function of; None where that is not listed."""
    if site.head is not None or site.layer < 0 or not isinstance(graph[site.place], ELEMENTWISE):
        return None
    axes = axes_of(graph, site.place, {part.place: None for part in site.demands[0].parts})
    if any(not isinstance(graph.variable(axis).domain, Listed) for axis in axes):
        return None
    try:
        cells = grid_of(graph, site.place, axes, [len(graph.variable(axis).listed) for axis in axes])
    except InputError:
        return None
    return {"axes": axes, "cells": pack(cells)}


def _means(ground: Ground) -> dict[str, Any]:
    """Of each space the mean of what it holds, at each position [position, directions]."""
    spaces = tuple(space for space in ground.spaces.values() if space.variable in ground.graph.labels)
    erased = Erased(ground, "", lambda batch: Forced({}, batch.real, {}), spaces, "mean")
    return {name: pack(np.asarray(mean, np.float32)) for name, mean in erased.means.items()}


def _together(graph: Graph) -> list[dict[str, Any]]:
    """For each table of which some combinations cannot be at one position: of what, and which can."""
    found: dict[tuple[int, ...], dict[str, Any]] = {}
    for place, node in enumerate(graph.nodes):
        if not isinstance(node, N.Table):
            continue
        leaves = [one for one in sorted(cone(graph, place)) if not isinstance(graph[one], ELEMENTWISE)]
        leaves = [one for one in leaves if isinstance(graph.variable(one).domain, Listed)]
        sizes = [len(graph.variable(one).listed) for one in leaves]
        if not leaves or tuple(leaves) in found or int(np.prod(sizes)) > MOST_CELLS:
            continue
        grid = np.broadcast_to(possible(leaves, graph.nodes, sizes), sizes)
        if not grid.all():
            found[tuple(leaves)] = {"leaves": leaves, "cells": pack(np.ascontiguousarray(grid))}
    return list(found.values())
